"""Several classes by models of two each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES


def fitted(model: Any, y: Any = SPECIES) -> Any:
    return OneVsRestClassifier(model).fit(IRIS.astype(float), y)


def short() -> RandomForestClassifier:
    return RandomForestClassifier(3, max_depth=3, random_state=0)


FLOAT = [
    Case("ovr_logistic", fitted(LogisticRegression()), IRIS),
    Case("ovr_forest", fitted(short()), IRIS),
    Case("ovr_boosting", fitted(GradientBoostingClassifier(n_estimators=3, random_state=0)), IRIS),
]
CASES = [*FLOAT, *integer_cases(FLOAT[:2], ("int16",))]


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LinearSVC(random_state=0, max_iter=90_000)),
        GaussianNB(),
        short(),
        GradientBoostingClassifier(n_estimators=3, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("two", [False, True])
def test_answers_are_scikit_learns(model: Any, two: bool) -> None:
    estimator = fitted(model, SPECIES == 2 if two else np.array(["c", "a", "b"])[SPECIES])
    program = mm.transpile(estimator, name="rest")
    report = program.verify(IRIS)
    assert report, str(report)
    if hasattr(estimator, "predict_proba") and hasattr(program.model, "predict_proba"):
        expected = estimator.predict_proba(IRIS.astype(float))
        np.testing.assert_allclose(program.predict_proba(IRIS), expected, atol=1e-5)
    if hasattr(estimator, "decision_function") and hasattr(program.model, "decision_function"):
        expected = estimator.decision_function(IRIS.astype(float))
        np.testing.assert_allclose(program.decision_function(IRIS), expected, atol=1e-4)


def test_linear_models_are_one() -> None:
    program = mm.transpile(fitted(make_pipeline(StandardScaler(), LogisticRegression())), name="one")
    assert program.model.matrix.weights.shape == (3, 4)
    assert not hasattr(program.model, "stages")


def test_what_cannot_be_ported() -> None:
    labels = np.stack([SPECIES == 1, SPECIES > 0], axis=1).astype(int)
    with pytest.raises(ValueError, match="several labels cannot be ported; use MultiOutputClassifier"):
        mm.transpile(fitted(LogisticRegression(), labels), name="no")
