"""Statistics of windows: what they are like, without regard to frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.features import _lagged as lagged
from micromlgen.features import _moments as moments
from micromlgen.features._extractor import Extractor
from micromlgen.features._root import log2_q11, log2_table
from micromlgen.features._statistic import STATISTICS, Window
from micromlgen.features._terms import Term, is_integer, terms_of
from micromlgen.inputs import Input
from micromlgen.ir import Layout

Array = NDArray[Any]
_MOST_SAMPLES = 8192
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
_DEFAULT = ("mean", "std", "min", "max", "rms", "skew", "kurtosis", "zero_crossings")
_HJORTH = {"hjorth_mobility", "hjorth_complexity"}
_SPREAD = {"std", "skew", "kurtosis", "autocorrelation", "correlation"} | _HJORTH
#: What is computed once for several of them.
_BY = {
    "order": {"median", "mad", "iqr", "quantile"},
    "median": {"median", "mad"},
    "histogram": {"entropy"},
    "scatter": {"std", "var", "skew", "kurtosis", "hjorth_activity", "autocorrelation", "correlation"}
    | _HJORTH,
    "spread": {"std", "skew", "kurtosis", "autocorrelation", "correlation"} | _HJORTH,
    "power": {"rms"},
    "higher": {"skew", "kurtosis"},
    "differences": _HJORTH,
    "lagged": {"autocorrelation", "correlation", "sma"} | _HJORTH,
}
#: Not from sums of the samples of a channel.
_APART = {"median", "mad", "iqr", "quantile", "sma"}
#: Measured with -O2 on `_CORES`: bytes of code, cycles of a sample, of a window, by what is computed.
_COSTS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
    "sums": ((1300, 400, 350, 350), (57, 20, 9, 16), (3000, 450, 130, 300)),
    "higher": ((3700, 1850, 1430, 1400), (132, 27, 9.6, 24), (4100, 600, 270, 380)),
    "order": ((750, 520, 520, 400), (109, 50, 42, 46), (3600, 1600, 1400, 1300)),  # of each number
    "histogram": ((900, 300, 250, 250), (200, 17, 18, 14), (15700, 900, 440, 640)),
    "differences": ((2200, 700, 500, 600), (81, 20, 6, 20), (8000, 1000, 280, 600)),
    "lagged": ((1800, 500, 350, 400), (54, 9, 4, 9), (4000, 400, 120, 250)),
}


@dataclass(frozen=True, eq=False)
class Summary(Extraction):
    """Statistics of each channel in turn, then of all together."""

    terms: tuple[Term, ...]
    together: tuple[str, ...]
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

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Channels that are correlated."""
        return list(combinations(range(self.n_channels), 2))

    @property
    def area_bits(self) -> int:
        """The signal magnitude area is in so many bits less, to stay below 2**30."""
        return max(0, (self.input.n_features * 32768).bit_length() - 30)

    def names(self) -> Sequence[str]:
        each = [term.name for term in self.terms]
        several = self.n_channels > 1
        out = [f"{name}_{c}" if several else name for c in range(self.n_channels) for name in each]
        for feature in self.together:
            out += [feature] if feature == "sma" else [f"{feature}_{a}_{b}" for a, b in self.pairs]
        return out

    def unit(self) -> NDArray[np.float64]:
        window = self.window
        each = [STATISTICS[term.feature].unit(window) for term in self.terms] * self.n_channels
        for feature in self.together:
            pearson = [2.0**-moments.FRACTION] * len(self.pairs)
            each += [2.0**self.area_bits / self.n] if feature == "sma" else pearson
        return np.array(each)

    def predict(self, Q: Array) -> Array:
        channels = [Window(np.asarray(Q, np.int64)[:, c :: self.n_channels]) for c in range(self.n_channels)]
        out = [STATISTICS[t.feature].steps(w, *t.arguments) for w in channels for t in self.terms]
        for feature in self.together:
            if feature == "sma":
                out.append(lagged.area([w.x for w in channels], self.area_bits))
            else:
                chosen = [(channels[a], channels[b]) for a, b in self.pairs]
                out += [
                    lagged.correlation(v.x, w.x, (v.sums, v.spread), (w.sums, w.spread)) for v, w in chosen
                ]
        return np.stack(out, axis=1).astype(np.int32)

    @cached_property
    def features(self) -> set[str]:
        """Those that are computed."""
        return {term.feature for term in self.terms} | set(self.together)

    def needs(self, what: str) -> bool:
        """Whether a feature is computed from "sums" or a key of `_BY`."""
        return bool(self.features - _APART if what == "sums" else self.features & _BY[what])

    @property
    def selections(self) -> int:
        """How many numbers are searched in order, beside the one behind each."""
        each = [term.feature for term in self.terms]
        return self.needs("median") + ("mad" in each) + 2 * ("iqr" in each) + each.count("quantile")

    @property
    def shares_digits(self) -> bool:
        """Whether several numbers are searched among the samples themselves."""
        return self.selections - any(term.feature == "mad" for term in self.terms) > 1

    @property
    def bins(self) -> int:
        """Of the histogram."""
        return int(next(term.arguments[0] for term in self.terms if term.feature == "entropy"))

    @property
    def entropy_of_all(self) -> int:
        """``n * log2(n)`` in Q11."""
        return self.n * int(log2_q11(np.array(self.n)))

    @property
    def stack(self) -> int:
        """Bytes of arrays on the stack."""
        digits = 32 * (self.needs("order") + self.shares_digits)
        return digits + (2 * self.bins if self.needs("histogram") else 0)

    def layouts(self) -> Sequence[Layout]:
        costs = [(self.selections if p == "order" else 1, *_COSTS[p]) for p in _COSTS if self.needs(p)]
        tables = {"log2": log2_table()} if self.needs("histogram") else {}
        sizes = [t.nbytes for t in tables.values()]
        flash, cycles = {}, {}
        for k, core in enumerate(_CORES):
            flash[core] = float(sum(code[k] for _, code, _, _ in costs) + sum(sizes))
            each = sum(times * (sample[k] * self.n + window[k]) for times, _, sample, window in costs)
            cycles[core] = float(each * self.n_channels)
        return [Layout("two passes", flash, cycles, lambda: {"tables": tables}, sizes)]

    def contract(self) -> Sequence[str]:
        lines = ["sums, order and crossings are exact; roots are within 2^-15 of themselves, and a step"]
        if self.needs("higher"):
            lines.append("skew within 0.001, kurtosis within 0.002, of whatever samples")
        if self.needs("differences"):
            lines.append("mobility and complexity within 2^-13 of themselves and a step, and at most 16384")
        if self.features & {"autocorrelation", "correlation"}:
            lines.append("correlations within 2^-13")
        if self.features & {"iqr", "quantile"}:
            lines.append("quantiles within 0.6")
        if self.needs("histogram"):
            lines.append("entropy within 0.002 bits")
        return lines


