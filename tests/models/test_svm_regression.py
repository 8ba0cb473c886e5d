"""Support vector regressors: every kernel and option, in floats and in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, NuSVR

import micromlgen as mm
from micromlgen.inputs import Input
from micromlgen.models._svm_duals import Duals
from micromlgen.models._svm_expansion import Expansion
from micromlgen.models._svm_quantize import Precision, integers, levelled
from tests.cases import Case, integer_cases
from tests.models.test_svm import kernels
from tests.models.test_tree import DIABETES, IRIS, PROGRESSION

NUMBER = Case(
    "svm_number", SVR(gamma=5, C=50).fit(DIABETES[:99], PROGRESSION[:99]), DIABETES[99:150].astype("f4")
)
FAR = Case("svm_far", SVR(gamma=5, C=50).fit(DIABETES[:99], 1e6 + PROGRESSION[:99]), NUMBER.X)
CASES = [NUMBER, *integer_cases([NUMBER], ("int8",)), *integer_cases([FAR], ("int16",))]


@pytest.mark.parametrize("options", kernels(), ids=str)
@pytest.mark.parametrize("kind", [SVR, NuSVR])
def test_regressors_answer_as_scikit_learn(kind: Any, options: dict[str, Any]) -> None:
    estimator = kind(**options, C=10).fit(DIABETES[::2] * 20, PROGRESSION[::2])
    X = (DIABETES * 20).astype(np.float32)
    program = mm.transpile(estimator, name="svm")
    right = estimator.predict(X.astype(float))
    np.testing.assert_allclose(program.predict(X), right, atol=1e-4 * np.ptp(PROGRESSION))


def test_machines_without_vectors_are_constants() -> None:
    regressor = SVR(epsilon=1e4).fit(DIABETES, PROGRESSION)
    assert regressor.support_vectors_.size == 0
    program = mm.transpile(regressor, name="svm")
    np.testing.assert_allclose(program.predict(DIABETES[:3]), regressor.predict(DIABETES[:3]), rtol=1e-6)
    assert program.verify(DIABETES[:20].astype(np.float32))


def test_numbers_of_features_far_from_zero_in_integers() -> None:
    """Inputs are centred there, and the span of the answers is still that of the rows."""
    X, y = IRIS[:, :2] + np.float32(20), IRIS[:, 2].astype(float)
    estimator = SVR(gamma=0.5).fit(X.astype(float), y)
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=X[::2])
    assert program.model.input.center is not None
    expected = estimator.predict(X[::2].astype(float))
    np.testing.assert_allclose(program.model.span, [[expected.min(), expected.max()]], rtol=1e-4)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_integers_agree_on_rows_that_calibration_did_not_see(dtype: str) -> None:
    train, test, y_train, _ = train_test_split(DIABETES, PROGRESSION, random_state=0)
    regressor = SVR(C=50, gamma=5).fit(train, y_train)
    program = mm.transpile(regressor, name="svm", dtype=dtype, calibration=train)
    off = np.abs(program.predict(test) - regressor.predict(test)) / np.ptp(program.model.span)
    assert (off < 0.01).mean() >= 0.99


WAVES = np.random.default_rng(0).normal(0, 1, (240, 3)).astype(np.float32)
HEIGHTS = np.sin(WAVES[:, 0]) + WAVES[:, 1] / 2


@pytest.mark.parametrize("level", [-1e6, 3e4, 1e6])
@pytest.mark.parametrize(
    ("machine", "most"),
    [
        (SVR(C=10), 3e-3),
        (NuSVR(C=10), 5e-3),
        (SVR(kernel="poly", coef0=1), 1e-3),
        (SVR(kernel="sigmoid", gamma=0.05), 1e-3),
        (GaussianProcessRegressor(RBF(2.0) + WhiteKernel(0.01), optimizer=None, normalize_y=True), 5e-3),
    ],
    ids=lambda m: type(m).__name__ if hasattr(m, "fit") else "",
)
def test_targets_far_from_zero_in_integers(machine: Any, most: float, level: float) -> None:
    """32 bits are about the spread of the answers, and the level is added behind."""
    train, test = WAVES[:160], WAVES[160:]
    estimator = machine.fit(train.astype(float), level + HEIGHTS[:160])
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=train)
    report = program.verify(test)
    assert report, str(report)
    error = np.abs(program.predict(test) - estimator.predict(test.astype(float))) / np.ptp(HEIGHTS)
    assert error.mean() < most


def test_the_level_fits_beside_all_that_sums_may_be() -> None:
    exact = Expansion(
        "rbf", 1.0, 0.0, 1, np.zeros((2, 1)), Duals(np.full((1, 2), 1.0), np.array([0, 2]), np.zeros(1))
    )
    inputs = Input(1, "int16", exponents=np.array([10], np.int32))
    sums = integers(exact, inputs, np.zeros((1, 1)), Precision("int16", "int16", True), 0.0, False)
    for far in (5.0, -5.0, 1e5, -2e6, 1e8):
        shifted, level = levelled(sums, exact, far)
        assert level.down >= 1
        assert abs(level.base) + (2**31 >> level.down) <= 2**31 - 1
        # At the vectors kernels are one: twice the coefficient, and the level.
        answer = (int(shifted.sums(np.zeros((1, 1)))[0, 0]) >> level.down) + level.base
        step = shifted.sum_unit * 2**level.down
        assert abs(answer * step - (2 + far)) <= step + 1e-3
    with pytest.raises(ValueError, match="subtract their mean before training, or use float32"):
        levelled(sums, exact, 1e12)


def test_sums_that_cancel_say_what_to_do() -> None:
    rows = WAVES * 10 + 100
    ridge = KernelRidge(alpha=100, kernel="poly", degree=3).fit(rows.astype(float), HEIGHTS)
    with pytest.raises(
        ValueError, match=r"KernelRidge adds up .* its answers, .*; put a StandardScaler before it"
    ):
        mm.transpile(ridge, name="no", dtype="int16", calibration=rows)
    scaled = make_pipeline(StandardScaler(), KernelRidge(kernel="poly", degree=3))
    scaled.fit(rows.astype(float), HEIGHTS)
    program = mm.transpile(scaled, name="yes", dtype="int16", calibration=rows[::2])
    error = np.abs(program.predict(rows[1::2]) - scaled.predict(rows[1::2].astype(float)))
    assert error.mean() < 1e-3 * np.ptp(HEIGHTS)
