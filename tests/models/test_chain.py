"""Transformers before models that cannot take them in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    GradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.calls import twin_calls
from tests.cases import Case, integer_cases
from tests.models.test_transformers import FAR
from tests.models.test_tree import IRIS, SPECIES


def forest(kind: Any = RandomForestClassifier) -> Any:
    return kind(4, max_depth=4, random_state=0)


def fitted(*steps: Any, X: np.ndarray = IRIS, y: Any = SPECIES) -> Any:
    return make_pipeline(*steps).fit(X.astype(float), y)


def logistic() -> LogisticRegression:
    return LogisticRegression(max_iter=500)


PROJECTED = fitted(StandardScaler(), PCA(3), forest())
OUTLIERS = fitted(PCA(2), IsolationForest(n_estimators=4, random_state=0), y=None)
FLOAT = [
    Case("chain_forest", PROJECTED, IRIS),
    Case("chain_outputs", fitted(PCA(2), forest(RandomForestRegressor), y=IRIS[:, 2:]), IRIS),
    Case("chain_outliers", OUTLIERS, IRIS),
    Case("chain_far", fitted(StandardScaler(), logistic(), X=FAR), FAR),
    Case("chain_long", fitted(Normalizer(), PolynomialFeatures(), PCA(3), KMeans(3, n_init=1)), IRIS),
]
CASES = [*FLOAT, *integer_cases([FLOAT[0], FLOAT[3]], ("int16",)), *integer_cases([FLOAT[1]], ("int8",))]

MODELS = [
    forest(),
    GradientBoostingClassifier(n_estimators=3, random_state=0),
    DecisionTreeClassifier(max_depth=4, random_state=0),
    forest(RandomForestRegressor),
    logistic(),
    Ridge(),
    KMeans(3, n_init=1, random_state=0),
    LinearDiscriminantAnalysis(),
    KNeighborsClassifier(3),
    MLPClassifier((5,), max_iter=400, random_state=0),
    IsolationForest(n_estimators=4, random_state=0),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize(
    "before",
    [(StandardScaler(), PCA(3)), (Normalizer(),), (PolynomialFeatures(2), StandardScaler())],
    ids=lambda b: type(b[-1]).__name__,
)
def test_answers_are_scikit_learns(before: tuple[Any, ...], model: Any) -> None:
    """Where the contract promises nothing must be rare, and so must rows on which roundings may decide."""
    estimator = fitted(*before, model)
    program = mm.transpile(estimator, name="chain")
    report = program.verify(IRIS)
    assert report, str(report)
    assert report.agreement == 1.0
    assert program.model.undecided(estimator, IRIS.astype(float)).mean() < 0.05
    assert program.model.unsure(program.quantize(IRIS)).mean() < 0.05


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize(
    "steps",
    [
        (StandardScaler(), PCA(3), forest()),
        (PCA(3), MinMaxScaler(), forest()),
        (StandardScaler(), LinearDiscriminantAnalysis(), forest()),
        (StandardScaler(), SelectKBest(k=2), KNeighborsClassifier(3)),
        (StandardScaler(), PCA(2), KNeighborsClassifier(3)),
        (StandardScaler(), logistic()),
    ],
    ids=lambda s: "-".join(type(e).__name__ for e in s),
)
def test_integers_agree_on_rows_they_have_not_seen(steps: tuple[Any, ...], dtype: str) -> None:
    for X in (IRIS, FAR):
        estimator = fitted(*steps, X=X[::2], y=SPECIES[::2])
        extremes = np.stack([X.min(axis=0), X.max(axis=0)])
        known = np.concatenate([X[::2], extremes])
        program = mm.transpile(estimator, name="chain", dtype=dtype, calibration=known, min_agreement=0.9)
        report = program.verify(X[1::2])
        assert report, str(report)
        assert report.agreement >= (0.99 if dtype == "int16" else 0.94)


def test_a_scaler_costs_nothing() -> None:
    scaled = mm.transpile(fitted(StandardScaler(), logistic()), name="same")
    alone = mm.transpile(logistic().fit(IRIS, SPECIES), name="same")
    assert scaled.model.matrix.weights.shape == alone.model.matrix.weights.shape
    assert type(scaled.model) is type(alone.model)
    assert len(scaled.header) < 1.02 * len(alone.header)


def test_a_projection_is_in_the_weights_where_that_is_no_more() -> None:
    X = np.random.default_rng(0).normal(size=(200, 40)).astype(np.float32)
    few, many = (X[:, :1] > 0).ravel(), np.digitize(X[:, 0], np.linspace(-2, 2, 11))
    in_one = mm.transpile(fitted(PCA(5), logistic(), X=X, y=few), name="few").model
    assert not hasattr(in_one, "stages")
    beside = mm.transpile(fitted(PCA(5), logistic(), X=X, y=many), name="many").model
    assert [s.rows.weights.shape for s in beside.stages] == [(5, 40)]
    whole = mm.transpile(fitted(PCA(5), logistic(), X=X, y=many), name="many", dtype="int16", calibration=X)
    assert not hasattr(whole.model, "stages")
    assert whole.verify(X)


@pytest.mark.parametrize("model", [logistic(), LinearRegression()], ids=lambda m: type(m).__name__)
def test_far_features_are_centred_first(model: Any) -> None:
    """In float32 weights times 1000 hide what a tenth makes of the answer."""
    estimator = fitted(StandardScaler(), model, X=FAR)
    program = mm.transpile(estimator, name="far")
    assert [type(s).__name__ for s in program.model.stages] == ["Scaled"]
    assert program.verify(FAR)
    ask = estimator.decision_function if hasattr(model, "decision_function") else estimator.predict
    got = program.decision_function(FAR) if hasattr(model, "decision_function") else program.predict(FAR)
    expected = ask(FAR.astype(float))
    worst = np.abs(got - expected).max()
    assert worst < 1e-5 * np.abs(expected).max()
    in_weights = program.model.last.behind(program.model.stages[0].map)
    plain = in_weights.quantize(replace(in_weights.input, center=None), None)
    there = plain.decision_function(FAR) if hasattr(model, "decision_function") else plain.predict(FAR)
    assert np.abs(there.reshape(expected.shape) - expected).max() > 10 * worst


def test_far_features_cost_integers_no_stage() -> None:
    estimator = fitted(StandardScaler(), logistic(), X=FAR)
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=FAR)
    assert not hasattr(program.model, "stages")
    assert program.model.input.center is not None
    assert program.verify(FAR)


def test_distances_are_scaled_where_integers_are_made() -> None:
    estimator = fitted(StandardScaler(), KNeighborsClassifier(3))
    program = mm.transpile(estimator, name="near", dtype="int16", calibration=IRIS)
    assert not hasattr(program.model, "stages")
    assert program.model.input.gain is not None
    assert program.verify(IRIS)


def test_buffers_are_as_few_as_can_be() -> None:
    estimator = fitted(StandardScaler(), Normalizer(), PolynomialFeatures(), logistic())
    model = mm.transpile(estimator, name="b").model
    assert [(s.source, s.target) for s in model.steps] == [("x", "other"), ("other", "other"), ("other", "z")]
    assert (model.buffer("z"), model.buffer("other")) == (15, 4)
    assert mm.transpile(PROJECTED, name="b").model.buffer("other") == 0


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_a_scaler_before_other_stages_costs_integers_no_stage(dtype: str) -> None:
    estimator = fitted(StandardScaler(), Normalizer(), PolynomialFeatures(), logistic())
    program = mm.transpile(estimator, name="scaled", dtype=dtype, calibration=IRIS, min_agreement=0.9)
    assert [stage.source for stage in program.model.stages] == ["Normalizer", "PolynomialFeatures"]
    assert program.model.input.gain is not None
    report = program.verify(IRIS)
    assert report, str(report)


def test_the_stage_that_loses_most_is_named() -> None:
    first = RBFSampler(gamma=5.0, n_components=40, random_state=0)
    estimator = fitted(StandardScaler(), first, logistic())
    message = r"less than min_agreement=0.99; RBFSampler loses most, whose numbers are off by \d+"
    with pytest.raises(ValueError, match=message):
        mm.transpile(estimator, name="no", dtype="int8", calibration=IRIS)
    steady = fitted(StandardScaler(), Normalizer(), logistic())
    model = mm.transpile(steady, name="yes", dtype="int16", calibration=IRIS).model
    assert model.loses == ""
    assert [source for source, _ in model.off] == ["features", "Normalizer"]


def test_all_between_stages_is_as_wide_as_the_widest() -> None:
    estimator = fitted(
        SelectKBest(k=3), Normalizer("l1"), PolynomialFeatures(), Normalizer("max"), logistic()
    )
    program = mm.transpile(estimator, name="wide", dtype="int8", calibration=IRIS, min_agreement=0.8)
    assert {stage.output_dtype.name for stage in program.model.stages} == {"int16"}
    report = program.verify(IRIS)
    assert report, str(report)


def test_a_wrong_twin_is_found() -> None:
    """The bounds of a chain excuse no wrong projection."""
    program = mm.transpile(PROJECTED, name="wrong")
    stage = program.model.stages[0]
    off = replace(stage.rows, weights=stage.rows.weights * np.float32(1.01))
    model = replace(program.model, stages=(replace(stage, rows=off),))
    pairs = twin_calls(model, program.header, program.name, program.quantize(IRIS))
    results = core("host").run([p.call for p in pairs], flags=("-O1", *STRICT), measure=False)
    assert any(p.differs(r.y).any() for p, r in zip(pairs, results, strict=True))


def test_what_cannot_be_ported() -> None:
    chain = fitted(PCA(2), forest())
    chain.steps.insert(1, ("model", forest().fit(IRIS[:, :2], SPECIES)))
    with pytest.raises(ValueError, match="RandomForestClassifier before other steps cannot be ported"):
        mm.transpile(chain, name="no")
