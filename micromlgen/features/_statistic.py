"""The statistics of `statistics`: each one's integers, their unit, and the definition in float64."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.features import _histogram as histogram
from micromlgen.features import _lagged as lagged
from micromlgen.features import _moments as moments
from micromlgen.features import _order as order
from micromlgen.features._tops import constant

Array = NDArray[Any]


class Window:
    """One channel of windows, and what several statistics need of it.

    Parameters
    ----------
    x : int64 array of shape (n_windows, n)
    """

    def __init__(self, x: Array) -> None:
        self.x = x
        self.n: int = x.shape[1]

    @cached_property
    def sums(self) -> moments.Sums:
        return moments.sums(self.x)

    @cached_property
    def spread(self) -> moments.Root:
        """Of ``n**2`` times the variance."""
        return moments.Root(moments.scatter(self.sums, self.n))

    @cached_property
    def higher(self) -> moments.Higher:
        return moments.higher(self.x, self.sums, self.spread)

    @cached_property
    def ordered(self) -> Array:
        return np.sort(self.x, axis=1)

    @property
    def octaves(self) -> int:
        """``ceil(log2(n))``."""
        return (self.n - 1).bit_length()

    @property
    def root_bits(self) -> int:
        """Roots of n**2 times a variance get so many bits of fraction, and stay below 2**30."""
        return 14 - self.octaves

    @property
    def size(self) -> tuple[int, int]:
        """The number of samples in 16 bits, the highest one set, and the exponent."""
        return constant(self.n)

    @cached_property
    def differences(self) -> lagged.Differences:
        return lagged.differences(self.x)

    def quantile_at(self, q: float) -> tuple[int, int]:
        """Where a quantile lies."""
        return order.quantile_at(q, self.n)

    def quantile(self, q: float) -> Array:
        """A quantile in Q14."""
        return order.quantile(self.ordered, *self.quantile_at(q))

    @property
    def mobility_factor(self) -> int:
        """``n / (n - 1)`` in Q15, of what is a root over n - 1 over one over n."""
        return round(2**15 * self.n / (self.n - 1))

    @property
    def complexity_factor(self) -> int:
        """``(n - 1)**2 / (n * (n - 2))`` in Q15, for at least three samples."""
        return round(2**15 * (self.n - 1) ** 2 / max(self.n * (self.n - 2), 1))


class Statistic(NamedTuple):
    """One number of a channel.

    Parameters
    ----------
    steps : callable
        From windows, and the argument of those that have one, to integers.
    unit : callable
        From windows to what one step is.
    reference : callable
        From float64 samples of shape (n_windows, n), and the argument, to the definition.
    """

    steps: Callable[..., Array]
    unit: Callable[[Window], float]
    reference: Callable[..., Array]


def _central(x: Array, power: int) -> Array:
    return np.asarray(((x - x.mean(axis=1, keepdims=True)) ** power).mean(axis=1))


def _standardized(x: Array, power: int) -> Array:
    return _ratio(_central(x, power), x.var(axis=1) ** (power / 2))


def _excess(x: Array) -> Array:
    return np.where(x.var(axis=1) > 0, _standardized(x, 4) - 3, 0.0)


def _crossed(below: Array) -> Array:
    return np.asarray((below[:, 1:] != below[:, :-1]).sum(axis=1))


def _deviation(x: Array) -> Array:
    return np.asarray(np.median(np.abs(x - np.median(x, axis=1, keepdims=True)), axis=1))


def _mobility(x: Array) -> Array:
    return np.sqrt(_ratio(np.diff(x, axis=1).var(axis=1), x.var(axis=1)))


def _ratio(a: Array, b: Array) -> Array:
    """``a / b``, and 0 where b is 0."""
    return np.asarray(np.divide(a, b, out=np.zeros(len(a)), where=b > 0))


def _autocorrelation(x: Array, lag: int) -> Array:
    d = x - x.mean(axis=1, keepdims=True)
    return np.where(
        np.ptp(x, axis=1) > 0, _ratio((d[:, :-lag] * d[:, lag:]).sum(axis=1), (d * d).sum(axis=1)), 0
    )


def _one(w: Window) -> float:
    return 1.0


def _q16(w: Window) -> float:
    return 2.0**-moments.FRACTION


STATISTICS: dict[str, Statistic] = {
    "mean": Statistic(lambda w: w.sums.sum, lambda w: 1 / w.n, lambda x: x.mean(axis=1)),
    "median": Statistic(
        lambda w: order.median_twice(w.ordered), lambda w: 0.5, lambda x: np.median(x, axis=1)
    ),
    "std": Statistic(
        lambda w: w.spread.in_steps(w.root_bits),
        lambda w: 2.0**-w.root_bits / w.n,
        lambda x: x.std(axis=1),
    ),
    "var": Statistic(lambda w: (w.spread.square + w.n**2 // 2) // w.n**2, _one, lambda x: x.var(axis=1)),
    "rms": Statistic(
        lambda w: moments.Root(w.n * w.sums.squares).in_steps(w.root_bits),
        lambda w: 2.0**-w.root_bits / w.n,
        lambda x: np.sqrt((x * x).mean(axis=1)),
    ),
    "min": Statistic(lambda w: w.sums.low, _one, lambda x: x.min(axis=1)),
    "max": Statistic(lambda w: w.sums.high, _one, lambda x: x.max(axis=1)),
    "ptp": Statistic(lambda w: w.sums.high - w.sums.low, _one, lambda x: np.ptp(x, axis=1)),
    "skew": Statistic(
        lambda w: moments.skew(w.higher, w.spread, w.n),
        _q16,
        lambda x: _standardized(x, 3),
    ),
    "kurtosis": Statistic(lambda w: moments.kurtosis(w.higher, w.spread, w.n), _q16, _excess),
    "zero_crossings": Statistic(
        lambda w: moments.crossings(w.x, np.zeros(len(w.x), np.int64)), _one, lambda x: _crossed(x < 0)
    ),
    "mean_crossings": Statistic(
        lambda w: moments.crossings(w.x, moments.ceiling(w.sums.sum, w.n)),
        _one,
        lambda x: _crossed(x * x.shape[1] < x.sum(axis=1, keepdims=True)),
    ),
    "mad": Statistic(lambda w: order.deviation_four_times(w.ordered), lambda w: 0.25, _deviation),
    "iqr": Statistic(
        lambda w: w.quantile(0.75) - w.quantile(0.25),
        lambda w: 2.0**-order.QUANTILE_BITS,
        lambda x: np.quantile(x, 0.75, axis=1) - np.quantile(x, 0.25, axis=1),
    ),
    "energy": Statistic(
        lambda w: w.sums.squares >> (w.octaves + 1),
        lambda w: 2.0 ** (w.octaves + 1),
        lambda x: (x * x).sum(axis=1),
    ),
    "quantile": Statistic(
        lambda w, q: w.quantile(q),
        lambda w: 2.0**-order.QUANTILE_BITS,
        lambda x, q: np.quantile(x, q, axis=1),
    ),
    "entropy": Statistic(
        lambda w, bins: histogram.entropy(w.x, bins),
        lambda w: 1 / (2048 * w.n),
        histogram.reference,
    ),
    "hjorth_activity": Statistic(
        lambda w: (w.spread.square + w.n**2 // 2) // w.n**2, _one, lambda x: x.var(axis=1)
    ),
    "hjorth_mobility": Statistic(
        lambda w: lagged.ratio(w.differences.first, w.spread, w.spread, w.mobility_factor), _q16, _mobility
    ),
    "hjorth_complexity": Statistic(
        lambda w: lagged.ratio(w.differences.second, w.spread, w.differences.first, w.complexity_factor),
        _q16,
        lambda x: _ratio(_mobility(np.diff(x, axis=1)), _mobility(x)),
    ),
    "autocorrelation": Statistic(
        lambda w, lag: lagged.autocorrelation(w.x, lag, w.sums, w.spread), _q16, _autocorrelation
    ),
}
