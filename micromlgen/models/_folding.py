"""Transformers before trees, folded into them: each threshold becomes the largest raw value that goes left.

Only transformers whose every output rises with one raw feature (or is one) can be folded, and these leave no
trace: the header takes raw features, and has the exact answer for each float32 value of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import framed
from micromlgen.errors import UnsupportedError
from micromlgen.models._trees import Trees
from micromlgen.models.imputation import hole_of

Array = NDArray[Any]
_HIGHEST = int(fixedpoint.ordered(np.finfo(np.float32).max))
# Every output of these is a rising function of the feature of the same number.
_RISING = frozenset(
    """
    StandardScaler MinMaxScaler MaxAbsScaler RobustScaler QuantileTransformer PowerTransformer Binarizer
    KBinsDiscretizer SimpleImputer
    """.split()
)


@dataclass(frozen=True, eq=False)
class Stages:
    """Fitted transformers, one after the other.

    Parameters
    ----------
    transformers : sequence of fitted scikit-learn transformers
    n_features : int
        Of the raw input.
    names : sequence of str, or None
        Names of the raw features, where the transformers were fitted on a frame.
    """

    transformers: Sequence[Any]
    n_features: int
    names: Sequence[str] | None

    def apply(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the transformers make of raw rows."""
        X: Any = rows
        if self.names is not None:
            X = framed(rows, self.names)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of names, and of the extremes that are tried
            for transformer in self.transformers:
                X = transformer.transform(X)
        return np.asarray(X, np.float64)

    def sources(self) -> NDArray[np.int64]:
        """The raw feature behind each output.

        Raises
        ------
        UnsupportedError
            If an output depends on several, or does not rise with it.
        """
        columns = np.arange(self.n_features)
        for transformer in self.transformers:
            columns = columns[sources(transformer, len(columns))]
        return columns


def sources(transformer: Any, n_features: int) -> NDArray[np.int64]:
    """Of each output of a fitted transformer, the only one of its inputs that it rises with."""
    every = np.arange(n_features)
    title = type(transformer).__name__
    if transformer is None or transformer == "passthrough":
        return every
    if title == "Pipeline":
        for _, step in transformer.steps:
            every = every[sources(step, len(every))]
        return every
    if title == "ColumnTransformer":
        parts = []
        for name, step, _ in transformer.transformers_:
            taken = np.asarray(transformer._transformer_to_input_indices[name], np.int64)
            if step != "drop" and len(taken):
                parts.append(taken[sources(step, len(taken))])
        return np.concatenate(parts)
    if title == "FeatureUnion":
        steps = [step for _, step in transformer.transformer_list if step != "drop"]
        return np.concatenate([sources(step, n_features) for step in steps])
    if hasattr(transformer, "get_support"):
        return np.flatnonzero(transformer.get_support())
    if title == "FunctionTransformer" and transformer.func is None:
        return every
    if title == "SimpleImputer":
        if transformer.add_indicator:
            raise UnsupportedError("SimpleImputer(add_indicator=True) cannot be ported; leave it out")
        hole = hole_of(transformer)
        if hole is not None:
            raise UnsupportedError(
                f"SimpleImputer(missing_values={hole:g}) before trees cannot be ported: its outputs do not "
                "rise with its inputs; use NaN"
            )
        # Features that were all missing are dropped, unless asked to be kept.
        empty = np.array([value is None or value != value for value in transformer.statistics_])
        return every[~empty | getattr(transformer, "keep_empty_features", False)]
    if title == "KBinsDiscretizer" and transformer.encode != "ordinal":
        raise UnsupportedError("KBinsDiscretizer before trees cannot be ported but with encode='ordinal'")
    if title in _RISING:
        return every
    raise UnsupportedError(
        f"{title} before trees cannot be ported: its outputs mix features or do not rise with them; fit the "
        "trees on what it gives and compute that in the sketch, or leave it out (trees need no scaling)"
    )


