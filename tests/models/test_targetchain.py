"""Several targets one after another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import ClassifierChain, RegressorChain
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

LABELS = np.stack([SPECIES == 1, IRIS[:, 0] > 5.8, SPECIES == 2], axis=1).astype(int)
TWO = IRIS[:, :2].copy()
OLD = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 5)


def classes(model: Any, method: str = "predict", y: Any = LABELS) -> Any:
    options = {} if method == "predict" else {"chain_method": method}
    return ClassifierChain(model, order=[2, 0, 1], **options).fit(IRIS.astype(float), y)


def numbers(model: Any) -> Any:
    return RegressorChain(model, order=[1, 0]).fit(TWO.astype(float), IRIS[:, 2:].astype(float))


FLOAT = [
    Case("chain_classes", classes(LogisticRegression(max_iter=500)), IRIS),
    Case("chain_numbers", numbers(DecisionTreeRegressor(max_depth=3, random_state=0)), TWO),
]
if not OLD:
    FLOAT.append(Case("chain_proba", classes(GaussianNB(), "predict_proba"), IRIS))
CASES = [*FLOAT, *integer_cases(FLOAT, ("int16",))]


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        SVC(),
        GaussianNB(),
        RandomForestClassifier(3, max_depth=3, random_state=0),
        GradientBoostingClassifier(n_estimators=3, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_classifiers_answer_as_scikit_learn(model: Any, method: str) -> None:
    if not hasattr(model, method):
        return
    if OLD and method != "predict":
        pytest.skip("scikit-learn 1.5 brought chain_method")
    estimator = classes(model, method)
    program = mm.transpile(estimator, name="chain")
    report = program.verify(IRIS)
    assert report, str(report)
    if method == "predict_proba":
        got = np.stack([p[:, 1] for p in program.predict_proba(IRIS)], axis=1)
        np.testing.assert_allclose(got, estimator.predict_proba(IRIS.astype(float)), atol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), Ridge()),
        DecisionTreeRegressor(max_depth=3),
        KNeighborsRegressor(3),
        GradientBoostingRegressor(n_estimators=3),
    ],
    ids=lambda m: type(m).__name__,
)
def test_regressors_answer_as_scikit_learn(model: Any) -> None:
    report = mm.verify(numbers(model), TWO)
    assert report, str(report)


def test_integers_agree_on_rows_that_calibration_has_not_seen() -> None:
    estimator = classes(RandomForestClassifier(5, max_depth=4, random_state=0))
    report = mm.verify(estimator, IRIS[1::2], dtype="int16", calibration=IRIS[::2], min_agreement=0)
    assert report, str(report)
    assert report.agreement >= 0.98


def test_linear_regressors_are_one() -> None:
    estimator = numbers(Ridge())
    program = mm.transpile(estimator, name="one", dtype="int16", calibration=TWO)
    assert program.model.matrix.weights.shape == (2, 2)
    np.testing.assert_allclose(program.predict(TWO), estimator.predict(TWO.astype(float)), atol=2e-3)
    assert program.verify(TWO)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            classes(LogisticRegression(), y=LABELS * 2),
            "needs classifiers of 0 and 1; use MultiOut",
        ),
        (RegressorChain(LogisticRegression()).fit(IRIS, LABELS[:, :2]), "LogisticRegression is no regressor"),
    ],
)
def test_what_cannot_be_ported(estimator: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mm.transpile(estimator, name="no")
