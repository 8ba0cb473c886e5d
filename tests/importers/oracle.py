"""What a `Boosted` says, in float64, the slow and obvious way; and rows at which it could go wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._boosted import Boosted

Array = NDArray[Any]
TINY = np.finfo(np.float32).smallest_subnormal
#: Rows of it can still be summed in float32, which scikit-learn does to look for NaN.
BIG = np.float32(1e30)


def goes_left(boosted: Boosted, node: int, x: Array) -> Array:
    """Which of the float32 numbers x, shape (n,), go left at the node."""
    missing = np.isnan(x)
    categories = boosted.categories
    if categories is not None and categories.left[node] is not None:
        rounded = {"none": lambda v: v, "floor": np.floor, "truncate": np.trunc}[categories.rounding](x)
        left = np.isin(rounded, sorted(categories.left[node]))
        known = np.isin(rounded, sorted(categories.known[node]))
        left = np.where(known, left, categories.other_left[node])
    else:
        left = x.astype(np.float64) <= boosted.threshold[node]
        if boosted.also_missing is not None:
            lowest, highest = boosted.also_missing
            missing |= (x >= lowest) & (x <= highest)
    return np.where(missing, boosted.missing_left[node], left)


def raw_scores(boosted: Boosted, X: Array) -> Array:
    """Raw scores of float32 rows, shape (n, n_columns), added in float64 from the first tree to the last."""
    out = np.tile(boosted.base, (len(X), 1))
    left, right, roots = boosted.nodes
    width = boosted.value.shape[1]
    for root, column in zip(roots, boosted.column, strict=True):
        todo = [(root, np.arange(len(X)))]
        while todo:
            node, rows = todo.pop()
            if left[node] < 0:
                out[rows, column : column + width] += boosted.value[node]
            else:
                go = goes_left(boosted, node, X[rows, boosted.feature[node]])
                todo += [(left[node], rows[go]), (right[node], rows[~go])]
    return out


def answers(boosted: Boosted, X: Array) -> Array:
    """What the link makes of them: numbers (n,) or probabilities (n, n_classes)."""
    scores = boosted.factor * raw_scores(boosted, X)
    if boosted.link == "softmax":
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)
    if boosted.link in ("logistic", "one-vs-rest"):
        scores = 1 / (1 + np.exp(-scores))
    if boosted.link == "exp":
        scores = np.exp(scores)
    if boosted.classes is None:
        return scores[:, 0]
    return np.column_stack([1 - scores, scores]) if scores.shape[1] == 1 else scores


def labels(boosted: Boosted, X: Array) -> Array:
    """Predicted classes, shape (n,)."""
    scores = raw_scores(boosted, X)
    if scores.shape[1] == 1:
        best = (scores >= 0 if boosted.threshold_included else scores > 0)[:, 0].astype(int)
    else:
        best = scores.argmax(axis=1)
    return boosted.classes[best]


def rounding(boosted: Boosted) -> float:
    """How far a library that adds in float32 may be from the sum in float64."""
    width = boosted.value.shape[1]
    trees = np.split(np.abs(boosted.value), boosted.nodes.roots[1:])
    total = np.abs(boosted.base)
    for leaves, column in zip(trees, boosted.column, strict=True):
        total[column : column + width] += leaves.max(axis=0)
    return float(1e-6 * total.max() + TINY)


def edge_rows(
    boosted: Boosted, X: Array, *, missing: bool, infinite: bool = False, each: int = 3
) -> NDArray[np.float32]:
    """Rows of X with one feature or a few at a threshold, beside it, or at a number that is special.

    Parameters
    ----------
    X : float32 array of shape (n, n_features)
        Rows that reach all over the trees.
    missing, infinite : bool
        Whether NaN and infinities are among the special numbers.
    each : int
        How many rows of X each number is tried in.
    """
    rng = np.random.default_rng(0)
    out = [X]
    special = [0.0, -0.0, TINY, -TINY, 1e-35, 2e-35, -1e-35, -2e-35, 1.0, BIG, -BIG, *[np.nan] * missing]
    for f in range(boosted.n_features):
        values = np.concatenate([special, _near_thresholds(boosted, f), _near_categories(boosted, f)])
        values = np.append(np.clip(values, -BIG, BIG), [np.inf, -np.inf] * infinite)
        values = np.unique(values.astype(np.float32))
        rows = np.repeat(X[rng.integers(len(X), size=each)], len(values), axis=0)
        rows[:, f] = np.tile(values, each)
        out.append(rows)
    if missing:
        out.append(np.where(rng.random((50, X.shape[1])) < 0.4, np.nan, X[rng.integers(len(X), size=50)]))
    out.append(np.where(rng.random((50, X.shape[1])) < 0.4, 0, X[rng.integers(len(X), size=50)]))
    return np.concatenate(out).astype(np.float32)


def _near_thresholds(boosted: Boosted, f: int) -> Array:
    inner = boosted.nodes.left >= 0
    at = boosted.threshold[inner & (boosted.feature == f)]
    at = np.clip(at[np.isfinite(at)], -BIG, BIG).astype(np.float32)
    return np.concatenate([at, np.nextafter(at, -BIG), np.nextafter(at, BIG)])


def _near_categories(boosted: Boosted, f: int) -> Array:
    if boosted.categories is None:
        return np.empty(0)
    sets = [known for known, g in zip(boosted.categories.known, boosted.feature, strict=True) if g == f]
    known = np.array(sorted(set().union(*filter(None, sets))))
    if not len(known):
        return np.empty(0)
    far = [-1e9, -3.0, -1.0, -0.5, 31.0, 32.0, 255.0, 256.0, 2.0**24, 2.0**31, 2.0**32, 1e19]
    return np.concatenate([known, known + 0.5, known - 0.25, known + 1, far])
