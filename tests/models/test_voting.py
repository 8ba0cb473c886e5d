"""Votes over classifiers, and means of regressors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, VotingClassifier, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.inputs import Calibration, Input
from micromlgen.models.voting import MeanShares
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

LENGTH = IRIS[:, 2].astype(float)


def logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def tree(kind: Any = DecisionTreeClassifier) -> Any:
    return kind(max_depth=3, random_state=0)


def vote(*members: Any, kind: Any = VotingClassifier, **options: Any) -> Any:
    return kind([(str(i), m) for i, m in enumerate(members)], **options)


def fitted(estimator: Any, y: Any = SPECIES) -> Any:
    return estimator.fit(IRIS.astype(float), y)


FLOAT = [
    Case(
        "vote_soft", fitted(vote(logistic(), tree(), GaussianNB(), voting="soft", weights=[1, 2, 0.5])), IRIS
    ),
    Case("vote_hard", fitted(vote(logistic(), tree(), GaussianNB())), IRIS),
    Case("vote_mean", fitted(vote(Ridge(), tree(DecisionTreeRegressor), kind=VotingRegressor), LENGTH), IRIS),
]
CASES = [*FLOAT, *integer_cases(FLOAT, ("int16",)), *integer_cases(FLOAT[:1], ("int8",))]


@pytest.mark.parametrize(
    "estimator",
    [
        vote(logistic(), tree(), voting="soft"),
        vote(logistic(), KNeighborsClassifier(3), RandomForestClassifier(3, random_state=0), voting="soft"),
        vote(logistic(), tree(), "drop", voting="soft", weights=[1, 0.25, 7]),
        vote(logistic(), tree(), GaussianNB()),
        vote(LinearSVC(random_state=0, max_iter=90_000), tree(), GaussianNB(), weights=[0.2, 0.3, 0.4]),
        make_pipeline(StandardScaler(), vote(LogisticRegression(), GaussianNB(), voting="soft")),
    ],
    ids=lambda e: "".join(str(e).split())[:70],
)
@pytest.mark.parametrize("two", [False, True])
def test_classifiers_answer_as_scikit_learn(estimator: Any, two: bool) -> None:
    y = SPECIES == 2 if two else np.array(["c", "a", "b"])[SPECIES]
    estimator = fitted(estimator, y)
    program = mm.transpile(estimator, name="vote")
    report = program.verify(IRIS)
    assert report, str(report)
    ties = 0.2 if "KNeighbors" in str(estimator) else 0.05  # at the third neighbour
    assert program.model.undecided(estimator, IRIS.astype(float)).mean() < ties
    if hasattr(estimator, "predict_proba"):
        expected = estimator.predict_proba(IRIS.astype(float))
        np.testing.assert_allclose(program.predict_proba(IRIS), expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_ties_go_to_the_lowest_class() -> None:
    """Three trees of three opinions, each as good as another."""
    X = np.arange(6.0)[:, None]
    members = [DecisionTreeClassifier().fit(X, np.roll([0, 0, 1, 1, 2, 2], 2 * k)) for k in range(3)]
    estimator = vote(*members).fit(X, [0, 0, 1, 1, 2, 2])
    estimator.estimators_ = members
    program = mm.transpile(estimator, name="tie")
    np.testing.assert_array_equal(program.predict(X), np.zeros(6))
    assert program.verify(X)


def test_a_mean_of_linear_regressors_is_one() -> None:
    members = [LinearRegression(), make_pipeline(StandardScaler(), Ridge(5.0))]
    estimator = fitted(vote(*members, kind=VotingRegressor, weights=[1, 3]), LENGTH)
    for dtype in ("float32", "int16"):
        program = mm.transpile(estimator, name="mean", dtype=dtype, calibration=IRIS)
        assert program.model.matrix.weights.shape == (1, 4)
        assert program.verify(IRIS)


def test_a_mean_of_others() -> None:
    members = [Ridge(), tree(DecisionTreeRegressor), make_pipeline(StandardScaler(), Ridge(9.0))]
    estimator = fitted(vote(*members, kind=VotingRegressor, weights=[1, 3, 2]), LENGTH)
    report = mm.verify(estimator, IRIS)
    assert report, str(report)


@pytest.mark.parametrize(
    "estimator",
    [
        vote(logistic(), RandomForestClassifier(5, max_depth=4, random_state=0), GaussianNB(), voting="soft"),
        vote(make_pipeline(StandardScaler(), KNeighborsClassifier(3)), tree(), voting="soft"),
        vote(logistic(), tree(), GaussianNB(), weights=[0.2, 0.3, 0.4]),
        vote(Ridge(), tree(DecisionTreeRegressor), kind=VotingRegressor, weights=[1, 3]),
    ],
    ids=lambda e: "".join(str(e).split())[:70],
)
@pytest.mark.parametrize(("dtype", "least"), [("int16", 0.98), ("int8", 0.94)])
def test_integers_agree_on_rows_that_calibration_has_not_seen(
    estimator: Any, dtype: str, least: float
) -> None:
    """Members share the integers of the features, and a distance wants all features scaled alike."""
    estimator = fitted(estimator, LENGTH if isinstance(estimator, VotingRegressor) else SPECIES)
    options = {"dtype": dtype, "calibration": IRIS[::2], "min_agreement": 0}
    program = mm.transpile(estimator, name="vote", **options)
    report = program.verify(IRIS[1::2])
    assert report, str(report)
    assert report.agreement >= least
    if hasattr(program.model, "predict_proba"):
        assert program.model.proba_one == 1 << 15
        np.testing.assert_allclose(program.predict_proba(IRIS).sum(axis=1), 1, atol=1e-3)


def test_votes_of_any_number_of_members_stay_in_32_bits() -> None:
    """Weights of all sizes, and every answer of every member at its limit."""
    n, k = 1000, 3
    weights = np.geomspace(1e-6, 1e6, n)
    votes = MeanShares(
        source="many", input=Input(n * k), classes=(np.arange(k),), weights=weights / weights.sum()
    )
    inputs = Input(n * k, "int16", exponents=np.full(n * k, 14, np.int32))
    model = votes.quantize(inputs, Calibration())
    assert isinstance(model, MeanShares)
    assert np.abs(model.shares(np.full((1, n * k), -32768, np.int16))).max() + model.proba_half < 2**31


def test_what_cannot_be_ported() -> None:
    soft = fitted(vote(logistic(), tree(), voting="hard"))
    soft.voting, soft.estimators_[1] = "soft", LinearSVC(random_state=0, max_iter=90_000).fit(IRIS, SPECIES)
    with pytest.raises(ValueError, match="LinearSVC has no predict_proba here; use voting='hard'"):
        mm.transpile(soft, name="no")
