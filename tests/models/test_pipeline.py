"""Pipelines before trees, and searches over hyper-parameters."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_selection import RFE, SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.models._members import last_step
from tests.cases import Case, integer_cases
from tests.models.test_tree import DIGIT, DIGITS, HOLES, IRIS, SPECIES


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(5, max_depth=4, random_state=0)


def hist(kind: type = HistGradientBoostingClassifier) -> HistGradientBoostingClassifier:
    return kind(max_iter=4, max_leaf_nodes=6, min_samples_leaf=5, random_state=0)


def fitted(*steps: object, X: np.ndarray = IRIS, y: np.ndarray = SPECIES) -> Pipeline:
    return make_pipeline(*steps).fit(X.astype(float), y)


COLUMNS = ColumnTransformer(
    [("a", StandardScaler(), [2, 0]), ("b", "drop", [1]), ("c", MinMaxScaler(), [0])], remainder="passthrough"
)
UNION = FeatureUnion([("scaled", RobustScaler()), ("best", SelectKBest(k=2)), ("no", "drop")])
CENTRED = {"standardscaler__with_mean": [True, False]}
SEARCH = GridSearchCV(make_pipeline(StandardScaler(), forest()), CENTRED, cv=2)
OUTLIERS = make_pipeline(StandardScaler(), IsolationForest(n_estimators=5, random_state=0))
BOOSTED = GradientBoostingClassifier(n_estimators=3, random_state=0)
FLOAT = [
    Case("pipe_standard", fitted(StandardScaler(), forest()), IRIS),
    Case("pipe_tree", fitted(MinMaxScaler((-3, 5)), DecisionTreeClassifier(random_state=0)), IRIS),
    Case("pipe_regressor", fitted(MaxAbsScaler(), DecisionTreeRegressor(max_depth=4), y=IRIS[:, 0]), IRIS),
    Case("pipe_robust", fitted(RobustScaler(), StandardScaler(), BOOSTED), IRIS),
    Case("pipe_hist", fitted(StandardScaler(), hist()), IRIS),  # which compares float64
    Case("pipe_quantile", fitted(QuantileTransformer(n_quantiles=20), forest()), IRIS),
    Case("pipe_power", fitted(PowerTransformer(), forest()), IRIS),
    Case("pipe_bins", fitted(KBinsDiscretizer(6, encode="ordinal", subsample=None), forest()), IRIS),
    Case("pipe_binary", fitted(Binarizer(threshold=2.5), DecisionTreeClassifier(random_state=0)), IRIS),
    Case("pipe_select", fitted(VarianceThreshold(0.1), SelectKBest(k=2), forest()), IRIS),
    Case("pipe_imputed", fitted(SimpleImputer(), StandardScaler(), forest(), X=HOLES), HOLES),
    Case("pipe_holes", fitted(StandardScaler(), forest(), X=HOLES), HOLES),
    Case("pipe_columns", fitted(COLUMNS, forest()), IRIS),
    Case("pipe_union", fitted(UNION, forest()), IRIS),
    Case("pipe_nested", fitted(make_pipeline(StandardScaler(), SelectKBest(k=3)), forest()), IRIS),
    Case("pipe_outliers", OUTLIERS.fit(IRIS.astype(float)), IRIS),
    Case("pipe_passthrough", Pipeline([("no", "passthrough"), ("rf", forest())]).fit(IRIS, SPECIES), IRIS),
    Case("pipe_search", SEARCH.fit(IRIS.astype(float), SPECIES), IRIS),
]
CASES = [*FLOAT, *integer_cases([FLOAT[0], FLOAT[10]], ("int16",))]


@pytest.mark.parametrize("case", FLOAT, ids=lambda case: case.name)
def test_every_boundary_is_exact(case: Case) -> None:
    """Thresholds are raw values here, one float step either side of them included."""
    report = case.transpile().verify(case.X)
    assert report, str(report)
    assert report.agreement == 1.0


def test_a_scaler_costs_nothing() -> None:
    X = DIGITS.astype(float)
    scaled = fitted(StandardScaler(), forest(), X=X, y=DIGIT)
    assert mm.transpile(scaled, optimize="speed").model.trees.size.sum() == sum(
        (t.tree_.children_left >= 0).sum() for t in scaled[-1].estimators_
    )
    assert "scal" not in mm.port(scaled).lower().replace("scalar", "")
    assert mm.verify(scaled, DIGITS[:200].astype("f4"))


def test_a_pipeline_fitted_on_a_frame() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(IRIS.astype(float), columns=["sl", "sw", "pl", "pw"])
    steps = ColumnTransformer([("petal", StandardScaler(), ["pw", "pl"])], remainder=MinMaxScaler())
    estimator = make_pipeline(steps, forest()).fit(frame, SPECIES)
    program = mm.transpile(estimator, name="framed")
    assert program.verify(IRIS)
    np.testing.assert_array_equal(program.predict(frame), estimator.predict(frame))


def test_a_filled_value_goes_where_the_filling_goes() -> None:
    estimator = fitted(SimpleImputer(strategy="constant", fill_value=-1.0), hist(), X=HOLES)
    program = mm.transpile(estimator, name="filled")
    assert program.model.input.missing
    assert program.verify(HOLES)
    assert not mm.transpile(estimator, name="filled", missing="never").model.input.missing


@pytest.mark.parametrize(
    "steps",
    [
        (PCA(2), forest()),
        (StandardScaler(), PCA(2), MinMaxScaler(), hist()),
        (Normalizer(), forest()),
        (PolynomialFeatures(), clone(BOOSTED)),
        (KBinsDiscretizer(3, subsample=None), forest()),
        (SimpleImputer(add_indicator=True), forest()),
        (PCA(2), IsolationForest(n_estimators=5, random_state=0)),
        (PCA(2), DecisionTreeRegressor(max_depth=4)),
    ],
    ids=lambda steps: "-".join(type(s).__name__ for s in steps),
)
def test_what_cannot_be_folded_stands_before_the_trees(steps: tuple[object, ...]) -> None:
    X = HOLES if "Imputer" in str(steps[0]) else IRIS
    program = mm.transpile(fitted(*steps, X=X), name="before")
    assert len(program.model.stages) == 1  # what could be is folded
    report = program.verify(X)
    assert report, str(report)
    assert program.model.undecided(fitted(*steps, X=X), X.astype(float)).mean() < 0.05


def test_a_falling_scaler_is_refused() -> None:
    estimator = fitted(StandardScaler(), forest())
    estimator[0].scale_ = -estimator[0].scale_
    with pytest.raises(ValueError, match="falls where it should rise"):
        mm.transpile(estimator)


def test_a_pipeline_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="Pipeline of nothing but 'passthrough'"):
        mm.transpile(Pipeline([("a", "passthrough"), ("b", None)]).fit(IRIS))


@pytest.mark.parametrize("model", [forest(), LogisticRegression(max_iter=500)], ids=["trees", "linear"])
def test_elimination_predicts(model: object) -> None:
    estimator = fitted(StandardScaler(), RFE(model, n_features_to_select=2))
    assert mm.verify(estimator, IRIS)
    assert mm.verify(RFE(model, n_features_to_select=2).fit(IRIS.astype(float), SPECIES), IRIS)


def test_a_search_without_a_model() -> None:
    search = GridSearchCV(forest(), {"max_depth": [2]}, cv=2, refit=False).fit(IRIS, SPECIES)
    with pytest.raises(ValueError, match=r"GridSearchCV.* not fitted|refit=False"):
        mm.transpile(search)


def test_a_regressor_behind_missing_values() -> None:
    y = IRIS[:, 0].astype(float)
    estimator = fitted(RobustScaler(), hist(HistGradientBoostingRegressor), X=HOLES, y=y)
    assert mm.verify(estimator, HOLES)


def test_trees_without_a_test() -> None:
    constant = np.zeros(150, int)
    assert mm.verify(fitted(StandardScaler(), DecisionTreeClassifier(), y=constant), IRIS)


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_what_a_transformer_refuses_has_no_answer(method: str) -> None:
    """Far from zero powers are high: those of the largest floats are infinite; logarithms need x > 0."""
    X = (50 + IRIS).astype(np.float32)
    estimator = fitted(PowerTransformer(method), forest(), X=X)
    report = mm.verify(estimator, X)
    assert report, str(report)


def test_lightgbm_behind_a_scaler_reads_almost_nothing_as_zero() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    X = np.sign(IRIS - IRIS.mean(axis=0)) * np.float32(3)
    few = {"n_estimators": 3, "min_child_samples": 5, "verbose": -1}
    assert mm.verify(fitted(MaxAbsScaler(), lightgbm.LGBMClassifier(**few), X=X), X.astype(np.float32))


@pytest.mark.parametrize(
    "steps",
    [
        (StandardScaler(), Normalizer("l1"), SelectKBest(k=2), DecisionTreeClassifier(random_state=0)),
        (StandardScaler(), Normalizer(), MinMaxScaler((0, 1e4)), GradientBoostingClassifier(n_estimators=3)),
        (PCA(2), GridSearchCV(make_pipeline(StandardScaler(), DecisionTreeClassifier()), {}, cv=2)),
        (StandardScaler(), Normalizer(), RFE(LogisticRegression(), n_features_to_select=2)),
        (Normalizer(), GridSearchCV(make_pipeline(PolynomialFeatures(2), LogisticRegression()), {}, cv=2)),
    ],
    ids=lambda steps: " ".join(type(step).__name__ for step in steps),
)
def test_errors_are_those_of_what_the_stages_give(steps: tuple[object, ...]) -> None:
    """Transformers that became part of the model are asked with it: their features are others."""
    pipeline = fitted(*steps)
    program = mm.transpile(pipeline, name="behind")
    assert program.model.n_before >= 1
    rows = IRIS.astype(np.float64)
    for_last, Z = last_step(pipeline, rows, program.model.n_before)
    np.testing.assert_allclose(Z, program.model.given(IRIS), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(for_last.predict(Z), pipeline.predict(rows))
    assert not program.model.undecided(pipeline, rows).all()
