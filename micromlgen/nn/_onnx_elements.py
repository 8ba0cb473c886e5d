"""Operators of ONNX on each element: where they can, they become part of the product before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph_ops import Addition, Curve, CurveKind, Product, Softmaxing
from micromlgen.models._graph_window import Window
from micromlgen.nn._onnx_reader import Constant, Entry, Reader, Step, Translator

Array = NDArray[Any]
_CURVES: dict[str, CurveKind] = {"Sigmoid": "sigmoid", "Tanh": "tanh", "HardSwish": "hardswish"}


def _addition(reader: Reader, step: Step) -> Entry:
    for number in (0, 1):
        if isinstance(reader.known.get(step.inputs[number]), Constant):
            turned = replace(step, inputs=(step.inputs[1 - number], step.inputs[number]))
            return _biased(reader, turned, reader.constant(step, number).real())
    return added(reader, step, reader.entry(step, 0), reader.entry(step, 1))


def _biased(reader: Reader, step: Step, bias: Array) -> Entry:
    """A constant that is added to what a product gives."""
    entry = reader.entry(step)
    node = reader.producer(step, entry)
    flat = bias.reshape(-1)
    if node is None or not isinstance(node.operator, Product) or node.operator.scales is not None:
        raise UnsupportedError("Add of a constant to what is no product in float cannot be ported")
    of = node.operator
    channel = 0 if entry.image is not None else len(entry.shape) - 1
    along = [d for d, n in enumerate(bias.shape[::-1]) if n > 1]
    at = len(entry.shape) - 1 - channel
    if flat.size != len(of.bias) or along not in ([], [at]) or (of.low, of.high) != (-inf, inf):
        raise UnsupportedError(f"Add of a constant of the shape {list(bias.shape)} to {list(entry.shape)}")
    reader.replace(node, replace(of, bias=of.bias + flat))
    return entry


def added(reader: Reader, step: Step, a: Entry, b: Entry) -> Entry:
    """Two activations of one shape, added up.

    Raises
    ------
    UnsupportedError
        If the shapes differ.
    """
    if a.shape != b.shape:
        raise UnsupportedError(
            f"{step.kind} of the shapes {list(a.shape)} and {list(b.shape)}: only of the same"
        )
    if a.image != b.image:
        a, b = reader.plain(a), reader.plain(b)
    index = reader.add(Addition(), [a.index, b.index], reader.values[a.index].shape)
    return replace(a, index=index)


def _normalized(reader: Reader, step: Step) -> Entry:
    gain, offset, mean, variance = (
        reader.constant(step, i).real().reshape(-1).astype(np.float64) for i in range(1, 5)
    )
    gain = gain / np.sqrt(variance + float(step.get("epsilon", 1e-5)))
    offset = offset - mean * gain
    if not (np.isfinite(gain).all() and np.isfinite(offset).all()):
        raise UnsupportedError("BatchNormalization with numbers that are not finite")
    entry = reader.entry(step)
    if entry.shape[0] != gain.size:
        raise UnsupportedError(f"BatchNormalization by {gain.size} numbers of {list(entry.shape)}")
    node = reader.producer(step, entry)
    of = None if node is None else node.operator
    if isinstance(of, Product) and of.scales is None and (of.low, of.high) == (-inf, inf):
        assert node is not None
        weights = (of.weights * gain[:, None, None, None]).astype(np.float32)
        bias = (of.bias * gain + offset).astype(np.float32)
        reader.replace(node, replace(of, weights=weights, bias=bias))
        return entry
    if len(entry.shape) == 1:
        image = (1, 1, gain.size)
    else:
        entry, image = reader.image(step, entry)
    weights = gain.astype(np.float32).reshape(-1, 1, 1, 1)
    operator = Product(Window(image), weights, offset.astype(np.float32), depthwise=True)
    return replace(entry, index=reader.add(operator, [entry.index], reader.values[entry.index].shape))


def _limited(reader: Reader, step: Step) -> Entry:
    low, high = 0.0, inf
    if step.kind == "Clip":
        ends = [reader.maybe(step, i) for i in (1, 2)]
        low = float(step.get("min", -inf)) if ends[0] is None else float(ends[0].real().reshape(-1)[0])
        high = float(step.get("max", inf)) if ends[1] is None else float(ends[1].real().reshape(-1)[0])
    entry = reader.entry(step)
    node = reader.producer(step, entry)
    of = None if node is None else node.operator
    if isinstance(of, (Product, Addition)) and node is not None and low <= 0 <= high:
        reader.replace(node, replace(of, low=max(of.low, low), high=min(of.high, high)))
        return entry
    if (low, high) not in ((0.0, inf), (0.0, 6.0)):
        raise UnsupportedError(f"Clip to {low:g} and {high:g} of what is no product cannot be ported")
    return _elementwise(reader, entry, "relu" if high == inf else "relu6")


def _elementwise(reader: Reader, entry: Entry, kind: CurveKind) -> Entry:
    return replace(entry, index=reader.add(Curve(kind), [entry.index], reader.values[entry.index].shape))


def _curve(reader: Reader, step: Step) -> Entry:
    return _elementwise(reader, reader.entry(step), _CURVES[step.kind])


def _softmax(reader: Reader, step: Step) -> Entry:
    entry = reader.plain(reader.entry(step))
    axis, rank = int(step.get("axis", -1)), len(entry.shape) + 1
    if axis % rank != rank - 1:
        raise UnsupportedError(f"Softmax along the axis {axis} of {rank}: only the last can be ported")
    return Entry(reader.add(Softmaxing(entry.shape[-1]), [entry.index], entry.shape), entry.shape)


TRANSLATORS: Mapping[str, Translator] = {
    "Add": _addition,
    "BatchNormalization": _normalized,
    "Relu": _limited,
    "Clip": _limited,
    **dict.fromkeys(_CURVES, _curve),
    "Softmax": _softmax,
}
