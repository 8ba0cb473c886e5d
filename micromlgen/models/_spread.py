"""How far an error of a model's features carries into its answer.

Float arithmetic has no one answer, so the features that a stage gives are known within bounds only. What a
model makes of that it tells itself (`Model.moves`), or it is tried feature by feature: to first order in the
errors, which are of some millionths, that is the most that all of them can do together. Models that only
compare, trees above all, move where a threshold lies within the error, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.ir import Model, Transformer

Array = NDArray[Any]
Answer = Callable[[Array], Array]
#: Features are moved by so many times their error, so that float32 answers show it, ...
_STEPS = 64
#: ... and what is found counts so many times.
_SAFETY = 2.0
#: No rounding is so large a share of the span of a feature.
_JUMP = 1e-3


def through(stages: Sequence[Transformer], Q: Array, promised: bool = False) -> tuple[Array, Array]:
    """What the twins of the stages give for rows Q, and the largest error of that, of one shape.

    Parameters
    ----------
    stages : sequence of Transformer
        In the numbers of the C.
    Q : array of shape (n, n_features)
    promised : bool
        Whether the error is that against the estimator (`tolerance`) rather than that of the C against the
        twin (`rounding`).
    """
    error: Array = np.zeros(Q.shape)
    with np.errstate(over="ignore", invalid="ignore"):  # of the extremes that are tried
        for stage in stages:
            shift = moved(stage, stage.predict, Q, error)
            own = stage.tolerance(Q) if promised else stage.rounding(Q)
            Q = stage.predict(Q)
            error = np.broadcast_to(shift + (0.0 if own is None else own), Q.shape)
            error = np.where(np.isnan(error), np.where(np.isnan(Q), 0.0, np.inf), error)
    return Q, error


def _nudged(Q: Array, error: Array, steps: float) -> Iterator[Array]:
    """The rows, one feature after another moved up and down by `steps` times its error."""
    rows = Q.astype(np.float64)
    for i in np.flatnonzero(error.any(axis=0)):
        for sign in (steps, -steps):
            nudged = rows.copy()
            nudged[:, i] += sign * error[:, i]
            yield nudged


def moved(model: Model, answer: Answer, Q: Array, error: Array) -> Array:
    """Most by which the numbers of `answer` move with an error of the features; zeros if there is none.

    Parameters
    ----------
    model : Model
        In the numbers of the C.
    answer : callable
        What `Model.rounding` is about.
    Q, error : arrays of shape (n, n_features)
    """
    if not error.any():
        return np.zeros((len(Q), 1))
    known = model.moves(Q, error)
    if known is not None:
        return known
    return np.zeros((len(Q), 1)) if model.rounding(Q[:1]) is None else tried(answer, Q, error)


def tried(answer: Answer, Q: Array, error: Array) -> Array:
    """Most by which the numbers of `answer` move with an error of the features, in their shape."""
    with np.errstate(over="ignore", invalid="ignore"):
        base = answer(Q.astype(np.float64)).astype(np.float64)
        found = np.zeros(base.shape)
        for steps in (_STEPS, 1):  # as it is, too: where a stage jumps, answers need not go on as they begin
            total = np.zeros(base.shape)
            sides = _nudged(Q, error, steps)
            for up, down in zip(sides, sides, strict=True):
                total += np.maximum(np.abs(answer(up) - base), np.abs(answer(down) - base))
            found = np.maximum(found, np.nan_to_num(total * (_SAFETY / steps)))
    return found


def numbers_moved(model: Model, by: Array, Q: Array, error: Array, rounding: Array | None) -> Array:
    """The bound of numbers that are `by` apart and rounded, or (`rounding` is None) only compared."""
    return np.where(near(model, Q, error), np.inf, 0.0)[:, None] if rounding is None else rounding + by


def near(model: Model, Q: Array, error: Array) -> NDArray[np.bool_]:
    """Rows in which a feature is within its error of where the answer may change, shape (n,)."""
    found = np.zeros(len(Q), bool)
    for i, values in enumerate(model.boundaries()):
        ordered = np.sort(values.astype(np.float64))
        x = Q[:, i].astype(np.float64)
        low, high = x - error[:, i], x + error[:, i]
        within = np.searchsorted(ordered, high, "right") > np.searchsorted(ordered, low, "left")
        found |= (within & (error[:, i] > 0)) | np.isinf(error[:, i])
    return found


def changes(answer: Answer, Q: Array, error: Array, unsure: Answer | None = None) -> NDArray[np.bool_]:
    """Rows on which an error of the features may change a class, of the shape of the answers.

    Each feature is moved by twice its error times their number: a border that none of these steps crosses
    is, to first order, further than all errors together reach. Where a stage jumps, and a feature is at
    either end, steps of its error alone tell what is there.

    Parameters
    ----------
    answer : callable
        Classes of rows.
    Q, error : arrays of shape (n, n_features)
        Features that may be anything, of infinite error, are the caller's: estimators refuse infinity.
    unsure : callable, optional
        Rows on whose class roundings may decide anyway.
    """
    base, error = answer(Q), np.where(np.isfinite(error), error, 0.0)
    found = np.zeros(base.shape, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        jumps = np.where(error > _JUMP * np.ptp(Q, axis=0), error, 0.0)
        small = (_nudged(Q, jumps, steps) for steps in (0.5, 1.0))  # tolerances are twice what may happen
        for rows in chain(_nudged(Q, error, 2.0 * Q.shape[1]), *small):
            found |= answer(rows) != base
            if unsure is not None:
                found |= unsure(rows).reshape(found.shape)
    return found
