"""Several targets, each with a model of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

BOTH = np.stack([SPECIES, SPECIES == 1], axis=1).astype(int)
SHORT = RandomForestClassifier(3, max_depth=3, random_state=0)


def classes(model: Any) -> Any:
    return MultiOutputClassifier(model).fit(IRIS.astype(float), BOTH)


def numbers(model: Any) -> Any:
    return MultiOutputRegressor(model).fit(IRIS[:, :2].astype(float), IRIS[:, 2:].astype(float))


FLOAT = [
    Case("outputs_logistic", classes(LogisticRegression(max_iter=500)), IRIS),
    Case("outputs_boosting", numbers(GradientBoostingRegressor(n_estimators=3)), IRIS[:, :2].copy()),
]
CASES = [*FLOAT, *integer_cases(FLOAT, ("int16",))]


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(max_iter=500),
        LinearSVC(random_state=0, max_iter=90_000),
        SHORT,
        KNeighborsClassifier(3),
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), SVC()),
        make_pipeline(MinMaxScaler(), KNeighborsClassifier(3)),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_classifiers_answer_as_scikit_learn(model: Any, dtype: str) -> None:
    estimator = classes(model)
    program = mm.transpile(estimator, name="both", dtype=dtype, calibration=IRIS, min_agreement=0.98)
    report = program.verify(IRIS)
    assert report, str(report)
    assert report.agreement > 0.98
    if hasattr(program.model, "predict_proba"):
        atol = 1e-5 if dtype == "float32" else 0.02
        expected = estimator.predict_proba(IRIS.astype(float))
        for got, right in zip(program.predict_proba(IRIS), expected, strict=True):
            np.testing.assert_allclose(got, right, atol=atol)


@pytest.mark.parametrize("model", [SVC(), LogisticRegression(), KNeighborsClassifier(3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
def test_a_scaler_before_all_outputs(model: Any, dtype: str) -> None:
    """Each is given what the scaler gives, and judged by it."""
    scaled = make_pipeline(StandardScaler(), MultiOutputClassifier(model))
    X = IRIS * np.float32([100, 1, 0.01, 1]) + np.float32([1000, 0, 0, -5])
    estimator = GridSearchCV(scaled, {"multioutputclassifier__n_jobs": [None]}, cv=2).fit(
        X.astype(float), BOTH
    )
    program = mm.transpile(estimator, name="both", dtype=dtype, calibration=X, min_agreement=0.97)
    report = program.verify(X)
    assert report, str(report)
    assert report.agreement > 0.97


@pytest.mark.parametrize(
    "model", [Ridge(), GradientBoostingRegressor(n_estimators=3)], ids=lambda m: str(m)[:5]
)
def test_regressors_answer_as_scikit_learn(model: Any) -> None:
    X = IRIS[:, :2].copy()
    report = mm.verify(numbers(model), X)
    assert report, str(report)


def test_linear_regressors_are_one() -> None:
    X = IRIS[:, :2].copy()
    program = mm.transpile(numbers(Ridge()), name="one", dtype="int16", calibration=X)
    assert program.model.matrix.weights.shape == (2, 2)
    assert program.verify(X)


def test_what_cannot_be_ported() -> None:
    one = MultiOutputClassifier(LogisticRegression()).fit(IRIS, SPECIES[:, None])
    with pytest.raises(ValueError, match="MultiOutputClassifier needs two classifiers or more"):
        mm.transpile(one, name="no")
