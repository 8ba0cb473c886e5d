"""Classifiers whose nearest training rows vote: the k nearest, or all within a radius."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.between import between
from micromlgen.cformat import ctype
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.ir import ProbabilisticClassifier
from micromlgen.lossy import Coarsening
from micromlgen.models._members import last_step
from micromlgen.models._neighbors_condense import Condensing, useful_order
from micromlgen.models._neighbors_convert import by_distance, common
from micromlgen.models._neighbors_found import Found, spoiled, weights
from micromlgen.models._neighbors_labels import Labels
from micromlgen.models._neighbors_metric import ULP
from micromlgen.models._neighbors_model import OnRows
from micromlgen.models._shares import PROBA_ONE
from micromlgen.tables import unsigned_for

Array = NDArray[Any]
#: So many rows between others tell which training rows are worth keeping.
_MIXED = 2000


@dataclass(frozen=True, eq=False, kw_only=True)
class NeighborsClassifier(OnRows, ProbabilisticClassifier):
    """Neighbours vote; of equal votes the lowest class wins.

    Parameters
    ----------
    labels : int64 array of shape (n_rows, n_outputs)
        Class indices of training rows.
    outlier : tuple of int, or None
        By a radius: the index of each output where there is no neighbour, which may be one beyond the classes
        that have probabilities.
    n_voted : tuple of int
        Classes that rows have, of each output.
    """

    labels: NDArray[np.int64]
    n_voted: tuple[int, ...]
    outlier: tuple[int, ...] | None = None

    @property
    def n_classes(self) -> tuple[int, ...]:
        return self.n_voted

    def _taken(self, index: NDArray[np.int64]) -> Self:
        return replace(super()._taken(index), labels=self.labels[index])

    def _votes(self, Q: Array) -> tuple[list[Array], list[Array], NDArray[np.bool_]]:
        """Per output: votes of the classes, shape (n, n_classes), and most by which float32 is off them.

        And the rows, shape (n, n_outputs), on which other neighbours could vote otherwise.
        """
        shape = len(Q), self.n_outputs
        votes = [np.zeros((len(Q), m), self.vote_dtype) for m in self.n_voted]
        off = [np.zeros((len(Q), m)) for m in self.n_voted]
        open_rows = np.zeros(shape, bool)
        for block, found in self.found(Q):
            weight, relative = weights(self.rows, found, self.by_distance)
            error = spoiled(weight, relative)
            for o, m in enumerate(self.n_voted):
                label = self.labels[found.index, o]
                for c in range(m):
                    votes[o][block, c] = np.where(label == c, weight, 0).sum(axis=1)
                    off[o][block, c] = np.where(label == c, error, 0).sum(axis=1)
                open_rows[block, o] = self._differs(found, o)
        return votes, off, open_rows

    def _differs(self, found: Found, o: int) -> NDArray[np.bool_]:
        """Whether rows that may or may not be neighbours make a difference to output o, shape (n,)."""
        if self.k is None or self.by_distance:
            return np.asarray(found.open.any(axis=1))
        label = self.labels[:, o]
        lowest = np.where(found.open, label, self.n_voted[o]).min(axis=1)
        highest = np.where(found.open, label, -1).max(axis=1)
        return np.asarray(lowest < highest)

    @property
    def vote_dtype(self) -> np.dtype[Any]:
        """Of the votes: counts in as few bytes as they need, or sums of weights."""
        if self.by_distance:
            return np.dtype(np.uint32 if self.rows.is_integer else np.float64)
        return unsigned_for(self.k if self.k is not None else len(self.labels))

    @property
    def first_votes(self) -> list[int]:
        """Where the votes of each output begin."""
        return [sum(self.n_voted[:o]) for o in range(len(self.n_voted))]

    @property
    def vote_ctype(self) -> str:
        """C name of the type of votes."""
        return "float" if self.vote_dtype.kind == "f" else ctype(self.vote_dtype)

    def predict(self, Q: Array) -> Array:
        votes, _, _ = self._votes(Q)
        best = np.stack([v.argmax(axis=1) for v in votes], axis=1)
        if self.outlier is not None:
            alone = np.stack([v.sum(axis=1) == 0 for v in votes], axis=1)
            best = np.where(alone, np.array(self.outlier), best)
        best = best.astype(np.int32)
        return best[:, 0] if self.n_outputs == 1 else best

    def rounding(self, Q: Array) -> Array | None:
        return None if self.rows.is_integer else np.zeros((len(Q), 1))

    def moves(self, Q: Array, by: Array) -> Array:
        return np.zeros((len(Q), 1))

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        if self.rows.is_integer:
            return super().unsure(Q)
        votes, off, unsure = self._votes(Q)
        for o, (vote, error) in enumerate(zip(votes, off, strict=True)):
            if self.by_distance and vote.shape[1] > 1:
                unsure[:, o] |= _hardly_best(vote, error, len(self.labels))
        return unsure

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    def predict_proba(self, Q: Array) -> Array:
        votes, _, _ = self._votes(Q)
        for o, vote in enumerate(votes):
            if self.outlier is not None and self.outlier[o] < self.n_voted[o]:
                vote[~vote.any(axis=1), self.outlier[o]] = 1
        return np.concatenate([_shares(vote, self.rows.is_integer) for vote in votes], axis=1)

    def proba_rounding(self, Q: Array) -> Array | None:
        if self.rows.is_integer:
            return None
        votes, off, unsure = self._votes(Q)
        added = len(self.labels) * ULP if self.by_distance else 0.0
        bounds = []
        for o, (vote, error) in enumerate(zip(votes, off, strict=True)):
            whole = np.maximum(vote.sum(axis=1, dtype=np.float64), 1e-300)
            bound = np.where(unsure[:, o], np.inf, 2 * error.sum(axis=1) / whole + added + 2 * ULP)
            bounds.append(np.repeat(bound[:, None], vote.shape[1], axis=1))
        return np.asarray(np.concatenate(bounds, axis=1))

    def coarsening(self, rows: NDArray[np.float32]) -> Coarsening | None:
        """By one neighbour of fewer rows, which have the classes that all of them are given."""
        if self.k is None or self.n_outputs > 1:
            return None
        # Others than those that the result is judged on.
        seen = np.concatenate([self.rows.values, between(rows, _MIXED)])
        own = self._exact(self.rows.values)
        order = useful_order(self.rows.distance(self.rows.reduced(seen)), own, self._exact(seen))

        def build(index: NDArray[np.int64] | None) -> NeighborsClassifier:
            if index is None:
                return self
            edited = replace(self, labels=own[:, None], k=1, by_distance=False)
            return edited._taken(index)

        return Condensing(order, build)

    def _exact(self, X: Array) -> NDArray[np.int64]:
        """Classes of float rows, by the estimator's own numbers."""
        return self.predict(X).astype(np.int64)

    @property
    def stored_labels(self) -> list[Labels]:
        """Class indices in flash, one of each output."""
        return [Labels.of(self.labels[:, o], m) for o, m in enumerate(self.n_voted)]

    def _tables(self) -> Sequence[Array]:
        return [labels.data for labels in self.stored_labels]

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        border = super().undecided(estimator, X)
        if not self.by_distance:
            return border
        own, rows = last_step(estimator, X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rows without neighbours
            proba = own.predict_proba(rows)
        for o, shares in enumerate(proba if isinstance(proba, list) else [proba]):
            two = np.sort(shares, axis=1)[:, -2:]
            if shares.shape[1] > 1:
                border[:, o] |= (two[:, 1] - two[:, 0] <= 2 * self.blur) & (two[:, 1] > 0)
        return border | self._vague(own, rows)[:, None]

    def contract(self) -> Sequence[str]:
        lines = [*super().contract()]
        if self.by_distance:
            lines += [
                "they vote with the inverse of their distance; those at no distance alone, if there are any"
            ]
        return lines


def _hardly_best(vote: Array, error: Array, n_added: int) -> NDArray[np.bool_]:
    """Rows, shape (n,), whose best class float32 sums of so many weights may not find."""
    ordered = np.sort(vote, axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        room = error.sum(axis=1) + n_added * ULP * vote.sum(axis=1)
        return np.asarray(~(ordered[:, -1] - ordered[:, -2] > 2 * room) & vote.any(axis=1))


def _shares(vote: Array, integer: bool) -> Array:
    """Votes as shares of all of them; zeros where there are none."""
    if not integer:
        wide = vote.astype(np.float32 if vote.dtype.kind == "u" else np.float64)
        whole = wide.sum(axis=1, keepdims=True)
        return np.asarray(wide / np.where(whole > 0, whole, 1), np.float32)
    whole = np.maximum(vote.sum(axis=1, keepdims=True, dtype=np.int64), 1)
    # 16 bits of them are divided.
    shift = np.maximum(np.frexp(whole.astype(np.float64))[1] - 16, 0)
    part, whole = vote.astype(np.int64) >> shift, whole >> shift
    return np.asarray((part * PROBA_ONE + (whole >> 1)) // whole, np.uint16)


@converts("sklearn.neighbors.KNeighborsClassifier", "sklearn.neighbors.RadiusNeighborsClassifier")
def classifier(estimator: Any) -> NeighborsClassifier:
    """Convert a classifier, of one output or several."""
    several = isinstance(estimator.classes_, list)
    classes = tuple(map(np.asarray, estimator.classes_)) if several else (np.asarray(estimator.classes_),)
    voted = tuple(map(len, classes))
    outlier = None
    found = common(estimator)
    if found["k"] is None:
        classes, outlier = _with_outliers(estimator, classes)
    return NeighborsClassifier(
        **found,
        by_distance=by_distance(estimator),
        classes=classes,
        labels=np.asarray(estimator._y, np.int64).reshape(len(estimator._y), -1),
        n_voted=voted,
        outlier=outlier,
    )


def _with_outliers(estimator: Any, classes: tuple[Array, ...]) -> tuple[tuple[Array, ...], tuple[int, ...]]:
    """Classes of each output with the one of outliers, and its index."""
    if estimator.outlier_label_ is None:
        raise UnsupportedError(
            "RadiusNeighborsClassifier(outlier_label=None) cannot be ported: where there is no neighbour "
            "scikit-learn raises an error, which a board cannot; set outlier_label to a label or "
            "'most_frequent' and fit again"
        )
    out, index = [], []
    for known, label in zip(classes, estimator.outlier_label_, strict=True):
        at = np.flatnonzero(known == label)
        out.append(known if len(at) else np.append(known, label))
        index.append(int(at[0]) if len(at) else len(known))
    return tuple(out), tuple(index)
