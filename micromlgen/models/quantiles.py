"""QuantileTransformer: the rank of a feature among quantiles, as it is or of a normal distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.inputs import Input
from micromlgen.ir import Layout
from micromlgen.models._stage import ULP, only_layout, zeros
from micromlgen.models.curves import Curved
from micromlgen.tables import narrow

Array = NDArray[Any]
#: scikit-learn takes what is so near the ends for the ends, if a normal distribution is asked for ...
_NEAR = 1e-7
#: ... and lets nothing be further out than this.
FARTHEST = float(-ndtri(_NEAR - np.spacing(1)))
#: Most that the roundings of a scaler are of its numbers, in float64.
_BLUR = 2.0**-48
#: Most that the inverse of the normal distribution is off: by its approximation, and by float32.
_INVERSE = 3e-6
#: AS241's PPND7 (Wichura 1988, Applied Statistics 37): numerators and denominators, lowest power first, of
#: the middle, by ``0.180625 - (p - 0.5)**2``, and of the tails, by ``sqrt(-log(p)) - 1.6``.
MIDDLE = (
    (3.3871327179, 50.434271938, 159.29113202, 59.109374720),
    (1.0, 17.895169469, 78.757757664, 67.187563600),
)
TAIL = ((1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1.0, 0.73700164250, 0.12021132975))


@dataclass(frozen=True, eq=False)
class Quantiles(Curved):
    """How many quantiles a feature has passed, and how far it is to the next, over their number less one.

    At a quantile that comes several times it is the mean of the first and the last of them.
    """

    #: Of each feature, ascending and each once: float64, then float32.
    at: tuple[Array, ...]
    #: Number of the last quantile of that value, of each feature.
    last: tuple[NDArray[np.int64], ...]
    normal: bool
    #: `_NEAR` in the units of each feature: float64.
    near: Array
    #: Below the first, or above the second, a normal number is the farthest: float32, of each feature.
    ends: NDArray[np.float32] | None = field(default=None, kw_only=True)

    @property
    def uses_math(self) -> bool:
        return self.normal

    @property
    def farthest(self) -> float:
        """As `FARTHEST`."""
        return FARTHEST

    @property
    def middle(self) -> Any:
        """As `MIDDLE`."""
        return MIDDLE

    @property
    def tail(self) -> Any:
        """As `TAIL`."""
        return TAIL

    @property
    def in_place(self) -> bool:
        return True

    @property
    def bound(self) -> float:
        return FARTHEST if self.normal else 1.0

    def likely(self) -> tuple[tuple[Array, Array], ...]:
        counts = [np.diff(n, prepend=-1) for n in self.last]
        return tuple((a.astype(np.float32), n) for a, n in zip(self.at, counts, strict=True))

    @property
    def most(self) -> int:
        """Number of the last quantile."""
        return int(self.last[0][-1])

    @property
    def starts(self) -> Array:
        """Of each feature its first value, and behind the last one their number."""
        return narrow(np.cumsum([0, *map(len, self.at)]))

    @property
    def table(self) -> Array:
        """All values."""
        return np.concatenate(self.at)

    @property
    def numbers(self) -> Array | None:
        """All numbers of last quantiles; None if no value comes twice."""
        plain = all(np.array_equal(n, np.arange(len(n))) for n in self.last)
        return None if plain else narrow(np.concatenate(self.last))

    def behind(self, stage: Affine) -> Quantiles | None:
        """Ranks are the same of features in other units, and numbers that come several times are met."""
        gain = stage.gain
        if gain is None or (gain <= 0).any():
            return None
        at = tuple(_back(a, o, g) for a, o, g in zip(self.at, stage.offset, gain, strict=True))
        return replace(self, at=at, near=self.near / gain)

    def centred(self, center: NDArray[np.float32]) -> Quantiles:
        return replace(self, at=tuple(a - c for a, c in zip(self.at, center.astype(np.float64), strict=True)))

    def in_float32(self, inputs: Input) -> Quantiles:
        ends = list(zip(self.at, self.near, strict=True))
        low = np.array([-fixedpoint.float32_floor(-(a[0] + near)) for a, near in ends], np.float32)
        high = np.array([fixedpoint.float32_floor(a[-1] - near) for a, near in ends], np.float32)
        kept = [np.unique(a.astype(np.float32), return_index=True)[0] for a in self.at]
        last = [n[_lasts(a.astype(np.float32))] for a, n in zip(self.at, self.last, strict=True)]
        return replace(
            self, input=inputs, at=tuple(kept), last=tuple(last), ends=np.stack([low, high], axis=1)
        )

    def _ranks(self, rows: Array) -> tuple[Array, Array]:
        """From below and from above, in steps: shape (n, n_features) each."""
        below, above = np.empty(rows.shape), np.empty(rows.shape)
        for f, (values, last) in enumerate(zip(self.at, self.last, strict=True)):
            a, x = values.astype(np.float64), rows[:, f]
            j = np.clip(np.searchsorted(a, x, side="right"), 1, max(len(a) - 1, 1))
            low, high = a[j - 1], a[np.minimum(j, len(a) - 1)]
            gap = np.where(high > low, high - low, 1.0)
            part = np.clip((x - low) / gap, 0.0, 1.0)
            first = np.concatenate([[0], last[:-1] + 1])
            equal = x == low
            below[:, f] = np.where(equal, (first[j - 1] + last[j - 1]) / 2, last[j - 1] + part)
            rest = np.clip((high - x) / gap, 0.0, 1.0)
            above[:, f] = np.where(equal, self.most - below[:, f], self.most - 1 - last[j - 1] + rest)
            ends = self.ends[f] if self.ends is not None else (a[0] + self.near[f], a[-1] - self.near[f])
            bottom, top = (x < ends[0], x > ends[1]) if self.normal else (x <= a[0], x >= a[-1])
            below[:, f] = np.where(bottom, 0, np.where(top | (x >= a[-1]), self.most, below[:, f]))
            above[:, f] = np.where(bottom, self.most, np.where(top | (x >= a[-1]), 0, above[:, f]))
        return below, above

    def exact(self, X: Array) -> NDArray[np.float64]:
        below, above = self._ranks(X.astype(np.float64))
        if not self.normal:
            return np.asarray(below / self.most)
        with np.errstate(divide="ignore"):
            far = ndtri(np.minimum(below, above) / self.most)
        return np.clip(np.where(below < above, far, -far), -FARTHEST, FARTHEST)

    def rounding(self, Q: Array) -> Array:
        size = np.abs(self.exact(Q))
        return np.asarray(_INVERSE * (1 + size) if self.normal else 6 * ULP * (size + 2 / self.most))

    def moves(self, Q: Array, by: Array) -> Array:
        rows = Q.astype(np.float64)
        return self.exact(rows + by) - self.exact(rows - by)  # it never falls

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """What two float steps of x and of the quantiles make, and the rounding."""
        blur = 4 * ULP * np.maximum(np.abs(X), [np.abs(a).max() for a in self.at])
        return np.asarray(2 * self.moves(X, blur) + 2 * self.rounding(X))

    def boundaries(self) -> Sequence[Array]:
        out = []
        for values, plain in zip(self.at, super().boundaries(), strict=True):
            some = values[np.linspace(0, len(values) - 1, min(len(values), 9)).astype(int)]
            sides = [np.nextafter(some, np.float32(s)) for s in (-np.inf, np.inf)]
            out.append(np.concatenate([plain, some, *sides]).astype(np.float32))
        return out

    def layouts(self) -> Sequence[Layout]:
        tables = [self.table, self.starts, *([] if self.numbers is None else [self.numbers])]
        steps = np.log2(len(self.table) / self.n_outputs + 1)
        floats = (5000.0, 3000, 150, 3000) if self.normal else (900.0, 450, 40, 450)
        work = [(c + 60 * steps) * self.n_outputs for c in floats]
        return only_layout("quantiles", tables, (2500 if self.normal else 900, 2500, 500, 2500), work)

    def contract(self) -> Sequence[str]:
        return [
            "ranks are those of an x that is two float32 steps away at most; at numbers that come several "
            "times among the quantiles, scikit-learn's own answer depends on the last bit of float64"
        ]


def _back(values: Array, offset: float, gain: float) -> Array:
    """Where `gain` times x plus `offset` is `values`: a float32 if one is as near as float64 tells."""
    found = (values - offset) / gain
    whole = found.astype(np.float32).astype(np.float64)
    return np.where(np.abs(whole - found) <= _BLUR * (np.abs(found) + abs(offset / gain)), whole, found)


def _lasts(values: Array) -> NDArray[np.int64]:
    """Where equal neighbours end."""
    return np.flatnonzero(np.append(values[1:] != values[:-1], True))


@converts("sklearn.preprocessing.QuantileTransformer")
def quantiles(estimator: Any) -> Quantiles:
    """Convert ranks among quantiles."""
    columns = np.asarray(estimator.quantiles_, np.float64).T
    last = [_lasts(column) for column in columns]
    n = len(columns)
    return Quantiles(
        source=type(estimator).__name__,
        input=Input(n),
        span=zeros(n),
        at=tuple(column[ends] for column, ends in zip(columns, last, strict=True)),
        last=tuple(last),
        normal=estimator.output_distribution == "normal",
        near=np.full(n, _NEAR),
    )
