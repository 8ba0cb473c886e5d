"""Kernels of `sklearn.metrics.pairwise` and of Gaussian processes, as expansions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_duals import Duals
from micromlgen.models._svm_expansion import Expansion, Kernel

#: scikit-learn's names of the kernels that expansions have.
_KERNELS: Mapping[str, Kernel] = {
    "rbf": "rbf",
    "poly": "poly",
    "polynomial": "poly",
    "sigmoid": "sigmoid",
}


def parameters(estimator: Any) -> dict[str, float]:
    """gamma, coef0 and degree of an estimator, with the defaults of its kernel functions."""
    gamma = getattr(estimator, "gamma_", estimator.gamma)
    known = {"gamma": gamma, "coef0": estimator.coef0, "degree": estimator.degree}
    default = {"gamma": 1 / estimator.n_features_in_, "coef0": 1.0, "degree": 3.0}
    return {name: float(default[name] if value is None else value) for name, value in known.items()}


def expanded(
    title: str,
    kernel: Any,
    known: Mapping[str, float],
    vectors: Any,
    duals: NDArray[np.float64],
    constant: NDArray[np.float64],
) -> Matrix | Expansion:
    """Sums of kernels, as products where they are nothing more.

    Parameters
    ----------
    title : str
    kernel : str or callable
    known : mapping
        gamma, coef0 and degree.
    vectors : array or sparse matrix of shape (n_vectors, n_features)
    duals : float64 array of shape (n_sums, n_vectors)
    constant : float64 array of shape (n_sums,)

    Raises
    ------
    UnsupportedError
        If the kernel cannot be ported, or a number is not finite.
    """
    rows = np.asarray(vectors.toarray() if hasattr(vectors, "toarray") else vectors, np.float64)
    if not (np.isfinite(rows).all() and np.isfinite(duals).all() and np.isfinite(constant).all()):
        raise UnsupportedError(f"{title} has numbers that are not finite; fit it again")
    if isinstance(kernel, str) and kernel == "linear":
        return Matrix(duals @ rows, constant)
    if not isinstance(kernel, str) or kernel not in _KERNELS:
        what = repr(kernel) if isinstance(kernel, str) else "as a callable"
        raise UnsupportedError(f"{title} kernel {what} cannot be ported; use linear, poly, rbf or sigmoid")
    if _KERNELS[kernel] == "poly" and (known["degree"] % 1 or known["degree"] < 1):
        raise UnsupportedError(f"{title}(degree={known['degree']}) cannot be ported; use 2 or 3")
    merged, kept = Duals(duals, np.array([0, len(rows)]), constant).without(rows)
    expansion = Expansion(
        _KERNELS[kernel], known["gamma"], known["coef0"], int(known["degree"]), merged, kept
    )  # fmt: skip
    return expansion.linear or expansion
