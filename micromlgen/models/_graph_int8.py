"""Operators in int8, as LiteRT's reference kernels and TensorFlow Lite Micro compute them, bit for bit.

Each is a frozen dataclass with its twin, `run`; arrays have the rows first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.models import _graph_scale as scale
from micromlgen.models._graph_window import Window

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Kernel(ABC):
    """An operator on int8 values."""

    #: Of the macro that prints it.
    name: ClassVar[str]

    @abstractmethod
    def run(self, *xs: Array) -> Array:
        """From int8 inputs, each of shape (n, ...), to the int8 output."""


@dataclass(frozen=True, eq=False)
class Products(Kernel):
    """A convolution, or what is fully connected: windows of one pixel.

    Parameters
    ----------
    window : Window
    weights : int8 array of shape (n_out, height, width, n_in); depthwise: (n_out, height, width, 1)
    bias : int64 array of shape (n_out,), within int32
    multiplier, shift : int64 arrays of shape (n_out,)
    zero_in, zero_out : int
    low, high : int
        Outputs saturate to these.
    depthwise : bool
        Whether output channel c sees input channel ``c // (n_out // n_in)`` alone.
    """

    name = "products"
    window: Window
    weights: NDArray[np.int8]
    bias: NDArray[np.int64]
    multiplier: NDArray[np.int64]
    shift: NDArray[np.int64]
    zero_in: int
    zero_out: int
    low: int
    high: int
    depthwise: bool
    #: Whether sums are rounded once, by `rounded_once`.
    once: bool

    def sums(self, x: Array) -> NDArray[np.int64]:
        """What is scaled: (n, rows, columns, n_out)."""
        patches = self.window.patches(x.reshape(len(x), *self.window.image), self.zero_in)
        patches = patches.astype(np.float64) - self.zero_in  # whose products are exact, and quick
        n_out = len(self.weights)
        if self.depthwise:
            patches = np.repeat(patches, n_out // self.window.image[2], axis=5)
            out = np.einsum("nrcyxo,oyx->nrco", patches, self.weights[..., 0].astype(np.float64))
        else:
            flat = patches.reshape(*patches.shape[:3], -1)
            out = np.asarray(flat) @ self.weights.reshape(n_out, -1).T.astype(np.float64)
        return np.asarray(out, np.int64) + self.bias

    def run(self, *xs: Array) -> Array:
        function = scale.rounded_once if self.once else scale.scaled
        y = function(self.sums(xs[0]), self.multiplier, self.shift) + self.zero_out
        return np.clip(y, self.low, self.high).astype(np.int8)

    def reach(self) -> NDArray[np.float64]:
        """Largest magnitude that a sum, or a part of it, can have: shape (n_out,)."""
        most = max(127 - self.zero_in, self.zero_in + 128)
        flat = np.abs(self.weights.reshape(len(self.weights), -1).astype(np.float64))
        return np.asarray(flat.sum(axis=1) * most + np.abs(self.bias))


@dataclass(frozen=True, eq=False)
class Pool(Kernel):
    """The mean or the largest of each window, of the pixels within the image."""

    name = "pool"
    kind: Literal["mean", "max"]
    window: Window
    low: int
    high: int

    def run(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), *self.window.image).astype(np.int64)
        if self.kind == "max":
            y = self.window.patches(x, -128).max(axis=(3, 4))
        else:
            y = rounded_quotient(
                self.window.patches(x, 0).sum(axis=(3, 4)), self.window.inside()[None, :, :, None]
            )
        return np.asarray(np.clip(y, self.low, self.high), np.int8)


def rounded_quotient(a: Array, b: Any) -> Array:
    """``a / b`` to the nearest, halves away from zero."""
    half = b // 2
    return np.where(a > 0, (a + half) // b, -((half - a) // b))


@dataclass(frozen=True, eq=False)
class Sum(Kernel):
    """Two tensors of one shape, added up."""

    name = "sum"
    zeros: tuple[int, int]
    multipliers: tuple[int, int, int]
    shifts: tuple[int, int, int]
    zero_out: int
    low: int
    high: int

    def run(self, *xs: Array) -> Array:
        terms = [
            scale.scaled((x.astype(np.int64) - z) << 20, m, s)
            for x, z, m, s in zip(xs, self.zeros, self.multipliers[:2], self.shifts[:2], strict=True)
        ]
        y = scale.scaled(terms[0] + terms[1], self.multipliers[2], self.shifts[2])
        return np.clip(y + self.zero_out, self.low, self.high).astype(np.int8)


@dataclass(frozen=True, eq=False)
class Mean(Kernel):
    """The mean over some axes: of (outer, count, inner) over count."""

    name = "mean"
    shape: tuple[int, int, int]
    zero_in: int
    multiplier: int
    shift: int
    zero_out: int

    def run(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), *self.shape).astype(np.int64) - self.zero_in
        y = scale.scaled(x.sum(axis=2), self.multiplier, self.shift) + self.zero_out
        return np.clip(y, -128, 127).astype(np.int8)


@dataclass(frozen=True, eq=False)
class Lookup(Kernel):
    """A function of each element, as a table.

    Parameters
    ----------
    table : int8 array of shape (256,)
        Of -128, …, 127.
    """

    name = "lookup"
    table: NDArray[np.int8]

    def run(self, *xs: Array) -> Array:
        return np.asarray(self.table[xs[0].astype(np.int64) + 128])


@dataclass(frozen=True, eq=False)
class Softmax(Kernel):
    """Softmax over the last axis, of `depth` elements.

    Parameters
    ----------
    exps : int64 array
        gemmlowp's exponentials in Q31 of 0, -1, …; what is farther from the largest gives 0.
    """

    name = "softmax"
    depth: int
    exps: NDArray[np.int64]

    def run(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), -1, self.depth).astype(np.int64)
        below = x.max(axis=2, keepdims=True) - x
        far = below >= len(self.exps)
        e = np.where(far, 0, self.exps[np.where(far, 0, below)])
        total = np.where(far, 0, scale.divided(e, 12)).sum(axis=2, keepdims=True)
        zeros = 31 - np.floor(np.log2(total.astype(np.float64))).astype(np.int64)
        share = scale.reciprocal((total << zeros) - (1 << 31))
        y = scale.divided(scale.doubling_high(share, e), (12 - zeros) + 31 - 8) - 128
        return np.where(far, -128, np.clip(y, -128, 127)).astype(np.int8)


@dataclass(frozen=True, eq=False)
class Concat(Kernel):
    """Tensors one after another along an axis: of each, `runs` times so many elements as `sizes` tells."""

    name = "concat"
    runs: int
    sizes: tuple[int, ...]

    def run(self, *xs: Array) -> Array:
        return np.concatenate([x.reshape(len(x), self.runs, -1) for x in xs], axis=2)


@dataclass(frozen=True, eq=False)
class Pad(Kernel):
    """Elements of one value around a tensor of up to 4 axes.

    Parameters
    ----------
    shape : tuple of int
    before, after : tuples of int
        Elements by axis.
    """

    name = "pad"
    shape: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    value: int

    def run(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), *self.shape)
        around = [(0, 0), *zip(self.before, self.after, strict=True)]
        return np.asarray(np.pad(x, around, constant_values=self.value))


@dataclass(frozen=True, eq=False)
class Transpose(Kernel):
    """The axes of a tensor in another order."""

    name = "transpose"
    shape: tuple[int, ...]
    order: tuple[int, ...]

    def run(self, *xs: Array) -> Array:
        x = xs[0].reshape(len(xs[0]), *self.shape)
        return np.ascontiguousarray(x.transpose(0, *[a + 1 for a in self.order]))


@dataclass(frozen=True, eq=False)
class Same(Kernel):
    """The same bytes, of another shape."""

    name = "same"

    def run(self, *xs: Array) -> Array:
        return xs[0]


def lookup(values: Sequence[int] | Array) -> Lookup:
    """A table of what becomes of -128, …, 127."""
    return Lookup(np.clip(np.asarray(values), -128, 127).astype(np.int8))
