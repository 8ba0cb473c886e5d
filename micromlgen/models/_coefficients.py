"""What linear estimators of scikit-learn are made of, read from their attributes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._links import Link, probabilities
from micromlgen.models._matrix import Matrix

Array = NDArray[Any]


def classes_of(estimator: Any) -> Array:
    """`classes_` of a classifier with one output.

    Raises
    ------
    UnsupportedError
        If there are several outputs, or but one class.
    """
    title, classes = type(estimator).__name__, estimator.classes_
    binarizer = getattr(estimator, "_label_binarizer", None)
    if isinstance(classes, list) or getattr(binarizer, "y_type_", "").startswith("multilabel"):
        raise UnsupportedError(f"{title} with several outputs cannot be ported; use MultiOutputClassifier")
    if len(classes) < 2:
        raise UnsupportedError(f"{title} was fitted on one class; fit it on two or more")
    return np.asarray(classes)


def matrix_of(estimator: Any, coef: Any, intercept: Any) -> Matrix:
    """Weights as rows, dense or sparse, and their constants.

    Raises
    ------
    UnsupportedError
        If one is not finite.
    """
    weights = np.atleast_2d(coef.toarray() if hasattr(coef, "toarray") else np.asarray(coef, np.float64))
    bias = np.broadcast_to(np.asarray(intercept, np.float64), len(weights)).copy()
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise UnsupportedError(f"{type(estimator).__name__} has weights that are not finite; fit it again")
    return Matrix(weights.astype(np.float64), bias)


def difference(matrix: Matrix) -> Matrix:
    """One score for two; others as they are."""
    if len(matrix.bias) != 2:
        return matrix
    return Matrix(np.diff(matrix.weights, axis=0), np.diff(matrix.bias))


def logistic_link(estimator: Any, matrix: Matrix) -> Link:
    """Which probabilities a logistic regression gives.

    `multi_class`, what it means by default, and for which solvers, change from version to version: the
    estimator is asked.

    Raises
    ------
    UnsupportedError
        If it gives others.
    """
    # Rows on which scores are 0, and on which each in turn is large.
    norm = np.maximum((matrix.weights**2).sum(axis=1), 1e-300)
    rows = np.concatenate([np.zeros((1, matrix.weights.shape[1])), matrix.weights / norm[:, None]])
    rows = rows[np.isfinite(rows).all(axis=1)]
    asked = _asked(estimator.predict_proba, rows)
    scores = matrix.scores(rows)
    links: tuple[Link, ...] = ("logistic", "softmax") if scores.shape[1] == 1 else ("softmax", "one-vs-rest")
    for link in links:
        if np.allclose(probabilities(scores, link), asked, rtol=0, atol=1e-7):
            return link
    raise UnsupportedError(f"{type(estimator).__name__} gives probabilities that cannot be ported")


def centers_of(estimator: Any) -> Matrix:
    """Clusters as scores: the nearest centre has the largest ``center @ x - |center|**2 / 2``.

    Raises
    ------
    UnsupportedError
        If there is only one.
    """
    centers = np.asarray(estimator.cluster_centers_, np.float64)
    if len(centers) < 2:
        title = type(estimator).__name__
        raise UnsupportedError(f"{title} has one cluster; fit it with n_clusters=2 or more")
    # Around their middle the squares are smallest, and lose least to rounding.
    middle = centers.mean(axis=0)
    near = centers - middle
    return difference(matrix_of(estimator, near, -(near @ middle) - (near**2).sum(axis=1) / 2))


def projection_of(estimator: Any) -> Matrix:
    """Weights of a regression on latent variables, which centres x and, until scikit-learn 1.5, scales it.

    Raises
    ------
    UnsupportedError
        If its predictions are neither.
    """
    mean, std = np.asarray(estimator._x_mean, np.float64), np.asarray(estimator._x_std, np.float64)
    asked = _asked(estimator.predict, (mean + std)[None]).reshape(1, -1)
    for scale in (np.ones_like(std), std):
        weights = np.atleast_2d(np.asarray(estimator.coef_, np.float64)) / scale
        matrix = matrix_of(estimator, weights, estimator.intercept_ - weights @ mean)
        if np.allclose(matrix.scores((mean + std)[None]), asked):
            return matrix
    raise UnsupportedError(f"{type(estimator).__name__} predicts otherwise than by its coef_")


def _asked(method: Callable[[Array], Any], rows: Array) -> Array:
    """What an estimator answers; that it was fitted on columns with names does not matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(method(rows))


def is_logarithmic(estimator: Any) -> bool:
    """Whether a generalised linear model predicts the exponential of its score.

    Raises
    ------
    UnsupportedError
        If it predicts something else than that or the score.
    """
    link = type(estimator._base_loss.link).__name__
    if link not in ("LogLink", "IdentityLink"):
        raise UnsupportedError(
            f"{type(estimator).__name__} with a {link} cannot be ported; use link='log' or 'identity'"
        )
    return link == "LogLink"
