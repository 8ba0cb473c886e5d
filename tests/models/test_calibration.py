"""Probabilities that were calibrated after training."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

METHODS = ["sigmoid", "isotonic"]
if "temperature" in str(inspect.getdoc(CalibratedClassifierCV)):
    METHODS.append("temperature")


def fitted(model: Any, y: Any = SPECIES, **options: Any) -> Any:
    return CalibratedClassifierCV(model, **{"cv": 2, **options}).fit(IRIS.astype(float), y)


SVC = [Case("calibrated_svc", fitted(LinearSVC(random_state=0, max_iter=90_000)), IRIS)]
CASES = [
    *SVC,
    *integer_cases(SVC, ("int16",)),
    Case("calibrated_points", fitted(GaussianNB(), SPECIES == 2, method="isotonic"), IRIS),
]

if "temperature" in METHODS:
    CASES += [
        Case(
            "calibrated_warm", fitted(LinearSVC(random_state=0, max_iter=90_000), method="temperature"), IRIS
        ),
        Case("calibrated_bayes", fitted(GaussianNB(), SPECIES == 2, method="temperature"), IRIS),
    ]


@pytest.mark.parametrize(
    "model",
    [
        LinearSVC(random_state=0, max_iter=90_000),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GaussianNB(),
        RandomForestClassifier(3, max_depth=3, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("two", [False, True])
def test_answers_are_scikit_learns(model: Any, method: str, ensemble: bool, two: bool) -> None:
    y = SPECIES == 2 if two else np.array(["c", "a", "b"])[SPECIES]
    estimator = fitted(model, y, method=method, ensemble=ensemble)
    program = mm.transpile(estimator, name="calibrated")
    report = program.verify(IRIS)
    assert report, str(report)
    expected = estimator.predict_proba(IRIS.astype(float))
    steep = method == "isotonic"
    np.testing.assert_allclose(program.predict_proba(IRIS), expected, atol=1e-4 if steep else 2e-5)
    logarithms = method == "temperature" and not hasattr(model, "decision_function")
    if not steep and not logarithms:  # levels tie, and next to nothing has any logarithm
        assert program.model.undecided(estimator, IRIS.astype(float)).mean() < 0.1


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("model", [LinearSVC(random_state=0, max_iter=90_000), GaussianNB()])
def test_integers_agree_on_rows_that_calibration_has_not_seen(model: Any, two: bool) -> None:
    estimator = fitted(model, SPECIES == 2 if two else SPECIES)
    program = mm.transpile(
        estimator, name="calibrated", dtype="int16", calibration=IRIS[::2], min_agreement=0
    )
    report = program.verify(IRIS[1::2])
    assert report, str(report)
    assert report.agreement >= 0.98
    expected = estimator.predict_proba(IRIS.astype(float))
    np.testing.assert_allclose(program.predict_proba(IRIS), expected, atol=0.02)


def test_what_cannot_be_ported() -> None:
    with pytest.raises(ValueError, match=r"isotonic.* in integers; use method='sigmoid' or dtype='float32'"):
        mm.transpile(CASES[2].estimator, name="no", dtype="int16", calibration=IRIS)
    later = fitted(GaussianNB())
    later.calibrated_classifiers_[0].method = "other"
    with pytest.raises(ValueError, match=r"method='other'\) cannot be ported; use 'sigmoid'"):
        mm.transpile(later, name="no")
