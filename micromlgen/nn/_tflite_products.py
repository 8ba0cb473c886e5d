"""Operators of TensorFlow Lite that see windows of an image, or multiply by weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph_ops import Pooling, Product
from micromlgen.models._graph_value import Value
from micromlgen.models._graph_window import Window, same_padding
from micromlgen.nn._flat import FlatOperator
from micromlgen.nn._tflite_reader import Reader, Translated, Translator, expect, fused

#: Largest side of a window, stride or dilation.
_MOST_SIDE = 4096


def _moved(op: FlatOperator, image: tuple[int, int, int], size: tuple[int, int], dilated: bool) -> Window:
    """The window of an operator, by its options."""
    stride = op.option("StrideH"), op.option("StrideW")
    dilation = (op.option("DilationHFactor"), op.option("DilationWFactor")) if dilated else (1, 1)
    if min(*stride, *dilation, *size) < 1:
        raise UnsupportedError(f"{op.code} with the stride {stride}, dilation {dilation}, window {size}")
    if max(*stride, *dilation, *size) > _MOST_SIDE:
        raise UnsupportedError(
            f"{op.code} with the stride {stride}, dilation {dilation}, window {size} is too large"
        )
    same = op.option("Padding") == 0
    pad = same_padding(image[:2], size, stride, dilation) if same else (0, 0, 0, 0)
    window = Window(image, size, stride, dilation, pad)
    if min(window.places) < 1:
        raise UnsupportedError(f"{op.code}: the window {size} does not fit in the image {list(image)}")
    return window


def _weighted(
    reader: Reader, op: FlatOperator, window: Window, order: tuple[int, ...], by_channel: int, **more: Any
) -> Product:
    """A product; `order` brings the axes of its weights into (n_out, height, width, n_in)."""
    quantized = reader.input(op).scale is not None
    kind = "int8" if quantized else "float32"
    tensor = reader.constant(op, 1, [kind])
    assert tensor.data is not None
    shape = tensor.data.shape
    weights = np.ascontiguousarray(
        (tensor.data.reshape(shape[0], 1, 1, shape[1]) if len(shape) == 2 else tensor.data).transpose(order)
    )
    scales = None
    if quantized:
        scales = tensor.scales
        if scales is None or tensor.zeros is None or tensor.zeros.any():
            raise UnsupportedError(
                f"{op.code} whose weights have no scale, or a zero point; quantise symmetrically"
            )
        if len(scales) > 1 and (tensor.axis != by_channel or len(scales) != len(weights)):
            raise UnsupportedError(f"{op.code} whose weights have scales that are not by output channel")
    bias = np.zeros(len(weights), np.int32 if quantized else np.float32)
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        given = reader.constant(op, 2, ["int32" if quantized else "float32"]).data
        assert given is not None
        if given.size != len(weights):
            raise UnsupportedError(f"{op.code} with {given.size} biases of {len(weights)} outputs")
        bias = given.reshape(-1)
    if not quantized and not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise UnsupportedError(f"{op.code} has weights that are not finite")
    low, high = fused(op)
    return Product(window, weights, bias, scales, low, high, **more)


def _connected(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    if op.option("WeightsFormat") != 0:
        raise UnsupportedError("FULLY_CONNECTED with shuffled weights cannot be ported")
    weights = reader.constant(op, 1, ["int8", "float32"])
    n_in = weights.shape[-1]
    size = reader.input(op).size
    if len(weights.shape) != 2 or size % n_in:
        raise UnsupportedError(f"FULLY_CONNECTED with weights of the shape {list(weights.shape)}")
    window = Window((size // n_in, 1, n_in))
    operator = _weighted(reader, op, window, (0, 1, 2, 3), 0, connected=True)
    if len(operator.weights) * window.image[0] != out.size:
        raise UnsupportedError(f"FULLY_CONNECTED gives another shape than {list(out.shape)}")
    return operator, op.inputs[:1]


def _convolution(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    image, shape = reader.image(op), reader.constant(op, 1, ["int8", "float32"]).shape
    if len(shape) != 4 or shape[3] != image[2]:
        groups = (
            "in groups" if len(shape) == 4 and image[2] % shape[3] == 0 else f"with weights {list(shape)}"
        )
        raise UnsupportedError(f"CONV_2D {groups} of an image {list(image)} cannot be ported")
    window = _moved(op, image, shape[1:3], True)
    expect(op, (*window.places, shape[0]), out)
    return _weighted(reader, op, window, (0, 1, 2, 3), 0), op.inputs[:1]


def _depthwise(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    image, shape = reader.image(op), reader.constant(op, 1, ["int8", "float32"]).shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] % image[2]:
        raise UnsupportedError(f"DEPTHWISE_CONV_2D with weights {list(shape)} of an image {list(image)}")
    window = _moved(op, image, shape[1:3], True)
    expect(op, (*window.places, shape[3]), out)
    return _weighted(reader, op, window, (3, 1, 2, 0), 3, depthwise=True), op.inputs[:1]


def _pooling(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    image = reader.image(op)
    window = _moved(op, image, (op.option("FilterHeight"), op.option("FilterWidth")), False)
    expect(op, (*window.places, image[2]), out)
    low, high = fused(op)
    return Pooling("mean" if op.code[0] == "A" else "max", window, low, high), op.inputs[:1]


TRANSLATORS: Mapping[str, Translator] = {
    "FULLY_CONNECTED": _connected,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _pooling,
    "MAX_POOL_2D": _pooling,
}
