"""Several classes by codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES


def fitted(model: Any, y: Any = SPECIES, **options: Any) -> Any:
    more = {"code_size": 2, "random_state": 3, **options}
    return OutputCodeClassifier(model, **more).fit(IRIS.astype(float), y)


FLOAT = [
    Case("codes_linear", fitted(LinearSVC(random_state=0, max_iter=90_000)), IRIS),
    Case("codes_bayes", fitted(GaussianNB()), IRIS),
]
CASES = [*FLOAT, *integer_cases(FLOAT[:1], ("int16",))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LinearSVC(random_state=0, max_iter=90_000)),
        SVC(),
        GaussianNB(),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("two", [False, True])
def test_answers_are_scikit_learns(model: Any, two: bool) -> None:
    estimator = fitted(model, SPECIES == 2 if two else np.array(["c", "a", "b"])[SPECIES])
    report = mm.verify(estimator, IRIS)
    assert report, str(report)


def test_linear_models_are_one() -> None:
    estimator = fitted(LogisticRegression(), code_size=9)
    program = mm.transpile(estimator, name="codes", dtype="int16", calibration=IRIS)
    assert program.model.matrix.weights.shape == (3, 4)
    assert (program.predict(IRIS) == estimator.predict(IRIS)).mean() > 0.99


@pytest.mark.filterwarnings("ignore")
def test_codes_that_tell_nothing() -> None:
    """Of a number that is the same in all codes scikit-learn makes no model."""
    estimator = fitted(LogisticRegression(), code_size=9)
    constant = np.ptp(estimator.code_book_, axis=0) == 0
    assert constant.any()
    assert mm.verify(estimator, IRIS)
    estimator.code_book_ = np.ones_like(estimator.code_book_)
    with pytest.raises(ValueError, match="has one code for all classes; fit it with a larger code_size"):
        mm.transpile(estimator, name="no")
