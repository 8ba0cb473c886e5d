"""Nets in int8 with one operator, and small ones with many; weights are random, scales plausible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._graph_window import Window, same_padding
from tests.nn.flat import Flat, options

Array = NDArray[Any]


class Builder:
    """A model with an input, and methods that add an operator to one of its tensors."""

    def __init__(
        self, shape: Sequence[int], scale: float = 0.05, zero: int = 3, seed: int = 0, dtype: str = "int8"
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.flat = Flat()
        self.float = dtype == "float32"
        self.input = self._tensor((1, *shape), scale, zero)

    def _tensor(self, shape: Sequence[int], scale: float, zero: int) -> int:
        if self.float:
            return self.flat.tensor(shape, dtype="float32")
        return self.flat.tensor(shape, float(np.float32(scale)), zero)

    def shape(self, t: int) -> tuple[int, ...]:
        return tuple(self.flat.tensors[t][0][1:])

    def scale(self, t: int) -> tuple[float, int]:
        return self.flat.tensors[t][1] or 1.0, self.flat.tensors[t][2]

    def like(self, t: int, shape: Sequence[int]) -> int:
        return self._tensor((1, *shape), *self.scale(t))

    def bytes(self, output: int) -> bytes:
        return self.flat.bytes([self.input], [output])

    def weights(
        self, x: int, shape: Sequence[int], axis: int, by_channel: bool, wide: float
    ) -> tuple[list[int], float]:
        """Weights with biases, and a scale that suits the sums."""
        n_out = shape[axis]
        each = int(np.prod(shape)) // n_out
        if self.float:
            w = (self.rng.normal(size=shape) / np.sqrt(each)).astype(np.float32)
            bias = self.rng.normal(size=n_out).astype(np.float32)
            return [x, self.flat.const(w), self.flat.const(bias)], 1.0
        size = n_out if by_channel else 1
        scales = self.rng.uniform(0.005, 0.02, size).astype(np.float32)
        integers = np.clip(np.rint(self.rng.normal(0, 40, shape)), -127, 127).astype(np.int8)
        both = np.float32(self.scale(x)[0]) * scales
        bias = self.rng.integers(-4000, 4000, n_out).astype(np.int32)
        inputs = [
            x,
            self.flat.const(integers, scale=scales, axis=axis if by_channel else 0),
            self.flat.const(bias, scale=both),
        ]
        return inputs, float(both.mean() * 40 * 60 * np.sqrt(each) / 50 * wide)

    def dense(self, x: int, n: int, act: int = 0, by_channel: bool = True, wide: float = 1.0) -> int:
        n_in = int(np.prod(self.shape(x)))
        inputs, scale = self.weights(x, (n, n_in), 0, by_channel, wide)
        y = self._tensor((1, n), scale, -128 if act else int(self.rng.integers(-20, 20)))
        return self.flat.op(
            "FULLY_CONNECTED", inputs, y, options("FullyConnected", FusedActivationFunction=act)
        )

    def conv(
        self,
        x: int,
        n: int,
        size: tuple[int, int] = (3, 3),
        stride: tuple[int, int] = (1, 1),
        same: bool = True,
        act: int = 1,
        dilation: tuple[int, int] = (1, 1),
        depthwise: bool = False,
        by_channel: bool = True,
    ) -> int:
        h, w, c = self.shape(x)
        kind = "DepthwiseConv2D" if depthwise else "Conv2D"
        shape = (1, *size, n) if depthwise else (n, *size, c)
        inputs, scale = self.weights(x, shape, 3 if depthwise else 0, by_channel, 1.0)
        pad = same_padding((h, w), size, stride, dilation) if same else (0, 0, 0, 0)
        places = Window((h, w, c), size, stride, dilation, pad).places
        y = self._tensor((1, *places, n), scale, -128 if act else 5)
        code = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        more = {"DepthMultiplier": n // c} if depthwise else {}
        of = options(
            kind,
            Padding=0 if same else 1,
            StrideH=stride[0],
            StrideW=stride[1],
            DilationHFactor=dilation[0],
            DilationWFactor=dilation[1],
            FusedActivationFunction=act,
            **more,
        )
        return self.flat.op(code, inputs, y, of)

    def pool(
        self, x: int, kind: str, size: int = 2, stride: int = 2, same: bool = False, act: int = 0
    ) -> int:
        h, w, c = self.shape(x)
        pad = same_padding((h, w), (size, size), (stride, stride), (1, 1)) if same else (0, 0, 0, 0)
        places = Window((h, w, c), (size, size), (stride, stride), (1, 1), pad).places
        of = options(
            "Pool2D",
            Padding=0 if same else 1,
            StrideH=stride,
            StrideW=stride,
            FilterHeight=size,
            FilterWidth=size,
            FusedActivationFunction=act,
        )
        return self.flat.op(f"{kind}_POOL_2D", [x], self.like(x, (*places, c)), of)

    def curve(self, x: int, code: str, scale: float | None = None, zero: int = -11) -> int:
        fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
        to = fixed.get(code, (scale or self.scale(x)[0], zero))
        return self.flat.op(code, [x], self._tensor((1, *self.shape(x)), *to))

    def softmax(self, x: int, beta: float = 1.0) -> int:
        y = self._tensor((1, *self.shape(x)), 1 / 256, -128)
        return self.flat.op("SOFTMAX", [x], y, options("Softmax", Beta=beta))

    def add(self, a: int, b: int, act: int = 0, scale: float | None = None, zero: int = 9) -> int:
        y = self._tensor((1, *self.shape(a)), scale or self.scale(a)[0] * 1.3, zero)
        return self.flat.op("ADD", [a, b], y, options("Add", FusedActivationFunction=act))

    def concat(self, xs: Sequence[int], axis: int) -> int:
        shapes = [self.shape(x) for x in xs]
        out = list(shapes[0])
        out[axis - 1] = sum(s[axis - 1] for s in shapes)
        return self.flat.op("CONCATENATION", xs, self.like(xs[0], out), options("Concatenation", Axis=axis))

    def pad(self, x: int, widths: Sequence[tuple[int, int]]) -> int:
        by = self.flat.const(np.array([(0, 0), *widths], np.int32))
        out = [n + a + b for n, (a, b) in zip(self.shape(x), widths, strict=True)]
        return self.flat.op("PAD", [x, by], self.like(x, out), options("Pad"))

    def reshape(self, x: int, shape: Sequence[int]) -> int:
        to = self.flat.const(np.array([1, *shape], np.int32))
        return self.flat.op("RESHAPE", [x, to], self.like(x, shape), options("Reshape"))

    def transpose(self, x: int, order: Sequence[int]) -> int:
        by = self.flat.const(np.array([0, *order], np.int32))
        shape = [self.shape(x)[a - 1] for a in order]
        return self.flat.op("TRANSPOSE", [x, by], self.like(x, shape), options("Transpose"))

    def mean(self, x: int, axes: Sequence[int], keep: bool = False, alike: bool = False) -> int:
        over = self.flat.const(np.array(axes, np.int32))
        shape = [1 if d + 1 in axes else n for d, n in enumerate(self.shape(x)) if keep or d + 1 not in axes]
        y = self.like(x, shape) if alike else self._tensor((1, *shape), self.scale(x)[0] * 0.4, 17)
        return self.flat.op("MEAN", [x, over], y, options("Reducer", KeepDims=keep))


Steps = Callable[[Builder], int]
_IMAGE, _ROW = (7, 6, 5), (24,)
#: Nets of one operator: shape of the input, and what is added.
OPERATORS: dict[str, tuple[Sequence[int], Steps]] = {
    "dense": (_ROW, lambda b: b.dense(b.input, 10)),
    "dense, one scale": (_ROW, lambda b: b.dense(b.input, 8, by_channel=False)),
    "dense, relu": ((3, 7), lambda b: b.dense(b.input, 5, act=1)),
    "dense, relu6, one scale": ((9,), lambda b: b.dense(b.input, 1, act=3, by_channel=False)),
    "dense, wide": (_ROW, lambda b: b.dense(b.input, 6, wide=1e-4)),
    "conv": (_IMAGE, lambda b: b.conv(b.input, 6)),
    "conv, valid": (_IMAGE, lambda b: b.conv(b.input, 5, size=(2, 3), same=False, act=0)),
    "conv, stride": ((9, 8, 4), lambda b: b.conv(b.input, 8, stride=(2, 3), act=3)),
    "conv, dilation": (_IMAGE, lambda b: b.conv(b.input, 4, dilation=(2, 2), size=(2, 2))),
    "conv, pixels": ((4, 3, 8), lambda b: b.conv(b.input, 8, size=(1, 1))),
    "conv, row": ((1, 30, 2), lambda b: b.conv(b.input, 7, size=(1, 5), stride=(1, 2), act=2)),
    "conv, one scale": (_IMAGE, lambda b: b.conv(b.input, 3, by_channel=False)),
    "depthwise": ((6, 5, 8), lambda b: b.conv(b.input, 8, depthwise=True)),
    "depthwise, stride": (_IMAGE, lambda b: b.conv(b.input, 5, stride=(2, 2), depthwise=True, act=0)),
    "depthwise, twice": (_IMAGE, lambda b: b.conv(b.input, 10, depthwise=True, same=False)),
    "depthwise, large": ((8, 8, 4), lambda b: b.conv(b.input, 4, size=(5, 5), depthwise=True, act=3)),
    "mean pool": (_IMAGE, lambda b: b.pool(b.input, "AVERAGE")),
    "mean pool, same": (_IMAGE, lambda b: b.pool(b.input, "AVERAGE", 3, 2, same=True, act=1)),
    "max pool": (_IMAGE, lambda b: b.pool(b.input, "MAX")),
    "max pool, same": (_IMAGE, lambda b: b.pool(b.input, "MAX", 3, 2, same=True, act=1)),
    "relu": (_ROW, lambda b: b.curve(b.input, "RELU", 0.03)),
    "relu6": (_ROW, lambda b: b.flat.op("RELU6", [b.input], b.like(b.input, b.shape(b.input)))),
    "requantise": (_ROW, lambda b: b.curve(b.input, "QUANTIZE", 0.07)),
    "logistic": (_ROW, lambda b: b.curve(b.input, "LOGISTIC")),
    "tanh": (_ROW, lambda b: b.curve(b.input, "TANH")),
    "logistic, steep": (_ROW, lambda b: b.curve(b.curve(b.input, "QUANTIZE", 9.0, 3), "LOGISTIC")),
    "tanh, steep": (_ROW, lambda b: b.curve(b.curve(b.input, "QUANTIZE", 9.0, 3), "TANH")),
    "hard swish": (_ROW, lambda b: b.curve(b.input, "HARD_SWISH", 0.041)),
    "softmax": (_ROW, lambda b: b.softmax(b.dense(b.input, 10))),
    "softmax, rows": (_ROW, lambda b: b.softmax(b.reshape(b.dense(b.input, 12), (4, 3)), 0.5)),
    "add": (_ROW, lambda b: b.add(b.input, b.curve(b.input, "QUANTIZE", 0.07))),
    "add, relu": (_ROW, lambda b: b.add(b.curve(b.input, "QUANTIZE", 0.01), b.input, act=1)),
    "concat": (_IMAGE, lambda b: b.concat([b.input, b.pad(b.input, [(0, 0), (0, 0), (1, 2)])], 3)),
    "concat, rows": (_IMAGE, lambda b: b.concat([b.input, b.pad(b.input, [(1, 2), (0, 0), (0, 0)])], 1)),
    "pad": (_IMAGE, lambda b: b.pad(b.input, [(1, 2), (0, 1), (0, 0)])),
    "reshape": (_IMAGE, lambda b: b.reshape(b.input, (30, 7))),
    "transpose": (_IMAGE, lambda b: b.transpose(b.input, (3, 1, 2))),
    "mean": (_IMAGE, lambda b: b.mean(b.input, (1, 2))),
    "mean, kept": (_IMAGE, lambda b: b.mean(b.input, (1, 2), keep=True, alike=True)),
    "mean, channels": (_IMAGE, lambda b: b.mean(b.input, (3,))),
}


def operator(name: str, scale: float = 0.05, zero: int = 3, seed: int = 0) -> bytes:
    """A net of one operator."""
    shape, steps = OPERATORS[name]
    b = Builder(shape, scale, zero, seed)
    return b.bytes(steps(b))


def words(dtype: str = "int8", size: tuple[int, int] = (13, 6), channels: int = 8) -> bytes:
    """Keyword spotting in small: depthwise separable convolutions, mean pool, softmax."""
    b = Builder((*size, 1), 0.4, 80, 1, dtype)
    h = b.conv(b.input, channels, size=(4, 3), stride=(2, 2))
    h = b.conv(h, channels, depthwise=True)
    h = b.conv(h, channels, size=(1, 1))
    h = b.mean(h, (1, 2))
    return b.bytes(b.softmax(b.dense(h, 4)))


def residual(dtype: str = "int8") -> bytes:
    """An image through branches that meet again."""
    b = Builder((8, 6, 3), 0.02, -5, 2, dtype)
    h = b.conv(b.input, 6, stride=(2, 2))
    side = b.conv(h, 6, depthwise=True, act=3)
    h = b.add(h, side, act=1)
    pooled = b.pool(h, "MAX", 3, 1, same=True)
    h = b.concat([h, b.transpose(b.transpose(pooled, (2, 1, 3)), (2, 1, 3))], 3)
    h = b.pool(h, "AVERAGE")
    h = b.reshape(b.pad(h, [(1, 0), (0, 0), (0, 0)]), (int(np.prod(b.shape(h))) // 2 * 3,))
    return b.bytes(b.dense(b.curve(h, "HARD_SWISH", 0.06), 3))


def dense(dtype: str = "int8", sizes: Sequence[int] = (20, 12, 9, 20), by_channel: bool = False) -> bytes:
    """Fully connected layers."""
    b = Builder(sizes[:1], 0.3, 30, 3, dtype)
    h = b.input
    for i, n in enumerate(sizes[1:], 2):
        h = b.dense(h, n, act=int(i < len(sizes)), by_channel=by_channel)
    return b.bytes(h)
