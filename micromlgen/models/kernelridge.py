"""Regressors that are sums of kernels of all training rows: kernel ridge, and Gaussian processes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Model
from micromlgen.models._combined import linear_regressor
from micromlgen.models._kernel_read import expanded, parameters
from micromlgen.models._matrix import Matrix
from micromlgen.models._sequence import before_model
from micromlgen.models.scalers import of_map
from micromlgen.models.svm_regression import Svr

Array = NDArray[Any]


def _regressor(title: str, sums: Any, n_features: int) -> Model:
    if isinstance(sums, Matrix):
        return linear_regressor(sums, title)
    if sums.n_sums > 1:
        raise UnsupportedError(f"{title} of several targets cannot be ported; use MultiOutputRegressor")
    return Svr(source=title, input=Input(n_features), span=np.zeros((1, 2)), exact=sums)


@converts("sklearn.kernel_ridge.KernelRidge")
def ridge(estimator: Any) -> Model:
    """Convert kernel ridge regression.

    Raises
    ------
    UnsupportedError
        If the kernel cannot be ported, or there are several targets.
    """
    title = type(estimator).__name__
    duals = np.asarray(estimator.dual_coef_, np.float64)
    duals = duals[None] if duals.ndim == 1 else duals.T
    known = {} if estimator.kernel == "linear" else parameters(estimator)
    sums = expanded(title, estimator.kernel, known, estimator.X_fit_, duals, np.zeros(len(duals)))
    return _regressor(title, sums, estimator.n_features_in_)


@converts("sklearn.gaussian_process.GaussianProcessRegressor")
def process(estimator: Any) -> Model:
    """Convert the mean of a Gaussian process.

    Raises
    ------
    UnsupportedError
        If the kernel is more than a constant, an RBF, and noise, or there are several targets.
    """
    title, kernel = type(estimator).__name__, getattr(estimator, "kernel_", None)
    if kernel is None:
        raise UnsupportedError(f"{title} is not fitted; call fit(X, y) first")
    height, length = _parts(title, kernel)
    rows = np.asarray(estimator.X_train_, np.float64)
    length = np.broadcast_to(np.asarray(length, np.float64), (rows.shape[1],))
    deviation = np.atleast_1d(np.asarray(estimator._y_train_std, np.float64))
    mean = np.atleast_1d(np.asarray(estimator._y_train_mean, np.float64))
    alpha = np.asarray(estimator.alpha_, np.float64)
    duals = (alpha[None] if alpha.ndim == 1 else alpha.T) * height * deviation[:, None]
    alike = bool((length == length[0]).all())
    scaled = rows if alike else rows / length
    known = {"gamma": 0.5 / length[0] ** 2 if alike else 0.5, "coef0": 0.0, "degree": 1.0}
    sums = expanded(title, "rbf", known, scaled, duals, np.broadcast_to(mean, (len(duals),)))
    model = _regressor(title, sums, rows.shape[1])
    if alike:
        return model
    return before_model([of_map(title, Affine.elementwise(1 / length, np.zeros(len(length))))], model, title)


def _parts(title: str, kernel: Any) -> tuple[float, Any]:
    """Height and length scale of an RBF, in sums with noise and products with constants.

    Raises
    ------
    UnsupportedError
        If there is anything else.
    """
    name = type(kernel).__name__
    if name == "RBF":
        return 1.0, kernel.length_scale
    if name in ("Product", "Sum"):
        for one, other in ((kernel.k1, kernel.k2), (kernel.k2, kernel.k1)):
            if name == "Product" and type(one).__name__ == "ConstantKernel":
                height, length = _parts(title, other)
                return height * one.constant_value, length
            if name == "Sum" and type(one).__name__ == "WhiteKernel":  # nothing between different rows
                return _parts(title, other)
    raise UnsupportedError(
        f"{title} kernel {kernel} cannot be ported; use an RBF, times a ConstantKernel and plus a WhiteKernel"
    )
