"""XGBoost's scikit-learn interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromlgen.models._boosted import Boosted
from micromlgen.models._xgboost import from_xgboost
from tests.importers import oracle

xgb = pytest.importorskip("xgboost")
# Linear boosters, and from 3.4 on DART as a booster of its own and random forests.
pytestmark = pytest.mark.filterwarnings("ignore:(?s).*deprecated")

RNG = np.random.default_rng(0)
N = 300
NUMBERS = RNG.normal(size=(N, 4)).astype(np.float32)
TARGET = NUMBERS[:, 0] + (NUMBERS[:, 1] > 0.3) - np.abs(NUMBERS[:, 2])
HOLES = np.where(RNG.random(NUMBERS.shape) < 0.2, np.nan, NUMBERS).astype(np.float32)
BINARY = (TARGET > 0).astype(int)
THIRD = np.digitize(TARGET, [-0.6, 0.5])
MIXED = NUMBERS.copy()
MIXED[:, 1] = RNG.integers(3, size=N)
MIXED[:, 3] = RNG.integers(40, size=N)
MIXED_TARGET = MIXED[:, 0] + 2 * (MIXED[:, 1] == 1) - np.isin(MIXED[:, 3], [3, 7, 20, 33, 39]) * 3.0
OPTIONS = {
    "plain": {},
    "exact": {"tree_method": "exact"},
    "approx": {"tree_method": "approx"},
    "leafwise": {"grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0},
    "sampled": {"subsample": 0.5, "colsample_bynode": 0.5, "learning_rate": 0.9, "gamma": 0.3},
    "parallel": {"num_parallel_tree": 3, "subsample": 0.5},
    "dart": {"booster": "dart", "rate_drop": 0.5},
    "dart forest": {"booster": "dart", "rate_drop": 0.5, "normalize_type": "forest", "one_drop": True},
    "base score": {"base_score": 0.2},
    "one tree": {"n_estimators": 1, "max_depth": 2},
    "no split": {"gamma": 1e9},
    "constrained": {"monotone_constraints": "(1,0,-1,0)", "interaction_constraints": "[[0,1],[2,3]]"},
}


def fitted(cls: str, X: np.ndarray, y: np.ndarray, **options: Any) -> Any:
    given = {"n_estimators": 10, "max_depth": 3, "random_state": 0, "n_jobs": 1, **options}
    return getattr(xgb, cls)(**given).fit(X, y)


def check(estimator: Any, X: np.ndarray, **how: Any) -> Boosted:
    """The estimator's `Boosted`, whose answers are its own."""
    boosted = from_xgboost(estimator)
    edges = oracle.edge_rows(boosted, X, missing=True)
    raw = oracle.raw_scores(boosted, edges)
    near = oracle.rounding(boosted)
    expected = estimator.predict(edges, output_margin=True)
    np.testing.assert_allclose(raw, expected.reshape(raw.shape), rtol=0, atol=near)
    if boosted.classes is None:
        np.testing.assert_allclose(oracle.answers(boosted, edges), estimator.predict(edges), 1e-5, near)
    else:
        proba = estimator.predict_proba(edges)
        np.testing.assert_allclose(oracle.answers(boosted, edges), proba, rtol=0, atol=1e-6)
        best = np.sort(raw, axis=1) if raw.shape[1] > 1 else np.column_stack([-abs(raw), abs(raw)])
        clear = best[:, -1] - best[:, -2] > 2 * near
        assert clear.mean() > 0.9 or how.get("tied", False)
        np.testing.assert_array_equal(oracle.labels(boosted, edges)[clear], estimator.predict(edges)[clear])
    return boosted


