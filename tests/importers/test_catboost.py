"""CatBoost's scikit-learn interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromlgen.models._boosted import Boosted
from micromlgen.models._catboost import from_catboost
from tests.importers import oracle

catboost = pytest.importorskip("catboost")

RNG = np.random.default_rng(0)
N = 300
NUMBERS = RNG.normal(size=(N, 4)).astype(np.float32)
TARGET = NUMBERS[:, 0] + (NUMBERS[:, 1] > 0.3) - np.abs(NUMBERS[:, 2])
HOLES = np.where(RNG.random(NUMBERS.shape) < 0.2, np.nan, NUMBERS).astype(np.float32)
HOLES_TARGET = TARGET + np.isnan(HOLES) @ [1.0, -2.0, 0.0, 2.0]
OPTIONS = {
    "symmetric": {},
    "depthwise": {"grow_policy": "Depthwise"},
    "lossguide": {"grow_policy": "Lossguide", "max_leaves": 7},
    "ordered": {"boosting_type": "Ordered"},
    "shrinking": {"model_shrink_rate": 0.2},
    "few borders": {"border_count": 3, "depth": 6},
    "one tree": {"iterations": 1, "depth": 1},
}


def fitted(cls: str, X: Any, y: Any, fit: dict[str, Any] | None = None, **options: Any) -> Any:
    given = {
        **{"iterations": 8, "depth": 4, "random_state": 0, "thread_count": 1, "learning_rate": 0.3},
        **{"verbose": 0, "allow_writing_files": False},
        **options,
    }
    return getattr(catboost, cls)(**given).fit(X, y, **(fit or {}))


def check(estimator: Any, X: np.ndarray, *, missing: bool = True) -> Boosted:
    """The estimator's `Boosted`, whose answers are its own."""
    boosted = from_catboost(estimator)
    edges = oracle.edge_rows(boosted, X, missing=missing, infinite=True)
    raw = oracle.raw_scores(boosted, edges)
    ranker = isinstance(estimator, catboost.CatBoostRanker)  # has raw scores only
    expected = estimator.predict(edges, **({} if ranker else {"prediction_type": "RawFormulaVal"}))
    np.testing.assert_allclose(raw, expected.reshape(raw.shape), rtol=1e-12, atol=1e-13)
    if boosted.classes is None:
        np.testing.assert_allclose(oracle.answers(boosted, edges), estimator.predict(edges), rtol=1e-9)
    else:
        proba = estimator.predict_proba(edges)
        np.testing.assert_allclose(oracle.answers(boosted, edges), proba, rtol=1e-9, atol=1e-12)
        predicted = np.ravel(estimator.predict(edges))
        np.testing.assert_array_equal(oracle.labels(boosted, edges), predicted)
    return boosted


