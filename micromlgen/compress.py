"""Give up exactness for size, as far as a stated agreement with the estimator allows: from model to model.

A family offers coarser models (`Model.coarsening`); here is the search among them. One setting after another
is tried, each together with the strongest pruning that still agrees, and stays if the model becomes smaller.

Agreement is measured on the calibration rows, and must hold as well between them: on rows that are each mixed
from two neighbours, which the estimator answers too. Rows that an ensemble was trained on flatter: a quarter
of its trees may agree with all of them on every one of those rows, and on far fewer new ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.between import between
from micromlgen.errors import AgreementError, UnsupportedError
from micromlgen.ir import Model, Regressor
from micromlgen.lossy import Coarseness, Coarsening, Compression
from micromlgen.quantize import quantize
from micromlgen.verify import REGRESSOR_AGREES, agreement, disagrees, oracle, tracked

Array = NDArray[Any]
#: So many rows, evenly spaced, take part in the search; the result is measured on all.
_MOST_ROWS = 2000
#: So many mixed ones stand beside them, however few there are: what few rows show by chance, many mixed ones
#: do not.
_MIXED = 1000
#: Pruning is tried in steps of one part in so many.
_STEPS = 128
#: So often the search is repeated with half of what may be given up, if all rows agree less than its own.
_ATTEMPTS = 4


def check_floor(floor: object) -> None:
    """Refuse a `compress` that is no share.

    Raises
    ------
    UnsupportedError
        If it is neither None nor a number above 0 and up to 1.
    """
    if floor is None:
        return
    number = isinstance(floor, (int, float, np.floating)) and not isinstance(floor, bool)
    if not number or not 0 < floor <= 1:  # type: ignore[operator]
        raise UnsupportedError(
            f"compress={floor!r}: a share above 0 and up to 1 is needed, the least agreement with the "
            "estimator on the calibration rows"
        )


def compressed(
    exact: Model, estimator: Any, dtype: str, rows: NDArray[np.float32] | None, floor: float
) -> Model:
    """The smallest model found that gives the estimator's answer on at least `floor` of the rows.

    Parameters
    ----------
    exact : Model
        From `convert`; it is returned where nothing can be saved.
    estimator : the fitted estimator
    dtype : {"float32", "int16", "int8"}
        What the model will be quantised to: agreement and size are those of the C.
    rows : float32 array of shape (n_rows, n_features)
        The calibration rows.
    floor : float
        Above 0 and up to 1. A regressor agrees with a row within 1 % of the span of the estimator's answers.

    Raises
    ------
    UnsupportedError
        If the model's family can't be compressed, or there are no rows.
    AgreementError
        If even the exact model agrees on less than `floor` of the rows, in this dtype.
    """
    if rows is None:
        raise UnsupportedError(
            f"compress={floor:g} needs calibration=X, typical rows of shape (n_rows, "
            f"{exact.input.n_features}): on them the agreement is measured"
        )
    sample = rows[_evenly(len(rows), _MOST_ROWS)]
    mixed = between(sample, _MIXED)
    coarsening = exact.coarsening(np.concatenate([sample, mixed]))
    if coarsening is None:
        raise UnsupportedError(
            f"{exact.source} cannot be compressed: compress= is for trees and ensembles of them, and for "
            "classifiers by k neighbours without steps before them; leave it out"
        )
    agreed = agreement(quantize(exact, dtype, rows), estimator, rows)
    if agreed < floor:
        raise AgreementError(
            f"dtype={dtype!r} alone agrees with {exact.source} on {agreed:.4f} of the calibration rows, less "
            f"than compress={floor:g}; use a wider dtype or a lower share"
        )
    strict = floor
    for _ in range(_ATTEMPTS):
        search = _Search(exact, coarsening, estimator, dtype, rows, (sample, mixed), strict)
        found = search.run(floor)
        if found is None or (found.compression is not None and found.compression.agreement >= floor):
            break
        strict = (strict + 1) / 2
    else:
        found = None
    return exact if found is None else found


def _evenly(n: int, most: int) -> NDArray[np.int64]:
    """Numbers below n, evenly spaced where there are more than `most`."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def smallest(model: Model) -> int:
    """Bytes of a quantised model's smallest layout, as estimated for Cortex-M0+."""
    return round(min(layout.flash["cortex-m0plus"] for layout in model.layouts()))


