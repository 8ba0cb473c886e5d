"""Weights and constants of products as the C reads them, for cores with and without the DSP extension.

Four outputs are computed together from a column, which holds what a window sees. Without the extension
weights and columns are offset by 128, so that bytes are loaded without a sign: ``sum (x + 128)(w + 128)``
is the sum wanted and terms that are constant or 128 times the sum of the column.

With it, a word of weights holds four inputs of one output as two halfwords ``256 b + a``; SXTB16 brings out
both a. A column holds pairs of inputs u, those that b belongs to, and pairs ``256 v - u + 127``, v those
that a belongs to. Multiplied with the halfwords and with a, they add up to ``256 (u b + v a)``, and 127 a:
of four weights only two are spread. Sums are 256 times what they were, and stay in 32 bits if those stay in
24.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._graph_int8 import Products

Array = NDArray[Any]
#: Sums below this stay in 32 bits when 256 times as large.
_FAST = 2.0**23


class Variant(NamedTuple):
    """What the function that computes outputs depends on.

    Attributes
    ----------
    fast, once : bool
    one : bool
        Whether there is one multiplier for all outputs.
    whole : bool
        Whether outputs come by four.
    narrow : bool
        Whether they saturate to less than int8.
    pairs : bool
    """

    fast: bool
    once: bool
    one: bool
    whole: bool
    narrow: bool
    pairs: bool


@dataclass(frozen=True, eq=False)
class Packed:
    """What the C holds of a product.

    Parameters
    ----------
    fast : bool
        Whether sums stay in 24 bits and shifts in what the quick scaling takes.
    plain, dsp : uint8 and uint32 arrays
        Weights without and with the DSP extension; depthwise: int8 and int16.
    start, start_dsp : int32 arrays
        What sums start with.
    multiplier : int32 array
    shift : uint8 or int8 array
        Quick scaling: bits less one; else as LiteRT has them. Of all outputs, or one for all.
    """

    fast: bool
    plain: Array
    dsp: Array
    start: NDArray[np.int32]
    start_dsp: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: Array

    @property
    def pairs(self) -> bool:
        """Whether there are weights of their own for the DSP extension."""
        return self.dsp is not self.plain

    def variant(self, kernel: Products) -> Variant:
        """Kind of the function that computes outputs of a column."""
        return Variant(
            self.fast,
            kernel.once,
            len(self.multiplier) == 1,
            len(kernel.weights) % 4 == 0,
            (kernel.low, kernel.high) != (-128, 127),
            self.pairs,
        )

    @property
    def nbytes(self) -> int:
        """Of its tables in flash, without the extension."""
        return int(sum(t.nbytes for t in (self.plain, self.start, self.multiplier, self.shift)))


def _wrapped(x: Array) -> NDArray[np.int32]:
    """Modulo 2**32."""
    return np.asarray(x & 0xFFFFFFFF, np.uint32).view(np.int32)


def _scaling(kernel: Products) -> tuple[bool, NDArray[np.int64], NDArray[np.int64]]:
    """Whether the quick scaling will do, with its multipliers and shifts."""
    multiplier, shift, reach = kernel.multiplier.copy(), kernel.shift.copy(), kernel.reach()
    # Outputs that never leave zero.
    dead = reach * np.ldexp(multiplier.astype(np.float64), shift - 31) < 0.25
    multiplier[dead], shift[dead] = 0, -1
    bits = (6 if kernel.once else -1) - shift
    fast = bool(reach.max(initial=0) < _FAST and bits.min(initial=0) >= 0 and bits.max(initial=0) <= 30)
    return (True, multiplier, bits) if fast else (False, kernel.multiplier, kernel.shift)


def packed(kernel: Products) -> Packed:
    """Lay out a product for the C."""
    fast, multiplier, shift = _scaling(kernel)
    weights = kernel.weights.reshape(len(kernel.weights), -1).astype(np.int64)
    plain, dsp, own, own_dsp = (_depthwise if kernel.depthwise else _columns)(kernel, weights, fast)
    if (multiplier == multiplier[0]).all() and (shift == shift[0]).all():
        multiplier, shift = multiplier[:1], shift[:1]
    return Packed(
        fast,
        plain,
        dsp,
        own,
        own_dsp,
        multiplier.astype(np.int32),
        shift.astype(np.uint8 if fast else np.int8),
    )


def _columns(
    kernel: Products, weights: NDArray[np.int64], fast: bool
) -> tuple[Array, Array, NDArray[np.int32], NDArray[np.int32]]:
    n_out, n_in = weights.shape
    w = np.pad(weights, ((0, -n_out % 4), (0, -n_in % 4)))
    bias = np.pad(kernel.bias, (0, -n_out % 4))
    by_four = w.reshape(len(w) // 4, 4, -1)
    plain = (by_four.transpose(0, 2, 1).reshape(-1) + 128).astype(np.uint8)
    start = _wrapped(bias - (128 + kernel.zero_in) * w.sum(axis=1))
    if not fast or (w == -128).any():
        return plain, plain, start, start
    blocks = by_four.reshape(len(by_four), 4, -1, 4).transpose(0, 2, 1, 3)  # group, block, output, input
    a, b = blocks[..., ::2], blocks[..., 1::2]
    dsp = (256 * b + a).astype("<i2").reshape(-1).view("<u4")
    low = w.reshape(len(w), -1, 2)[..., 0].sum(axis=1)
    start_dsp = _wrapped(256 * (bias - kernel.zero_in * w.sum(axis=1)) - 127 * low)
    return plain, dsp, start, start_dsp


def _depthwise(
    kernel: Products, weights: NDArray[np.int64], fast: bool
) -> tuple[Array, Array, NDArray[np.int32], NDArray[np.int32]]:
    start = _wrapped(kernel.bias - kernel.zero_in * weights.sum(axis=1))
    plain = weights.astype(np.int8).reshape(-1)
    if not fast or len(weights) % 4 or len(weights) != kernel.window.image[2]:
        return plain, plain, start, start
    # Group, tap, channel: pairs of every second channel.
    pairs = weights.reshape(-1, 4, weights.shape[1]).transpose(0, 2, 1)[..., [0, 2, 1, 3]]
    return plain, pairs.astype("<i2").reshape(-1).view("<u4"), start, start
