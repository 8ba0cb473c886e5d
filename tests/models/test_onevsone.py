"""Several classes by a model of each pair of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES


def fitted(model: Any, y: Any = SPECIES) -> Any:
    return OneVsOneClassifier(model).fit(IRIS.astype(float), y)


def short() -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=2, random_state=0)


FLOAT = [
    Case("ovo_linear", fitted(LogisticRegression()), IRIS),
    Case("ovo_trees", fitted(short()), IRIS),
    Case("ovo_two", fitted(GaussianNB(), SPECIES == 2), IRIS),
]
CASES = [*FLOAT, *integer_cases(FLOAT[:2], ("int16",))]


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LinearSVC(random_state=0, max_iter=90_000)),
        SVC(),
        GaussianNB(),
        short(),
        RandomForestClassifier(3, max_depth=2, random_state=0),
        KNeighborsClassifier(3),
        GradientBoostingClassifier(n_estimators=3, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("two", [False, True])
def test_answers_are_scikit_learns(model: Any, two: bool) -> None:
    estimator = fitted(model, SPECIES == 2 if two else np.array(["c", "a", "b"])[SPECIES])
    program = mm.transpile(estimator, name="duels")
    report = program.verify(IRIS)
    assert report, str(report)
    if hasattr(program.model, "decision_function"):
        expected = estimator.decision_function(IRIS.astype(float))
        np.testing.assert_allclose(program.decision_function(IRIS), expected, atol=2e-6)


@pytest.mark.parametrize(("dtype", "agreement"), [("int16", 0.99), ("int8", 0.97)])
def test_linear_models_in_integers(dtype: str, agreement: float) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    estimator = fitted(pipeline)
    options = {"dtype": dtype, "calibration": IRIS[::2], "min_agreement": agreement}
    report = mm.verify(estimator, IRIS[1::2], **options)
    assert report, str(report)
    assert report.agreement >= agreement


def test_confidences_break_ties_of_votes() -> None:
    """Each of three classes wins one pair: what the trees are sure of decides, and then the lowest class."""
    X = np.arange(12.0)[:, None]
    estimator = OneVsOneClassifier(DecisionTreeClassifier(max_depth=1)).fit(X, np.repeat([0, 1, 2], 4))
    for tree, second in zip(estimator.estimators_, ([0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 1, 1]), strict=True):
        tree.fit(np.repeat(X, 4, axis=0)[:48], np.tile(np.repeat([0, *second, 1], 4), 2))
    rows = np.concatenate([X, X + 0.5]).astype(np.float32)
    assert len(np.unique(estimator.predict(rows))) > 1
    votes = np.floor(estimator.decision_function(rows) + 1 / 3)
    assert (np.sort(votes, axis=1)[:, -1] == 1).any(), "a tie of three"
    program = mm.transpile(estimator, name="tied")
    np.testing.assert_array_equal(program.predict(rows), estimator.predict(rows))
    assert program.verify(rows)


def test_linear_models_are_one_machine() -> None:
    program = mm.transpile(fitted(LogisticRegression()), name="one")
    assert not hasattr(program.model, "stages")
    assert program.model.rows.weights.shape == (3, 4)


def test_votes_about_votes_cannot_be_ported() -> None:
    with pytest.raises(ValueError, match="OneVsOneClassifier of OneVsOneClassifier cannot be ported; use"):
        mm.transpile(fitted(OneVsOneClassifier(short())), name="no")
