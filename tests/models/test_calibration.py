"""Probabilities that were calibrated after training."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import micromlgen as mm
from micromlgen.inputs import Calibration, Input
from micromlgen.models._points import Points
from micromlgen.models._stage import zeros
from micromlgen.models.calibration import Isotonic
from micromlgen.models.temperature import Temperature
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

METHODS = ["sigmoid", "isotonic"]
if "temperature" in str(inspect.getdoc(CalibratedClassifierCV)):
    METHODS.append("temperature")


def fitted(model: Any, y: Any = SPECIES, **options: Any) -> Any:
    return CalibratedClassifierCV(model, **{"cv": 2, **options}).fit(IRIS.astype(float), y)


SVC = [Case("calibrated_svc", fitted(LinearSVC(random_state=0, max_iter=90_000)), IRIS)]
POINTS = [Case("calibrated_points", fitted(GaussianNB(), SPECIES == 2, method="isotonic"), IRIS)]
LEVELS = [Case("calibrated_levels", fitted(LogisticRegression(max_iter=900), method="isotonic"), IRIS)]
CASES = [
    *SVC,
    *integer_cases(SVC, ("int16",)),
    *POINTS,
    *integer_cases(POINTS, ("int8",)),
    *integer_cases(LEVELS, ("int16",)),
]

WARM = LinearSVC(random_state=0, max_iter=90_000)
if "temperature" in METHODS:
    DECIDED = Case("calibrated_warm", fitted(WARM, method="temperature"), IRIS)
    TWO = Case("calibrated_lukewarm", fitted(WARM, SPECIES == 2, method="temperature"), IRIS)
    CASES += [
        DECIDED,
        *integer_cases([DECIDED, TWO], ("int16",)),
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
@pytest.mark.parametrize(
    ("model", "method"),
    [(WARM, "sigmoid"), (GaussianNB(), "sigmoid"), *((WARM, m) for m in METHODS if m == "temperature")],
    ids=str,
)
def test_integers_agree_on_rows_that_calibration_has_not_seen(model: Any, method: str, two: bool) -> None:
    estimator = fitted(model, SPECIES == 2 if two else SPECIES, method=method)
    program = mm.transpile(
        estimator, name="calibrated", dtype="int16", calibration=IRIS[::2], min_agreement=0
    )
    report = program.verify(IRIS[1::2])
    assert report, str(report)
    assert report.agreement >= 0.98
    expected = estimator.predict_proba(IRIS.astype(float))
    np.testing.assert_allclose(program.predict_proba(IRIS), expected, atol=0.02)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
@pytest.mark.parametrize(
    "model",
    [make_pipeline(StandardScaler(), LogisticRegression()), RandomForestClassifier(8, random_state=0)],
    ids=lambda m: type(m).__name__,
)
def test_points_in_integers_on_rows_that_calibration_has_not_seen(load: Any, model: Any, dtype: str) -> None:
    X, y = load(return_X_y=True)
    X = X.astype(np.float32)
    estimator = CalibratedClassifierCV(model, method="isotonic", cv=3).fit(X[::2].astype(float), y[::2])
    program = mm.transpile(estimator, name="levels", dtype=dtype, calibration=X[::2], min_agreement=0)
    report = program.verify(X[1::2])
    assert report, str(report)
    assert report.agreement >= (0.99 if dtype == "int16" else 0.97)
    off = np.abs(program.predict_proba(X[1::2]) - estimator.predict_proba(X[1::2].astype(float)))
    assert off.mean() < (0.002 if dtype == "int16" else 0.02)


def test_points_that_one_step_of_integers_does_not_tell_apart() -> None:
    """A level begins within a step of the decision: rows on both sides of it have the right probability."""
    at, value = np.array([-1.0, -0.1, -0.1 + 1e-9, 1.0]), np.array([0.1, 0.1, 0.9, 0.9])
    points = Points(at, value, np.array([0, 4]))
    inputs = Input(1, "int16", exponents=np.array([15], np.int32))
    lines = points.in_integers(inputs, 1 / 32768, 0.0)
    q = np.arange(-32767, 32768)[:, None]
    got = lines.apply(q)[:, 0] / 32768
    apart = np.abs(q[:, 0] + 3276.8) > 1
    np.testing.assert_allclose(got[apart], points.apply(q / 32768)[apart, 0], atol=1e-4)
    assert len(lines.knots) == 2


def test_what_cannot_be_ported() -> None:
    same = Isotonic(
        source="CalibratedClassifierCV",
        input=Input(1),
        span=zeros(2),
        points=Points(np.array([1.0, *1 + 1e-9 * np.arange(1, 9)]), np.arange(9) / 8, np.array([0, 9])),
    )
    with pytest.raises(ValueError, match=r"isotonic.* closer than float32 tells apart; use method='sigmoid'"):
        same.quantize(Input(1), Calibration())
    with pytest.raises(ValueError, match=r"CalibratedClassifierCV cannot be ported in integers; use dtype="):
        same.quantize(Input(1, "int8", exponents=np.zeros(1, np.int32)), Calibration())
    bayes = Temperature(
        source="CalibratedClassifierCV", input=Input(2), span=zeros(2), beta=1.0, of_probabilities=True
    )
    inputs = Input(2, "int16", exponents=np.zeros(2, np.int32))
    with pytest.raises(
        ValueError, match=r"'temperature'\) of probabilities .* use method='sigmoid' or dtype="
    ):
        bayes.requantized(inputs, inputs, Calibration())
    later = fitted(GaussianNB())
    later.calibrated_classifiers_[0].method = "other"
    with pytest.raises(ValueError, match=r"method='other'\) cannot be ported; use 'sigmoid'"):
        mm.transpile(later, name="no")


@pytest.mark.filterwarnings("ignore")
def test_decisions_that_only_the_estimator_has() -> None:
    """They are what is calibrated, and not the probabilities beside them."""
    bag = BaggingClassifier(LogisticRegression(), 2, random_state=0)
    calibrated = CalibratedClassifierCV(bag, cv=2).fit(IRIS.astype(float), SPECIES)
    with pytest.raises(ValueError, match="the decision_function of BaggingClassifier, which is calibrated"):
        mm.transpile(calibrated, name="no")