@pytest.mark.parametrize("holes", [False, True], ids=["present", "holes"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options(options: dict[str, Any], holes: bool) -> None:
    X, target = (HOLES, HOLES_TARGET) if holes else (NUMBERS, TARGET)
    third = np.digitize(target, [-0.6, 0.5])
    estimators = [
        fitted("CatBoostClassifier", X, np.array(["no", "yes"])[(target > 0) + 0], **options),
        fitted("CatBoostRegressor", X, target, **options),
    ]
    if options.get("boosting_type") != "Ordered":
        estimators.append(fitted("CatBoostClassifier", X, third * 10 - 7, **options))
    for estimator in estimators:
        assert check(estimator, X).missing == holes


@pytest.mark.parametrize("mode", ["Min", "Max"])
@pytest.mark.parametrize("policy", ["SymmetricTree", "Depthwise"])
def test_missing_values(mode: str, policy: str) -> None:
    boosted = check(
        fitted("CatBoostRegressor", HOLES, HOLES_TARGET, nan_mode=mode, grow_policy=policy), HOLES
    )
    assert boosted.missing
    inner = boosted.nodes.left >= 0
    assert (boosted.missing_left[inner] == (mode == "Min")).all()
    assert np.abs(boosted.threshold).max() == np.finfo(np.float32).max  # missing against present


@pytest.mark.parametrize("mode", ["Min", "Max", "Forbidden"])
def test_missing_values_of_a_model_that_saw_none(mode: str) -> None:
    assert not check(fitted("CatBoostRegressor", NUMBERS, TARGET, nan_mode=mode), NUMBERS).missing


@pytest.mark.parametrize(
    "loss",
    [
        *(
            "RMSE",
            "MAE",
            "Quantile:alpha=0.3",
            "LogLinQuantile:alpha=0.3",
            "MAPE",
            "Lq:q=2",
            "LogCosh",
            "Cox",
        ),
        *("Huber:delta=1", "Expectile:alpha=0.3", "Poisson", "Tweedie:variance_power=1.5", "MultiRMSE"),
    ],
)
def test_losses_of_regressors(loss: str, tmp_path: Path) -> None:
    estimator = fitted("CatBoostRegressor", NUMBERS, np.exp(TARGET), loss_function=loss)
    check(estimator, NUMBERS)
    estimator.save_model(str(tmp_path / "model"))
    check(catboost.CatBoostRegressor().load_model(str(tmp_path / "model")), NUMBERS)


@pytest.mark.parametrize(
    "loss", ["Logloss", "CrossEntropy", "Focal:focal_alpha=0.5;focal_gamma=1.0", "MultiClass"]
)
def test_losses_of_two_classes(loss: str) -> None:
    check(fitted("CatBoostClassifier", NUMBERS, (TARGET > 0).astype(int), loss_function=loss), NUMBERS)


@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
@pytest.mark.parametrize("loss", ["MultiClass", "MultiClassOneVsAll"])
def test_losses_of_several_classes(loss: str, policy: str) -> None:
    y = np.digitize(TARGET, [-0.6, 0.5])
    boosted = check(fitted("CatBoostClassifier", NUMBERS, y, loss_function=loss, grow_policy=policy), NUMBERS)
    assert boosted.value.shape[1] == 3
    assert len(boosted.column) == 8  # each tree has leaves for all classes


@pytest.mark.parametrize("y", [TARGET > 0, (TARGET > 0) * 1.5], ids=["booleans", "floats"])
def test_classes_of_other_types(y: np.ndarray) -> None:
    check(fitted("CatBoostClassifier", NUMBERS, y), NUMBERS)


@pytest.mark.parametrize("loss", ["YetiRank", "PairLogit", "QueryRMSE", "QuerySoftMax"])
def test_rankers(loss: str) -> None:
    y = (TARGET > 0).astype(int)
    check(fitted("CatBoostRanker", NUMBERS, y, {"group_id": np.arange(N) // 10}, loss_function=loss), NUMBERS)


def test_a_score_of_zero_is_the_first_class() -> None:
    estimator = fitted("CatBoostClassifier", NUMBERS, TARGET > 0)
    estimator.set_scale_and_bias(0.0, 0.0)
    assert not oracle.raw_scores(check(estimator, NUMBERS), NUMBERS).any()


def test_scale_and_bias() -> None:
    estimator = fitted("CatBoostClassifier", NUMBERS, TARGET > 0)
    estimator.set_scale_and_bias(-2.5, 0.75)
    check(estimator, NUMBERS)


def test_early_stopping() -> None:
    fit = {"eval_set": (NUMBERS[200:], TARGET[200:]), "early_stopping_rounds": 3}
    estimator = fitted("CatBoostRegressor", NUMBERS[:200], TARGET[:200], fit, iterations=300)
    assert len(check(estimator, NUMBERS).column) == estimator.tree_count_ < 300


@pytest.mark.parametrize("options", [{"depth": 0}, {"grow_policy": "Depthwise", "min_data_in_leaf": N + 1}])
def test_trees_without_splits(options: dict[str, Any]) -> None:
    assert len(check(fitted("CatBoostRegressor", NUMBERS, TARGET, **options), NUMBERS).value) == 8


def test_ignored_features_keep_their_places() -> None:
    boosted = check(fitted("CatBoostRegressor", NUMBERS, TARGET, ignored_features=[0, 2]), NUMBERS)
    assert boosted.n_features == 4
    assert set(boosted.feature[boosted.nodes.left >= 0].tolist()) == {1, 3}


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_any_floats(data: st.DataObject) -> None:
    numbers = st.floats(-(2.0**99), 2.0**99, width=32) | st.sampled_from([0.0, np.nan])
    xs = data.draw(st.lists(numbers, min_size=4, max_size=12, unique_by=str))
    X = np.array(xs, np.float32)[:, None]
    check(fitted("CatBoostRegressor", X, np.arange(len(X)) % 3 - 1.0, iterations=3), X)


def test_categories_have_no_port() -> None:
    X = np.column_stack([np.arange(N) % 3, np.arange(N)])
    estimator = fitted("CatBoostClassifier", X, TARGET > 0, {"cat_features": [0]}, one_hot_max_size=5)
    with pytest.raises(
        ValueError, match=r"CatBoostClassifier: categorical features \[0\] cannot be ported; encode them"
    ):
        from_catboost(estimator)


def test_text_has_no_port() -> None:
    X = np.column_stack([np.array(["red apple", "green pear", "red pear"])[np.arange(N) % 3], NUMBERS[:, 0]])
    estimator = fitted("CatBoostClassifier", X.astype(object), TARGET > 0, {"text_features": [0]})
    with pytest.raises(ValueError, match=r"CatBoostClassifier: text features \[0\] cannot be ported"):
        from_catboost(estimator)


@pytest.mark.parametrize("loss", ["RMSEWithUncertainty", "MultiQuantile:alpha=0.1,0.5"])
def test_several_numbers_have_no_port(loss: str) -> None:
    estimator = fitted("CatBoostRegressor", NUMBERS, TARGET, loss_function=loss)
    with pytest.raises(
        ValueError, match=r"CatBoostRegressor: loss_function='.*' predicts 2 numbers; fit one"
    ):
        from_catboost(estimator)


def test_several_labels_have_no_port() -> None:
    y = np.stack([TARGET > 0, TARGET < 1], axis=1).astype(int)
    estimator = fitted("CatBoostClassifier", NUMBERS, y, loss_function="MultiLogloss")
    with pytest.raises(
        ValueError, match=r"CatBoostClassifier: loss_function='MultiLogloss' on 2 .* use 'Logloss'"
    ):
        from_catboost(estimator)


def test_one_class_has_no_port() -> None:
    estimator = fitted(
        "CatBoostClassifier", NUMBERS, np.ones(N), allow_const_label=True, loss_function="Logloss"
    )
    with pytest.raises(ValueError, match=r"CatBoostClassifier: .* on 1 classes cannot .* on two or more"):
        from_catboost(estimator)


def test_another_probability_threshold_has_no_port() -> None:
    estimator = fitted("CatBoostClassifier", NUMBERS, TARGET > 0)
    estimator.set_probability_threshold(0.25)
    with pytest.raises(ValueError, match=r"threshold of 0.25 cannot .* set_probability_threshold\(None\)"):
        from_catboost(estimator)
    estimator.set_probability_threshold(None)
    check(estimator, NUMBERS)
