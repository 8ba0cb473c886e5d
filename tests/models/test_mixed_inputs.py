"""Features of small integers beside real numbers, in integers: flags, counts and sensors together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier, VotingRegressor
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDOneClassSVM
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVR

import micromlgen as mm
from tests.models.test_tree import DIGIT, DIGITS

DRAW = np.random.default_rng(0)
FLAGS, COUNTS = DRAW.integers(0, 2, (300, 2)), DRAW.integers(0, 5, (300, 1))
X = np.hstack([DRAW.normal(size=(300, 3)) * [1.0, 30.0, 0.1], FLAGS, COUNTS]).astype(np.float32)
Y = X @ [1.0, 0.05, 8.0, 1.5, -0.7, 0.3]


@pytest.mark.parametrize(
    ("estimator", "most"),
    [
        (Ridge(alpha=1e-3), 1e-3),
        (LinearSVR(max_iter=20_000), 1e-3),
        (MLPRegressor(hidden_layer_sizes=(8,), max_iter=2000, random_state=0, tol=1e-2), 1e-2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_numbers(estimator: Any, most: float) -> None:
    """On rows too that calibration did not see and that reach beyond it."""
    estimator.fit(X.astype(float), Y)
    program = mm.transpile(estimator, name="mixed", dtype="int16", calibration=X[:150])
    off = np.abs(program.predict(X) - estimator.predict(X.astype(float)))
    assert off.max() < most * np.ptp(Y)
    assert program.verify(X[150:])


def test_decisions() -> None:
    estimator = LogisticRegression(max_iter=2000).fit(X.astype(float), np.digitize(Y, [-1, 1]))
    program = mm.transpile(estimator, name="mixed", dtype="int16", calibration=X[:150])
    exact = estimator.decision_function(X.astype(float))
    assert np.abs(program.decision_function(X) - exact).max() < 1e-3 * np.ptp(exact)


def _machine(kind: Any) -> Any:
    return make_pipeline(StandardScaler(), kind())


@pytest.mark.parametrize(
    "estimator",
    [
        VotingRegressor([("ridge", _machine(Ridge)), ("svr", _machine(SVR))]),
        TransformedTargetRegressor(_machine(SVR), transformer=MinMaxScaler()),
        StackingClassifier([("svc", _machine(SVC)), ("linear", _machine(LogisticRegression))], cv=2),
        OneVsRestClassifier(_machine(SVC)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_scalers_inside_members(estimator: Any) -> None:
    """Each member has a scaler of its own, so that features need no scale in common."""
    numbers = isinstance(estimator, VotingRegressor | TransformedTargetRegressor)
    rows = X * np.array([1, 300, 1e-2, 1, 1, 1], np.float32)
    estimator.fit(rows.astype(float), Y if numbers else np.digitize(Y, [-1, 1]))
    program = mm.transpile(estimator, name="mixed", dtype="int16", calibration=rows[:150])
    got, right = program.predict(rows), estimator.predict(rows.astype(float))
    if numbers:
        assert np.abs(got - right).max() < 5e-3 * np.ptp(right)
    else:
        assert (got == right).mean() >= 0.99
    assert program.verify(rows[150:])


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(5, random_state=0),
        GaussianNB(),
        LinearDiscriminantAnalysis(),
        VotingClassifier(
            [("forest", RandomForestClassifier(3, random_state=0)), ("linear", _machine(LogisticRegression))],
            voting="soft",
        ),
        OneVsRestClassifier(_machine(LogisticRegression)),
        make_pipeline(TruncatedSVD(1, random_state=0), LinearDiscriminantAnalysis()),
        make_pipeline(
            KBinsDiscretizer(4, encode="ordinal", strategy="uniform", subsample=None), LogisticRegression()
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_features_far_from_zero(estimator: Any) -> None:
    """Pressures in Pa, temperatures in K: what tells rows apart is a small part of them."""
    rows = (X + np.array([101_325, 300, 20, 0, 0, 0])).astype(np.float32)
    estimator.fit(rows.astype(float), np.digitize(Y, [-1, 1]))
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=rows[:150])
    assert np.flatnonzero(program.model.input.center).tolist() == [0, 1, 2]
    assert (program.predict(rows) == estimator.predict(rows.astype(float))).mean() >= 0.99
    assert program.verify(rows[150:])


def test_numbers_far_from_zero() -> None:
    rows = (X + np.array([101_325, 300, 20, 0, 0, 0])).astype(np.float32)
    estimator = Ridge(alpha=1e-3).fit(rows.astype(float), Y)
    for dtype, most in (("int16", 1e-3), ("int8", 0.02)):
        program = mm.transpile(estimator, dtype=dtype, calibration=rows)
        off = np.abs(program.predict(rows) - estimator.predict(rows.astype(float)))
        assert off.max() < most * np.ptp(Y)


def test_a_detector_behind_a_scaler_keeps_its_bias() -> None:
    rows = np.abs(X) + 3
    estimator = make_pipeline(StandardScaler(), SGDOneClassSVM(nu=0.2, random_state=0))
    estimator.fit(rows.astype(float))
    program = mm.transpile(estimator, dtype="int16", calibration=rows[:150])
    score = estimator.score_samples(rows.astype(float))
    assert np.abs(program.score_samples(rows) - score).max() < 2e-3 * np.ptp(score)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_small_integers_are_scaled_where_they_leave_weights_no_room(dtype: str) -> None:
    """Counts up to 16 of which int16 would hold up to 32767: sums of all that these may be are too large."""
    rows = DIGITS[DIGIT < 4]
    network = MLPClassifier((6,), activation="tanh", max_iter=300, random_state=0, tol=1e-2)
    machine = make_pipeline(StandardScaler(), network).fit(rows[::2].astype(float), DIGIT[DIGIT < 4][::2])
    program = mm.transpile(machine, name="few", dtype=dtype, calibration=rows[::2])
    assert (np.asarray(program.model.input.exponents) > 0).all()
    assert (program.predict(rows) == machine.predict(rows.astype(float))).mean() >= 0.99
    assert program.verify(rows[1::2])


def test_integers_stay_as_they_are_where_they_may() -> None:
    rows = DIGITS[DIGIT < 4]
    machine = make_pipeline(StandardScaler(), MLPClassifier((6,), max_iter=300, random_state=0, tol=1e-2))
    machine.fit(rows[::2].astype(float), DIGIT[DIGIT < 4][::2])
    program = mm.transpile(machine, name="few", dtype="int16", calibration=rows[::2])
    assert (np.asarray(program.model.input.exponents) == 0).all()


@pytest.mark.parametrize(
    "steps",
    [
        (SimpleImputer(), KNeighborsClassifier(3)),
        (SimpleImputer(), SVC(gamma=0.1)),
        (SimpleImputer(), SelectKBest(k=4), KNeighborsClassifier(3)),
        (SimpleImputer(), MinMaxScaler(clip=True), SVC()),
        (SimpleImputer(), MinMaxScaler(clip=True), KNeighborsClassifier(3)),
    ],
    ids=lambda steps: "-".join(type(step).__name__ for step in steps),
)
def test_stages_that_copy_features_far_from_zero(steps: Any) -> None:
    rows = (X + np.array([101_325, 300, 20, 0, 0, 0])).astype(np.float32)
    lacking = rows[150:].copy()
    lacking[::7, 0] = np.nan
    machine = make_pipeline(*steps).fit(rows.astype(float), np.digitize(Y, [-1, 1]))
    program = mm.transpile(machine, name="far", dtype="int16", calibration=rows, missing="exact")
    for some in (rows, lacking):
        assert (program.predict(some) == machine.predict(some.astype(float))).mean() >= 0.99
    assert program.verify(lacking)


def test_pipelines_inside_pipelines() -> None:
    for first in (SimpleImputer(), KBinsDiscretizer(4, encode="ordinal", strategy="uniform", subsample=None)):
        machine = make_pipeline(first, _machine(SVC)).fit(X.astype(float), Y > 0)
        program = mm.transpile(machine, name="inner", dtype="int16", calibration=X[:150])
        assert (program.predict(X) == machine.predict(X.astype(float))).mean() >= 0.99
        assert program.verify(X[150:])


def test_verify_does_without_rows_that_the_estimator_refuses() -> None:
    """Of a feature that is passed through, NaN may be anything."""
    columns = [("scaled", StandardScaler(), [0, 1]), ("filled", SimpleImputer(), [2])]
    stages = ColumnTransformer(columns, remainder="passthrough")
    machine = make_pipeline(stages, LinearDiscriminantAnalysis()).fit(X.astype(float), Y > 0)
    assert mm.transpile(machine, name="far").verify(X[:20])
