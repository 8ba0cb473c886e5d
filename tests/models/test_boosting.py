"""GradientBoosting, HistGradientBoosting, AdaBoostClassifier, and the boosters of other libraries."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import DIABETES, DIGIT, DIGITS, HOLES, IRIS, PROGRESSION, SIDE, SIGNED, SPECIES


def gbc(n: int = 8, **options: object) -> GradientBoostingClassifier:
    return GradientBoostingClassifier(**{"n_estimators": n, "max_depth": 2, "random_state": 0, **options})


def gbr(n: int = 8, **options: object) -> GradientBoostingRegressor:
    return GradientBoostingRegressor(**{"n_estimators": n, "max_depth": 2, "random_state": 0, **options})


def hist(kind: type, n: int = 8, **options: object) -> object:
    few = {"max_iter": n, "max_leaf_nodes": 5, "min_samples_leaf": 5, "random_state": 0}
    return kind(**{**few, **options})


def ada(n: int, depth: int, X: np.ndarray, y: np.ndarray) -> AdaBoostClassifier:
    tree = DecisionTreeClassifier(max_depth=depth)
    return AdaBoostClassifier(tree, n_estimators=n, random_state=0).fit(X, y)


FAR = 1e6 + IRIS[:, 0]
COUNTS = np.rint(IRIS[:, 0] * 3)
FLOAT = [
    Case("gbc_iris", gbc().fit(IRIS, SPECIES), IRIS),
    Case("gbc_binary", gbc(24).fit(SIGNED, SIDE > 0), SIGNED),
    Case("gbc_exponential", gbc(loss="exponential").fit(SIGNED, SIDE > 0), SIGNED),
    Case("gbc_zero", gbc(3, init="zero", max_depth=3).fit(IRIS, SPECIES), IRIS),
    Case("gbc_dummy", gbc(3, init=DummyClassifier(strategy="uniform")).fit(IRIS, SPECIES), IRIS),
    Case("gbr_iris", gbr().fit(IRIS, IRIS[:, 0]), IRIS),
    Case("gbr_far", gbr().fit(IRIS, FAR), IRIS),
    Case("gbr_huber", gbr(loss="huber").fit(DIABETES, PROGRESSION), DIABETES[:99].astype("f4")),
    Case("gbr_quantile", gbr(3, loss="quantile", max_depth=4).fit(IRIS, -IRIS[:, 2]), IRIS),
    Case("gbr_constant", gbr(2).fit(IRIS, np.full(150, 2.5)), IRIS),
    Case("hgbc_iris", hist(HistGradientBoostingClassifier).fit(IRIS, SPECIES), IRIS),
    Case("hgbc_binary", hist(HistGradientBoostingClassifier, 20).fit(HOLES, SPECIES > 0), HOLES),
    Case("hgbr_missing", hist(HistGradientBoostingRegressor).fit(HOLES, IRIS[:, 0]), HOLES),
    Case("hgbr_poisson", hist(HistGradientBoostingRegressor, loss="poisson").fit(IRIS, COUNTS), IRIS),
    Case("hgbr_gamma", hist(HistGradientBoostingRegressor, loss="gamma").fit(IRIS, COUNTS + 1), IRIS),
]
FLOAT += [
    Case("ada_stumps", ada(12, 1, IRIS, SPECIES), IRIS),
    Case("ada_binary", ada(20, 2, SIGNED, SIDE > 0), SIGNED),
    Case("ada_classes", ada(5, 3, IRIS, np.array(["a", "b", "c"])[SPECIES]), IRIS),
]
if importlib.util.find_spec("xgboost"):
    from xgboost import XGBClassifier, XGBRegressor

    FLOAT += [
        Case("xgb_iris", XGBClassifier(n_estimators=4, max_depth=3).fit(IRIS, SPECIES), IRIS),
        Case("xgb_holes", XGBClassifier(n_estimators=9, max_depth=2).fit(HOLES, SPECIES > 0), HOLES),
        Case("xgbr_iris", XGBRegressor(n_estimators=5, max_depth=3).fit(IRIS, IRIS[:, 0]), IRIS),
    ]
if importlib.util.find_spec("lightgbm"):
    from lightgbm import LGBMClassifier, LGBMRegressor

    few = {"n_estimators": 5, "num_leaves": 6, "min_child_samples": 5, "verbose": -1}
    FLOAT += [
        Case("lgbm_iris", LGBMClassifier(**few).fit(IRIS, SPECIES), IRIS),
        Case("lgbm_ova", LGBMClassifier(objective="multiclassova", **few).fit(IRIS, SPECIES), IRIS),
        Case("lgbm_holes", LGBMClassifier(**few).fit(HOLES, SPECIES > 0), HOLES),
        Case("lgbmr_poisson", LGBMRegressor(objective="poisson", **few).fit(IRIS, COUNTS), IRIS),
    ]
if importlib.util.find_spec("catboost"):
    from catboost import CatBoostClassifier, CatBoostRegressor

    little = {"n_estimators": 5, "depth": 3, "verbose": 0, "allow_writing_files": False}
    FLOAT += [
        Case("cat_iris", CatBoostClassifier(**little).fit(IRIS, SPECIES), IRIS),
        Case("cat_binary", CatBoostClassifier(**little).fit(SIGNED, SIDE > 0), SIGNED),
        Case("catr_holes", CatBoostRegressor(**little).fit(HOLES, IRIS[:, 0]), HOLES),
    ]
IN_INTEGERS = ("gbc_iris", "gbc_binary", "gbr_huber", "hgbc_binary", "hgbr_missing", "hgbr_poisson")
CASES = [
    *FLOAT,
    *integer_cases([c for c in FLOAT if c.name in IN_INTEGERS]),
    Case("gbc_digits", gbc(4).fit(DIGITS, DIGIT), DIGITS[:200].astype("f4"), {"dtype": "int16"}),
]
#: Those whose estimators have a decision_function.
CLASSIFIERS = [case for case in FLOAT if case.name.startswith(("gbc", "hgbc", "ada"))]


@pytest.mark.parametrize("case", CLASSIFIERS, ids=lambda case: case.name)
def test_probabilities_and_decisions_are_scikit_learns(case: Case) -> None:
    wide = case.X.astype(float)
    for options, bound in (({}, 2e-6), ({"dtype": "int16", "calibration": case.X}, 4e-5)):
        program = case.transpile(**options)
        if options and (program.predict(case.X) != case.estimator.predict(wide)).any():
            continue  # rounding x has led to other leaves
        proba, decision = case.estimator.predict_proba(wide), case.estimator.decision_function(wide)
        np.testing.assert_allclose(program.decision_function(case.X), decision, atol=1e-5)
        np.testing.assert_allclose(program.predict_proba(case.X), proba, atol=bound)


def test_leaves_are_as_narrow_as_the_bound_allows() -> None:
    program = mm.transpile(gbc(50, max_depth=3).fit(DIGITS, DIGIT > 4))
    largest = np.abs(program.model.values).max()
    assert 1 << 15 < largest < 1 << 23
    assert program.model.bound < 2e-5


def test_trees_that_decide_most_come_first() -> None:
    model = mm.transpile(gbc(30, max_depth=3).fit(DIGITS, DIGIT > 4)).model
    change = (model.largest(model.values) + model.largest(-model.values))[:, 0]
    assert (np.diff(change) <= 0).all()


def test_a_watched_sum_stops_early_and_never_too_early() -> None:
    for y in (DIGIT > 4, DIGIT):
        estimator = gbc(40, max_depth=2).fit(DIGITS, y)
        for optimize in ("size", "speed"):
            program = mm.transpile(estimator, optimize=optimize, name="watched")
            assert program.model.watch is not None
            assert program.verify(DIGITS[:300].astype("f4"))


def test_an_exponential_out_of_range_is_refused() -> None:
    estimator = hist(HistGradientBoostingRegressor, loss="poisson", max_iter=3).fit(IRIS, COUNTS)
    estimator._baseline_prediction = estimator._baseline_prediction + 80.0
    with pytest.raises(ValueError, match="exponentials are not ported; scale the targets"):
        mm.transpile(estimator)


RNG = np.random.default_rng(0)
KIND = np.stack([RNG.integers(0, 12, 300), RNG.integers(0, 300, 300), RNG.random(300) * 4], axis=1)
TYPE = (np.isin(KIND[:, 0], [1, 3, 4, 8, 11]) ^ (KIND[:, 1] % 7 < 3)).astype(int) + (KIND[:, 2] > 3)
FAR_APART = np.where(KIND < 6, KIND * -100_000, KIND)  # categories that a set can't number one by one


def with_holes(X: np.ndarray) -> np.ndarray:
    return np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)


def categorical_cases() -> list[Case]:
    """Every library's notion of a category, with and without missing values."""
    sets = {"categorical_features": [0], "max_iter": 4, "max_leaf_nodes": 8, "random_state": 0}
    cases = [
        Case(f"hist_sets{i}", HistGradientBoostingClassifier(**sets).fit(X, TYPE), X.astype("f4"))
        for i, X in enumerate((KIND, FAR_APART, with_holes(KIND)))
    ]
    if importlib.util.find_spec("lightgbm"):
        model = LGBMClassifier(**{**few, "min_data_per_group": 5, "cat_smooth": 1})
        for i, X in enumerate((KIND, with_holes(KIND))):
            fitted = clone(model).fit(X, TYPE > 0, categorical_feature=[0, 1])
            cases.append(Case(f"lgbm_sets{i}", fitted, X.astype("f4")))
    if importlib.util.find_spec("xgboost"):
        options = {"n_estimators": 4, "max_depth": 4, "enable_categorical": True, "max_cat_to_onehot": 2}
        for i, X in enumerate((KIND, with_holes(KIND))):
            fitted = XGBClassifier(feature_types=["c", "c", "q"], **options).fit(X, TYPE)
            cases.append(Case(f"xgb_sets{i}", fitted, X.astype("f4")))
    return cases


