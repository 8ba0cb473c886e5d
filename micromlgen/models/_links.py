"""How the probabilities of classes follow from scores, in float and in integers.

One score is that of the second of two classes; several are one for each class. The C is in
templates/links.h.j2.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit
from scipy.special import softmax as exact_softmax

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.models._shares import clipped, one_vs_rest, sigmoid, softmax

Array = NDArray[Any]
#: softmax
#:     of several scores, or of (-s, s) where there is one.
#: logistic
#:     of one score.
#: one-vs-rest
#:     Logistic of each of several scores, divided by their sum.
#: clipped
#:     Scores between -1 and 1 as probabilities between 0 and 1, divided by their sum.
Link = Literal["softmax", "logistic", "one-vs-rest", "clipped"]
#: Most that exponentials and shares of float32 are off, cut off at `fixedpoint.EXP_NEG_LIMIT` as they are.
_SHARES = 3e-6
#: Exponential answers of integer modes may be so many times larger than on the calibration rows.
_HEADROOM = 16.0


def factor(link: Link, n_scores: int) -> int:
    """What exponentials take of one score: twice where (-s, s) is meant."""
    return 2 if link == "softmax" and n_scores == 1 else 1


def probabilities(scores: Array, link: Link) -> Array:
    """Of float64 scores of shape (n, n_scores): shape (n, n_classes)."""
    single = scores.shape[1] == 1
    if link == "clipped":
        part = (np.clip(scores, -1.0, 1.0) + 1.0) / 2.0
        if single:
            return np.concatenate([1.0 - part, part], axis=1)
        whole = part.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(part, whole, out=np.full_like(part, 1 / part.shape[1]), where=whole > 0))
    if single:
        twice = scores * factor(link, 1)
        return np.concatenate([expit(-twice), expit(twice)], axis=1)
    logs = log_expit(scores) if link == "one-vs-rest" else scores
    return np.asarray(exact_softmax(logs, axis=1))


def integer_probabilities(scores: Array, link: Link, unit: float) -> Array:
    """Of int64 scores in units of `unit`: uint16 in units of 1 / `PROBA_ONE`, bit for bit those of the C."""
    single = scores.shape[1] == 1
    if link == "clipped":
        return clipped(scores, one_of(unit))
    scale = fixedpoint.exponential(unit * factor(link, scores.shape[1]))
    if single:
        return np.concatenate(sigmoid(scores, scale, True), axis=1)
    return softmax(scores, scale, True) if link == "softmax" else one_vs_rest(scores, scale)


def one_of(unit: float) -> int:
    """A score of one, in units that are a power of two."""
    return round(1.0 / unit)


def off(scores: Array, rounding: Array, link: Link) -> Array:
    """Most that probabilities of float32 differ where scores do by `rounding`, both of shape (n, n_scores).

    Returns
    -------
    Array of shape (n, 1).
    """
    most = rounding.max(axis=1, keepdims=True) + 1e-7
    if link != "clipped":
        return np.asarray(_SHARES + 2 * factor(link, scores.shape[1]) * most)
    if scores.shape[1] == 1:
        return np.asarray(_SHARES + most)
    # Divided by a sum that may be next to nothing.
    n = scores.shape[1]
    whole = (np.clip(scores, -1.0, 1.0) + 1.0).sum(axis=1, keepdims=True) - n * most
    with np.errstate(divide="ignore"):
        return np.where(whole > 0, _SHARES + (n + 1) * most / np.maximum(whole, 1e-30), np.inf)


def exponential(scores: Array) -> Array:
    """``exp(scores)`` of float64 as ``<n>_exp`` of templates/exp.h.j2 has it but for its rounding."""
    return np.asarray(np.exp(np.minimum(scores, fixedpoint.EXP_LARGEST)))


def ceiling(scores: Array, source: str) -> float:
    """Score of the largest exponential that integer modes give, by the scores of the calibration rows.

    Raises
    ------
    UnsupportedError
        If it is beyond float32.
    """
    most = float(scores.max()) + float(np.log(_HEADROOM))
    if most > fixedpoint.EXP_LARGEST:
        raise UnsupportedError(f"{source} predicts values beyond float32; scale the targets")
    return most


def exponential_off(scores: Array, by: Array) -> Array:
    """Most that `exponential` in float32 differs where scores do by `by`, of the same shape."""
    with np.errstate(over="ignore"):
        # The exponent of two is a float32 product, its fraction's power has 21 bits.
        share = np.expm1(by + np.minimum(np.abs(scores), 150.0) * 2.0**-22 + 1e-6)
    return np.asarray(exponential(scores) * share + 1e-37)


def exponential_tolerance(scores: Array, by: Array) -> Array:
    """The same against the true exponential, which goes on where `exponential` saturates."""
    return np.where(scores + by >= fixedpoint.EXP_LARGEST, np.inf, exponential_off(scores, by))
