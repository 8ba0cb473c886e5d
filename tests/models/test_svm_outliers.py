"""One-class support vector machines: every kernel, in floats and in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

import micromlgen as mm
from micromlgen.models._svm_integer import IntegerPoly
from micromlgen.models.svm_outliers import OneClass
from tests.cases import integer_cases
from tests.models.test_svm import CANCER, SCALED, decided, kernels, on_iris
from tests.models.test_tree import IRIS

ONE = on_iris("svm_one", OneClassSVM(gamma=0.3, nu=0.2), None)
POWER = on_iris("svm_power", OneClassSVM(kernel="poly", degree=5, coef0=0.1, nu=0.2), None)
CASES = [ONE, *integer_cases([ONE, POWER], ("int16",))]


@pytest.mark.parametrize("options", kernels(), ids=str)
def test_one_class_answers_as_scikit_learn(options: dict[str, Any]) -> None:
    estimator = OneClassSVM(**options, nu=0.1).fit(SCALED[::2].astype(float))
    program, wide = mm.transpile(estimator, name="svm"), SCALED.astype(float)
    sure = decided(program, SCALED)
    answers = program.predict(SCALED)
    np.testing.assert_array_equal(answers[sure], estimator.predict(wide)[sure])
    assert set(answers.tolist()) <= {-1, 1}
    np.testing.assert_allclose(
        program.score_samples(SCALED), estimator.score_samples(wide), rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(
        program.decision_function(SCALED), estimator.decision_function(wide), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_integers_agree_on_rows_that_calibration_did_not_see(dtype: str) -> None:
    train, test = train_test_split(StandardScaler().fit_transform(CANCER), random_state=0)
    detector = OneClassSVM(gamma=0.05, nu=0.1).fit(train)
    program = mm.transpile(detector, name="svm", dtype=dtype, calibration=train)
    assert (program.predict(test) == detector.predict(test)).mean() >= 0.985


def test_powers_of_which_15_bits_are_too_few() -> None:
    """Large ones are rare, and the small ones tell in and out apart."""
    estimator = OneClassSVM(kernel="poly", nu=0.1).fit(StandardScaler().fit_transform(IRIS[::2]))
    scaled = StandardScaler().fit(IRIS[::2]).transform(IRIS).astype(np.float32)
    program = mm.transpile(estimator, name="wide", dtype="int16", calibration=scaled[::2])
    assert isinstance(program.model, OneClass)
    assert isinstance(program.model.sums, IntegerPoly)
    assert program.model.sums.down is not None
    expected = estimator.predict(scaled.astype(float))
    sure = np.abs(estimator.decision_function(scaled.astype(float))) > estimator.tol
    assert (program.predict(scaled) == expected)[sure].mean() >= 0.99
