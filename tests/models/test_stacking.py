"""Models of what other models answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeRegressor

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

SHORT = RandomForestClassifier(4, max_depth=3, random_state=0)
WINE, CULTIVAR = load_wine(return_X_y=True)
WINE = WINE[:, :6].astype(np.float32)
LENGTH = IRIS[:, 2].astype(float)


def stack(*members: Any, kind: Any = StackingClassifier, **options: Any) -> Any:
    return kind([(str(i), m) for i, m in enumerate(members)], cv=2, **options)


def logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def fitted(estimator: Any, y: Any = SPECIES) -> Any:
    return estimator.fit(IRIS.astype(float), y)


LINES = [Ridge(), DecisionTreeRegressor(max_depth=3, random_state=0)]
FLOAT = [
    Case("stack_classes", fitted(stack(logistic(), SHORT, GaussianNB())), IRIS),
    Case("stack_numbers", fitted(stack(*LINES, kind=StackingRegressor, passthrough=True), LENGTH), IRIS),
]
CASES = [*FLOAT, *integer_cases(FLOAT[:1], ("int16",)), *integer_cases(FLOAT[1:], ("int8",))]


@pytest.mark.parametrize(
    "estimator",
    [
        stack(logistic(), SHORT),
        stack(logistic(), SHORT, passthrough=True),
        stack(logistic(), SHORT, final_estimator=SHORT),
        stack(LinearSVC(random_state=0, max_iter=90_000), GradientBoostingClassifier(n_estimators=3)),
        stack(logistic(), SHORT, stack_method="predict"),
        stack(logistic(), GaussianNB(), final_estimator=logistic()),
    ],
    ids=lambda e: "".join(str(e).split())[:70],
)
@pytest.mark.parametrize("two", [False, True])
def test_classifiers_answer_as_scikit_learn(estimator: Any, two: bool) -> None:
    y = SPECIES == 2 if two else np.array(["c", "a", "b"])[SPECIES]
    estimator = fitted(estimator, y)
    program = mm.transpile(estimator, name="stack")
    report = program.verify(IRIS)
    assert report, str(report)
    assert program.model.undecided(estimator, IRIS.astype(float)).mean() < 0.1
    expected = estimator.predict_proba(IRIS.astype(float))
    np.testing.assert_allclose(program.predict_proba(IRIS), expected, atol=1e-4)


@pytest.mark.parametrize("passthrough", [False, True])
@pytest.mark.parametrize("final", [Ridge(), DecisionTreeRegressor(max_depth=3)], ids=["ridge", "tree"])
def test_regressors_answer_as_scikit_learn(passthrough: bool, final: Any) -> None:
    options = {"passthrough": passthrough, "final_estimator": final}
    estimator = fitted(stack(*LINES, kind=StackingRegressor, **options), LENGTH)
    report = mm.verify(estimator, IRIS)
    assert report, str(report)


@pytest.mark.parametrize("passthrough", [False, True])
def test_integers_agree_on_rows_that_calibration_has_not_seen(passthrough: bool) -> None:
    estimator = fitted(stack(logistic(), SHORT, passthrough=passthrough))
    report = mm.verify(estimator, IRIS[1::2], dtype="int16", calibration=IRIS[::2], min_agreement=0)
    assert report, str(report)
    assert report.agreement >= 0.98


@pytest.mark.parametrize("far", [0.0, 1e5])
@pytest.mark.parametrize("passthrough", [False, True])
@pytest.mark.parametrize("final", [KNeighborsClassifier(), SVC(), LogisticRegression()], ids=str)
def test_finals_behind_a_scaler_in_integers(final: Any, passthrough: bool, far: float) -> None:
    """Whose scaler is a stage of the stack: raw features have it no more than those of other members."""
    X = (WINE + np.array([far, 0, far / 300, 0, 0, 0])).astype(np.float32)
    options = {"final_estimator": make_pipeline(StandardScaler(), final), "passthrough": passthrough}
    estimator = stack(logistic(), GaussianNB(), **options).fit(X[::2].astype(float), CULTIVAR[::2])
    program = mm.transpile(estimator, name="stack", dtype="int16", calibration=X[::2])
    assert (program.predict(X) == estimator.predict(X.astype(float))).mean() >= 0.99
    report = program.verify(X[1::8])
    assert report, str(report)


@pytest.mark.parametrize("far", [0.0, 1e5])
def test_numbers_of_a_stack_in_integers(far: float) -> None:
    X = (WINE + np.array([far, 0, far / 300, 0, 0, 0])).astype(np.float32)
    y = np.sin(X[:, 1].astype(float)) + WINE[:, 5]
    final = make_pipeline(StandardScaler(), SVR(C=10))
    members = [make_pipeline(StandardScaler(), KNeighborsRegressor()), LINES[1]]
    estimator = stack(*members, kind=StackingRegressor, passthrough=True, final_estimator=final)
    estimator.fit(X[::2].astype(float), y[::2])
    program = mm.transpile(estimator, name="stack", dtype="int16", calibration=X[::2])
    expected = estimator.predict(X.astype(float))
    assert np.quantile(np.abs(program.predict(X) - expected), 0.98) < 2e-3 * np.ptp(expected)


def test_a_scaler_before_a_stack_is_in_its_members() -> None:
    pipeline = fitted(make_pipeline(StandardScaler(), stack(LogisticRegression(), GaussianNB())))
    report = mm.verify(pipeline, IRIS)
    assert report, str(report)


@pytest.mark.parametrize(
    ("estimator", "options", "message"),
    [
        (
            StackingClassifier([("a", logistic())], cv="prefit", stack_method="predict"),
            {},
            "answers with labels; fit it without cv='prefit'",
        ),
    ],
)
def test_what_cannot_be_ported(estimator: Any, options: Any, message: str) -> None:
    for _, member in estimator.estimators:
        fitted(member, SPECIES * 10)
    with pytest.raises(ValueError, match=message):
        mm.transpile(fitted(estimator, SPECIES * 10), name="no", **options)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_a_scaler_before_the_final_estimator(dtype: str) -> None:
    """What scales answers is done between the stages, not to the features."""
    final = make_pipeline(StandardScaler(), SVC())
    estimator = fitted(stack(logistic(), SHORT, passthrough=True, final_estimator=final))
    program = mm.transpile(estimator, name="behind", dtype=dtype, calibration=IRIS)
    expected = estimator.decision_function(IRIS.astype(float))
    np.testing.assert_allclose(program.decision_function(IRIS), expected, atol=0.02)
