"""Statistics of windows: what they are like, without regard to frequency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features import _moments as moments
from micromlgen.features import _order as order
from micromlgen.features._extractor import Extractor
from micromlgen.ir import Extraction, Input, Layout

Array = NDArray[Any]
_MOST_SAMPLES = 8192
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")


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
        return moments.higher(self.x, self.sums)

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

    def power(self, k: int) -> tuple[int, int]:
        """``n**k`` in 16 bits, and the exponent."""
        return moments.constant(self.n**k)

    def quantile(self, q: float) -> Array:
        """A quantile in Q14."""
        return order.quantile(self.ordered, *order.quantile_at(q, self.n))


class Statistic(NamedTuple):
    """One number of a channel.

    Parameters
    ----------
    steps : callable
        From windows to integers.
    unit : callable
        From windows to what one step is.
    reference : callable
        From float64 samples of shape (n_windows, n) to the definition.
    """

    steps: Callable[[Window], Array]
    unit: Callable[[Window], float]
    reference: Callable[[Array], Array]


def _central(x: Array, power: int) -> Array:
    return np.asarray(((x - x.mean(axis=1, keepdims=True)) ** power).mean(axis=1))


def _standardized(x: Array, power: int) -> Array:
    spread = x.var(axis=1)
    central = _central(x, power)
    return np.asarray(np.divide(central, spread ** (power / 2), out=np.zeros(len(x)), where=spread > 0))


def _excess(x: Array) -> Array:
    return np.where(x.var(axis=1) > 0, _standardized(x, 4) - 3, 0.0)


def _crossed(below: Array) -> Array:
    return np.asarray((below[:, 1:] != below[:, :-1]).sum(axis=1))


def _deviation(x: Array) -> Array:
    return np.asarray(np.median(np.abs(x - np.median(x, axis=1, keepdims=True)), axis=1))


def _one(w: Window) -> float:
    return 1.0


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
        lambda w: 2.0**-moments.FRACTION,
        lambda x: _standardized(x, 3),
    ),
    "kurtosis": Statistic(
        lambda w: moments.kurtosis(w.higher, w.spread, w.n), lambda w: 2.0**-moments.FRACTION, _excess
    ),
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
}
_DEFAULT = ("mean", "std", "min", "max", "rms", "skew", "kurtosis", "zero_crossings")
#: What is computed once for several of them.
_BY = {
    "order": {"median", "mad", "iqr"},
    "scatter": {"std", "var", "skew", "kurtosis"},
    "spread": {"std", "skew", "kurtosis"},
    "power": {"rms"},
    "higher": {"skew", "kurtosis"},
}
#: Measured with -O2 on `_CORES`: bytes of code, cycles of a sample, of a window, by what is computed.
_CODE = {"sums": (1300, 400, 350, 350), "higher": (2600, 1000, 800, 750), "order": (900, 650, 350, 350)}
_SAMPLE: dict[str, tuple[float, ...]] = {
    "sums": (57, 20, 9, 16),
    "higher": (131, 25, 8, 24),
    "order": (350, 245, 160, 150),
}
_WINDOW: dict[str, tuple[float, ...]] = {
    "sums": (3000, 450, 130, 300),
    "higher": (4100, 600, 200, 380),
    "order": (0, 0, 0, 0),
}


@dataclass(frozen=True, eq=False)
class Summary(Extraction):
    """Statistics of each channel in turn."""

    features: tuple[str, ...]
    n_channels: int

    @property
    def frame_size(self) -> int:
        return self.n_channels

    @property
    def n(self) -> int:
        """Samples of a channel."""
        return self.input.n_features // self.n_channels

    @property
    def window(self) -> Window:
        """What tells constants of windows of this length."""
        return Window(np.zeros((0, self.n), np.int64))

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32)

    @property
    def top(self) -> int:
        return 2**30 - 1

    def names(self) -> Sequence[str]:
        if self.n_channels == 1:
            return list(self.features)
        return [f"{feature}_{c}" for c in range(self.n_channels) for feature in self.features]

    def unit(self) -> NDArray[np.float64]:
        window = self.window
        return np.tile([STATISTICS[feature].unit(window) for feature in self.features], self.n_channels)

    def predict(self, Q: Array) -> Array:
        out = []
        for c in range(self.n_channels):
            window = Window(np.asarray(Q, np.int64)[:, c :: self.n_channels])
            out += [STATISTICS[feature].steps(window) for feature in self.features]
        return np.stack(out, axis=1).astype(np.int32)

    def needs(self, what: str) -> bool:
        """Whether a feature is computed from "sums" or a key of `_BY`."""
        features = set(self.features)
        return bool(features - _BY["order"] if what == "sums" else features & _BY[what])

    @property
    def quartiles(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where the first and the last quartile lie."""
        return order.quantile_at(0.25, self.n), order.quantile_at(0.75, self.n)

    def layouts(self) -> Sequence[Layout]:
        parts = [part for part in ("sums", "higher", "order") if self.needs(part)]
        flash, cycles = {}, {}
        for k, core in enumerate(_CORES):
            flash[core] = float(sum(_CODE[part][k] for part in parts))
            each = sum(_SAMPLE[part][k] * self.n + _WINDOW[part][k] for part in parts)
            cycles[core] = float(each * self.n_channels)
        return [Layout("two passes", flash, cycles, dict)]

    def contract(self) -> Sequence[str]:
        return [
            "sums, extremes and crossings are exact; roots are within 2^-15 of themselves, and a step",
            "skew s within 2^-12 (1 + |s|), kurtosis k within 2^-10 (3 + |k|)",
        ]