CATEGORICAL = categorical_cases()
CASES += [*CATEGORICAL, *integer_cases(CATEGORICAL[:1], ("int16",))]


@pytest.mark.parametrize("case", CATEGORICAL, ids=lambda case: case.name)
def test_categories_go_where_the_library_sends_them(case: Case) -> None:
    assert case.transpile().model.trees.has_categories.any()
    for optimize in ("size", "speed"):
        report = case.transpile(optimize=optimize).verify(case.X)
        assert report, str(report)


def test_categories_beyond_the_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="feature 0 holds categories, and dtype='int8' does not"):
        mm.transpile(CATEGORICAL[1].estimator, dtype="int8", calibration=CATEGORICAL[1].X)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_a_number_that_means_missing(dtype: str) -> None:
    xgboost = pytest.importorskip("xgboost")
    X = np.where(np.isnan(HOLES), np.float32(-999), HOLES)
    estimator = xgboost.XGBClassifier(n_estimators=5, max_depth=3, missing=-999).fit(X, SPECIES)
    options = {} if dtype == "float32" else {"calibration": X, "min_agreement": 0.9}
    for optimize in ("size", "speed"):
        program = mm.transpile(estimator, dtype=dtype, optimize=optimize, **options)
        report = program.verify(X)
        assert report, str(report)
        assert report.agreement > 0.95


def test_zero_that_means_missing() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    X = np.where(np.isnan(HOLES), np.float32(0), HOLES)
    estimator = lightgbm.LGBMClassifier(**few, zero_as_missing=True).fit(X, SPECIES)
    assert mm.verify(estimator, X, optimize="size")
    assert mm.verify(estimator, X, optimize="speed")
