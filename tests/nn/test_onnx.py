"""Nets from .onnx files: every operator in float against onnx's own reference, and what is quantised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import micromlgen as mm
from micromlgen.errors import UnsupportedError
from micromlgen.models.graph import answers
from micromlgen.nn import load_onnx

onnx = pytest.importorskip("onnx")
RNG = np.random.default_rng(0)


class Builder:
    """A model that grows by nodes."""

    def __init__(self, shape: Sequence[Any], kind: int | None = None) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shape = [1, *shape]
        self.kind = onnx.TensorProto.FLOAT if kind is None else kind

    def const(self, data: Any, dtype: str = "float32") -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(data, dtype), name))
        return name

    def weights(self, *shape: int) -> str:
        return self.const(RNG.normal(size=shape) / np.sqrt(np.prod(shape[1:])))

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name

    def model(self, output: str, opset: int = 17) -> Any:
        x = onnx.helper.make_tensor_value_info("x", self.kind, self.shape)
        y = onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
        graph = onnx.helper.make_graph(self.nodes, "net", [x], [y], self.constants)
        return onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8
        )


Build = Callable[[Builder], str]


def norm(b: Builder, x: str, n: int) -> str:
    numbers = [RNG.uniform(0.5, 1.5, n), RNG.normal(size=n), RNG.normal(size=n), RNG.uniform(0.5, 2, n)]
    return b.op("BatchNormalization", x, *(b.const(each) for each in numbers))


def conv(b: Builder, x: str, n_out: int, n_in: int, *size: int, **more: Any) -> str:
    return b.op("Conv", x, b.weights(n_out, n_in, *size), b.weights(n_out), **more)


IMAGE, ROW = (3, 8, 7), (12,)
OPERATORS: dict[str, tuple[Sequence[int], Build]] = {
    "gemm": (ROW, lambda b: b.op("Gemm", "x", b.weights(5, 12), b.weights(5), transB=1)),
    "gemm, scaled": (ROW, lambda b: b.op("Gemm", "x", b.weights(12, 5), b.weights(5), alpha=0.5, beta=2.0)),
    "matmul, add, relu": (
        ROW,
        lambda b: b.op("Relu", b.op("Add", b.weights(1, 6), b.op("MatMul", "x", b.weights(12, 6)))),
    ),
    "matmul of rows": ((3, 12), lambda b: b.op("MatMul", "x", b.weights(12, 6))),
    "conv": (IMAGE, lambda b: conv(b, "x", 4, 3, 3, 3, pads=[1, 1, 1, 1])),
    "conv, strides": (IMAGE, lambda b: conv(b, "x", 4, 3, 3, 2, strides=[2, 1], pads=[0, 1, 1, 0])),
    "conv, same": (IMAGE, lambda b: conv(b, "x", 4, 3, 3, 3, strides=[2, 2], auto_pad="SAME_UPPER")),
    "conv, lower": (IMAGE, lambda b: conv(b, "x", 4, 3, 2, 2, auto_pad="SAME_LOWER")),
    "conv, dilation": (IMAGE, lambda b: conv(b, "x", 2, 3, 2, 2, dilations=[2, 3])),
    "conv, depthwise": (IMAGE, lambda b: conv(b, "x", 6, 1, 3, 3, group=3)),
    "conv of one side": ((4, 20), lambda b: conv(b, "x", 5, 4, 3, strides=[2], pads=[1, 0])),
    "norm after conv": (IMAGE, lambda b: b.op("Relu", norm(b, conv(b, "x", 4, 3, 3, 3), 4))),
    "norm": (IMAGE, lambda b: norm(b, "x", 3)),
    "norm of a row": (ROW, lambda b: norm(b, "x", 12)),
    "relu": (IMAGE, lambda b: b.op("Relu", "x")),
    "relu6": (IMAGE, lambda b: b.op("Clip", conv(b, "x", 4, 3, 1, 1), b.const(0.0), b.const(6.0))),
    "sigmoid": (ROW, lambda b: b.op("Sigmoid", "x")),
    "tanh": (ROW, lambda b: b.op("Tanh", "x")),
    "hard swish": (ROW, lambda b: b.op("HardSwish", "x")),
    "max pool": (
        IMAGE,
        lambda b: b.op("MaxPool", "x", kernel_shape=[2, 3], strides=[2, 2], pads=[0, 1, 0, 1]),
    ),
    "mean pool": (IMAGE, lambda b: b.op("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1])),
    "pool of one side": ((4, 20), lambda b: b.op("MaxPool", "x", kernel_shape=[3], strides=[3])),
    "global mean": (IMAGE, lambda b: b.op("Flatten", b.op("GlobalAveragePool", "x"))),
    "global max": (IMAGE, lambda b: b.op("GlobalMaxPool", conv(b, "x", 4, 3, 3, 3))),
    "mean of sides": (IMAGE, lambda b: b.op("ReduceMean", conv(b, "x", 4, 3, 3, 3), axes=[2, 3], keepdims=0)),
    "mean of channels": (IMAGE, lambda b: b.op("ReduceMean", "x", axes=[1])),
    "add": (IMAGE, lambda b: b.op("Relu", b.op("Add", conv(b, "x", 3, 3, 1, 1), "x"))),
    "concat": (IMAGE, lambda b: b.op("Concat", conv(b, "x", 4, 3, 1, 1), conv(b, "x", 2, 3, 1, 1), axis=1)),
    "concat of columns": (
        IMAGE,
        lambda b: b.op("Concat", conv(b, "x", 4, 3, 1, 1), conv(b, "x", 4, 3, 1, 2), axis=-1),
    ),
    "pad": (IMAGE, lambda b: b.op("Pad", "x", b.const([0, 0, 1, 0, 0, 0, 2, 1], "int64"), b.const(0.5))),
    "flatten, gemm": (
        IMAGE,
        lambda b: b.op("Gemm", b.op("Flatten", conv(b, "x", 4, 3, 3, 3)), b.weights(120, 5), b.weights(5)),
    ),
    "flatten": (IMAGE, lambda b: b.op("Sigmoid", b.op("Flatten", conv(b, "x", 4, 3, 3, 3)))),
    "reshape": (IMAGE, lambda b: b.op("Reshape", "x", b.const([0, 8, -1], "int64"))),
    "squeeze": ((4, 1, 5), lambda b: b.op("Squeeze", "x", b.const([2], "int64"))),
    "unsqueeze": (ROW, lambda b: b.op("Unsqueeze", "x", b.const([1, 3], "int64"))),
    "transpose": (IMAGE, lambda b: b.op("Transpose", "x", perm=[0, 3, 1, 2])),
    "softmax": (ROW, lambda b: b.op("Softmax", b.op("Identity", b.op("Gemm", "x", b.weights(12, 4))))),
}


def small(channels: int = 6) -> Any:
    """An image, two convolutions, a classifier."""
    b = Builder((1, 9, 8))
    h = b.op("Relu", norm(b, conv(b, "x", channels, 1, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1]), channels))
    h = b.op("Relu", conv(b, h, channels, 1, 3, 3, group=channels, pads=[1, 1, 1, 1]))
    h = b.op("Flatten", b.op("MaxPool", h, kernel_shape=[2, 2], strides=[2, 2]))
    return b.model(b.op("Softmax", b.op("Gemm", h, b.weights(4 * channels, 3), b.weights(3)), axis=1))


def reference(model: Any, X: Any) -> Any:
    from onnx.reference import ReferenceEvaluator

    run = ReferenceEvaluator(model)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    return np.stack([run.run(None, {"x": x.reshape(shape)})[0].ravel() for x in X])


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_in_float_are_those_of_onnx(name: str) -> None:
    shape, build = OPERATORS[name]
    b = Builder(shape)
    model = b.model(build(b))
    net = load_onnx(model.SerializeToString())
    X = RNG.normal(0, 2, (6, net.n_features_in_)).astype(np.float32)
    y = net.graph.floats(X)[net.graph.output].reshape(6, -1)
    np.testing.assert_allclose(y, reference(model, X), rtol=1e-5, atol=1e-5)


def test_batch_normalisation_and_activations_are_folded() -> None:
    net = load_onnx(small().SerializeToString())
    kinds = [type(n.operator).__name__ for n in net.graph.nodes]
    # Nothing is moved to flatten the image, or since the input has one channel.
    assert kinds == ["Reshaping", "Product", "Product", "Pooling", "Product", "Softmaxing"]


def test_a_net_in_float_becomes_one_in_int8() -> None:
    net = load_onnx(small().SerializeToString(), classes=["a", "b", "c"])
    X = RNG.normal(0, 1, (200, 72)).astype(np.float32)
    program = mm.transpile(net, name="net", dtype="int8", calibration=X)
    unseen = RNG.normal(0, 1, (400, 72)).astype(np.float32)
    assert (program.predict(unseen) == net.predict(unseen)).mean() >= 0.98
    assert program.verify(unseen[:50])


def qdq(kind: str = "int8") -> Any:
    """A net that is quantised by pairs of nodes."""
    lowest = -128 if kind == "int8" else 0
    w = RNG.integers(-127, 128, (4, 2, 3, 3)).astype(np.int8)
    scales = RNG.uniform(0.002, 0.004, 4).astype(np.float32)
    v = RNG.integers(-127, 128, (48, 5)).astype(np.int8)
    bias = RNG.integers(-500, 500, 4).astype(np.int32)
    b = Builder((2, 5, 6))

    def paired(x: str, scale: float, zero: int) -> str:
        pair = b.const(scale), b.const(zero, kind)
        return b.op("DequantizeLinear", b.op("QuantizeLinear", x, *pair), *pair)

    h = paired("x", 0.02, lowest + 128)
    weights = b.op("DequantizeLinear", b.const(w, "int8"), b.const(scales), b.const([0] * 4, "int8"), axis=0)
    offset = b.op("DequantizeLinear", b.const(bias, "int32"), b.const(scales * np.float32(0.02)), axis=0)
    h = paired(b.op("Relu", b.op("Conv", h, weights, offset)), 0.03, lowest)
    h = b.op("Flatten", h)
    h = b.op("MatMul", h, b.op("DequantizeLinear", b.const(v, "int8"), b.const(0.003), b.const(0, "int8")))
    return b.model(paired(h, 0.05, lowest + 120), 21)


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_nets_that_are_quantised_are_in_int8(kind: str) -> None:
    model = qdq(kind)
    net = load_onnx(model.SerializeToString())
    X = RNG.normal(0, 1, (40, net.n_features_in_)).astype(np.float32)
    program = mm.transpile(net, name="net")
    assert program.model.input.dtype == "int8"
    steps = np.abs(program.predict(X) - reference(model, X)) / 0.05
    # Ties, and roundings within: a step at most, and seldom.
    assert steps.max() < 1.5
    assert (steps > 0.5).mean() < 0.03
    assert program.verify(X)


def test_linear_operators_are_in_int8() -> None:
    b = Builder((2, 5, 6))
    scale = [(b.const(s), b.const(z, "int8")) for s, z in ((0.02, 0), (0.03, -128), (0.04, 3))]
    w = RNG.integers(-127, 128, (4, 2, 3, 3)).astype(np.int8)
    v = RNG.integers(-127, 128, (48, 5)).astype(np.int8)
    bias = b.const(RNG.integers(-500, 500, 4), "int32")
    h = b.op("QuantizeLinear", "x", *scale[0])
    weights = b.const(w, "int8"), b.const(RNG.uniform(0.002, 0.004, 4)), b.const([0] * 4, "int8")
    h = b.op("QLinearConv", h, *scale[0], *weights, *scale[1], bias)
    h = b.op("Reshape", h, b.const([1, 48], "int64"))
    h = b.op("QLinearMatMul", h, *scale[1], b.const(v, "int8"), b.const(0.003), b.const(0, "int8"), *scale[2])
    model = b.model(b.op("DequantizeLinear", h, *scale[2]), 21)
    net = load_onnx(model.SerializeToString())
    X = RNG.normal(0, 1, (40, net.n_features_in_)).astype(np.float32)
    steps = np.abs(mm.transpile(net, name="net").predict(X) - reference(model, X)) / 0.04
    assert steps.max() < 1.5
    assert (steps > 0.5).mean() < 0.03


def refused(contents: bytes, **more: Any) -> str:
    with pytest.raises(UnsupportedError) as error:
        mm.transpile(load_onnx(contents, **more), name="net", dtype="int8", calibration=np.ones((2, 1)))
    return str(error.value)


@pytest.mark.parametrize(
    ("shape", "build", "told"),
    [
        (ROW, lambda b: b.op("Erf", "x"), "the operator Erf cannot be ported; these can: Add,"),
        (ROW, lambda b: b.op("Own", "x", domain="mine"), "the operator mine.Own cannot be ported"),
        ((4, 6, 6), lambda b: conv(b, "x", 4, 2, 3, 3, group=2), "Conv in 2 groups of 4 channels"),
        (IMAGE, lambda b: conv(b, "x", 4, 3, 3, 3, auto_pad="NO"), "Conv with auto_pad='NO'"),
        (IMAGE, lambda b: b.op("Softmax", "x", axis=1), "Softmax along the axis 1 of 4"),
        (IMAGE, lambda b: b.op("Pad", "x", b.const([0] * 8, "int64"), mode="edge"), "Pad with mode='edge'"),
        (IMAGE, lambda b: b.op("Transpose", "x"), "Transpose by [3, 2, 1, 0]: the batch must stay first"),
        (ROW, lambda b: b.op("Clip", "x", b.const(1.0), b.const(2.0)), "Clip to 1 and 2"),
        (("n",), lambda b: b.op("Relu", "x"), "has the dynamic shape"),
        (ROW, lambda b: b.op("MatMul", "x", "x"), "MatMul whose input 1 is not constant"),
    ],
)
def test_what_cannot_be_ported_is_told(shape: Sequence[Any], build: Build, told: str) -> None:
    b = Builder(shape)
    assert told in refused(b.model(build(b)).SerializeToString())


def test_nets_of_which_a_part_is_quantised_are_refused() -> None:
    b = Builder(ROW)
    pair = b.const(0.1), b.const(0, "int8")
    h = b.op("DequantizeLinear", b.op("QuantizeLinear", "x", *pair), *pair)
    contents = b.model(b.op("Sigmoid", h)).SerializeToString()
    assert "what curve gives is not quantised, and other values are" in refused(contents)


def test_files_that_are_none_are_refused() -> None:
    assert "0 nodes" in refused(b"")
    assert "is damaged or no .onnx file" in refused(b"nothing of the kind")
    with pytest.raises(UnsupportedError, match="OnnxNet can be in float32, or in int8 with calibration=X"):
        mm.transpile(load_onnx(small().SerializeToString()), dtype="int16", calibration=np.ones((3, 72)))


@pytest.mark.parametrize("made", [lambda: small(), lambda: qdq()])
def test_damaged_files_are_refused_or_read(made: Callable[[], Any]) -> None:
    """Truncated, or with bytes that are others: a clear error or a net, soon."""
    contents = made().SerializeToString()
    rng = np.random.default_rng(0)
    damaged = [contents[: int(n)] for n in rng.integers(0, len(contents), 40)]
    for _ in range(200):
        other = np.frombuffer(contents, np.uint8).copy()
        at = rng.integers(0, len(other), rng.integers(1, 6))
        other[at] = rng.integers(0, 256, len(at))
        damaged.append(other.tobytes())
    refusals = 0
    for each in damaged:
        try:
            net = load_onnx(each)
            answers(net, np.zeros((1, net.n_features_in_), np.float32))
        except UnsupportedError:
            refusals += 1
    assert refusals