class Statistics(Extractor):
    """Statistics of int16 windows, in integers, with the definitions of NumPy and SciPy.

    Parameters
    ----------
    features : sequence of str
        "mean", "median", "std", "var", "rms", "min", "max", "ptp" (peak to peak), "skew", "kurtosis" (that of
        Fisher), "zero_crossings", "mean_crossings", "mad" (median absolute deviation), "iqr", "energy"
        (sum of squares). Variances divide by n (``ddof=0``); of a constant window skew and kurtosis are 0. A
        crossing is from below a level to the level or above, or back.
    n_channels : int
        Channels, interleaved: windows have n_channels times as many samples as a channel.

    Notes
    -----
    Outputs are those of the first channel, then those of the second, and so on. Channels have from 2 to 8192
    samples.
    """

    def __init__(self, features: Sequence[str] = _DEFAULT, *, n_channels: int = 1) -> None:
        self.features = features
        self.n_channels = n_channels

    def extraction(self, n_samples: int | None = None) -> Summary:
        features = self._features()
        channels = self.n_channels
        if (
            isinstance(channels, bool)
            or not isinstance(channels, (int, np.integer))
            or not 0 < channels < 256
        ):
            raise UnsupportedError(f"Statistics: n_channels={channels!r}; an integer from 1 to 255 is needed")
        length = getattr(self, "n_features_in_", None) if n_samples is None else n_samples
        if length is None:
            raise UnsupportedError(
                "Statistics is not fitted; call fit(X) with windows as long as those to come"
            )
        if length % channels:
            raise UnsupportedError(f"Statistics: windows of {length} samples are none of {channels} channels")
        if not 2 <= length // channels <= _MOST_SAMPLES:
            raise UnsupportedError(
                f"Statistics: {length // channels} samples a channel; 2 to {_MOST_SAMPLES} are needed"
            )
        return Summary(
            source="Statistics",
            input=Input(length, "int16", exponents=np.zeros(length, np.int32), samples=True),
            span=np.zeros((len(features) * channels, 2)),
            features=features,
            n_channels=int(channels),
        )

    def _features(self) -> tuple[str, ...]:
        features = (self.features,) if isinstance(self.features, str) else tuple(self.features)
        for feature in features:
            if feature not in STATISTICS:
                raise UnsupportedError(f"Statistics: {feature!r} is none of {', '.join(STATISTICS)}")
        if len(set(features)) < len(features) or not features:
            raise UnsupportedError("Statistics: name each feature once, and at least one")
        return features

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        channels = [samples[:, c :: self.n_channels] for c in range(self.n_channels)]
        return np.stack([STATISTICS[f].reference(x) for x in channels for f in self._features()], axis=1)


@converts("micromlgen.features.Statistics")
def statistics(estimator: Statistics) -> Summary:
    """Convert the parameters."""
    return estimator.extraction()