class Statistics(Extractor):
    """Statistics of int16 windows, in integers, with the definitions of NumPy and SciPy.

    Parameters
    ----------
    features : sequence of str
        Of each channel "mean", "median", "std", "var", "rms", "min", "max", "ptp" (peak to peak), "skew",
        "kurtosis" (that of Fisher), "zero_crossings", "mean_crossings", "mad" (median absolute deviation),
        "iqr", "quantile" (linear), "energy" (sum of squares), "entropy" (of a histogram over the range of the
        window, in bits), "hjorth_activity" (the variance), "hjorth_mobility", "hjorth_complexity" (by
        `numpy.diff`) and "autocorrelation" (sum of products of deviations from the mean, over that of their
        squares). Of all channels together "sma" (signal magnitude area: mean over time of the sum of
        magnitudes) and "correlation" (Pearson's, of each pair). Variances divide by n (``ddof=0``); what
        would divide by zero, as in a constant window, is 0. A crossing is from below a level to the level or
        above, or back.
    n_channels : int
        Channels, interleaved: windows have n_channels times as many samples as a channel.
    quantiles : sequence of float
        For "quantile", from 0 to 1.
    lags : sequence of int
        For "autocorrelation", in samples.
    bins : int
        For "entropy", from 2 to 256.

    Notes
    -----
    Outputs are those of the first channel, then those of the second, and so on, then those of all. Channels
    have from 2 to 8192 samples.

    Means, medians, "mad", "min", "max", "ptp" and crossings are exact. Of any samples "std" and "rms" are
    within one unit of theirs (and 2**-15 of themselves, and 2**-13 of a unit), "var" within a half, quantiles
    within 0.6 and "iqr" within 1, skew within 0.001, kurtosis within 0.002, entropy within 0.002 bits,
    correlations within 2**-13, mobility and complexity within 2**-13 of themselves and 2**-16, "energy"
    within 4 n of n samples, "sma" within 0.02. Skew and kurtosis of windows with single high peaks, five
    standard deviations and more, take up to twice as long, for these are computed one by one.
    """

    def __init__(
        self,
        features: Sequence[str] = _DEFAULT,
        *,
        n_channels: int = 1,
        quantiles: Sequence[float] = (0.1, 0.9),
        lags: Sequence[int] = (1,),
        bins: int = 16,
    ) -> None:
        self.features = features
        self.n_channels = n_channels
        self.quantiles = quantiles
        self.lags = lags
        self.bins = bins

    def extraction(self, n_samples: int | None = None) -> Summary:
        terms, together = terms_of(self.get_params(deep=False))
        channels = self.n_channels
        if not is_integer(channels) or not 0 < channels < 256:
            raise UnsupportedError(f"Statistics: n_channels={channels!r}; an integer from 1 to 255 is needed")
        if "correlation" in together and channels == 1:
            raise UnsupportedError("Statistics: 'correlation' is of pairs of channels; n_channels is 1")
        length = getattr(self, "n_features_in_", None) if n_samples is None else n_samples
        if length is None:
            raise UnsupportedError(
                "Statistics is not fitted; call fit(X) with windows as long as those to come"
            )
        if length % channels:
            raise UnsupportedError(f"Statistics: windows of {length} samples are none of {channels} channels")
        n = length // channels
        if not 2 <= n <= _MOST_SAMPLES:
            raise UnsupportedError(f"Statistics: {n} samples a channel; 2 to {_MOST_SAMPLES} are needed")
        if n == 2 and {term.feature for term in terms} & _HJORTH:
            raise UnsupportedError("Statistics: 2 samples a channel; mobility and complexity need 3")
        if any(term.feature == "autocorrelation" and term.arguments[0] >= n for term in terms):
            raise UnsupportedError(f"Statistics: lags={self.lags!r}: channels have {n} samples")
        n_outputs = len(terms) * channels
        n_outputs += sum(channels * (channels - 1) // 2 if f == "correlation" else 1 for f in together)
        return Summary(
            source="Statistics",
            input=Input(length, "int16", exponents=np.zeros(length, np.int32), samples=True),
            span=np.zeros((n_outputs, 2)),
            terms=terms,
            together=together,
            n_channels=int(channels),
        )

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        channels = [samples[:, c :: self.n_channels] for c in range(self.n_channels)]
        terms, together = terms_of(self.get_params(deep=False))
        out = [STATISTICS[t.feature].reference(x, *t.arguments) for x in channels for t in terms]
        for feature in together:
            if feature == "sma":
                out.append(np.sum([np.abs(x).mean(axis=1) for x in channels], axis=0))
            else:
                out += [_pearson(x, y) for x, y in combinations(channels, 2)]
        return np.stack(out, axis=1)


def _pearson(x: Array, y: Array) -> Array:
    a, b = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    moving = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0)
    return np.where(moving, (a * b).sum(axis=1) / np.where(moving, scale, 1), 0)


@converts("micromlgen.features.Statistics")
def statistics(estimator: Statistics) -> Summary:
    """Convert the parameters."""
    return estimator.extraction()
