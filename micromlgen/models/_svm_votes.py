"""Classes and decisions from the sums of pairs: one-vs-one voting, as libsvm and scikit-learn do it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._shares import PROBA_ONE, shares
from micromlgen.models._svm_duals import pairs

Array = NDArray[Any]
#: What a vote counts in integer decisions: confidences are shares of a third of it.
VOTE = 3 * PROBA_ONE


def votes(wins: NDArray[np.bool_], n_classes: int) -> NDArray[np.int64]:
    """How many pairs each class wins, shape (n, n_classes); the first of pair p where ``wins[:, p]``."""
    out = np.zeros((len(wins), n_classes), np.int64)
    for p, (i, j) in enumerate(pairs(n_classes)):
        out[:, i] += wins[:, p]
        out[:, j] += ~wins[:, p]
    return out


def confidences(sums: Array, n_classes: int) -> Array:
    """Sum of the decisions for each class against the others, shape (n, n_classes)."""
    out = np.zeros((len(sums), n_classes), sums.dtype)
    for p, (i, j) in enumerate(pairs(n_classes)):
        out[:, i] += sums[:, p]
        out[:, j] -= sums[:, p]
    return out


def one_vs_rest(sums: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """scikit-learn's decisions of shape "ovr": votes, and confidences that never outweigh one."""
    of_class = confidences(sums, n_classes)
    return np.asarray(votes(sums >= 0, n_classes) + of_class / (3 * (np.abs(of_class) + 1)))


def confidence_shift(n_classes: int) -> int:
    """By so many bits integer sums are divided, so that those of a class stay in 32 bits."""
    return (n_classes - 2).bit_length()


def confidence_one(unit: float, n_classes: int) -> int:
    """A decision of one, in units of shifted sums."""
    return int(np.clip(np.rint(2.0 ** -confidence_shift(n_classes) / unit), 1, 2**31 - 1))


def integer_one_vs_rest(sums: NDArray[np.int64], unit: float, n_classes: int) -> NDArray[np.int64]:
    """The same of integer sums, in units of 1 / `VOTE`."""
    part = np.abs(sums) >> confidence_shift(n_classes)  # towards zero, as C divides
    of_class = confidences(np.where(sums < 0, -part, part), n_classes)
    part = np.abs(of_class).astype(np.uint64)
    share = shares(part, part + np.uint64(confidence_one(unit, n_classes)), True).astype(np.int64)
    return np.asarray(votes(sums >= 0, n_classes) * VOTE + np.where(of_class < 0, -share, share))
