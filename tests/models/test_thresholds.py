"""Classifiers of two classes whose border was moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import model_selection
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

KINDS = ("FixedThresholdClassifier", "TunedThresholdClassifierCV")
LABELS = np.array(["no", "yes"])[(SPECIES == 2).astype(int)]
THERE = all(hasattr(model_selection, kind) for kind in KINDS)
FOREST = RandomForestClassifier(3, max_depth=3, random_state=0)


def fixed(model: Any, **options: Any) -> Any:
    kind = model_selection.FixedThresholdClassifier
    return kind(model, **options).fit(IRIS.astype(float), LABELS)


CASES: list[Case] = []
if THERE:
    FLOAT = [
        Case("limit_linear", fixed(LogisticRegression(), threshold=0.2, pos_label="yes"), IRIS),
        Case("limit_forest", fixed(FOREST, threshold=0.7, pos_label="no"), IRIS),
    ]
    CASES = [*FLOAT, *integer_cases(FLOAT, ("int16",))]

pytestmark = pytest.mark.skipif(not THERE, reason="scikit-learn 1.5 brought them")


@pytest.mark.parametrize("positive", ["no", "yes"])
@pytest.mark.parametrize(
    ("model", "limit", "method"),
    [
        (LogisticRegression(), 0.2, "auto"),
        (LogisticRegression(), -1.5, "decision_function"),
        (make_pipeline(StandardScaler(), LogisticRegression()), 0.9, "predict_proba"),
        (LinearSVC(random_state=0, max_iter=90_000), 0.4, "auto"),
        (FOREST, 0.3, "auto"),
        (GaussianNB(), 0.85, "auto"),
    ],
    ids=lambda v: type(v).__name__ if hasattr(v, "fit") else str(v),
)
def test_answers_are_scikit_learns(model: Any, limit: float, method: str, positive: str) -> None:
    estimator = fixed(model, threshold=limit, response_method=method, pos_label=positive)
    program = mm.transpile(estimator, name="limit")
    report = program.verify(IRIS)
    assert report, str(report)
    np.testing.assert_array_equal(program.predict(IRIS), estimator.predict(IRIS.astype(float)))
    assert (program.predict(IRIS) != model.fit(IRIS.astype(float), LABELS).predict(IRIS)).any()


def test_a_tuned_threshold() -> None:
    kind = model_selection.TunedThresholdClassifierCV
    for model in (LogisticRegression(), FOREST):
        estimator = kind(model, scoring="balanced_accuracy").fit(IRIS.astype(float), SPECIES == 2)
        assert mm.verify(estimator, IRIS)


def test_linear_models_stay_linear() -> None:
    program = mm.transpile(CASES[0].estimator, name="limit", dtype="int16", calibration=IRIS)
    assert program.model.matrix.weights.shape == (1, 4)
    assert program.verify(IRIS)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_a_forest_in_integers(dtype: str) -> None:
    program = mm.transpile(CASES[1].estimator, name="limit", dtype=dtype, calibration=IRIS)
    np.testing.assert_array_equal(program.predict(IRIS), CASES[1].estimator.predict(IRIS.astype(float)))
    assert program.verify(IRIS)
