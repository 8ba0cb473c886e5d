"""Support vector regressors: every kernel and option, in floats and in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.svm import SVR, NuSVR

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_svm import kernels
from tests.models.test_tree import DIABETES, IRIS, PROGRESSION

NUMBER = Case(
    "svm_number", SVR(gamma=5, C=50).fit(DIABETES[:99], PROGRESSION[:99]), DIABETES[99:150].astype("f4")
)
CASES = [NUMBER, *integer_cases([NUMBER], ("int8",))]


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
