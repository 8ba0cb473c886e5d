"""Do the features still look as in training? The population stability index of each.

The index and its customary limits: N. Siddiqi, "Credit Risk Scorecards", Wiley 2006. What it is where nothing
has changed: B. Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan University
2018: (1/n + 1/m) times a chi-square of as many degrees of freedom as there are bins, less one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from micromlgen.companion import Feature

#: Custom says that above it the population is another one.
CHANGED = 0.25
#: Share of features that are called drifting by chance alone, where none has changed.
_BY_CHANCE = 1e-3
#: Fewer rows tell nothing.
LEAST_ROWS = 100


def psi(expected: ArrayLike, seen: ArrayLike) -> float:
    """Population stability index of two histograms over the same bins, shape (n_bins,).

    Half a row is added to each bin, so that an empty one says no more than the rows can.

    >>> round(psi([50, 50], [50, 50]), 3), round(psi([90, 10], [10, 90]), 3)
    (0.0, 3.444)
    """
    a, b = np.asarray(expected, float) + 0.5, np.asarray(seen, float) + 0.5
    a, b = a / a.sum(), b / b.sum()
    return float(((b - a) * np.log(b / a)).sum())


@dataclass(frozen=True)
class Drift:
    """How far a feature has moved.

    Attributes
    ----------
    psi : float
    limit : float
        What it may be before it is called drift: `CHANGED`, or what chance makes of so few rows.
    """

    psi: float
    limit: float

    def __bool__(self) -> bool:
        return self.psi > self.limit


def drifts(features: Sequence[Feature], rows: NDArray[np.float32]) -> list[Drift]:
    """Of each feature, by the last rows, shape (n_rows, n_features); none before there are enough."""
    if len(rows) < LEAST_ROWS:
        return []
    return [_drift(feature, column) for feature, column in zip(features, rows.T, strict=True)]


def _drift(feature: Feature, column: NDArray[np.float32]) -> Drift:
    expected, seen = np.array(feature.counts), feature.count(column)
    used = (expected + seen) > 0
    chance = chi2.ppf(1 - _BY_CHANCE, max(1, int(used.sum()) - 1)) * (1 / expected.sum() + 1 / seen.sum())
    return Drift(psi(expected[used], seen[used]), max(CHANGED, float(chance)))
