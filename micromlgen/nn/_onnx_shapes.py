"""Operators of ONNX that move numbers, and compute none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph_ops import Joining, Padding, Reshaping, Transposition
from micromlgen.nn._onnx_reader import Constant, Entry, Reader, Step, Translator


def _identity(reader: Reader, step: Step) -> Entry | Constant:
    found = reader.known.get(step.inputs[0])
    return reader.entry(step) if found is None else found


def _constant(reader: Reader, step: Step) -> Constant:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in step.attributes:
            return Constant(np.asarray(step.attributes[name]))
    raise UnsupportedError("Constant without numbers")


def _concat(reader: Reader, step: Step) -> Entry:
    entries = [reader.entry(step, i) for i in range(len(step.inputs))]
    shapes = [e.shape for e in entries]
    axis = int(step.get("axis", 1))
    axis = axis + len(shapes[0]) if axis < 0 else axis - 1
    rest = {s[:axis] + s[axis + 1 :] for s in shapes}
    if not 0 <= axis < len(shapes[0]) or len(rest) != 1 or len({len(s) for s in shapes}) != 1:
        raise UnsupportedError(f"Concat of the shapes {shapes} along the axis {step.get('axis', 1)}")
    total = (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])
    if all(e.image == e.shape for e in entries):
        stored = (*total[1:], total[0])
        before = stored[: len(stored) - 1 if axis == 0 else axis - 1]
        index = reader.add(Joining(prod(before)), [e.index for e in entries], stored)
        return Entry(index, total, total)
    indices = [reader.plain(e).index for e in entries]
    return Entry(reader.add(Joining(prod(total[:axis])), indices, total), total)


def _pad(reader: Reader, step: Step) -> Entry:
    entry, widths = reader.plain(reader.entry(step)), reader.integers(step, 1, "pads")
    value = reader.maybe(step, 2)
    constant = float(step.get("value", 0.0)) if value is None else float(value.real().reshape(-1)[0])
    rank = len(entry.shape) + 1
    if step.get("mode", "constant") != "constant" or (len(step.inputs) > 3 and step.inputs[3]):
        raise UnsupportedError(f"Pad with mode={step.get('mode', 'constant')!r} or axes cannot be ported")
    if widths is None or len(widths) != 2 * rank or min(widths) < 0 or widths[0] or widths[rank]:
        raise UnsupportedError(f"Pad by {widths} of {list(entry.shape)}")
    before, after = tuple(widths[1:rank]), tuple(widths[rank + 1 :])
    shape = tuple(a + n + b for a, n, b in zip(before, entry.shape, after, strict=True))
    operator = Padding(entry.shape, before, after, constant)
    return Entry(reader.add(operator, [entry.index], shape, like=entry.index), shape)


def _reshaped(reader: Reader, step: Step) -> Entry:
    entry = reader.entry(step)
    shape = _new_shape(reader, step, entry)
    if prod(shape) != prod(entry.shape) or min(shape, default=0) < 1:
        raise UnsupportedError(f"{step.kind} of {list(entry.shape)} to {list(shape)}")
    if entry.image is not None and len(shape) == 1:
        return replace(entry, shape=shape)
    entry = reader.plain(entry)
    return Entry(reader.add(Reshaping(), [entry.index], shape, like=entry.index), shape)


def _new_shape(reader: Reader, step: Step, entry: Entry) -> tuple[int, ...]:
    """What a shape becomes, without the batch."""
    old = (1, *entry.shape)
    if step.kind == "Flatten":
        axis = int(step.get("axis", 1))
        if axis != 1:
            raise UnsupportedError(f"Flatten with axis={axis}; the batch must stay first")
        return (prod(entry.shape),)
    numbers = reader.integers(step, 1, "shape" if step.kind == "Reshape" else "axes")
    if numbers is None:
        raise UnsupportedError(f"{step.kind} without a constant shape or axes")
    if step.kind == "Squeeze":
        return tuple(n for d, n in enumerate(old) if d not in {a % len(old) for a in numbers})[
            0 if 0 in numbers else 1 :
        ]
    if step.kind == "Unsqueeze":
        rank = len(old) + len(numbers)
        places = {a % rank for a in numbers}
        rest = iter(old)
        return tuple(1 if d in places else next(rest) for d in range(rank))[1:]
    shape = [old[d] if n == 0 and d < len(old) else n for d, n in enumerate(numbers)]
    if shape.count(-1) == 1:
        known = prod(n for n in shape if n != -1)
        if shape[0] == -1:  # of the batch
            shape[0] = 1
        elif known > 0:
            shape[shape.index(-1)] = prod(old) // known
    if not shape or shape[0] != 1:
        raise UnsupportedError(f"Reshape to {numbers}: the batch of 1 must stay first")
    return tuple(shape[1:])


def _transpose(reader: Reader, step: Step) -> Entry:
    entry = reader.plain(reader.entry(step))
    order = [int(a) for a in step.get("perm", range(len(entry.shape), -1, -1))]
    if sorted(order) != list(range(len(entry.shape) + 1)) or order[0] != 0:
        raise UnsupportedError(f"Transpose by {order}: the batch must stay first")
    moved = tuple(a - 1 for a in order[1:])
    shape = tuple(entry.shape[a] for a in moved)
    return Entry(reader.add(Transposition(entry.shape, moved), [entry.index], shape, like=entry.index), shape)


TRANSLATORS: Mapping[str, Translator] = {
    "Identity": _identity,
    "Dropout": _identity,
    "Constant": _constant,
    "Concat": _concat,
    "Pad": _pad,
    "Flatten": _reshaped,
    "Reshape": _reshaped,
    "Squeeze": _reshaped,
    "Unsqueeze": _reshaped,
    "Transpose": _transpose,
}
