"""Products of samples with later ones or another channel's: the twin of dsp/lagged.h.

Windows are int64 arrays of shape (n_windows, n), one channel each. Results are in Q16.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._moments import FRACTION, Root, Sums
from micromlgen.features._root import bit_length
from micromlgen.features._tops import limited, moved, top, upper

Array = NDArray[Any]


class Differences(NamedTuple):
    """Roots of ``(n - k)**2`` times the variance of ``numpy.diff(x, k)``, k = 1 and 2."""

    first: Root
    second: Root


def differences(x: Array) -> Differences:
    """Of windows x, int64 of shape (n_windows, n_samples), of at least three samples."""
    n = x.shape[1]
    out = []
    for k in (1, 2):
        d = np.diff(x, k, axis=1)
        out.append(Root((n - k) * (d * d).sum(axis=1) - d.sum(axis=1) ** 2))
    return Differences(*out)


def ratio(a: Root, b: Root, square: Root, factor: int) -> Array:
    """``a * b / square.square * factor``, the factor in Q15; 0 where `square` is. So are Hjorth's."""
    _, e = square._top
    q = upper(upper(a.root << 16, b.root), square.inverse)
    q = upper(q, factor)
    return np.where(square.square > 0, limited(q, a.exponent + b.exponent - e - 14), 0)


def autocorrelation(x: Array, lag: int, of: Sums, spread: Root) -> Array:
    """Of the deviations from the mean, over all of them squared; 0 where all samples are equal."""
    n = x.shape[1]
    mean = of.sum // n
    rest = of.sum - mean * n
    # Of samples less the mean rounded down: what is left of the mean is rest / n, from 0 to 1.
    ends = x[:, :lag].sum(axis=1) + x[:, n - lag :].sum(axis=1)
    products = (x[:, : n - lag] * x[:, lag:]).sum(axis=1) - mean * (2 * of.sum - ends) + (n - lag) * mean**2
    part = (n - lag) * (rest * rest % n)
    whole = (
        n * products - rest * (2 * rest - ends + 2 * lag * mean) + (n - lag) * (rest * rest // n) + part // n
    )
    # Bits of the fraction, for windows of few and small samples.
    bits = np.minimum(62 - bit_length(spread.square), 16)
    v = (whole << bits) + (part % n << bits) // n
    return _quotient(v, spread, bits)


def _quotient(v: Array, spread: Root, bits: Array) -> Array:
    """``v / (square * 2**bits)``, of at most 1 in magnitude."""
    m, e = top(np.abs(v))
    q = moved(upper(m, spread.inverse), e - spread._top[1] - bits - 15)
    return np.where(spread.square > 0, np.where(v < 0, -q, q), 0)


def correlation(x: Array, y: Array, of: tuple[Sums, Root], other: tuple[Sums, Root]) -> Array:
    """Pearson's of two channels; 0 where all samples of one are equal."""
    (a, p), (b, q) = of, other
    v = x.shape[1] * (x * y).sum(axis=1) - a.sum * b.sum
    m, e = top(np.abs(v))
    m = upper(upper(upper(upper(m, p.inverse), p.root), q.inverse), q.root)
    m = moved(m, e - p._top[1] - q._top[1] + p.exponent + q.exponent - 94 + 64 + FRACTION)
    return np.where((p.square > 0) & (q.square > 0), np.where(v < 0, -m, m), 0)


def area(channels: list[Array], bits: int) -> Array:
    """Sum of the magnitudes of all samples of all channels, over 2**bits."""
    return np.asarray(sum(np.abs(x).sum(axis=1) for x in channels) >> bits)
