"""What an adversarial hunt through the ensembles of trees found: one line each says what was wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
)

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.calls import twin_calls
from micromlgen.errors import UnsupportedError
from micromlgen.program import Program
from tests.cases import in_layout

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4)).astype(np.float32)
BINARY = (X[:, 0] + X[:, 1] > 0).astype(int)
THREE = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
CONSTANT = np.ones((200, 2), np.float32)
HALF = np.repeat([0, 1], 100)
SANITIZED = ("-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all", *STRICT)


def check_every_layout(program: Program, rows: np.ndarray) -> None:
    """C = twin in all layouts, under sanitizers and the strict flags."""
    names, expected = [], []
    for i, layout in enumerate(program.model.layouts()):
        one = in_layout(program, f"layout{i}", layout)
        for each in twin_calls(one.model, one.header, one.name, program.quantize(rows)):
            names.append(layout.name)
            expected.append(each)
    results = core("host").run([each.call for each in expected], flags=SANITIZED, measure=False)
    for layout_name, each, result in zip(names, expected, results, strict=True):
        assert not each.differs(result.y).any(), (layout_name, each.call.statement)


def check_or_refused(estimator: Any, rows: np.ndarray, **options: Any) -> None:
    """Either a clear error when it is ported, or the right answers in every layout."""
    try:
        program = mm.transpile(estimator, name="model", **options)
    except UnsupportedError:
        return
    check_every_layout(program, rows)
    if not program.model.input.is_integer:
        assert program.verify(rows)


@pytest.mark.parametrize("kind", ["XGBClassifier", "XGBRFClassifier"])
def test_parallel_trees_add_to_their_own_class(kind: str) -> None:
    """Tables took tree t for class t % n_classes; XGBoost's parallel trees lie side by side in a round."""
    xgboost = pytest.importorskip("xgboost")
    more = {"num_parallel_tree": 4} if kind == "XGBClassifier" else {}
    estimator = getattr(xgboost, kind)(n_estimators=3, max_depth=3, **more).fit(X, THREE)
    check_every_layout(mm.transpile(estimator, name="model"), X)


def test_xgboost_regressors_with_a_sigmoid() -> None:
    """Regressors of the link "logistic" gave the raw score instead of its sigmoid."""
    xgboost = pytest.importorskip("xgboost")
    for objective in ("reg:logistic", "binary:logistic"):
        check_or_refused(xgboost.XGBRegressor(n_estimators=5, objective=objective).fit(X, BINARY), X)


def test_lightgbm_regressors_with_a_sigmoid() -> None:
    """Regressors of the link "logistic" gave the raw score instead of its sigmoid."""
    lightgbm = pytest.importorskip("lightgbm")
    for objective in ("cross_entropy", "binary"):
        estimator = lightgbm.LGBMRegressor(n_estimators=5, objective=objective, verbose=-1).fit(X, BINARY)
        check_or_refused(estimator, X)


@pytest.mark.parametrize(("rate", "n"), [(2.0, 2), (1.9, 10)])
def test_scores_that_cancel_each_other_do_not_overflow(rate: float, n: int) -> None:
    """Leaves were scaled to the span of the final score; those of +2000 and -2000 left int32 before it."""
    y = 1000 + X[:, 0].astype(float)
    options = {"n_estimators": n, "max_depth": 2, "init": "zero", "learning_rate": rate, "random_state": 0}
    estimator = GradientBoostingRegressor(**options).fit(X, y)
    model = mm.transpile(estimator).model
    assert np.abs(model.values).max() <= 2**31 - 1
    partial = np.cumsum(model.values[model.apply(X), 0], axis=1)
    assert np.abs(partial).max() <= 2**31 - 1
    check_or_refused(estimator, X)


TINY_LEAVES = {
    "constant": (GradientBoostingClassifier(n_estimators=3), CONSTANT, HALF),
    "hist": (HistGradientBoostingClassifier(max_iter=3), CONSTANT, HALF),
    "rate": (GradientBoostingClassifier(n_estimators=3, learning_rate=1e-20), X, HALF),
    "poisson": (HistGradientBoostingRegressor(max_iter=3, loss="poisson"), X, np.ones(200)),
}


@pytest.mark.parametrize("which", TINY_LEAVES)
def test_scores_of_almost_nothing_compile(which: str) -> None:
    """Leaves of (almost) 0 and base 0: the unit 2^-99 was shifted right by more than 31 bits."""
    estimator, rows, y = TINY_LEAVES[which]
    check_or_refused(estimator.fit(rows, y), rows)