@pytest.mark.parametrize("X", [NUMBERS, HOLES], ids=["present", "holes"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options(options: dict[str, Any], X: np.ndarray) -> None:
    tied = options == OPTIONS["no split"]
    for estimator in (
        fitted("XGBClassifier", X, BINARY, **options),
        fitted("XGBClassifier", X, THIRD, **options),
        fitted("XGBRegressor", X, TARGET + 3, **options),
    ):
        assert check(estimator, X, tied=tied).missing == (X is HOLES and not tied)


@pytest.mark.parametrize("cls", ["XGBRFClassifier", "XGBRFRegressor"])
def test_forests(cls: str) -> None:
    check(fitted(cls, HOLES, BINARY), HOLES)


@pytest.mark.parametrize("objective", ["rank:ndcg", "rank:map", "rank:pairwise"])
def test_rankers(objective: str) -> None:
    ranker = xgb.XGBRanker(n_estimators=8, objective=objective, random_state=0)
    check(ranker.fit(NUMBERS, BINARY, qid=np.arange(N) // 10), NUMBERS)


@pytest.mark.parametrize(
    "objective",
    [
        *("squarederror", "absoluteerror", "pseudohubererror", "squaredlogerror", "quantileerror"),
        *("gamma", "tweedie", "logistic", "count:poisson", "binary:logistic", "survival:cox"),
    ],
)
@pytest.mark.parametrize("base_score", [None, 0.125], ids=["estimated", "given"])
def test_objectives_of_regressors(objective: str, base_score: float | None) -> None:
    objective = objective if ":" in objective else f"reg:{objective}"
    options = {"quantile_alpha": 0.3} if objective == "reg:quantileerror" else {}
    y = BINARY if "logistic" in objective else np.exp(TARGET)
    check(fitted("XGBRegressor", NUMBERS, y, objective=objective, base_score=base_score, **options), NUMBERS)


@pytest.mark.parametrize("options", [{"objective": "multi:softmax"}, {"base_score": 0.3}], ids=str)
def test_several_classes(options: dict[str, Any]) -> None:
    check(fitted("XGBClassifier", NUMBERS, THIRD, **options), NUMBERS)


@pytest.mark.parametrize("base_score", [2e-6, 1e-4, 0.5, 0.999998])
def test_base_scores_of_probabilities(base_score: float) -> None:
    check(fitted("XGBClassifier", NUMBERS, BINARY, base_score=base_score), NUMBERS, tied=True)


@pytest.mark.parametrize("base_score", [1e-7, 1 - 1e-7])
def test_base_scores_of_almost_certainty_have_no_port(base_score: float) -> None:
    estimator = fitted("XGBClassifier", NUMBERS, BINARY, base_score=base_score)
    with pytest.raises(ValueError, match=r"XGBClassifier: base_score=.* use one between 1e-6 and"):
        from_xgboost(estimator)


def test_objectives_of_ones_own() -> None:
    def squared(y: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return scores - y, np.ones(len(y))

    check(fitted("XGBRegressor", NUMBERS, TARGET, objective=squared), NUMBERS)
    check(fitted("XGBClassifier", NUMBERS, BINARY, objective=squared), NUMBERS)


@pytest.mark.parametrize("booster", ["gbtree", "dart"])
@pytest.mark.parametrize("several", [False, True])
def test_early_stopping(booster: str, several: bool) -> None:
    y = THIRD if several else BINARY
    estimator = xgb.XGBClassifier(
        n_estimators=60,
        early_stopping_rounds=3,
        booster=booster,
        num_parallel_tree=2,
        subsample=0.5,
        n_jobs=1,
    )
    estimator.fit(NUMBERS[:200], y[:200], eval_set=[(NUMBERS[200:], y[200:])], verbose=False)
    boosted = check(estimator, NUMBERS)
    rounds = estimator.get_booster().num_boosted_rounds()
    assert len(boosted.column) == (estimator.best_iteration + 1) * 2 * (3 if several else 1)
    assert estimator.best_iteration + 1 < rounds


@pytest.mark.parametrize("missing", [0.0, -999.0, 0.1, 7])
def test_another_number_for_missing(missing: float) -> None:
    X = np.where(np.isnan(HOLES), np.float32(missing), HOLES)
    boosted = check(fitted("XGBRegressor", X, TARGET, missing=missing), X)
    assert boosted.also_missing == (np.float32(missing), np.float32(missing))
    assert boosted.missing


@pytest.mark.parametrize("one_hot", [1, 4, 100])
@pytest.mark.parametrize("method", ["hist", "approx"])
def test_categories(one_hot: int, method: str) -> None:
    options = {
        "enable_categorical": True,
        "feature_types": ["float", "c", "q", "c"],
        "max_cat_to_onehot": one_hot,
        "max_cat_threshold": 7,
        "tree_method": method,
    }
    for X in (MIXED, np.where(np.isnan(HOLES), np.nan, MIXED)):
        boosted = check(fitted("XGBRegressor", X, MIXED_TARGET, **options), X)
        several = any(known is not None and len(known) > 1 for known in boosted.categories.known)
        assert several == (one_hot < 40)
        assert boosted.missing == bool(np.isnan(X).any())


def test_categories_of_a_frame_are_codes() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(MIXED, columns=list("abcd"))
    frame["b"] = pd.Categorical.from_codes(frame["b"].astype(int), ["red", "green", "blue"])
    estimator = fitted("XGBRegressor", frame, MIXED_TARGET, enable_categorical=True)
    boosted = from_xgboost(estimator)
    np.testing.assert_allclose(
        oracle.raw_scores(boosted, MIXED)[:, 0],
        estimator.predict(frame),
        rtol=0,
        atol=oracle.rounding(boosted),
    )


def test_a_score_of_zero_is_the_first_class() -> None:
    estimator = fitted("XGBClassifier", NUMBERS, np.arange(N) % 2, gamma=1e9, base_score=0.5)
    boosted = from_xgboost(estimator)
    assert not oracle.raw_scores(boosted, NUMBERS).any()
    assert not oracle.labels(boosted, NUMBERS).any()
    assert not estimator.predict(NUMBERS).any()


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_any_floats(data: st.DataObject) -> None:
    numbers = st.floats(-(2.0**99), 2.0**99, width=32)
    xs = data.draw(st.lists(numbers | st.just(np.nan), min_size=4, max_size=12))
    X = np.array(xs, np.float32)[:, None]
    options = {"n_estimators": 2, "min_child_weight": 0, "reg_lambda": 0, "tree_method": "exact"}
    check(fitted("XGBRegressor", X, np.arange(len(X)) % 3 - 1.0, **options), X)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (
            "XGBRegressor",
            {"booster": "gblinear", "verbosity": 0},
            r"booster='gblinear' has no trees; use booster='gbtree'",
        ),
        ("XGBRegressor", {"objective": "binary:hinge"}, "objective='binary:hinge' .* use 'reg:squarederror'"),
        ("XGBClassifier", {"objective": "binary:hinge"}, "objective='binary:hinge' .* use 'binary:logistic'"),
        ("XGBClassifier", {"objective": "binary:logitraw"}, "objective='binary:logitraw' .* use 'binary:log"),
        (
            "XGBRegressor",
            {"objective": "multi:softprob", "num_class": 2},
            "objective='multi:softprob' cannot",
        ),
        (
            "XGBClassifier",
            {"objective": "multi:softprob", "num_class": 2},
            "objective='multi:softprob' cannot",
        ),
    ],
)
def test_what_has_no_port(cls: str, options: dict[str, Any], message: str) -> None:
    estimator = fitted(cls, NUMBERS, BINARY, **options)
    with pytest.raises(ValueError, match=f"^{cls}: {message}"):
        from_xgboost(estimator)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_several_targets_have_no_port(strategy: str) -> None:
    estimator = fitted("XGBRegressor", NUMBERS, np.stack([TARGET, -TARGET], axis=1), multi_strategy=strategy)
    with pytest.raises(ValueError, match="XGBRegressor predicts several numbers at once; fit one estimator"):
        from_xgboost(estimator)


def test_one_class_has_no_port() -> None:
    estimator = fitted("XGBClassifier", NUMBERS, np.zeros(N, int))
    with pytest.raises(ValueError, match="use 'multi:softprob' and more than one class"):
        from_xgboost(estimator)


def test_no_trees_have_no_port() -> None:
    estimator = fitted("XGBRegressor", NUMBERS, TARGET, n_estimators=0)
    with pytest.raises(ValueError, match="XGBRegressor has no trees; fit with n_estimators=1"):
        from_xgboost(estimator)


def test_a_number_for_missing_among_categories_has_no_port() -> None:
    options = {"enable_categorical": True, "feature_types": ["q", "c", "q", "c"], "missing": -1.0}
    estimator = fitted("XGBRegressor", MIXED, MIXED_TARGET, **options)
    with pytest.raises(
        ValueError, match=r"XGBRegressor: missing=-1.0 .* with categorical .* missing=numpy.nan"
    ):
        from_xgboost(estimator)
