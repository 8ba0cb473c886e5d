"""LightGBM: LGBMClassifier, LGBMRegressor and LGBMRanker.

The model is read from LightGBM's own text, in which a tree is a few rows of numbers: unlike its JSON, that is
not nested, so trees may be of any depth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._boosted import Array, Boosted, Link
from micromlgen.models._categories import CATEGORY_LIMIT, Categories
from micromlgen.models._nodes import joined

#: By objective; a function of one's own has none, and predicts raw scores.
_LINKS: dict[str, Link] = {
    **dict.fromkeys(["", "regression", "regression_l1", "huber", "fair", "quantile", "mape"], "identity"),
    **dict.fromkeys(["lambdarank", "rank_xendcg"], "identity"),
    **dict.fromkeys(["poisson", "gamma", "tweedie"], "exp"),
    **dict.fromkeys(["binary", "cross_entropy"], "logistic"),
    "multiclass": "softmax",
    "multiclassova": "one-vs-rest",
}
#: LightGBM reads numbers as near to 0 as this as 0.
_ZERO = float(np.float32(1e-35))
# A node's decision_type: two flags, and in the bits above them how missing values are told.
_CATEGORICAL, _DEFAULT_LEFT, _ZERO_IS_MISSING, _NAN_IS_MISSING = 1, 2, 1, 2

Section = dict[str, str]


def from_lightgbm(estimator: Any) -> Boosted:
    """What a fitted estimator of LightGBM's scikit-learn interface has learnt.

    Raises
    ------
    UnsupportedError
        If the objective has no link here, leaves are linear models, predictions are stopped early, trees
        differ in what they take as missing, or a category is beyond what float32 holds.
    """
    header, *trees = _sections(estimator.booster_.model_to_string())
    link, factor, classes = _answer(estimator, header)
    if any(tree["is_linear"] == "1" for tree in trees):
        raise UnsupportedError(
            f"{type(estimator).__name__}: linear_tree=True cannot be ported; use linear_tree=False"
        )
    nodes = joined([_children(tree, "left") for tree in trees], [_children(tree, "right") for tree in trees])
    leaf = nodes.left < 0
    decision = _of_nodes(trees, "decision_type", np.int64)
    categorical = (decision & _CATEGORICAL) > 0
    missing = np.where(leaf | categorical, 0, decision >> 2)
    threshold = _thresholds(np.where(categorical, 0.0, _of_nodes(trees, "threshold", np.float64)))
    default_left = (decision & _DEFAULT_LEFT) > 0
    n_columns = int(header["num_tree_per_iteration"])
    iterations = len(trees) // n_columns
    value = np.concatenate(
        [np.append(np.zeros(int(t["num_leaves"]) - 1), _row(t, "leaf_value")) for t in trees]
    )
    zeros, nans = (bool((missing == kind).any()) for kind in (_ZERO_IS_MISSING, _NAN_IS_MISSING))
    if zeros and nans:
        raise UnsupportedError(
            f"{type(estimator).__name__}: trees with and without zero_as_missing=True cannot be ported "
            "together; fit anew without init_model"
        )
    return Boosted(
        source=type(estimator).__name__,
        n_features=int(header["max_feature_idx"]) + 1,
        nodes=nodes,
        feature=_of_nodes(trees, "split_feature", np.int32),
        threshold=threshold,
        # Where NaN is not missing, it counts as 0; no set of categories has it.
        missing_left=~leaf & ~categorical & np.where(missing > 0, default_left, threshold >= 0),
        also_missing=(-_ZERO, _ZERO) if zeros else None,
        categories=_categories(estimator, trees, nodes.roots, categorical),
        # A random forest's answer is a mean, of which `raw_score` is the sum.
        value=(value / iterations if "average_output" in header else value)[:, None],
        column=np.tile(np.arange(n_columns), iterations),
        base=np.zeros(n_columns),  # leaves of the first trees have it
        link=link,
        factor=factor,
        threshold_included=False,
        classes=classes,
        missing=zeros or nans,
        narrowed=False,
    )


def _sections(text: str) -> list[Section]:
    """The header and the trees, as ``name=value`` or ``name`` a line."""
    parts = text.partition("\nend of trees")[0].split("\nTree=")
    return [
        {name: value for name, _, value in (line.partition("=") for line in p.splitlines())} for p in parts
    ]


def _row(tree: Section, name: str, dtype: Any = np.float64) -> Array:
    return np.array(tree[name].split(), dtype)


def _children(tree: Section, side: str) -> NDArray[np.int64]:
    """The children as ids of nodes: inner ones come first, leaf number k is ``~k`` in LightGBM."""
    n_leaves = int(tree["num_leaves"])
    child = _row(tree, f"{side}_child", np.int64)
    return np.append(np.where(child < 0, n_leaves - 1 + ~child, child), np.full(n_leaves, -1))


def _of_nodes(trees: list[Section], name: str, dtype: Any) -> Array:
    """A number for each inner node, and 0 for each leaf."""
    return np.concatenate(
        [np.append(_row(t, name, dtype), np.zeros(int(t["num_leaves"]), dtype)) for t in trees]
    )


def _thresholds(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """As if numbers near 0 were not read as 0: at -1e-35 the number itself is right of the threshold."""
    near = np.abs(threshold) <= _ZERO
    below = float(np.nextafter(-_ZERO, -1.0))
    return np.where(near, np.where(threshold >= 0, _ZERO, below), threshold)


def _answer(estimator: Any, header: Section) -> tuple[Link, float, Array | None]:
    """The link, its factor, and a classifier's classes."""
    source = type(estimator).__name__
    objective = header.get("objective", "")
    name, *options = objective.split() or [""]
    link = _LINKS.get(name)
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        fits, instead = link in ("identity", "exp", "logistic"), "'regression' without reg_sqrt"
    elif len(classes) == 2:
        fits, instead = link == "logistic", "'binary'"
    else:
        fits = link in ("softmax", "one-vs-rest") and len(classes) == int(header["num_class"])
        instead = "'multiclass' and more than one class"
    if link is None or not fits or "sqrt" in options:
        shown = repr(objective) if objective else "a function"
        raise UnsupportedError(f"{source}: objective={shown} cannot be ported; use {instead}")
    if estimator.get_params().get("pred_early_stop"):
        raise UnsupportedError(f"{source}: pred_early_stop=True cannot be ported; use pred_early_stop=False")
    factors = [float(option.removeprefix("sigmoid:")) for option in options if option.startswith("sigmoid:")]
    return link, factors[0] if factors else 1.0, classes


