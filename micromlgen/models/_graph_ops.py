"""Operators of nets: what they are in real numbers, and what becomes of them in int8.

Sources of the arithmetic: the specification of LiteRT's 8-bit quantisation, Jacob and others (arXiv
1712.05877), Howard and others (arXiv 1905.02244, hard swish).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, inf, prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from micromlgen.errors import UnsupportedError
from micromlgen.models import _graph_curves as curves
from micromlgen.models import _graph_int8 as int8
from micromlgen.models import _graph_scale as scaling
from micromlgen.models._graph_scale import Rounding
from micromlgen.models._graph_value import Value
from micromlgen.models._graph_window import Window

Array = NDArray[Any]
#: What a function of each element may be.
CurveKind = Literal["identity", "relu", "relu6", "sigmoid", "tanh", "hardswish"]


@dataclass(frozen=True, eq=False)
class Operator(ABC):
    """What a node of a graph does."""

    @abstractmethod
    def floats(self, *xs: Array) -> Array:
        """In real numbers, of inputs of shape (n, ...)."""

    @abstractmethod
    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        """In int8."""


def _scale(value: Value) -> float:
    assert value.scale is not None
    return value.scale


def _limits(out: Value, low: float, high: float) -> tuple[int, int]:
    """Range of a fused activation, in int8."""

    def nearest(x: float) -> int:
        ratio = float(np.float32(x) / np.float32(_scale(out)))
        return out.zero + int(np.sign(ratio) * floor(abs(ratio) + 0.5))

    return (
        -128 if low == -inf else max(-128, nearest(low)),
        127 if high == inf else min(127, nearest(high)),
    )


@dataclass(frozen=True, eq=False)
class Product(Operator):
    """A convolution, or what is fully connected: a window of one pixel.

    Parameters
    ----------
    window : Window
    weights : float32 or int8 array of shape (n_out, height, width, n_in)
        Depthwise: (n_out, height, width, 1).
    bias : float32 or int32 array of shape (n_out,)
    scales : float32 array of shape (n_out,) or (1,), or None
        Of int8 weights.
    low, high : float
        Range of the activation that follows.
    depthwise : bool
        Whether output channel c sees input channel ``c // (n_out // n_in)`` alone.
    connected : bool
        Whether the operator is fully connected, not a convolution: runtimes compute its scales otherwise.
    """

    window: Window
    weights: Array
    bias: Array
    scales: NDArray[np.float32] | None = None
    low: float = -inf
    high: float = inf
    depthwise: bool = False
    connected: bool = False

    def floats(self, *xs: Array) -> Array:
        patches = self.window.patches(xs[0].reshape(len(xs[0]), *self.window.image), 0)
        n_out = len(self.weights)
        weights = self.weights.astype(np.float64)
        if self.depthwise:
            patches = np.repeat(patches, n_out // self.window.image[2], axis=5)
            y = np.einsum("nrcyxo,oyx->nrco", patches, weights[..., 0])
        else:
            y = patches.reshape(*patches.shape[:3], -1) @ weights.reshape(n_out, -1).T
        return np.asarray(np.clip(y + self.bias, self.low, self.high))

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        assert self.scales is not None
        n_out, once = len(self.weights), self.connected and rounding == "single"
        both = np.float64(_scale(ins[0])) * self.scales.astype(np.float64)
        if self.connected and not once and len(self.scales) == 1:  # as TensorFlow Lite Micro multiplies them
            both = (np.float32(_scale(ins[0])) * self.scales).astype(np.float64)
        factors = np.broadcast_to(both / np.float64(_scale(out)), n_out)
        low, high = _limits(out, self.low, self.high)
        multiplier, shift = scaling.multipliers(factors)
        kernel = int8.Products(
            self.window,
            self.weights,
            self.bias.astype(np.int64),
            multiplier,
            shift,
            ins[0].zero,
            out.zero,
            low,
            high,
            self.depthwise,
            once,
        )
        if kernel.reach().max(initial=0) >= 2**31 or factors.max(initial=0) >= 2**20:
            raise UnsupportedError("a product whose sums can leave 32 bits; quantise with smaller weights")
        if not once:
            return kernel
        found = scaling.once(factors, kernel.reach(), 256)
        if found is None:
            raise UnsupportedError("FULLY_CONNECTED with scales so small needs rounding='double'")
        return replace(kernel, multiplier=found[0], shift=found[1])


@dataclass(frozen=True, eq=False)
class Pooling(Operator):
    """The mean or the largest of each window, of the pixels within the image."""

    kind: Literal["mean", "max"]
    window: Window
    low: float = -inf
    high: float = inf

    def floats(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), *self.window.image)
        if self.kind == "max":
            y = self.window.patches(x, -inf).max(axis=(3, 4))
        else:
            y = self.window.patches(x, 0).sum(axis=(3, 4)) / self.window.inside()[None, :, :, None]
        return np.asarray(np.clip(y, self.low, self.high))

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        _alike("pooling", [*ins, out])
        return int8.Pool(self.kind, self.window, *_limits(out, self.low, self.high))


def _alike(what: str, values: Sequence[Value]) -> None:
    if len({(v.scale, v.zero) for v in values}) > 1:
        raise UnsupportedError(f"{what} whose input and output have different scales; quantise them alike")


@dataclass(frozen=True, eq=False)
class Addition(Operator):
    """Two tensors of one shape, added up."""

    low: float = -inf
    high: float = inf

    def floats(self, *xs: Array) -> Array:
        return np.clip(xs[0] + xs[1], self.low, self.high)

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        twice = 2 * np.float64(max(_scale(v) for v in ins))
        factors = [
            _scale(ins[0]) / twice,
            _scale(ins[1]) / twice,
            twice / ((1 << 20) * np.float64(_scale(out))),
        ]
        if factors[2] >= 1:
            raise UnsupportedError("ADD: the scale of the output is too small for those of its inputs")
        multiplier, shift = (tuple(map(int, part)) for part in scaling.multipliers(factors))
        return int8.Sum(
            (ins[0].zero, ins[1].zero),
            (multiplier[0], multiplier[1], multiplier[2]),
            (shift[0], shift[1], shift[2]),
            out.zero,
            *_limits(out, self.low, self.high),
        )


@dataclass(frozen=True, eq=False)
class Averaging(Operator):
    """The mean over adjacent axes: of a shape (outer, count, inner) over count."""

    shape: tuple[int, int, int]

    def floats(self, *xs: Array) -> Array:
        return np.asarray(xs[0].reshape(len(xs[0]), *self.shape).mean(axis=2))

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        q, shift = scaling.multipliers(np.float64(_scale(ins[0])) / np.float64(_scale(out)))
        multiplier, bits, count = int(q), int(shift), self.shape[1]
        # Division by the count goes into the multiplier, which keeps as many bits as there is room for.
        more = min(count.bit_length() - 1, 32, 31 + bits)
        multiplier, bits = (multiplier << more) // count, bits - more
        return int8.Mean(self.shape, ins[0].zero, multiplier, bits, out.zero)


@dataclass(frozen=True, eq=False)
class Joining(Operator):
    """Tensors one after another; `runs` is the product of the axes before the one along which they are."""

    runs: int

    def floats(self, *xs: Array) -> Array:
        return np.concatenate([x.reshape(len(x), self.runs, -1) for x in xs], axis=2)

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        _alike("CONCATENATION", [*ins, out])
        return int8.Concat(self.runs, tuple(v.size // self.runs for v in ins))


@dataclass(frozen=True, eq=False)
class Padding(Operator):
    """Zeros around a tensor, or another value."""

    shape: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float = 0.0

    def floats(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), *self.shape)
        around = [(0, 0), *zip(self.before, self.after, strict=True)]
        return np.asarray(np.pad(x, around, constant_values=self.value))

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        _alike("PAD", [*ins, out])
        value = int(out.integers(np.asarray(self.value)))
        return int8.Pad(self.shape, self.before, self.after, value)


@dataclass(frozen=True, eq=False)
class Transposition(Operator):
    """The axes of a tensor in another order."""

    shape: tuple[int, ...]
    order: tuple[int, ...]

    def floats(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), *self.shape)
        return np.asarray(x.transpose(0, *[a + 1 for a in self.order]))

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        _alike("TRANSPOSE", [*ins, out])
        return int8.Transpose(self.shape, self.order)


@dataclass(frozen=True, eq=False)
class Reshaping(Operator):
    """The same numbers, of another shape."""

    def floats(self, *xs: Array) -> Array:
        return xs[0]

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        _alike("RESHAPE", [*ins, out])
        return int8.Same()


#: The functions in real numbers.
REAL: Mapping[CurveKind, Callable[[Array], Array]] = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": lambda x: np.asarray(expit(x)),
    "tanh": np.tanh,
    "hardswish": lambda x: np.asarray(x * np.clip(x + 3, 0, 6) / 6),
}


@dataclass(frozen=True, eq=False)
class Curve(Operator):
    """A function of each element."""

    kind: CurveKind

    def floats(self, *xs: Array) -> Array:
        return REAL[self.kind](xs[0])

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        return curves.KINDS[self.kind](ins[0], out, rounding)


@dataclass(frozen=True, eq=False)
class Softmaxing(Operator):
    """Softmax over the last axis, of `beta` times what goes in."""

    depth: int
    beta: float = 1.0

    def floats(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), -1, self.depth) * self.beta
        e = np.exp(x - x.max(axis=2, keepdims=True))
        return np.asarray(e / e.sum(axis=2, keepdims=True))

    def kernel(self, ins: Sequence[Value], out: Value, rounding: Rounding) -> int8.Kernel:
        if (out.scale, out.zero) != (1 / 256, -128):
            raise UnsupportedError("SOFTMAX: int8 outputs need the scale 1/256 and the zero point -128")
        factor = np.float64(np.float32(self.beta)) * np.float64(_scale(ins[0])) * 2.0**26
        factor = np.minimum(factor, 2.0**31 - 1)
        if factor <= 1:
            raise UnsupportedError("SOFTMAX: the scale of its input is too small")
        multiplier, shift = (int(part) for part in scaling.multipliers(factor))
        radius = floor(31 * 2.0**26 / 2.0**shift)
        below = np.arange(min(radius, 255) + 1, dtype=np.int64)
        return int8.Softmax(self.depth, scaling.exp_neg(scaling.scaled(-below, multiplier, shift), 5))


def averaged_axes(shape: tuple[int, ...], axes: Sequence[int]) -> tuple[int, int, int]:
    """A shape as (outer, count, inner) for the mean over adjacent axes.

    Raises
    ------
    UnsupportedError
        If there are none, or they are not adjacent.
    """
    first, last = min(axes, default=0), max(axes, default=-1)
    if sorted(set(axes)) != list(range(first, last + 1)) or not axes:
        raise UnsupportedError(f"MEAN over the axes {list(axes)}: only adjacent ones can be ported")
    return prod(shape[:first]), prod(shape[first : last + 1]), prod(shape[last + 1 :])
