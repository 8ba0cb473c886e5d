"""Scalers, projections, selections: affine maps, in float32 and in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cluster import FeatureAgglomeration
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

import micromlgen as mm
from micromlgen.affine import Affine
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

#: Features whose differences are a ten-thousandth of what they are.
FAR = (1000 + IRIS / 20).astype(np.float32)


def case(name: str, estimator: Any, X: Any = IRIS) -> Case:
    return Case(name, estimator.fit(X.astype(float), SPECIES), X)


FLOAT = [
    case("tr_standard", StandardScaler()),
    case("tr_far", StandardScaler(), FAR),
    case("tr_pca", PCA(3, whiten=True)),
    case("tr_pca_far", PCA(2), FAR),
    case("tr_select", SelectKBest(k=2)),
]
CASES = [*FLOAT, *integer_cases([FLOAT[0], FLOAT[4]], ("int16",)), *integer_cases([FLOAT[2]])]

AFFINE = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    StandardScaler(with_mean=False, with_std=False),
    MinMaxScaler((-3, 5)),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False, unit_variance=True),
    RobustScaler(with_scaling=False),
    PCA(),
    PCA(2, whiten=True),
    IncrementalPCA(2, whiten=True),
    TruncatedSVD(2, random_state=0),
    FastICA(2, random_state=0),
    FactorAnalysis(2),
    GaussianRandomProjection(5, random_state=0),
    SparseRandomProjection(5, random_state=0, dense_output=True),
    SparseRandomProjection(5, random_state=0),
    FeatureAgglomeration(2),
    NeighborhoodComponentsAnalysis(2, random_state=0),
    SelectKBest(k=1),
    SelectPercentile(percentile=50),
    VarianceThreshold(1e-4),
    SelectFromModel(RandomForestClassifier(5, random_state=0)),
    make_pipeline(RFE(LogisticRegression(max_iter=500), n_features_to_select=2), StandardScaler()),
    FunctionTransformer(),
    Pipeline([("a", StandardScaler()), ("b", "passthrough")]),
    make_pipeline(StandardScaler(), PCA(3), MinMaxScaler()),
    make_pipeline(MinMaxScaler(), SelectKBest(k=2), StandardScaler()),
    make_pipeline(LinearDiscriminantAnalysis(), StandardScaler()),
    make_pipeline(LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1), StandardScaler()),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("X", [IRIS, FAR], ids=["iris", "far"])
@pytest.mark.parametrize("estimator", AFFINE, ids=lambda e: "".join(str(e).split())[:60])
def test_transformers_answer_as_scikit_learn(estimator: Any, X: np.ndarray) -> None:
    fitted = estimator.fit(X.astype(float), SPECIES)
    program = mm.transpile(fitted, name="transformer")
    expected = fitted.transform(X.astype(float))
    expected = expected.toarray() if hasattr(expected, "toarray") else expected
    got = program.transform(X)
    assert got.shape == expected.shape
    # Of far features scikit-learn's own float64 loses five digits, what no middle is known of as much here.
    scale = np.abs(expected).max()
    np.testing.assert_allclose(got, expected, atol=(1e-6 if X is IRIS else 2e-5) * scale)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", AFFINE, ids=lambda e: "".join(str(e).split())[:60])
def test_integers_are_near(estimator: Any) -> None:
    fitted = estimator.fit(IRIS[::2].astype(float), SPECIES[::2])
    program = mm.transpile(fitted, name="whole", dtype="int16", calibration=IRIS)
    expected = fitted.transform(IRIS[1::2].astype(float))
    expected = expected.toarray() if hasattr(expected, "toarray") else expected
    span = np.ptp(expected, axis=0)
    assert (np.abs(program.transform(IRIS[1::2]) - expected) <= 2e-3 * span).all()


def test_integers_keep_what_makes_far_features_differ() -> None:
    for estimator in (StandardScaler(), PCA(2), make_pipeline(StandardScaler(), PCA(2))):
        fitted = estimator.fit(FAR.astype(float))
        program = mm.transpile(fitted, name="far", dtype="int16", calibration=FAR)
        expected = fitted.transform(FAR.astype(float))
        assert (np.abs(program.transform(FAR) - expected) <= 1e-3 * np.ptp(expected, axis=0)).all()


def test_accumulators_hold_any_encoded_input() -> None:
    """Opposite extremes of every sign pattern: nothing leaves int32, nothing saturates in the product."""
    wide = PCA(3, whiten=True).fit(IRIS.astype(float))
    program = mm.transpile(wide, name="wide", dtype="int16", calibration=IRIS)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
    Q = np.concatenate([signs * 32767, np.full((1, 4), -32768)]).astype(np.int16)
    sums = program.model.sums(Q)
    assert np.abs(sums).max() < 2**31
    np.testing.assert_array_equal(program.predict_index(Q), sums)


def test_equal_scales_are_one_constant() -> None:
    same = np.repeat(IRIS[:, :1], 4, axis=1)
    header = mm.port(MaxAbsScaler().fit(same), name="same")
    assert "same_gain" not in header
    assert "same_gain" in mm.port(MaxAbsScaler().fit(IRIS), name="same")


def test_consecutive_maps_are_one() -> None:
    both = make_pipeline(StandardScaler(), PCA(2), StandardScaler()).fit(IRIS.astype(float))
    assert mm.transpile(both, name="one").model.source == "StandardScaler + PCA"
    assert "stage" not in mm.port(both, name="one")


def test_a_selection_goes_before_products() -> None:
    X = np.random.default_rng(0).normal(size=(90, 30)).astype(np.float32)
    y = (X[:, 3] > 0).astype(int)
    few = make_pipeline(StandardScaler(), SelectKBest(k=4), PCA(3)).fit(X, y)
    program = mm.transpile(few, name="few")
    assert [type(s).__name__ for s in program.model.stages] == ["Selected"]
    assert program.model.last.rows.weights.shape == (3, 4)
    assert program.verify(X)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (FeatureAgglomeration(2, pooling_func=np.max), "pools by numpy.mean only"),
        (make_pipeline(LinearDiscriminantAnalysis(solver="lsqr"), StandardScaler()), "use solver='svd'"),
        (Pipeline([("a", "passthrough")]), "it computes nothing"),
        (SelectKBest(k=0), "SelectKBest gives no features"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_ported(estimator: Any, message: str) -> None:
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:  # which a Pipeline does not fit
        estimator.steps[0][1].fit(IRIS, SPECIES)
        estimator.steps[1][1].fit(IRIS)
    else:
        estimator.fit(IRIS.astype(float), SPECIES)
    with pytest.raises(ValueError, match=message):
        mm.transpile(estimator, name="no")


def test_missing_values_are_not_followed() -> None:
    holes = np.where(np.eye(150, 4) > 0, np.nan, IRIS)
    scaler = StandardScaler().fit(holes)
    mm.transpile(scaler, name="holes")
    with pytest.raises(ValueError, match=r"StandardScaler gives NaN for NaN.* SimpleImputer before it"):
        mm.transpile(scaler, name="holes", missing="exact")


def test_affine_maps_compose() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 4))
    scale = Affine.elementwise([1.0, 2, 3, 4], [1.0, 0, 0, 1], np.arange(4.0), np.ones(4))
    some = Affine.selection([2, 0], 4)
    mixed = Affine(rng.normal(size=(3, 2)), rng.normal(size=3))
    whole = mixed.after(some.after(scale))
    np.testing.assert_allclose(whole.apply(X), mixed.apply(some.apply(scale.apply(X))))
    assert whole.source is None
    assert some.after(scale).source is not None
    both = some.after(scale).beside(scale)
    np.testing.assert_allclose(both.apply(X), np.hstack([some.after(scale).apply(X), scale.apply(X)]))
    assert not whole.cancels
    assert Affine.elementwise([1.0], [-1000.0], [1000.0], [1.0]).cancels
    behind = Affine.elementwise([1.0], [-1000.0], np.array([1000.0]), np.array([1.0]))
    seen = behind.after(Affine.elementwise([0.5], [0.0]))
    np.testing.assert_allclose([seen.middle, seen.spread], [[2000.0], [2.0]])
