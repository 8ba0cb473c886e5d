"""Bagging of models that are no trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

import micromlgen as mm
from tests.cases import Case
from tests.models.test_tree import IRIS, SPECIES

LENGTH = IRIS[:, 2].astype(float)


def bagged(model: Any, y: Any = SPECIES, kind: Any = BaggingClassifier, **options: Any) -> Any:
    more = {"n_estimators": 3, "random_state": 0, **options}
    return kind(model, **more).fit(IRIS.astype(float), y)


CASES = [
    Case("bag_bayes", bagged(GaussianNB(), max_features=0.5), IRIS),
    Case("bag_votes", bagged(LinearSVC(random_state=0, max_iter=90_000)), IRIS),
    Case("bag_numbers", bagged(SVR(), LENGTH, BaggingRegressor, max_features=3), IRIS),
]


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        LinearSVC(random_state=0, max_iter=90_000),
        GaussianNB(),
        SVC(),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize(
    "options", [{}, {"max_features": 0.5, "bootstrap_features": True}], ids=["all", "some"]
)
@pytest.mark.parametrize("two", [False, True])
def test_classifiers_answer_as_scikit_learn(model: Any, options: Any, two: bool) -> None:
    estimator = bagged(model, SPECIES == 2 if two else np.array(["c", "a", "b"])[SPECIES], **options)
    program = mm.transpile(estimator, name="bag")
    report = program.verify(IRIS)
    assert report, str(report)
    assert program.model.undecided(estimator, IRIS.astype(float)).mean() < 0.05
    if hasattr(program.model, "predict_proba"):
        expected = estimator.predict_proba(IRIS.astype(float))
        np.testing.assert_allclose(program.predict_proba(IRIS), expected, atol=1e-5)


def test_models_that_have_not_seen_all_classes() -> None:
    estimator = bagged(KNeighborsClassifier(2), max_samples=4, random_state=1)
    assert min(len(member.classes_) for member in estimator.estimators_) < 3
    program = mm.transpile(estimator, name="bag")
    assert program.verify(IRIS)
    expected = estimator.predict_proba(IRIS.astype(float))
    sure = ~program.model.undecided(estimator, IRIS.astype(float))[:, 0]
    np.testing.assert_allclose(program.predict_proba(IRIS)[sure], expected[sure], atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"max_features": 0.5}], ids=["all", "some"])
def test_regressors_answer_as_scikit_learn(options: Any) -> None:
    report = mm.verify(bagged(SVR(), LENGTH, BaggingRegressor, **options), IRIS)
    assert report, str(report)


def test_linear_regressors_are_one() -> None:
    model = make_pipeline(StandardScaler(), Ridge())
    estimator = bagged(model, LENGTH, BaggingRegressor, max_features=3)
    for dtype in ("float32", "int16"):
        program = mm.transpile(estimator, name="one", dtype=dtype, calibration=IRIS)
        assert program.model.matrix.weights.shape == (1, 4)
        assert program.verify(IRIS)


def test_a_vote_without_a_class_is_refused() -> None:
    estimator = bagged(LinearSVC(random_state=0, max_iter=90_000))
    estimator.estimators_[1].classes_ = np.array([0, 2])
    with pytest.raises(ValueError, match="was fitted without one of the classes; use larger max_samples"):
        mm.transpile(estimator, name="no")


@pytest.mark.parametrize(
    "member",
    [Ridge(), MLPRegressor(hidden_layer_sizes=(4,), max_iter=300, tol=1e-2, random_state=0)],
    ids=str,
)
def test_several_outputs(member: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4)).astype(np.float32)
    Y = np.stack([X @ [1.0, 2, 0, 1], np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
    bagged = BaggingRegressor(member, 3, max_features=3, random_state=0).fit(X.astype(float), Y)
    for dtype in ("float32", "int16"):
        program = mm.transpile(bagged, name="several", dtype=dtype, calibration=X)
        assert np.abs(program.predict(X) - bagged.predict(X.astype(float))).max() < 0.01 * np.ptp(Y)
        assert program.verify(X[:20])
