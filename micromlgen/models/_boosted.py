"""What a booster has learnt, whichever library trained it: trees that add to raw scores, and a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._categories import Categories
from micromlgen.models._nodes import Nodes

Array = NDArray[Any]
#: From raw scores to the answer: as it is; ``exp``; a sigmoid of one score (binary classifiers have it as the
#: second class's probability); a softmax of several; a sigmoid of each, which do not sum to one.
Link = Literal["identity", "exp", "logistic", "softmax", "one-vs-rest"]


@dataclass(frozen=True, eq=False)
class Boosted:
    """A fitted booster.

    Parameters
    ----------
    source : str
        Name of the estimator's class.
    n_features : int
    nodes : Nodes
        Children by node id; trees in the library's order.
    feature : int32 array of shape (n_nodes,)
        0 at leaves.
    threshold : float64 array of shape (n_nodes,)
        A float32-valued x goes left where ``x <= threshold``; may be ±inf; 0 at leaves and at nodes of
        `categories`.
    missing_left : bool array of shape (n_nodes,)
        Where NaN goes.
    also_missing : (float, float) or None
        At nodes with a threshold, numbers of this interval, both ends included, go where NaN goes.
    categories : Categories or None
    value : float64 array of shape (n_nodes, width)
        What a leaf adds to `width` neighbouring raw scores, learning rate and weights of trees included; 0 at
        inner nodes.
    column : int64 array of shape (n_trees,)
        The first raw score that each tree adds to.
    base : float64 array of shape (n_columns,)
        Raw scores before the first tree.
    link : Link
    factor : float
        The link is applied to ``factor * raw``; 1 but for LightGBM's `sigmoid` and exponential loss.
    threshold_included : bool
        Whether a classifier's only raw score means the second class at exactly 0; above 0 it does.
    classes : array or None
        `classes_` of a classifier. With the link "logistic" there are two of them and one raw score, else a
        raw score for each, of which the first of the largest wins.
    missing : bool
        Whether the model was trained on missing values, as far as it shows; True with `also_missing`.
    narrowed : bool
        As `Trees.narrowed`.
    sums_float32 : bool
        Whether the library adds in float32, starting from the base: its own rounding is no error of ours.

    Raises
    ------
    UnsupportedError
        If a threshold is NaN, or a leaf or a base score is not finite.
    """

    source: str
    n_features: int
    nodes: Nodes
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    also_missing: tuple[float, float] | None
    categories: Categories | None
    value: NDArray[np.float64]
    column: NDArray[np.int64]
    base: NDArray[np.float64]
    link: Link
    factor: float
    threshold_included: bool
    classes: Array | None
    missing: bool
    narrowed: bool = True
    sums_float32: bool = False

    def __post_init__(self) -> None:
        numbers = [self.value, self.base]
        if np.isnan(self.threshold).any() or not all(np.isfinite(n).all() for n in numbers):
            raise UnsupportedError(
                f"{self.source}: a leaf, threshold or base score is NaN or infinite; fit again on finite "
                "numbers, with a smaller learning rate or scaled targets"
            )