def fold(trees: Trees, stages: Stages) -> tuple[Trees, bool]:
    """The trees as they compare raw features.

    Parameters
    ----------
    trees : Trees
        With float64 thresholds of what the transformers give.
    stages : Stages

    Returns
    -------
    trees : Trees
    fills : bool
        Whether a transformer puts a number in the place of a missing value.

    Raises
    ------
    UnsupportedError
        If the transformers can't be folded.
    """
    behind = stages.sources()
    compared = ~trees.has_categories
    feature = behind[trees.feature].astype(np.int32)

    def given(rows: Array, columns: Array, outputs: Array) -> Array:
        out = stages.apply(rows)[columns, outputs]
        return out.astype(np.float32).astype(np.float64) if trees.narrowed else out

    if not compared.all():
        _check_untouched(stages, trees)
    threshold = trees.threshold.copy()
    nodes = np.flatnonzero(compared)
    with np.errstate(over="ignore"):
        threshold[nodes] = _largest_left(trees.feature[nodes], trees.threshold[nodes], behind, stages, given)
    missing_left, fills = trees.missing_left, False
    try:
        of_missing = stages.apply(np.full((1, stages.n_features), np.nan))[0]
    except ValueError:  # it does not take missing values
        return replace(trees, feature=feature, threshold=threshold), False
    filled = ~np.isnan(of_missing[trees.feature]) & compared
    if filled.any():
        fills = True
        value = of_missing.astype(np.float32).astype(np.float64) if trees.narrowed else of_missing
        missing_left = np.where(filled, value[trees.feature] <= trees.threshold, missing_left)
    return replace(trees, feature=feature, threshold=threshold, missing_left=missing_left), fills


def _largest_left(
    outputs: Array,
    thresholds: Array,
    behind: Array,
    stages: Stages,
    given: Callable[[Array, Array, Array], Array],
) -> NDArray[np.float64]:
    """Of each test, the largest float32 that goes left, bisected over all of them; -inf if none does."""
    if not len(outputs):
        return np.empty(0)
    pairs, which = np.unique(np.stack([outputs, thresholds]), axis=1, return_inverse=True)
    out, limit = pairs[0].astype(np.int64), pairs[1]
    raw = behind[out]
    # One row tries a test of each feature: in row r is the r-th one.
    order = np.argsort(raw, kind="stable")
    first = np.searchsorted(raw[order], raw)
    row = np.empty(len(raw), np.int64)
    row[order] = np.arange(len(raw)) - first[order]
    n_rows = int(row.max(initial=-1)) + 1

    def left(keys: Array) -> NDArray[np.bool_]:
        rows = np.ones((n_rows, stages.n_features))
        rows[row, raw] = fixedpoint.unordered(keys.astype(np.int32))
        return np.asarray(given(rows, row, out) <= limit)

    try:
        lowest, highest = _accepted(stages)
        low, high = lowest[raw], highest[raw]
        none, every = ~left(low), left(high)
        if (none & every).any():
            raise UnsupportedError(
                "a transformer before the trees falls where it should rise; fit another scaler"
            )
        while (low < high).any():
            middle = (low + high + 1) // 2
            goes = left(middle)
            low, high = np.where(goes, middle, low), np.where(goes, high, middle - 1)
    except ValueError as error:
        if isinstance(error, UnsupportedError):
            raise
        raise UnsupportedError(f"a transformer before the trees refuses some float32: {error}") from error
    found = np.where(none, -np.inf, fixedpoint.unordered(low.astype(np.int32)).astype(np.float64))
    return np.asarray(found[which.ravel()])


def _accepted(stages: Stages) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys of the lowest and highest float32 of each raw feature that the transformers take.

    The others are 1 meanwhile, which all take. A power of the largest floats may be infinite, and refused, as
    the logarithm of what is negative: there the estimator has no answer either.
    """

    def takes(feature: int, key: int) -> bool:
        row = np.ones((1, stages.n_features))
        row[0, feature] = fixedpoint.unordered(np.int32(key))
        try:
            stages.apply(row)
        except ValueError:
            return False
        return True

    def furthest(feature: int, end: int) -> int:
        if takes(feature, end):
            return end
        near, far = int(fixedpoint.ordered(1.0)), end
        while abs(far - near) > 1:
            middle = (near + far) // 2
            near, far = (middle, far) if takes(feature, middle) else (near, middle)
        return near

    features = range(stages.n_features)
    ends = ([furthest(f, end) for f in features] for end in (-_HIGHEST - 1, _HIGHEST))
    low, high = (np.array(found, np.int64) for found in ends)
    return low, high


def _check_untouched(stages: Stages, trees: Trees) -> None:
    """Categories must reach the trees as they are."""
    tested = np.unique(trees.feature[trees.has_categories])
    assert trees.sets is not None
    values = trees.sets.categories[:, None].astype(np.float64)
    same = stages.apply(np.repeat(values, stages.n_features, axis=1))[:, tested] == values
    if not same.all():
        raise UnsupportedError(
            "a transformer changes a feature of categories before the trees; pass that one through unchanged"
        )