@pytest.mark.parametrize("rate", [2.0, 1e12, 1e60])
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_scores_far_from_each_other_compile(dtype: str, rate: float) -> None:
    """Units above 31: `exp_neg` gave 0 even for 0 (0 / 0, an endless loop); shifts and leaves overflowed."""
    few = {"n_estimators": 20 if rate < 10 else 2, "max_depth": 2, "random_state": 0}
    y = np.random.default_rng(1).integers(0, 2, 200) if rate < 10 else BINARY  # noise: boosting runs away
    estimator = GradientBoostingClassifier(learning_rate=rate, **few).fit(X, y)
    options = {} if dtype == "float32" else {"dtype": dtype, "calibration": X, "min_agreement": 0}
    check_or_refused(estimator, X, **options)


@pytest.mark.parametrize("scale", [1e-28, 1e-33, 1e-37])
def test_tiny_targets_are_right_or_refused(scale: float) -> None:
    """The exponent of sums ends at 100: leaves of 1e-30 became one unit or none, silently."""
    y = X[:, 0].astype(float) * scale
    for kind in (GradientBoostingRegressor(n_estimators=5), HistGradientBoostingRegressor(max_iter=5)):
        check_or_refused(kind.fit(X, y), X)


@pytest.mark.parametrize(("far", "n"), [(1e3, 100), (1e6, 10)])
def test_xgboost_far_from_zero_is_verified(far: float, n: int) -> None:
    """XGBoost's own float32 sum starts at its base score, which the bound left out: verify failed."""
    xgboost = pytest.importorskip("xgboost")
    estimator = xgboost.XGBRegressor(n_estimators=n, max_depth=6).fit(X, far + X[:, 0].astype(float))
    report = mm.verify(estimator, X)
    assert report, str(report)


def test_large_positive_categories_compile() -> None:
    """A list of categories from 65536 on is of uint32_t, and was compared with int32_t: -Wsign-compare."""
    rows = np.stack([RNG.choice([5, 700, 70_000, 10_000_000], 200), X[:, 0]], axis=1).astype(np.float32)
    y = np.isin(rows[:, 0], [5, 70_000]) ^ (rows[:, 1] > 0)
    estimator = HistGradientBoostingClassifier(max_iter=4, categorical_features=[0]).fit(rows, y)
    assert mm.transpile(estimator).model.trees.has_categories.any()
    check_or_refused(estimator, rows)


@pytest.mark.parametrize("seed", [3, 5, 10])
def test_isolation_forest_cuts_on_a_rows_own_score(seed: int) -> None:
    """Whole groups of equal rows whose score is `offset_` itself: rounded depths fell on the other side."""
    rng = np.random.default_rng(seed)
    rows = np.round(rng.normal(size=(101, 1))).astype(np.float32)
    options = {"n_estimators": int(rng.integers(10, 80)), "max_samples": 40, "bootstrap": True}
    estimator = IsolationForest(contamination=0.5, random_state=seed, **options).fit(rows)
    program = mm.transpile(estimator, name="model")
    np.testing.assert_array_equal(program.predict(rows), estimator.predict(rows.astype(float)))


ONE_CLASS = [AdaBoostClassifier(n_estimators=2), HistGradientBoostingClassifier(max_iter=2)]


@pytest.mark.parametrize("estimator", ONE_CLASS, ids=lambda e: type(e).__name__)
def test_boosting_of_one_class(estimator: Any) -> None:
    """Of one class: AdaBoost called an undeclared `_argmax`, HistGradientBoosting wrote two probabilities."""
    check_or_refused(estimator.fit(X, np.full(200, 7)), X)


def test_a_name_like_the_helpers() -> None:
    """name="mml2" beside a number that means missing defined the helper `mml2_bits` twice."""
    xgboost = pytest.importorskip("xgboost")
    estimator = xgboost.XGBClassifier(n_estimators=2, max_depth=2, missing=-999).fit(X, BINARY)
    try:
        program = mm.transpile(estimator, name="mml2")
    except UnsupportedError:
        return
    assert program.verify(X)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_categories_of_a_data_frame(library: str) -> None:
    """Trees know a pandas category by its code: the twin took the values of the same frame for codes."""
    pandas = pytest.importorskip("pandas")
    module = pytest.importorskip(library)
    category = RNG.choice([10, 20, 35, -4], 200)
    frame = pandas.DataFrame({"kind": pandas.Categorical(category), "x": X[:, 0]})
    few = {"n_estimators": 5}
    if library == "xgboost":
        estimator = module.XGBClassifier(enable_categorical=True, **few)
    else:
        estimator = module.LGBMClassifier(min_data_per_group=5, cat_smooth=1, verbose=-1, **few)
    estimator.fit(frame, np.isin(category, [10, -4]).astype(int))
    try:
        got = mm.transpile(estimator).predict(frame)
    except UnsupportedError:
        return
    np.testing.assert_array_equal(got, estimator.predict(frame))
