"""What support vector machines of scikit-learn are made of, read from their attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_duals import Duals
from micromlgen.models._svm_expansion import Expansion


def _dense(values: Any) -> NDArray[np.float64]:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, np.float64)


def sums_of(estimator: Any, constant: Any) -> Matrix | Expansion:
    """The sums of an estimator, as products where they are nothing more.

    Raises
    ------
    UnsupportedError
        If the kernel is none of libsvm's own, or a number is not finite.
    """
    title, kernel = type(estimator).__name__, estimator.kernel
    if callable(kernel) or kernel not in ("linear", "poly", "rbf", "sigmoid"):
        what = "as a callable" if callable(kernel) else repr(kernel)
        raise UnsupportedError(f"{title} kernel {what} cannot be ported; use linear, poly, rbf or sigmoid")
    vectors, values = _dense(estimator.support_vectors_), np.atleast_2d(_dense(estimator.dual_coef_))
    vectors = vectors.reshape(-1, estimator.n_features_in_)
    constant = np.array(constant, np.float64).reshape(-1)
    if not (np.isfinite(vectors).all() and np.isfinite(values).all() and np.isfinite(constant).all()):
        raise UnsupportedError(f"{title} has numbers that are not finite; fit it again")
    several = len(constant) > 1
    counts = estimator.n_support_ if several else [len(vectors)]
    duals = Duals(values, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), constant)
    vectors, duals = duals.without(vectors)
    if kernel == "linear":
        return Matrix(duals.spread() @ vectors, duals.constant)
    gamma, degree = float(estimator._gamma), int(estimator.degree)
    expansion = Expansion(kernel, gamma, float(estimator.coef0), degree, vectors, duals)
    return expansion.linear or expansion


def common(estimator: Any) -> dict[str, Any]:
    """What all models are told of their estimator."""
    return {"source": type(estimator).__name__, "input": Input(estimator.n_features_in_)}
