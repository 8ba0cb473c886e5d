"""What models have in common that compare x with training rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Classifier, Layout, Model, NumericModel
from micromlgen.models import _neighbors_found as found_of
from micromlgen.models._members import last_step
from micromlgen.models._neighbors_found import Found
from micromlgen.models._neighbors_inputs import integer_rows
from micromlgen.models._neighbors_metric import TINY, ULP
from micromlgen.models._neighbors_order import ordered
from micromlgen.models._neighbors_rows import Rows, fraction_bits
from micromlgen.models._neighbors_tables import layouts
from micromlgen.models._neighbors_width import narrowest_inputs
from micromlgen.models._widths import check_weights, widths
from micromlgen.tables import unsigned_for

Array = NDArray[Any]
#: The contract of float32: relative to the distances compared.
BOUND = 1e-5
#: A reduced distance beyond all others.
_NOWHERE = 1 << 40
#: Beyond twice the neighbours, so many training rows are looked at that may be as near as the last one.
_MORE = 32
#: Rows at this share of the largest distance are the same one.
_SAME = 1e-6
#: Errors of numbers below this share of their span are none.
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True, eq=False, kw_only=True)
class OnRows(Model):
    """A model whose neighbours of x answer.

    Parameters
    ----------
    rows : Rows
    k : int or None
        How many neighbours there are; None: all within `radius`.
    radius : float
    by_distance : bool
        Whether neighbours count by the inverse of their distance, instead of alike.
    limit : float or int
        Quantised: highest reduced distance of a neighbour, as the C has it.
    lost : float
        Most by which rounding training rows to float32 moves one.
    apart : bool array of shape (n, n_rows), or None
        Training rows that are left out for each of certain rows of x.
    """

    rows: Rows
    k: int | None
    radius: float = np.inf
    by_distance: bool = False
    limit: float = np.inf
    lost: float = 0.0
    apart: NDArray[np.bool_] | None = None

    def feature_limits(self) -> NDArray[np.float64]:
        return np.asarray(np.abs(self.rows.values).max(axis=0))

    def takes_integers(self) -> bool:
        return fraction_bits(self.rows.values) == 0

    @property
    def centres(self) -> bool:
        return True

    @property
    def isometric(self) -> bool:
        return True

    def highest_input(self, dtype: DType) -> int:
        self._check_integers()
        info = np.iinfo(dtype)
        most = self.rows.metric.most_in_32_bits(self.input.n_features, 2**31)
        if most < 7:
            raise UnsupportedError(
                f"{self.source} with metric {self.rows.metric.name} on {self.input.n_features} features "
                "overflows 32 bits; use dtype='float32'"
            )
        return int(min(info.max, most))

    @property
    def distances_matter(self) -> bool:
        """Whether distances themselves matter, not only their order."""
        return self.k is None or self.by_distance

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if not inputs.is_integer:
            model = self.with_rows(self.rows.rounded(), replace(inputs, center=None, gain=None))
            model = replace(model, lost=self.rows.lost())
        else:
            model = self.with_rows(integer_rows(self.rows, self.input, inputs), inputs)
        if self.k is not None:
            model = model._taken(model.rows.first_copies(self.k))
        chosen = ordered(model.rows, self.k, model.limit, self.distances_matter)
        return replace(model, rows=chosen)

    def with_rows(self, rows: Rows, inputs: Input) -> Self:
        """The model with quantised rows, and everything else in numbers of their kind."""
        limit = rows.within(self.radius)
        if rows.is_integer:
            limit = int(min(limit, 2**31))
        elif self.k is None:
            limit = float(fixedpoint.float32_floor(limit))
        return replace(self, input=inputs, rows=rows, limit=limit)

    def _check_integers(self) -> None:
        """Refuse what integers do not compute.

        Raises
        ------
        UnsupportedError
            If that is the metric, alone or with these weights.
        """
        metric = self.rows.metric
        what = f"{self.source} with metric {metric.name}"
        if not metric.multiplied:
            raise UnsupportedError(
                f"{what} and p={metric.p:g} in integers cannot be ported; use dtype='float32' or a whole p"
            )
        if metric.direction and self.distances_matter:
            raise UnsupportedError(
                f"{what} in integers can be ported for n_neighbors with weights='uniform' only; use "
                "dtype='float32', or a Normalizer before metric euclidean"
            )
        if self.takes_roots and metric.root > 2:
            raise UnsupportedError(
                f"{what} and p={metric.p:g} in integers can be ported for weights='uniform' only, which "
                "compare distances without their roots; use dtype='float32'"
            )

    def refined(self, inputs: Input, by: Calibration) -> Input:
        check_weights(self.source, inputs, by, widths(inputs))
        of_classes = isinstance(self, Classifier)
        return narrowest_inputs(self.rows, self.input, inputs, by, self.lost_by, of_classes)

    def lost_by(self, inputs: Input, tried: NDArray[np.float32], leaves_out: bool) -> float:
        """The share of rows on which integers answer otherwise than the estimator's own numbers.

        Parameters
        ----------
        inputs : Input
            Of the integer mode.
        tried : float32 array of shape (n, n_features)
            Raw rows.
        leaves_out : bool
            Whether training rows are left out for rows that they equal.
        """
        own, apart = self.input.scaled(tried), None
        if leaves_out:
            reduced = self.rows.reduced(own)
            apart = reduced <= _SAME**self.rows.metric.power * reduced.max()
        floats = replace(self.with_rows(self.rows.rounded(), Input(self.input.n_features)), apart=apart)
        whole = integer_rows(self.rows, self.input, inputs)
        integers = replace(self.with_rows(whole, inputs), apart=apart)
        expected, got = floats.told(own), integers.told(inputs.encode(tried))
        other = got != expected
        if self.tells_numbers:
            allowed = _NEGLIGIBLE * np.nan_to_num(np.nanmax(expected, axis=0) - np.nanmin(expected, axis=0))
            other = (np.abs(got - expected) > allowed) | (np.isnan(got) != np.isnan(expected))
        return float(other.mean())

    def told(self, Q: Array) -> Array:
        """What encoded rows are told: classes or numbers, shape (n, n_outputs)."""
        return self.decode(self.predict(Q)).reshape(len(Q), -1)

    @property
    def tells_numbers(self) -> bool:
        """Whether those are numbers."""
        return isinstance(self, NumericModel)

    def _taken(self, index: NDArray[np.int64]) -> Self:
        """The model with these training rows only."""
        return replace(self, rows=self.rows.taken(index))

    def behind(self, stage: Affine) -> Self | None:
        """The same model of what `stage` is given, where that scales all features alike."""
        gain, metric = stage.gain, self.rows.metric
        if gain is None or not len(gain) or gain[0] == 0 or (np.abs(gain) != abs(gain[0])).any():
            return None
        if metric.direction and (stage.offset.any() or (gain != gain[0]).any()):
            return None
        factor = float(abs(gain[0]))
        start = self.rows.start
        rows = replace(
            self.rows,
            values=(self.rows.values - stage.offset) / gain,
            unit=self.rows.unit * factor,
            start=None if start is None else start / factor**metric.power,
        )
        return replace(self, rows=rows)

    def found(self, Q: Array, moved: Array | None = None) -> Iterator[tuple[slice, Found]]:
        """Neighbours of encoded rows, block by block.

        Parameters
        ----------
        Q : array of shape (n, n_features)
        moved : array of shape (n, n_features), optional
            Float features may be off by so much.
        """
        for start in range(0, len(Q), found_of.BLOCK):
            block = slice(start, start + found_of.BLOCK)
            reduced = self.rows.reduced(Q[block])
            if self.apart is not None:
                reduced = np.where(self.apart[block], _NOWHERE, reduced)
            slack: Array = np.zeros(reduced.shape)
            if not self.rows.is_integer:
                slack = self.rows.slack(Q[block], reduced)
                if moved is not None:
                    slack = slack + self.rows.moved(Q[block], reduced, moved[block])
            yield block, self._found(reduced, slack)

    def _found(self, reduced: Array, slack: NDArray[np.float64]) -> Found:
        if self.k is None:
            return found_of.within(reduced, slack, self.limit)
        return found_of.nearest(reduced, slack, self.k)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        own, rows = last_step(estimator, X)
        return np.repeat(self._on_a_border(own, rows)[:, None], self.n_outputs, axis=1)

    def _on_a_border(self, estimator: Any, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Rows, shape (n,), where a training row is hardly a neighbour, or hardly not."""
        if self.k is None and not np.isfinite(self.radius):
            return np.zeros(len(X), bool)
        if self.k is None:
            margin = float(self.margin(np.asarray(estimator.radius, np.float64)))
            low, high = (
                estimator.radius_neighbors(X, radius=max(estimator.radius + by, 0.0), return_distance=False)
                for by in (-margin, margin)
            )
            return np.array([len(a) != len(b) for a, b in zip(low, high, strict=True)], bool)
        if self.k >= estimator.n_samples_fit_:
            return np.zeros(len(X), bool)
        distance, _ = estimator.kneighbors(X, self.k + 1)
        close = np.asarray(distance[:, -1] - distance[:, -2] <= self.margin(distance[:, -1]))
        at = np.flatnonzero(close)
        if len(at) and hasattr(estimator, "_y"):
            close[at] = self._matters(estimator, X[at])
        return close

    def _matters(self, estimator: Any, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Rows, shape (n,), whose last neighbours and the next ones are of different classes or targets.

        Of a bootstrap many training rows are the same: whichever of them are neighbours, the answer is one.
        """
        assert self.k is not None
        n_rows = estimator.n_samples_fit_
        distance, index = estimator.kneighbors(X, min(n_rows, 2 * self.k + _MORE))
        last = distance[:, self.k - 1]
        near = np.abs(distance - last[:, None]) <= 2 * self.margin(last)[:, None]
        target = np.asarray(estimator._y).reshape(n_rows, -1)[index]
        other = (target != target[:, [self.k - 1]]).any(axis=2)
        return np.asarray((near & other).any(axis=1) | (near[:, -1] & (distance.shape[1] < n_rows)))

    def margin(self, distance: Array) -> NDArray[np.float64]:
        """What distances must differ by, at least, for the contract to promise an order."""
        metric = self.rows.metric
        reduced = metric.inverse(distance)
        # The direction of x is rounded too.
        by = 2 * self.lost + (4 * ULP if metric.direction else 0.0)
        lowest = self.rows.values.shape[1] * 100 * TINY
        with np.errstate(over="ignore", invalid="ignore"):
            there = metric.distance(reduced + metric.moved(reduced, by) + lowest)
            margin = BOUND * distance + there - distance
        return np.where(np.isnan(margin), np.inf, margin)

    @property
    def blur(self) -> float:
        """How far weights by distance may be off, relative to themselves, for the contract to hold."""
        return (20 if self.rows.metric.direction else 2) * BOUND

    def _vague(self, estimator: Any, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Rows, shape (n,), so near to training rows that float32 ones are at another distance."""
        found = estimator.radius_neighbors(X)[0] if self.k is None else estimator.kneighbors(X)[0]
        out = np.zeros(len(X), bool)
        for i, distance in enumerate(found):
            off = distance[distance > 0]
            out[i] = bool((self.margin(off) > self.blur * off).any())
        return out

    def boundaries(self) -> Sequence[Array]:
        """The ends of what x may be, and of where training rows are."""
        n, dtype = self.input.n_features, self.input.dtype
        everywhere: list[float] = [-1000, -1, 0, 1, 1000]
        if self.input.is_integer:
            everywhere = [np.iinfo(dtype).min, -self.input.highest, -1, 0, 1, self.input.highest]
        compared = range(n) if self.rows.features is None else self.rows.features.tolist()
        rows = dict(zip(compared, self.rows.values.T, strict=True))
        return [
            np.array([*everywhere, *((rows[i].min(), rows[i].max()) if i in rows else ())], dtype)
            for i in range(n)
        ]

    @property
    def uses_math(self) -> bool:
        metric = self.rows.metric
        if self.input.is_integer:
            return False
        root = self.by_distance and metric.root != 1
        return root or metric.direction or not metric.multiplied

    def layouts(self) -> Sequence[Layout]:
        return layouts(self.rows, self._tables())

    def _tables(self) -> Sequence[Array]:
        """What else is in flash."""
        return []

    @property
    def sum_dtype(self) -> np.dtype[Any]:
        """Of a reduced distance."""
        if not self.rows.is_integer:
            return np.dtype(np.float32)
        return np.dtype(np.int32 if self.rows.metric.direction else np.uint32)

    @property
    def index_dtype(self) -> np.dtype[Any]:
        """Of the number of a training row, and of their count."""
        return unsigned_for(len(self.rows.values))

    @property
    def takes_roots(self) -> bool:
        """Whether integers are divided, or roots taken of them."""
        return self.by_distance

    @property
    def beyond(self) -> Any:
        """The lowest reduced distance that is beyond the radius, a number of `sum_dtype`."""
        if self.rows.is_integer:
            return self.sum_dtype.type(self.limit + 1)
        most = np.finfo(np.float32).max
        return most if self.limit >= most else np.nextafter(np.float32(self.limit), most)

    def neighbours(self) -> str:
        """What answers, for the banner."""
        which = f"the {self.k} nearest" if self.k is not None else f"all within {self.radius:g}"
        return f"{which} of {len(self.rows.values)} training rows ({self.rows.metric.name})"

    def contract(self) -> Sequence[str]:
        lines = [f"neighbours: {self.neighbours()}; of equal distances the first row's counts"]
        if self.input.is_integer:
            return [*lines, "distances are integers that provably stay in 32 bits"]
        margin = f"they are scikit-learn's where distances differ by {BOUND:g} of them"
        if self.lost:
            margin += f" and {2 * self.lost:.2g}, which float32 training rows lose"
        return [*lines, margin]
