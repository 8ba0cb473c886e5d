"""The densities of fitted estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from micromlgen.errors import UnsupportedError
from micromlgen.models._gaussian import Densities, Diagonal, Triangle

Array = NDArray[Any]


def checked(estimator: Any, densities: Densities) -> Densities:
    """The same densities.

    Raises
    ------
    UnsupportedError
        If a number is not finite.
    """
    title = type(estimator).__name__
    if (never := np.flatnonzero(densities.const == -np.inf)).size:
        raise UnsupportedError(
            f"{title} cannot be ported with a prior of 0, which class number {never[0]} has; fit without it"
        )
    if not all(np.isfinite(part).all() for part in vars(densities).values()):
        raise UnsupportedError(
            f"{title} cannot be ported with numbers that are not finite, as of variances 0; regularize more"
        )
    return densities


def naive(estimator: Any) -> Diagonal:
    """Of GaussianNB."""
    mean, variance = (np.asarray(part, np.float64) for part in (estimator.theta_, estimator.var_))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = 1.0 / np.sqrt(2.0 * variance)
        prior = np.log(np.asarray(estimator.class_prior_, np.float64))
        const = prior - np.log(2.0 * np.pi * variance).sum(axis=1) / 2.0
        return Diagonal(factor, -mean * factor, const)


def quadratic(estimator: Any) -> Triangle:
    """Of QuadraticDiscriminantAnalysis, which leaves out what all classes have in common."""
    rows, offset, const = [], [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        prior = np.log(np.asarray(estimator.priors_, np.float64))
        for k, variance in enumerate(estimator.scalings_):
            own = (np.asarray(estimator.rotations_[k], np.float64) / np.sqrt(2.0 * variance)).T
            rows.append(own)
            offset.append(-own @ estimator.means_[k])
            const.append(prior[k] - np.log(variance).sum() / 2.0)
    return _triangle(estimator, rows, offset, np.array(const))


def mixture(estimator: Any) -> Densities:
    """Of GaussianMixture and BayesianGaussianMixture, of any type of covariance."""
    mean = np.asarray(estimator.means_, np.float64)
    n_densities, n = mean.shape
    cholesky = np.asarray(estimator.precisions_cholesky_, np.float64)
    const = _weights(estimator) - n * np.log(2.0 * np.pi) / 2.0
    if estimator.covariance_type in ("full", "tied"):
        each = np.broadcast_to(cholesky, (n_densities, n, n)).transpose(0, 2, 1) / np.sqrt(2.0)
        determinant = np.log(np.diagonal(cholesky, axis1=-2, axis2=-1)).sum(axis=-1)
        moved = [-rows @ m for rows, m in zip(each, mean, strict=True)]
        return _triangle(estimator, list(each), moved, const + determinant)
    root = np.broadcast_to(cholesky.reshape(n_densities, -1), (n_densities, n))
    factor = root / np.sqrt(2.0)
    return Diagonal(factor, -mean * factor, const + np.log(root).sum(axis=1))


def _weights(estimator: Any) -> NDArray[np.float64]:
    """Logarithms of the weights, with what variational inference adds to each density.

    Bishop: Pattern Recognition and Machine Learning, 2006, equations 10.64 to 10.66.
    """
    if not hasattr(estimator, "degrees_of_freedom_"):
        return np.log(np.asarray(estimator.weights_, np.float64))
    n = estimator.means_.shape[1]
    freedom = np.asarray(estimator.degrees_of_freedom_, np.float64)
    spread = digamma((freedom - np.arange(n)[:, None]) / 2.0).sum(axis=0)
    expected = (n * np.log(2.0) + spread - n / np.asarray(estimator.mean_precision_, np.float64)) / 2.0
    return np.asarray(_concentration(estimator) + expected - n * np.log(freedom) / 2.0)


def _concentration(estimator: Any) -> NDArray[np.float64]:
    """Expected logarithms of weights: a Dirichlet distribution's, or a process's, which breaks a stick."""
    if estimator.weight_concentration_prior_type != "dirichlet_process":
        counts = np.asarray(estimator.weight_concentration_, np.float64)
        return np.asarray(digamma(counts) - digamma(counts.sum()))
    broken, rest = (np.asarray(part, np.float64) for part in estimator.weight_concentration_)
    whole = digamma(broken + rest)
    before = np.concatenate([[0.0], np.cumsum(digamma(rest) - whole)[:-1]])
    return np.asarray(digamma(broken) - whole + before)


def envelope(estimator: Any) -> Triangle:
    """Of EllipticEnvelope: the square of the Mahalanobis distance, negative."""
    values, vectors = np.linalg.eigh(np.asarray(estimator.get_precision(), np.float64))
    rows = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    return _triangle(estimator, [rows], [-rows @ estimator.location_], np.zeros(1))


def _triangle(estimator: Any, rows: list[Array], offset: list[Array], const: Array) -> Triangle:
    if not all(np.isfinite(part).all() for part in [*rows, *offset]):
        raise UnsupportedError(
            f"{type(estimator).__name__} cannot be ported with a covariance without inverse; regularize more"
        )
    return Triangle.of(rows, offset, const)