class _Search:
    """One search: the best coarseness so far, and what is needed to judge others."""

    def __init__(
        self,
        exact: Model,
        coarsening: Coarsening,
        estimator: Any,
        dtype: str,
        rows: NDArray[np.float32],
        judged_on: tuple[NDArray[np.float32], NDArray[np.float32]],
        floor: float,
    ) -> None:
        self.exact, self.coarsening, self.dtype, self.rows, self.floor = exact, coarsening, dtype, rows, floor
        self.estimator = estimator
        self.judged_on = [(part, oracle(estimator, part)) for part in judged_on if len(part)]
        self.within: tuple[float, ...] | None = None
        if isinstance(exact, Regressor):
            # The leaves of boosted trees allow far more than the estimator ever answers.
            answered = np.ptp(oracle(estimator, rows), axis=0)
            width = np.minimum(exact.span[:, 1] - exact.span[:, 0], answered)
            self.within = tuple((REGRESSOR_AGREES * width).tolist())
        self.best = Coarseness()
        self.size = self.before = smallest(quantize(exact, dtype, rows))
        self._known: dict[Coarseness, int | None] = {}

    def run(self, floor: float) -> Model | None:
        """The smallest model found; None if none is smaller than the exact one."""
        steps = [*self._steps()]
        for step in tracked(steps, f"compressing {self.exact.source}", None):
            self._try(replace(self.best, **step))
        if self.size >= self.before:
            return None
        model = self.coarsening(self.best)
        before, after = self.coarsening.content(self.exact), self.coarsening.content(model)
        report = Compression(
            floor=floor,
            agreement=0.0,
            within=self.within,
            nodes_before=before.nodes,
            nodes_after=after.nodes,
            thresholds_before=before.thresholds,
            thresholds_after=after.thresholds,
            leaves_before=before.leaves,
            leaves_after=after.leaves,
            flash_before=self.before,
            flash_after=self.size,
            parts=self.coarsening.parts,
        )
        model = replace(model, compression=report)
        measured = agreement(quantize(model, self.dtype, self.rows), self.estimator, self.rows)
        smaller: Model = replace(model, compression=replace(report, agreement=measured))
        return smaller

    def _steps(self) -> Iterator[dict[str, Any]]:
        """Settings to try, each beside the best of the others so far."""
        yield {"thresholds": next(iter(self.coarsening.thresholds), None)}
        for levels in self.coarsening.levels:
            yield {"levels": levels}
        for trees in self.coarsening.trees:
            yield {"trees": trees}
        for short in (False, True) if self.dtype == "float32" else (False,):
            for share in self.coarsening.thresholds:
                yield {"thresholds": share, "short": short}
        for levels in (0, *self.coarsening.levels):
            yield {"levels": levels}

    def _try(self, coarseness: Coarseness) -> None:
        """Keep the strongest pruning that agrees beside the other settings, if that is smaller."""
        low, high = 0, _STEPS + 1
        if not self._consider(replace(coarseness, nodes=0.0)):
            return
        while high - low > 1:
            middle = (low + high) // 2
            if self._consider(replace(coarseness, nodes=middle / _STEPS)):
                low = middle
            else:
                high = middle

    def _consider(self, coarseness: Coarseness) -> bool:
        """Whether a model agrees; if it is also the smallest so far, it is the best."""
        if coarseness not in self._known:
            self._known[coarseness] = self._size_if_agreeing(coarseness)
        size = self._known[coarseness]
        if size is not None and size < self.size:
            self.best, self.size = coarseness, size
        return size is not None

    def _size_if_agreeing(self, coarseness: Coarseness) -> int | None:
        model = quantize(self.coarsening(coarseness), self.dtype, self.rows)
        for part, expected in self.judged_on:
            returned = model.predict(model.input.encode(part))
            got = model.decode(returned if returned.ndim == 2 else returned[:, None])
            if 1 - disagrees(got, expected, self.within).mean() < self.floor:
                return None
        return smallest(model)
