"""LocalOutlierFactor: how much denser the nearest training rows stand than x does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Detector
from micromlgen.models._members import last_step
from micromlgen.models._neighbors_convert import common
from micromlgen.models._neighbors_found import ROOTED, Found, integer_root
from micromlgen.models._neighbors_metric import POWF, ULP
from micromlgen.models._neighbors_model import OnRows
from micromlgen.models._neighbors_rows import Rows
from micromlgen.tables import Column, column

Array = NDArray[Any]
#: Densities of training rows may differ by this factor in integers, and a score of one must be this fine.
_DENSITIES, _COARSEST = 4096.0, 64


@dataclass(frozen=True, eq=False, kw_only=True)
class LocalOutliers(OnRows, Detector):
    """How much denser the neighbours stand than x does: the local outlier factor.

    The score is the mean of the neighbours' densities times the mean of their reachability distances, which
    are not below the distance of each neighbour to its own k-th one (Breunig, Kriegel, Ng and Sander: LOF,
    Identifying Density-Based Local Outliers, 2000).

    Parameters
    ----------
    reach : array of shape (n_rows,)
        Distance of each training row to its k-th neighbour, as the estimator tells it; quantised: float32,
        or uint16 in units of a distance.
    density : array of shape (n_rows,)
        Local reachability density; quantised: float32, or uint16.
    least : float
        What is added to a mean distance.
    distance_shift : int
        Integers: fraction bits of a distance.
    density_shift : int
        Integers: bits by which the sum of densities is shifted right.
    one : int
        Integers: a score of one.
    """

    reach: Array
    density: Array
    least: float
    distance_shift: int = 0
    density_shift: int = 0
    one: int = 1

    @property
    def distances_matter(self) -> bool:
        return True

    @property
    def takes_roots(self) -> bool:
        return True

    def with_rows(self, rows: Rows, inputs: Input) -> Self:
        model = super().with_rows(rows, inputs)
        if rows.is_integer:
            return model._integer_densities()
        one = float(model.rows.distance(np.ones(())))
        return replace(
            model,
            reach=(self.reach / one).astype(np.float32),
            density=(self.density * one).astype(np.float32),
            least=self.least / one,
        )

    def _taken(self, index: NDArray[np.int64]) -> Self:
        return self  # copies have densities of their own

    def _integer_densities(self) -> Self:
        """Distances and densities in integers whose products stay in 32 bits.

        Raises
        ------
        UnsupportedError
            If densities differ by more than 16 bits tell.
        """
        assert self.k is not None
        rows, k = self.rows, self.k
        # Roots are taken of as many bits as there are.
        room = (32 - int(self._farthest(self.input.highest)).bit_length()) // int(rows.metric.root)
        shift = max(0, room if rows.metric.root == 2 else room - 1 - k.bit_length())
        per_distance = 2.0**shift / float(rows.distance(np.ones(())))
        down = (k - 1).bit_length()
        scale = k * k * per_distance / 2.0 ** (16 + down)
        one = int(scale * 65535 / self.density.max())
        if one < _COARSEST or self.density.max() > _DENSITIES * self.density.min():
            raise UnsupportedError(
                f"{self.source}: densities of the training rows differ too much for integers; leave out "
                "copies of rows, fit with more n_neighbors, or use dtype='float32'"
            )
        return replace(
            self,
            reach=np.rint(self.reach * per_distance).astype(np.int64),
            density=np.rint(self.density * (one / scale)).astype(np.int64),
            distance_shift=shift,
            density_shift=down,
            one=one,
        )

    def _farthest(self, highest: int) -> float:
        """Largest reduced distance of integers."""
        metric, most = self.rows.metric, 2 * highest + 1
        return most if metric.largest else most**metric.power * self.rows.values.shape[1]

    def _scores(self, Q: Array) -> tuple[Array, NDArray[np.float64]]:
        """Scores, shape (n,), float64 or int64, and most by which float32 is off them."""
        out = np.zeros(len(Q), np.int64 if self.rows.is_integer else np.float64)
        off = np.zeros(len(Q))
        for block, found in self.found(Q):
            if self.rows.is_integer:
                out[block] = self._whole_scores(found)
            else:
                out[block], off[block] = self._float_scores(found)
        return out, off

    def _whole_scores(self, found: Found) -> NDArray[np.int64]:
        if self.rows.metric.root == 2:
            distance = integer_root(found.reduced << (2 * self.distance_shift))
        else:
            distance = found.reduced << self.distance_shift
        reach = np.maximum(distance, self.reach[found.index]).sum(axis=1)
        density = self.density[found.index].sum(axis=1) >> self.density_shift
        return np.asarray(-(reach * density >> 16))

    def _float_scores(self, found: Found) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        assert self.k is not None
        root = self.rows.metric.root
        distance, least = found.reduced ** (1 / root), self.reach[found.index].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = found.slack / np.maximum(found.reduced, 1e-300) * (2 / root) + ROOTED * ULP
            relative += 0 if root in (1.0, 2.0) else POWF
        wrong = np.where(distance * (1 + relative) > least, distance * relative, 0).mean(axis=1)
        reach = np.maximum(distance, least).mean(axis=1) + np.float32(self.least)
        density = self.density[found.index].astype(np.float64).mean(axis=1)
        added = (self.k + 4) * ULP
        off = density * (wrong + 2 * added * reach) + 1e-37
        return -density * reach, np.where(found.open.any(axis=1) | np.isnan(off), np.inf, off)

    def told(self, Q: Array) -> Array:
        return self._scores(Q)[0].astype(np.float64)[:, None] / self.one

    @property
    def tells_numbers(self) -> bool:
        return True

    @property
    def score_one(self) -> int:
        return self.one

    def score(self, Q: Array) -> Array:
        return self._scores(Q)[0].astype(self.output_dtype)

    @property
    def cut(self) -> int:
        """Integers: an outlier's score is below it."""
        return round(self.offset * self.one)

    def predict(self, Q: Array) -> Array:
        scores, _ = self._scores(Q)
        return np.where(scores < (self.cut if self.rows.is_integer else self.offset), -1, 1).astype(np.int16)

    def rounding(self, Q: Array) -> Array | None:
        return None if self.rows.is_integer else self._scores(Q)[1][:, None]

    def moves(self, Q: Array, by: Array) -> Array:
        total = np.zeros((len(Q), 1))
        for block, found in self.found(Q, by):
            total[block, 0] = self._float_scores(found)[1]
        return total

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        scores, off = self._scores(Q)
        return np.asarray(np.abs(scores - self.offset) <= off + 2 * ULP * abs(self.offset))[:, None]

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        own, rows = last_step(estimator, X)
        decision, score = own.decision_function(rows), own.score_samples(rows)
        distance, index = own.kneighbors(rows)
        reach = np.maximum(distance, own._distances_fit_X_[index, -1]).mean(axis=1)
        vague = self.margin(reach) > self.blur * reach
        close = np.abs(decision) <= 2 * self.blur * np.abs(score)
        return np.asarray(super().undecided(estimator, X) | (vague | close)[:, None])

    def _tables(self) -> Sequence[Array]:
        return [table for c in (self.stored_reach, self.stored_density) for table in c.tables]

    @property
    def stored_reach(self) -> Column:
        """Distances to the k-th neighbour in flash."""
        return column(self.reach)

    @property
    def stored_density(self) -> Column:
        """Densities in flash."""
        return column(self.density)

    def contract(self) -> Sequence[str]:
        if self.rows.is_integer:
            return super().contract()
        return [*super().contract(), f"scores are within {2 * self.blur:g} of themselves"]

    @property
    def uses_math(self) -> bool:
        return super().uses_math or (not self.rows.is_integer and self.rows.metric.root != 1)


@converts("sklearn.neighbors.LocalOutlierFactor")
def local_outliers(estimator: Any) -> LocalOutliers:
    """Convert a detector of outliers among new rows."""
    if not estimator.novelty:
        raise UnsupportedError(
            "LocalOutlierFactor(novelty=False) judges its training rows only and cannot be ported; fit it "
            "with novelty=True"
        )
    return LocalOutliers(
        **common(estimator),
        offset=float(estimator.offset_),
        reach=np.asarray(estimator._distances_fit_X_[:, -1], np.float64),
        density=np.asarray(estimator._lrd, np.float64),
        least=1e-10,
    )
