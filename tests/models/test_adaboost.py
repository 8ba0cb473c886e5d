"""AdaBoost of models that are no trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVR, LinearSVC

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

LENGTH = IRIS[:, 2].astype(float)
OLD = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 6)
SAMME = {"algorithm": "SAMME"} if OLD else {}


def boosted(model: Any, y: Any = SPECIES, **options: Any) -> Any:
    more = {"n_estimators": 4, "random_state": 0, **SAMME, **options}
    return AdaBoostClassifier(model, **more).fit(IRIS.astype(float), y)


def numbers(model: Any, n: int = 6) -> Any:
    return AdaBoostRegressor(model, n_estimators=n, random_state=0).fit(IRIS.astype(float), LENGTH)


FLOAT = [
    Case("ada_bayes", boosted(GaussianNB()), IRIS),
    Case("ada_two", boosted(LogisticRegression(), SPECIES == 1), IRIS),
    Case("ada_numbers", numbers(Ridge()), IRIS),
]
CASES = [*FLOAT, *integer_cases(FLOAT[1:], ("int16",))]


@pytest.mark.parametrize(
    "model",
    [LogisticRegression(), GaussianNB(), LinearSVC(random_state=0, max_iter=90_000)],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("two", [False, True])
def test_classifiers_answer_as_scikit_learn(model: Any, two: bool) -> None:
    estimator = boosted(model, SPECIES == 1 if two else np.array(["c", "a", "b"])[SPECIES])
    program = mm.transpile(estimator, name="ada")
    report = program.verify(IRIS)
    assert report, str(report)
    assert program.model.undecided(estimator, IRIS.astype(float)).mean() < 0.05
    X = IRIS.astype(float)
    np.testing.assert_allclose(program.predict_proba(IRIS), estimator.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(program.decision_function(IRIS), estimator.decision_function(X), atol=1e-5)


@pytest.mark.parametrize("two", [False, True])
def test_integers_agree_on_rows_that_calibration_has_not_seen(two: bool) -> None:
    estimator = boosted(LogisticRegression(), SPECIES == 1 if two else SPECIES)
    options = {"dtype": "int16", "calibration": IRIS[::2], "min_agreement": 0}
    program = mm.transpile(estimator, name="ada", **options)
    report = program.verify(IRIS[1::2])
    assert report, str(report)
    assert report.agreement >= 0.98
    # All votes together, and with what none names, in any order of adding.
    assert (
        np.abs(program.model.last.weights.astype(np.int64)).sum() + abs(int(program.model.last.base)) < 2**31
    )


def test_equal_votes_go_to_the_first_class() -> None:
    X = np.arange(4.0)[:, None]
    estimator = AdaBoostClassifier(LogisticRegression(), n_estimators=2, **SAMME).fit(X, [0, 0, 1, 1])
    estimator.estimators_ = [LogisticRegression().fit(X, y) for y in ([0, 0, 1, 1], [1, 1, 0, 0])]
    estimator.estimator_weights_ = np.array([0.75, 0.75])
    program = mm.transpile(estimator, name="tie")
    np.testing.assert_array_equal(program.predict(X), estimator.predict(X))
    np.testing.assert_array_equal(program.decision_function(X), np.zeros(4))


@pytest.mark.parametrize("model", [Ridge(), SVR()], ids=lambda m: type(m).__name__)
def test_regressors_answer_as_scikit_learn(model: Any) -> None:
    estimator = numbers(model)
    program = mm.transpile(estimator, name="median")
    report = program.verify(IRIS)
    assert report, str(report)
    assert program.model.undecided(estimator, IRIS.astype(float)).mean() < 0.05


def test_a_median_that_is_one_half_exactly() -> None:
    """Weights of the lower two reach the half: theirs is the median."""
    estimator = numbers(Ridge(), 4)
    estimator.estimator_weights_ = np.ones(len(estimator.estimators_))
    rows = np.stack([e.predict(IRIS.astype(float)) for e in estimator.estimators_], axis=1)
    program = mm.transpile(estimator, name="median")
    lower = np.sort(rows, axis=1)[:, (rows.shape[1] - 1) // 2]
    np.testing.assert_allclose(program.predict(IRIS), lower, rtol=1e-5)


def test_models_of_other_classes() -> None:
    estimator = boosted(LinearSVC(random_state=0, max_iter=90_000))
    estimator.estimators_[0].classes_ = np.array([0, 2])
    with pytest.raises(ValueError, match="a LinearSVC knows other classes; fit it on more rows"):
        mm.transpile(estimator, name="no")


@pytest.mark.skipif(not OLD, reason="scikit-learn 1.6 took SAMME.R away")
@pytest.mark.filterwarnings("ignore")
def test_logarithms_of_probabilities() -> None:
    estimator = boosted(GaussianNB(), algorithm="SAMME.R")
    with pytest.raises(ValueError, match="of no trees cannot be ported; use 'SAMME'"):
        mm.transpile(estimator, name="no")
