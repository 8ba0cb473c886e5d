"""GradientBoostingClassifier and GradientBoostingRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

from micromlgen.models._gradient import from_gradient_boosting
from tests.importers import oracle

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = IRIS.astype(np.float32)
DIABETES, PROGRESSION = load_diabetes(return_X_y=True)
DIABETES = DIABETES.astype(np.float32)
CLASSIFIERS = {
    "binary": {},
    "exponential": {"loss": "exponential"},
    "zero": {"init": "zero"},
    "exponential from zero": {"init": "zero", "loss": "exponential"},
    "prior": {"init": DummyClassifier(strategy="prior")},
    "most frequent": {"init": DummyClassifier(strategy="most_frequent")},
    "uniform": {"init": DummyClassifier(strategy="uniform")},
    "rate": {"learning_rate": 0.7, "subsample": 0.5},
    "one tree": {"n_estimators": 1},
    "stopped early": {"n_iter_no_change": 2, "n_estimators": 90},
    "unbounded": {"max_depth": None, "max_leaf_nodes": 7},
}
REGRESSORS = {
    "squared error": {},
    "absolute error": {"loss": "absolute_error"},
    "huber": {"loss": "huber", "alpha": 0.8},
    "quantile": {"loss": "quantile", "alpha": 0.2},
    "zero": {"init": "zero"},
    "constant": {"init": DummyRegressor(strategy="constant", constant=-1e6)},
    "median": {"init": DummyRegressor(strategy="median"), "learning_rate": 1.0},
    "features": {"max_features": 2, "subsample": 0.6},
}


def fitted(cls: type, X: np.ndarray, y: np.ndarray, **options: Any) -> Any:
    return cls(**{"n_estimators": 12, "random_state": 0, **options}).fit(X, y)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("options", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifiers(options: dict[str, Any], n_classes: int) -> None:
    if n_classes > 2 and options.get("loss") == "exponential":
        options = {**options, "loss": "log_loss"}
    y = np.array(["c", "a", "b"])[np.minimum(SPECIES, n_classes - 1)]
    estimator = fitted(GradientBoostingClassifier, IRIS, y, **options)
    boosted = from_gradient_boosting(estimator)
    X = oracle.edge_rows(boosted, IRIS, missing=False)
    scores = oracle.raw_scores(boosted, X)
    np.testing.assert_allclose(scores.squeeze(), estimator.decision_function(X), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(oracle.answers(boosted, X), estimator.predict_proba(X), rtol=1e-9, atol=1e-300)
    np.testing.assert_array_equal(oracle.labels(boosted, X), estimator.predict(X))


@pytest.mark.parametrize("options", REGRESSORS.values(), ids=REGRESSORS)
def test_regressors(options: dict[str, Any]) -> None:
    estimator = fitted(GradientBoostingRegressor, DIABETES, PROGRESSION, **options)
    boosted = from_gradient_boosting(estimator)
    X = oracle.edge_rows(boosted, DIABETES, missing=False)
    np.testing.assert_allclose(oracle.answers(boosted, X), estimator.predict(X), rtol=1e-12)


@pytest.mark.parametrize("loss", ["log_loss", "exponential"])
def test_a_score_of_zero_is_the_second_class(loss: str) -> None:
    X = np.zeros((4, 1), np.float32)
    estimator = fitted(GradientBoostingClassifier, X, [3, 8, 3, 8], init="zero", loss=loss)
    boosted = from_gradient_boosting(estimator)
    assert oracle.raw_scores(boosted, X).tolist() == [[0]] * 4
    assert oracle.labels(boosted, X).tolist() == estimator.predict(X).tolist() == [8] * 4


def test_the_learning_rate_is_the_one_that_predict_uses() -> None:
    estimator = fitted(GradientBoostingRegressor, DIABETES, PROGRESSION).set_params(learning_rate=0.5)
    scores = oracle.answers(from_gradient_boosting(estimator), DIABETES)
    np.testing.assert_allclose(scores, estimator.predict(DIABETES), rtol=1e-12)


@pytest.mark.parametrize(
    ("cls", "init"),
    [
        (GradientBoostingRegressor, LinearRegression()),
        (GradientBoostingClassifier, DecisionTreeClassifier()),
        (GradientBoostingClassifier, DummyClassifier(strategy="stratified")),
    ],
)
def test_an_init_that_depends_on_x_is_refused(cls: type, init: Any) -> None:
    estimator = fitted(cls, IRIS, SPECIES, init=init)
    with pytest.raises(
        ValueError, match=rf"{cls.__name__}: .* of init={type(init).__name__}.* fit with init=N"
    ):
        from_gradient_boosting(estimator)


def test_infinite_leaves_are_refused() -> None:
    estimator = fitted(GradientBoostingRegressor, DIABETES, PROGRESSION)
    estimator.set_params(learning_rate=1e308)
    with (
        pytest.warns(RuntimeWarning, match="overflow"),
        pytest.raises(
            ValueError, match="GradientBoostingRegressor: a leaf, threshold or base score is NaN or"
        ),
    ):
        from_gradient_boosting(estimator)
