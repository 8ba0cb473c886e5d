"""Operators of ONNX, each translated by a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph_ops import (
    Addition,
    Averaging,
    Curve,
    CurveKind,
    Joining,
    Padding,
    Pooling,
    Product,
    Reshaping,
    Softmaxing,
    Transposition,
    averaged_axes,
)
from micromlgen.models._graph_window import Window, same_padding
from micromlgen.nn._onnx_reader import Constant, Entry, Reader, Step

Array = NDArray[Any]
Translator = Callable[[Reader, Step], "Entry | Constant"]
TRANSLATORS: dict[str, Translator] = {}
_CURVES: dict[str, CurveKind] = {"Sigmoid": "sigmoid", "Tanh": "tanh", "HardSwish": "hardswish"}
#: Largest side of a window.
_MOST_SIDE = 4096


def _translates(*kinds: str) -> Callable[[Translator], Translator]:
    def register(function: Translator) -> Translator:
        TRANSLATORS.update(dict.fromkeys(kinds, function))
        return function

    return register


@_translates("Identity", "Dropout")
def _identity(reader: Reader, step: Step) -> Entry | Constant:
    found = reader.known.get(step.inputs[0])
    return reader.entry(step) if found is None else found


@_translates("Constant")
def _constant(reader: Reader, step: Step) -> Constant:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in step.attributes:
            return Constant(np.asarray(step.attributes[name]))
    raise UnsupportedError("Constant without numbers")


def window_of(step: Step, image: tuple[int, int, int], size: Sequence[int]) -> Window:
    """The window of an operator, by its attributes; of one side, the height is 1."""
    one = len(size) == 1

    def both(name: str) -> tuple[int, ...]:
        given = [int(i) for i in step.get(name, [1] * len(size))]
        if len(given) != len(size):
            raise UnsupportedError(f"{step.kind} with {name}={given}")
        return (1, *given) if one else tuple(given)

    sizes = tuple([1, *size] if one else size)
    stride, dilation = both("strides"), both("dilations")
    pads = [int(i) for i in step.get("pads", [0] * 2 * len(size))]
    if len(sizes) != 2 or len(pads) != 2 * len(size) or min(pads) < 0:
        raise UnsupportedError(f"{step.kind} with the window {list(size)} and pads {pads}")
    if min(*sizes, *stride, *dilation) < 1 or max(*sizes, *stride, *dilation, *pads) > _MOST_SIDE:
        raise UnsupportedError(f"{step.kind} with the window {list(size)}, strides {stride}")
    pad = (0, pads[0], 0, pads[1]) if one else (pads[0], pads[1], pads[2], pads[3])
    auto = step.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pad = same_padding(
            image[:2], (sizes[0], sizes[1]), (stride[0], stride[1]), (dilation[0], dilation[1])
        )
        pad = pad if auto == "SAME_UPPER" else (pad[2], pad[3], pad[0], pad[1])
    elif auto not in ("NOTSET", "VALID"):
        raise UnsupportedError(f"{step.kind} with auto_pad={auto!r}")
    window = Window(image, (sizes[0], sizes[1]), (stride[0], stride[1]), (dilation[0], dilation[1]), pad)
    if min(window.places) < 1:
        raise UnsupportedError(f"{step.kind}: the window {list(size)} does not fit in {list(image)}")
    return window


def weighted(
    step: Step, constant: Constant, bias: Constant | None, order: Sequence[int], by_channel: int
) -> dict[str, Any]:
    """Weights and biases of a product; `order` brings the axes into (n_out, height, width, n_in)."""
    weights = np.ascontiguousarray(constant.data.transpose(order))
    scales = constant.scales
    if scales is not None and (weights.dtype != np.int8 or (scales.size > 1 and constant.axis != by_channel)):
        raise UnsupportedError(f"{step.kind} whose weights are not int8 with scales by output")
    n_out = len(weights)
    offset = np.zeros(n_out) if bias is None else bias.data.reshape(-1)
    if offset.size != n_out or (scales is not None and scales.size not in (1, n_out)):
        raise UnsupportedError(f"{step.kind} with {offset.size} biases of {n_out} outputs")
    if scales is None:
        offset = offset if bias is None else bias.real().reshape(-1)
        weights, offset = weights.astype(np.float32), offset.astype(np.float32)
        if not (np.isfinite(weights).all() and np.isfinite(offset).all()):
            raise UnsupportedError(f"{step.kind} has weights that are not finite")
    elif bias is not None and offset.dtype != np.int32:
        raise UnsupportedError(f"{step.kind} in int8 with a bias of {offset.dtype}; int32 is needed")
    return {
        "weights": weights,
        "bias": offset if scales is None else offset.astype(np.int32),
        "scales": scales,
    }


def convolved(reader: Reader, step: Step, entry: Entry, weights: Constant, bias: Constant | None) -> Entry:
    """A convolution."""
    entry, image = reader.image(step, entry)
    data, sides = weights.data, len(entry.shape) - 1
    if data.ndim != sides + 2 or data.shape[0] < 1:
        raise UnsupportedError(f"{step.kind} with weights {list(data.shape)} of {list(entry.shape)}")
    groups, n_out = int(step.get("group", 1)), data.shape[0]
    depthwise = groups > 1 and groups == image[2] and data.shape[1] == 1 and n_out % groups == 0
    if not depthwise and (groups != 1 or data.shape[1] != image[2]):
        raise UnsupportedError(f"{step.kind} in {groups} groups of {image[2]} channels cannot be ported")
    if sides == 1:
        weights = replace(weights, data=data.reshape(*data.shape[:2], 1, data.shape[2]))
    window = window_of(step, image, data.shape[2:])
    operator = Product(window, **weighted(step, weights, bias, (0, 2, 3, 1), 0), depthwise=depthwise)
    sizes = window.places if sides == 2 else window.places[1:]
    index = reader.add(operator, [entry.index], (*sizes, n_out))
    return Entry(index, (n_out, *sizes), (n_out, *sizes))


@_translates("Conv")
def _convolution(reader: Reader, step: Step) -> Entry:
    return convolved(reader, step, reader.entry(step), reader.constant(step, 1), reader.maybe(step, 2))


def connected(reader: Reader, step: Step, entry: Entry, weights: Constant, bias: Constant | None) -> Entry:
    """What is fully connected, by weights of shape (n_in, n_out)."""
    n_in, n_out = weights.data.shape[-2:] if weights.data.ndim == 2 else (0, 0)
    if n_in == 0 or entry.shape[-1] != n_in:
        raise UnsupportedError(
            f"{step.kind} of {list(entry.shape)} with weights of the shape {list(weights.data.shape)}"
        )
    if entry.image is not None and entry.shape == (prod(entry.image),):
        # Flattened: weights are put into the order of what is stored.
        order = np.arange(n_in).reshape(entry.image).transpose(*range(1, len(entry.image)), 0).reshape(-1)
        weights = replace(weights, data=weights.data[order])
    else:
        entry = reader.plain(entry)
    shaped = replace(weights, data=weights.data[None, None])
    window = Window((prod(entry.shape[:-1]), 1, n_in))
    parts = weighted(step, replace(shaped, axis=weights.axis + 2), bias, (3, 0, 1, 2), 3)
    shape = (*entry.shape[:-1], n_out)
    return Entry(reader.add(Product(window, **parts, connected=True), [entry.index], shape), shape)


@_translates("Gemm")
def _gemm(reader: Reader, step: Step) -> Entry:
    weights, bias = reader.constant(step, 1), reader.maybe(step, 2)
    if step.get("transA", 0) or weights.data.ndim != 2:
        raise UnsupportedError("Gemm with transA=1, or with weights of other than two axes, cannot be ported")
    alpha, beta = float(step.get("alpha", 1.0)), float(step.get("beta", 1.0))
    if step.get("transB", 0):
        weights = replace(weights, data=weights.data.T, axis=1 - weights.axis)
    if (alpha, beta) != (1.0, 1.0):
        weights = Constant(weights.real() * np.float32(alpha))
        bias = None if bias is None else Constant(bias.real() * np.float32(beta))
    return connected(reader, step, reader.entry(step), weights, bias)


@_translates("MatMul")
def _matmul(reader: Reader, step: Step) -> Entry:
    return connected(reader, step, reader.entry(step), reader.constant(step, 1), None)


@_translates("Add")
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
    """Two activations of one shape."""
    if a.shape != b.shape:
        raise UnsupportedError(
            f"{step.kind} of the shapes {list(a.shape)} and {list(b.shape)}: only of the same"
        )
    if a.image != b.image:
        a, b = reader.plain(a), reader.plain(b)
    index = reader.add(Addition(), [a.index, b.index], reader.values[a.index].shape)
    return replace(a, index=index)


@_translates("BatchNormalization")
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


@_translates("Relu", "Clip")
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


@_translates(*_CURVES)
def _curve(reader: Reader, step: Step) -> Entry:
    return _elementwise(reader, reader.entry(step), _CURVES[step.kind])


@_translates("Softmax")
def _softmax(reader: Reader, step: Step) -> Entry:
    entry = reader.plain(reader.entry(step))
    axis, rank = int(step.get("axis", -1)), len(entry.shape) + 1
    if axis % rank != rank - 1:
        raise UnsupportedError(f"Softmax along the axis {axis} of {rank}: only the last can be ported")
    return Entry(reader.add(Softmaxing(entry.shape[-1]), [entry.index], entry.shape), entry.shape)


@_translates("MaxPool", "AveragePool")
def _pooled(reader: Reader, step: Step) -> Entry:
    entry, image = reader.image(step, reader.entry(step))
    size = [int(i) for i in step.get("kernel_shape", ())]
    if len(size) != len(entry.shape) - 1:
        raise UnsupportedError(f"{step.kind} with kernel_shape={size} of {list(entry.shape)}")
    window = window_of(step, image, size)
    if max(window.dilation) > 1 or (any(window.pad) and step.get("count_include_pad", 0)):
        raise UnsupportedError(f"{step.kind} with dilations or count_include_pad=1 cannot be ported")
    if step.get("ceil_mode", 0) and _left_over(window):
        raise UnsupportedError(f"{step.kind} with ceil_mode=1 where windows leave the image cannot be ported")
    sizes = window.places if len(size) == 2 else window.places[1:]
    if max(p >= k for p, k in zip(window.pad[:2], window.size, strict=True)):
        raise UnsupportedError(f"{step.kind} with windows that see nothing of the image")
    operator = Pooling("max" if step.kind == "MaxPool" else "mean", window)
    index = reader.add(operator, [entry.index], (*sizes, image[2]), like=entry.index)
    return Entry(index, (image[2], *sizes), (image[2], *sizes))


def _left_over(window: Window) -> bool:
    """Whether pixels at the end are in no window."""
    sides = (window.image[0] + window.pad[0] + window.pad[2], window.image[1] + window.pad[1] + window.pad[3])
    return any((n - k) % s for n, k, s in zip(sides, window.size, window.stride, strict=True))


def globally_averaged(reader: Reader, step: Step, entry: Entry) -> Entry:
    """The mean over height and width."""
    entry, image = reader.image(step, entry)
    shape = (*(1,) * (len(entry.shape) - 1), image[2])
    index = reader.add(Averaging((1, image[0] * image[1], image[2])), [entry.index], shape)
    turned = (image[2], *(1,) * (len(entry.shape) - 1))
    return Entry(index, turned, turned)


@_translates("GlobalAveragePool")
def _global_mean(reader: Reader, step: Step) -> Entry:
    return globally_averaged(reader, step, reader.entry(step))


@_translates("GlobalMaxPool")
def _global_max(reader: Reader, step: Step) -> Entry:
    entry, image = reader.image(step, reader.entry(step))
    shape = (*(1,) * (len(entry.shape) - 1), image[2])
    operator = Pooling("max", Window(image, image[:2], image[:2]))
    index = reader.add(operator, [entry.index], shape, like=entry.index)
    turned = (image[2], *(1,) * (len(entry.shape) - 1))
    return Entry(index, turned, turned)


@_translates("ReduceMean")
def _mean(reader: Reader, step: Step) -> Entry:
    entry = reader.entry(step)
    axes, rank = reader.integers(step, 1, "axes"), len(entry.shape) + 1
    over = sorted({a % rank - 1 for a in axes or ()})
    if not over or over[0] < 0:
        raise UnsupportedError(f"ReduceMean over the axes {axes}")
    keep = bool(step.get("keepdims", 1))
    if entry.image == entry.shape and over == list(range(1, len(entry.shape))):
        out = globally_averaged(reader, step, entry)
        return out if keep else replace(out, shape=out.shape[:1])
    entry = reader.plain(entry)
    shape = tuple(1 if d in over else n for d, n in enumerate(entry.shape) if keep or d not in over)
    index = reader.add(Averaging(averaged_axes(entry.shape, over)), [entry.index], shape)
    return Entry(index, shape)


@_translates("Concat")
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


@_translates("Pad")
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


@_translates("Flatten", "Reshape", "Squeeze", "Unsqueeze")
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


@_translates("Transpose")
def _transpose(reader: Reader, step: Step) -> Entry:
    entry = reader.plain(reader.entry(step))
    order = [int(a) for a in step.get("perm", range(len(entry.shape), -1, -1))]
    if sorted(order) != list(range(len(entry.shape) + 1)) or order[0] != 0:
        raise UnsupportedError(f"Transpose by {order}: the batch must stay first")
    moved = tuple(a - 1 for a in order[1:])
    shape = tuple(entry.shape[a] for a in moved)
    return Entry(reader.add(Transposition(entry.shape, moved), [entry.index], shape, like=entry.index), shape)