def _categories(
    estimator: Any, trees: list[Section], roots: NDArray[np.int64], categorical: NDArray[np.bool_]
) -> Categories | None:
    """Sets of categories that go left, bit by bit in words of 32; all others go right."""
    if not categorical.any():
        return None
    known: list[frozenset[int] | None] = [None] * len(categorical)
    for root, tree in zip(roots.tolist(), trees, strict=True):
        if tree["num_cat"] == "0":
            continue
        bounds = _row(tree, "cat_boundaries", np.int64)
        words = _row(tree, "cat_threshold", np.dtype("<u4"))
        which = _row(tree, "threshold").astype(np.int64)  # of the sets, at nodes of categories
        for node in np.flatnonzero(_row(tree, "decision_type", np.int64) & _CATEGORICAL).tolist():
            bits = words[bounds[which[node]] : bounds[which[node] + 1]].view(np.uint8)
            members = np.flatnonzero(np.unpackbits(bits, bitorder="little")).tolist()
            if members[-1] >= CATEGORY_LIMIT:
                raise UnsupportedError(
                    f"{type(estimator).__name__}: category {members[-1]} cannot be ported; encode categories "
                    "as integers below 2**24 before fitting"
                )
            known[root + node] = frozenset(members)
    return Categories(known, np.zeros(len(categorical), bool), known, "truncate", codes=True)
