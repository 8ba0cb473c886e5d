"""Nets from .tflite files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph import Graph, Node
from micromlgen.models._graph_ops import (
    Addition,
    Averaging,
    Curve,
    CurveKind,
    Joining,
    Operator,
    Padding,
    Pooling,
    Product,
    Reshaping,
    Softmaxing,
    Transposition,
    averaged_axes,
)
from micromlgen.models._graph_scale import Rounding
from micromlgen.models._graph_value import Value
from micromlgen.models._graph_window import Window, same_padding
from micromlgen.nn._flat import FlatModel, FlatOperator, FlatTensor, file_bytes, parse, reading
from micromlgen.nn.net import Net

#: Largest side of an image or a window.
_MOST_SIDE = 4096
#: Ranges of fused activations by their numbers in the schema.
_ACTIVATIONS = {0: (-inf, inf), 1: (0.0, inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
#: What computes the shape for a RESHAPE, where the batch was open.
_OF_SHAPES = ("SHAPE", "STRIDED_SLICE", "PACK")
_CURVES: dict[str, CurveKind] = {
    "RELU": "relu",
    "RELU6": "relu6",
    "LOGISTIC": "sigmoid",
    "TANH": "tanh",
    "HARD_SWISH": "hardswish",
    "QUANTIZE": "identity",
}


def load_tflite(
    path: str | Path | bytes, *, classes: Sequence[Any] | None = None, rounding: Rounding = "single"
) -> Net:
    """A net from a .tflite file, for `micromlgen.port` and `transpile`.

    Parameters
    ----------
    path : str, Path or bytes
        A net in int8, or in float32: a file or its contents.
    classes : sequence, optional
        Labels of the outputs: the largest output decides. A net that ends in a softmax is a classifier
        without them too, of 0, 1, …; any other gives numbers.
    rounding : {"single", "double"}
        In int8: as LiteRT's reference kernels, or as those of TensorFlow Lite Micro.

    Raises
    ------
    UnsupportedError
        If the file is damaged, or holds an operator, an option, a type or a shape that cannot be ported.
    """
    what = "load_tflite" if isinstance(path, bytes) else f"load_tflite({str(path)!r})"
    flat = parse(file_bytes(path, what), what)
    with reading(what):
        try:
            graph = _Reader(flat).graph()
        except UnsupportedError as error:
            raise UnsupportedError(f"{what}: {error}") from error
    return Net(graph, "TfliteNet", classes, rounding)


class _Reader:
    """Translates operators one by one."""

    def __init__(self, flat: FlatModel) -> None:
        self.flat = flat
        self.nodes: list[Node] = []
        self.values: dict[int, Value] = {}

    def graph(self) -> Graph:
        flat = self.flat
        for what, ends in (("input", flat.inputs), ("output", flat.outputs)):
            if len(ends) != 1:
                raise UnsupportedError(f"the net has {len(ends)} {what}s; exactly one can be ported")
        given, wanted, operators = flat.inputs[0], flat.outputs[0], list(flat.operators)
        if operators and operators[0].code == "QUANTIZE" and flat.tensors[given].kind == "float32":
            given = operators.pop(0).outputs[0]
        if operators and operators[-1].code == "DEQUANTIZE" and operators[-1].outputs == (wanted,):
            wanted = operators.pop().inputs[0]
        self._value(given)
        for op in operators:
            self._translate(op)
        if wanted not in self.values:
            raise UnsupportedError("the output is not computed from the input")
        used = sorted(self.values)
        number = {index: i for i, index in enumerate(used)}
        nodes = tuple(
            Node(n.operator, tuple(number[i] for i in n.inputs), number[n.output]) for n in self.nodes
        )
        return Graph(tuple(self.values[i] for i in used), nodes, number[given], number[wanted])

    def _value(self, index: int) -> Value:
        """An activation, checked."""
        tensor = self.flat.tensors[index]
        name, shape = tensor.name, tensor.shape
        if len(shape) < 2 or abs(shape[0]) != 1:
            raise UnsupportedError(f"tensor {name!r} has the shape {list(shape)}; a batch of 1 comes first")
        if min(shape[1:]) < 1:
            raise UnsupportedError(
                f"tensor {name!r} has the dynamic shape {list(shape)}; export it with fixed ones"
            )
        if tensor.kind not in ("int8", "float32"):
            raise UnsupportedError(f"tensor {name!r} is of {tensor.kind}; int8 and float32 can be ported")
        value = Value(shape[1:])
        if tensor.kind == "int8":
            if tensor.scales is None or tensor.zeros is None or len(tensor.scales) != 1:
                raise UnsupportedError(f"tensor {name!r} is of int8 without one scale")
            if not -128 <= tensor.zeros[0] <= 127:
                raise UnsupportedError(f"tensor {name!r} has the zero point {tensor.zeros[0]}")
            value = Value(shape[1:], float(tensor.scales[0]), int(tensor.zeros[0]))
        if self.values and value.scale is None != next(iter(self.values.values())).scale is None:
            raise UnsupportedError(
                f"tensor {name!r} is of {tensor.kind}, unlike others; quantise the whole net"
            )
        self.values[index] = value
        return value

    def _translate(self, op: FlatOperator) -> None:
        if op.code in _OF_SHAPES and all(self.flat.tensors[o].kind == "int32" for o in op.outputs):
            return  # the file tells the shapes that these compute
        if op.code not in _TRANSLATORS:
            raise UnsupportedError(
                f"the operator {op.code} cannot be ported; these can: {', '.join(sorted(_TRANSLATORS))}"
            )
        if len(op.outputs) != 1 or not op.inputs:
            raise UnsupportedError(f"{op.code} with {len(op.outputs)} outputs")
        out = self._value(op.outputs[0])
        operator, inputs = _TRANSLATORS[op.code](self, op, out)
        for i in inputs:
            if i not in self.values:
                raise UnsupportedError(f"{op.code} of a constant or of what is not computed before it")
        if any(node.output == op.outputs[0] for node in self.nodes) or op.outputs[0] in inputs:
            raise UnsupportedError(f"{op.code} writes a tensor that is written already")
        self.nodes.append(Node(operator, inputs, op.outputs[0]))

    def constant(self, op: FlatOperator, number: int, kinds: Sequence[str]) -> FlatTensor:
        """A constant input of one of these types."""
        index = op.inputs[number] if number < len(op.inputs) else -1
        tensor = self.flat.tensors[index] if index >= 0 else None
        if tensor is None or tensor.data is None:
            raise UnsupportedError(f"{op.code} whose input {number} is not constant")
        if tensor.kind not in kinds:
            raise UnsupportedError(
                f"{op.code} with {tensor.kind} in its input {number}; {kinds[0]} can be ported"
            )
        return tensor

    def input(self, op: FlatOperator, number: int = 0) -> Value:
        """An activation that goes in."""
        index = op.inputs[number] if number < len(op.inputs) else -1
        if index not in self.values:
            raise UnsupportedError(f"{op.code} of a constant or of what is not computed before it")
        return self.values[index]

    def image(self, op: FlatOperator) -> tuple[int, int, int]:
        shape = self.input(op).shape
        if len(shape) != 3:
            raise UnsupportedError(f"{op.code} of the shape {list(shape)}; images of 3 axes are needed")
        return shape[0], shape[1], shape[2]


Translated = tuple[Operator, tuple[int, ...]]
_TRANSLATORS: dict[str, Callable[[_Reader, FlatOperator, Value], Translated]] = {}


def _translates(
    *codes: str,
) -> Callable[
    [Callable[[_Reader, FlatOperator, Value], Translated]],
    Callable[[_Reader, FlatOperator, Value], Translated],
]:
    def register(
        function: Callable[[_Reader, FlatOperator, Value], Translated],
    ) -> Callable[[_Reader, FlatOperator, Value], Translated]:
        _TRANSLATORS.update(dict.fromkeys(codes, function))
        return function

    return register


def _fused(op: FlatOperator) -> tuple[float, float]:
    number = op.option("FusedActivationFunction")
    if number not in _ACTIVATIONS:
        raise UnsupportedError(f"{op.code} with the fused activation number {number} cannot be ported")
    return _ACTIVATIONS[number]


def _expect(op: FlatOperator, shape: tuple[int, ...], out: Value) -> None:
    """Hold what an operator gives against what the file says."""
    if shape != out.shape:
        raise UnsupportedError(f"{op.code} gives the shape {list(shape)}, the file says {list(out.shape)}")


def _moved(op: FlatOperator, image: tuple[int, int, int], size: tuple[int, int], dilated: bool) -> Window:
    """The window of an operator, by its options."""
    stride = op.option("StrideH"), op.option("StrideW")
    dilation = (op.option("DilationHFactor"), op.option("DilationWFactor")) if dilated else (1, 1)
    if min(*stride, *dilation, *size) < 1:
        raise UnsupportedError(f"{op.code} with the stride {stride}, dilation {dilation}, window {size}")
    if max(*stride, *dilation, *size) > 4096:
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
    reader: _Reader, op: FlatOperator, window: Window, order: tuple[int, ...], by_channel: int, **more: Any
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
    low, high = _fused(op)
    return Product(window, weights, bias, scales, low, high, **more)


@_translates("FULLY_CONNECTED")
def _connected(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
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


@_translates("CONV_2D")
def _convolution(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    image, shape = reader.image(op), reader.constant(op, 1, ["int8", "float32"]).shape
    if len(shape) != 4 or shape[3] != image[2]:
        groups = (
            "in groups" if len(shape) == 4 and image[2] % shape[3] == 0 else f"with weights {list(shape)}"
        )
        raise UnsupportedError(f"CONV_2D {groups} of an image {list(image)} cannot be ported")
    window = _moved(op, image, shape[1:3], True)
    _expect(op, (*window.places, shape[0]), out)
    return _weighted(reader, op, window, (0, 1, 2, 3), 0), op.inputs[:1]


@_translates("DEPTHWISE_CONV_2D")
def _depthwise(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    image, shape = reader.image(op), reader.constant(op, 1, ["int8", "float32"]).shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] % image[2]:
        raise UnsupportedError(f"DEPTHWISE_CONV_2D with weights {list(shape)} of an image {list(image)}")
    window = _moved(op, image, shape[1:3], True)
    _expect(op, (*window.places, shape[3]), out)
    return _weighted(reader, op, window, (3, 1, 2, 0), 3, depthwise=True), op.inputs[:1]


@_translates("AVERAGE_POOL_2D", "MAX_POOL_2D")
def _pooling(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    image = reader.image(op)
    window = _moved(op, image, (op.option("FilterHeight"), op.option("FilterWidth")), False)
    _expect(op, (*window.places, image[2]), out)
    low, high = _fused(op)
    return Pooling("mean" if op.code[0] == "A" else "max", window, low, high), op.inputs[:1]


@_translates("ADD")
def _addition(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    a, b = reader.input(op, 0), reader.input(op, 1)
    if a.shape != b.shape:
        raise UnsupportedError(
            f"ADD of the shapes {list(a.shape)} and {list(b.shape)}: they must be the same"
        )
    _expect(op, a.shape, out)
    low, high = _fused(op)
    return Addition(low, high), op.inputs[:2]


@_translates("CONCATENATION")
def _joining(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    shapes = [reader.input(op, i).shape for i in range(len(op.inputs))]
    axis = op.option("Axis")
    axis = axis + len(out.shape) if axis < 0 else axis - 1
    if _fused(op) != (-inf, inf) or not 0 <= axis < len(out.shape):
        raise UnsupportedError("CONCATENATION with an activation, or along the batch, cannot be ported")
    rest = {s[:axis] + s[axis + 1 :] for s in shapes}
    if len(rest) != 1 or any(len(s) != len(out.shape) for s in shapes):
        raise UnsupportedError(f"CONCATENATION of the shapes {shapes}")
    _expect(op, (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :]), out)
    return Joining(int(np.prod(shapes[0][:axis]))), op.inputs


@_translates("PAD")
def _padding(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    shape = reader.input(op).shape
    widths = reader.constant(op, 1, ["int32", "int64"]).data
    assert widths is not None
    if widths.shape != (len(shape) + 1, 2) or widths[0].any() or widths.min() < 0:
        raise UnsupportedError(f"PAD by {widths.tolist()} of the shape {list(shape)}")
    before, after = (tuple(int(w) for w in column) for column in widths[1:].T)
    _expect(op, tuple(a + n + b for a, n, b in zip(before, shape, after, strict=True)), out)
    return Padding(shape, before, after), op.inputs[:1]


@_translates("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def _reshaping(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    if reader.input(op).size != out.size:
        raise UnsupportedError(f"{op.code} of {list(reader.input(op).shape)} to {list(out.shape)}")
    return Reshaping(), op.inputs[:1]


@_translates("TRANSPOSE")
def _transposition(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    shape, order = reader.input(op).shape, reader.constant(op, 1, ["int32", "int64"]).data
    assert order is not None
    axes = [int(a) for a in order.reshape(-1)]
    if sorted(axes) != list(range(len(shape) + 1)) or axes[0] != 0:
        raise UnsupportedError(f"TRANSPOSE by {axes}: the batch must stay first")
    moved = tuple(a - 1 for a in axes[1:])
    _expect(op, tuple(shape[a] for a in moved), out)
    return Transposition(shape, moved), op.inputs[:1]


@_translates("MEAN")
def _averaging(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    shape, axes = reader.input(op).shape, reader.constant(op, 1, ["int32"]).data
    assert axes is not None
    rank = len(shape) + 1
    over = [int(a) % rank - 1 for a in axes.reshape(-1) if -rank <= a < rank]
    if len(over) != axes.size or min(over, default=-1) < 0:
        raise UnsupportedError(f"MEAN over the axes {axes.reshape(-1).tolist()} of {rank}")
    operator = Averaging(averaged_axes(shape, over))
    if operator.shape[0] * operator.shape[2] != out.size:
        raise UnsupportedError(f"MEAN gives another shape than {list(out.shape)}")
    return operator, op.inputs[:1]


@_translates(*_CURVES)
def _curve(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    _expect(op, reader.input(op).shape, out)
    return Curve(_CURVES[op.code]), op.inputs[:1]


@_translates("SOFTMAX")
def _softmax(reader: _Reader, op: FlatOperator, out: Value) -> Translated:
    shape = reader.input(op).shape
    _expect(op, shape, out)
    beta = float(op.option("Beta"))
    if not 0 < beta < 1e6:
        raise UnsupportedError(f"SOFTMAX with beta={beta}")
    return Softmaxing(shape[-1], beta), op.inputs[:1]
