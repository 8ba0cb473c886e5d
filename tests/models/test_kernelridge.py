"""Kernel ridge regression and the means of Gaussian processes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.multioutput import MultiOutputRegressor

import micromlgen as mm
from tests.cases import Case
from tests.models.test_tree import IRIS

X = IRIS[::3, :2].astype(float)
Y = IRIS[::3, 2].astype(float)


def process(kernel: Any, **options: Any) -> Any:
    return GaussianProcessRegressor(kernel, optimizer=None, alpha=0.01, **options).fit(X, Y)


CASES = [Case("process", process(RBF([1.0, 3.0])), X.astype(np.float32))]


@pytest.mark.parametrize("kernel", ["rbf", "poly", "sigmoid", "linear"])
@pytest.mark.parametrize("gamma", [None, 0.05])
def test_ridges_answer_as_scikit_learn(kernel: str, gamma: float | None) -> None:
    report = mm.verify(KernelRidge(kernel=kernel, gamma=gamma).fit(X, Y), X)
    assert report, str(report)


@pytest.mark.parametrize(
    "kernel",
    [
        RBF(2.0),
        ConstantKernel(3.0) * RBF([1.0, 3.0]) + WhiteKernel(0.1),
        WhiteKernel(0.1) + RBF(0.5) * ConstantKernel(0.5),
    ],
    ids=str,
)
@pytest.mark.parametrize("normalize_y", [False, True])
def test_processes_answer_as_scikit_learn(kernel: Any, normalize_y: bool) -> None:
    report = mm.verify(process(kernel, normalize_y=normalize_y), X)
    assert report, str(report)


def test_integers() -> None:
    estimator = KernelRidge(kernel="rbf", alpha=0.5).fit(X, Y)
    program = mm.transpile(estimator, name="ridge", dtype="int16", calibration=X[::2])
    assert program.verify(X[1::2]).agreement > 0.98


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (process(Matern()), "cannot be ported; use an RBF, times a ConstantKernel and plus a WhiteKernel"),
        (process(RBF() * RBF()), "cannot be ported; use an RBF"),
        (
            KernelRidge(kernel="laplacian").fit(X, Y),
            "KernelRidge kernel 'laplacian' cannot be ported; use linear",
        ),
        (
            KernelRidge(kernel="rbf").fit(X, np.stack([Y, Y], axis=1)),
            "KernelRidge of several targets cannot be ported; use MultiOutputRegressor",
        ),
    ],
)
def test_what_cannot_be_ported(estimator: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mm.transpile(estimator, name="no")


def test_the_remedy_for_several_targets() -> None:
    estimator = MultiOutputRegressor(KernelRidge(kernel="rbf")).fit(X, np.stack([Y, 2 * Y], axis=1))
    assert mm.verify(estimator, X)
