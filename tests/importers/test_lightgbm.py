"""LightGBM's scikit-learn interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromlgen.models._boosted import Boosted
from micromlgen.models._lightgbm import from_lightgbm
from tests.importers import oracle

lgb = pytest.importorskip("lightgbm")

RNG = np.random.default_rng(0)
N = 400
NUMBERS = RNG.normal(size=(N, 4)).astype(np.float32)
TARGET = NUMBERS[:, 0] + (NUMBERS[:, 1] > 0.3) - np.abs(NUMBERS[:, 2])
HOLES = np.where(RNG.random(NUMBERS.shape) < 0.2, np.nan, NUMBERS).astype(np.float32)
#: Zeros, and features of two values of which one is zero.
SPARSE = np.where(RNG.random(NUMBERS.shape) < 0.4, 0, NUMBERS)
SPARSE[:, 1] = RNG.integers(-1, 1, size=N)
SPARSE[:, 3] = RNG.integers(0, 2, size=N)
SPARSE_TARGET = SPARSE[:, 0] + (SPARSE[:, 0] == 0) * 2 + SPARSE[:, 1] + SPARSE[:, 2] - 2 * SPARSE[:, 3]
MIXED = NUMBERS.copy()
MIXED[:, 1] = RNG.integers(4, size=N)
MIXED[:, 3] = RNG.integers(70, size=N) * 3
MIXED_TARGET = MIXED[:, 0] + 2 * (MIXED[:, 1] == 1) - 3 * (MIXED[:, 3] % 2) + MIXED[:, 3] % 7
BINARY = (TARGET > 0).astype(int)
THIRD = np.digitize(TARGET, [-0.6, 0.5])
OPTIONS = {
    "plain": {},
    "dart": {"boosting_type": "dart", "drop_rate": 0.5},
    "forest": {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1},
    "goss": {"data_sample_strategy": "goss", "learning_rate": 0.7},
    "shallow": {"max_depth": 2, "extra_trees": True},
    "constrained": {"monotone_constraints": [1, 0, -1, 0], "interaction_constraints": [[0, 1], [2, 3]]},
    "one tree": {"n_estimators": 1},
    "no split": {"min_split_gain": 1e9},
    "smooth": {"path_smooth": 2.0, "boost_from_average": False},
}


def fitted(cls: str, X: Any, y: np.ndarray, fit: dict[str, Any] | None = None, **options: Any) -> Any:
    given = {"n_estimators": 10, "num_leaves": 9, "random_state": 0, "n_jobs": 1, "verbose": -1, **options}
    return getattr(lgb, cls)(**given).fit(X, y, **(fit or {}))


def check(estimator: Any, X: np.ndarray) -> Boosted:
    """The estimator's `Boosted`, whose answers are its own."""
    boosted = from_lightgbm(estimator)
    edges = oracle.edge_rows(boosted, X, missing=True, infinite=True)
    raw = oracle.raw_scores(boosted, edges)
    expected = estimator.predict(edges, raw_score=True)
    if estimator.boosting_type == "rf":
        expected /= len(boosted.column) // raw.shape[1]
    np.testing.assert_allclose(raw, expected.reshape(raw.shape), rtol=1e-12, atol=1e-13)
    if boosted.classes is None:
        np.testing.assert_allclose(oracle.answers(boosted, edges), estimator.predict(edges), rtol=1e-9)
    else:
        proba = estimator.predict_proba(edges)
        np.testing.assert_allclose(oracle.answers(boosted, edges), proba, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(oracle.labels(boosted, edges), estimator.predict(edges))
    return boosted


@pytest.mark.parametrize("X", [NUMBERS, HOLES], ids=["present", "holes"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options(options: dict[str, Any], X: np.ndarray) -> None:
    for estimator in (
        fitted("LGBMClassifier", X, np.array(["yes", "no"])[BINARY], **options),
        fitted("LGBMClassifier", X, THIRD * 10 - 7, **options),
        fitted("LGBMRegressor", X, TARGET, **options),
    ):
        assert check(estimator, X).missing == (X is HOLES and options != OPTIONS["no split"])


@pytest.mark.parametrize(
    "objective",
    [
        *("regression", "l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie"),
        *("binary", "cross_entropy"),
    ],
)
def test_objectives_of_regressors(objective: str) -> None:
    y = BINARY if objective in ("binary", "cross_entropy") else np.exp(TARGET)
    check(fitted("LGBMRegressor", NUMBERS, y, objective=objective), NUMBERS)


@pytest.mark.parametrize("objective", ["lambdarank", "rank_xendcg"])
def test_rankers(objective: str) -> None:
    check(fitted("LGBMRanker", NUMBERS, BINARY, {"group": [10] * (N // 10)}, objective=objective), NUMBERS)


@pytest.mark.parametrize("sigmoid", [0.25, 1.0, 3.0])
def test_slopes_of_the_sigmoid(sigmoid: float) -> None:
    check(fitted("LGBMClassifier", NUMBERS, BINARY, sigmoid=sigmoid), NUMBERS)
    estimator = fitted("LGBMClassifier", NUMBERS, THIRD, objective="multiclassova", sigmoid=sigmoid)
    assert check(estimator, NUMBERS).link == "one-vs-rest"


def test_cross_entropy_of_classes() -> None:
    check(fitted("LGBMClassifier", NUMBERS, BINARY, objective="cross_entropy"), NUMBERS)


def test_an_objective_of_ones_own_predicts_raw_scores() -> None:
    def squared(y: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return scores - y, np.ones(len(y))

    check(fitted("LGBMRegressor", NUMBERS, TARGET, objective=squared), NUMBERS)


@pytest.mark.filterwarnings("ignore:The argument 'eval_set'")  # its successor is as new as 4.7
@pytest.mark.parametrize("boosting", ["gbdt", "rf"])
def test_early_stopping(boosting: str) -> None:
    fit = {
        "eval_set": [(NUMBERS[200:], THIRD[200:])],
        "callbacks": [lgb.early_stopping(2, verbose=False)],
    }
    options = {"boosting_type": boosting, "subsample": 0.5, "subsample_freq": 1, "n_estimators": 80}
    estimator = fitted("LGBMClassifier", NUMBERS[:200], THIRD[:200], fit, **options)
    boosted = check(estimator, NUMBERS)
    assert len(boosted.column) == 3 * estimator.best_iteration_ < 3 * 80


@pytest.mark.parametrize(
    "options", [{}, {"use_missing": False}, {"zero_as_missing": True}], ids=["nan", "none", "zero"]
)
@pytest.mark.parametrize("holes", [False, True])
def test_missing_types(options: dict[str, Any], holes: bool) -> None:
    X = np.where(np.isnan(HOLES), np.nan, SPARSE) if holes else SPARSE
    boosted = check(fitted("LGBMRegressor", X, SPARSE_TARGET, **options), X)
    assert (boosted.also_missing is not None) == ("zero_as_missing" in options)
    assert boosted.missing == ("zero_as_missing" in options or (holes and not options))


def test_missing_against_present() -> None:
    X = np.where(np.arange(N)[:, None] % 2, np.nan, [[1.0, -1.0, 0.0]]).astype(np.float32)
    assert check(fitted("LGBMRegressor", X, np.arange(N) % 2.0), X).missing


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"max_cat_to_onehot": 1, "min_data_per_group": 5},
        {"max_cat_to_onehot": 200},
        {"zero_as_missing": True, "min_data_per_group": 5},
    ],
    ids=["sets", "one hot", "zero"],
)
def test_categories(options: dict[str, Any], holes: bool) -> None:
    X = np.where(np.isnan(HOLES), np.nan, MIXED) if holes else MIXED
    estimator = fitted(
        "LGBMRegressor",
        X,
        MIXED_TARGET,
        {"categorical_feature": [1, 3]},
        cat_smooth=1.0,
        cat_l2=1.0,
        **options,
    )
    boosted = check(estimator, X)
    several = any(known is not None and len(known) > 1 for known in boosted.categories.known)
    assert several == (options.get("max_cat_to_onehot") != 200)


@pytest.mark.filterwarnings("ignore:np.find_common_type is deprecated")  # by LightGBM 4.0
def test_categories_of_a_frame_are_codes() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(MIXED, columns=list("abcd"))
    frame["b"] = pd.Categorical.from_codes(frame["b"].astype(int), ["red", "green", "blue", "black"])
    estimator = fitted("LGBMRegressor", frame, MIXED_TARGET)
    boosted = from_lightgbm(estimator)
    assert boosted.categories is not None
    np.testing.assert_allclose(oracle.answers(boosted, MIXED), estimator.predict(frame), rtol=1e-12)


def test_depth_is_not_limited_by_recursion() -> None:
    X = np.arange(1500.0)[:, None]
    options = {
        "num_leaves": 1300,
        "min_child_samples": 1,
        "n_estimators": 1,
        "max_bin": 1500,
        "min_data_in_bin": 1,
    }
    estimator = fitted("LGBMRegressor", X, np.log(2) * 0.4 * np.arange(1500) ** 1.0, **options)
    boosted = check(estimator, X.astype(np.float32))
    assert len(boosted.value) > 2000


def test_a_score_of_zero_is_the_first_class() -> None:
    estimator = fitted("LGBMClassifier", NUMBERS, np.arange(N) % 2, min_split_gain=1e9)
    boosted = from_lightgbm(estimator)
    assert not oracle.raw_scores(boosted, NUMBERS).any()
    assert not oracle.labels(boosted, NUMBERS).any()
    assert not estimator.predict(NUMBERS).any()


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_any_floats(data: st.DataObject) -> None:
    numbers = st.floats(-(2.0**99), 2.0**99, width=32) | st.sampled_from([0.0, np.nan, 1e-35, -1e-35])
    xs = data.draw(st.lists(numbers, min_size=4, max_size=12))
    X = np.array(xs, np.float32)[:, None]
    options = {"min_child_samples": 1, "min_data_in_bin": 1, "n_estimators": 3}
    missing = data.draw(st.sampled_from([{}, {"use_missing": False}, {"zero_as_missing": True}]))
    check(fitted("LGBMRegressor", X, np.arange(len(X)) % 3 - 1.0, **options, **missing), X)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        ("LGBMRegressor", {"linear_tree": True}, "linear_tree=True cannot be ported; use linear_tree=False"),
        (
            "LGBMRegressor",
            {"reg_sqrt": True},
            "objective='regression sqrt' .* use 'regression' without reg_sqrt",
        ),
        ("LGBMRegressor", {"objective": "cross_entropy_lambda"}, "objective='cross_entropy_lambda' cannot"),
        ("LGBMClassifier", {"objective": "cross_entropy_lambda"}, ".* cannot be ported; use 'binary'"),
        (
            "LGBMClassifier",
            {"objective": "multiclass", "num_class": 2},
            "objective='multiclass .* use 'binary'",
        ),
        (
            "LGBMClassifier",
            {"objective": lambda y, s: (s - y, s * 0 + 1)},
            "objective=a function .* 'binary'",
        ),
        ("LGBMClassifier", {"pred_early_stop": True}, ".* use pred_early_stop=False"),
    ],
)
def test_what_has_no_port(cls: str, options: dict[str, Any], message: str) -> None:
    estimator = fitted(cls, NUMBERS, BINARY, **options)
    with pytest.raises(ValueError, match=f"^{cls}: {message}"):
        from_lightgbm(estimator)


def test_one_class_has_no_port() -> None:
    estimator = fitted("LGBMClassifier", NUMBERS, np.zeros(N, int))
    with pytest.raises(ValueError, match="use 'multiclass' and more than one class"):
        from_lightgbm(estimator)


def test_trees_that_differ_in_what_is_missing_have_no_port() -> None:
    first = fitted("LGBMRegressor", HOLES, TARGET)
    both = fitted("LGBMRegressor", HOLES, TARGET, {"init_model": first}, zero_as_missing=True)
    with pytest.raises(
        ValueError, match=r"zero_as_missing=True cannot .* together; fit anew without init_model"
    ):
        from_lightgbm(both)


def test_huge_categories_have_no_port() -> None:
    X = np.array([3, 5, 1 << 25])[np.arange(N) % 3, None]
    estimator = fitted(
        "LGBMRegressor", X, np.arange(N) % 3 // 2, {"categorical_feature": [0]}, n_estimators=2
    )
    with pytest.raises(ValueError, match=r"category 33554432 cannot be ported; encode .* below 2\*\*24"):
        from_lightgbm(estimator)
