"""HistGradientBoostingClassifier and HistGradientBoostingRegressor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn._loss import HalfTweedieLoss
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from micromlgen.models._boosted import Boosted
from micromlgen.models._hist import from_hist_gradient_boosting
from tests.importers import oracle

RNG = np.random.default_rng(0)
N = 400


def mixed() -> tuple[np.ndarray, np.ndarray]:
    """Numbers and, in columns 1 and 3, categories: small and scattered integers. The target uses them all."""
    X = RNG.normal(size=(N, 4)).astype(np.float32)
    X[:, 1] = RNG.integers(7, size=N)
    X[:, 3] = RNG.choice([-40, -1, 0, 33, 1_000_003], size=N)
    return X, X[:, 0] + 2 * np.isin(X[:, 1], [1, 4, 6]) - 3 * (X[:, 3] == 33) + (X[:, 2] > 0.3)


def with_holes(X: np.ndarray, share: float = 0.15) -> np.ndarray:
    return np.where(np.random.default_rng(1).random(X.shape) < share, np.nan, X).astype(np.float32)


MIXED, TARGET = mixed()
HOLES = with_holes(MIXED)
THIRD = np.digitize(TARGET, np.quantile(TARGET, [0.3, 0.6]))
OPTIONS = {
    "plain": {},
    "stopped early": {"early_stopping": True, "n_iter_no_change": 2, "validation_fraction": 0.3},
    "rate": {"learning_rate": 0.9, "l2_regularization": 1.0, "max_leaf_nodes": None, "max_depth": 4},
    "few bins": {"max_bins": 7},
    "interactions": {"interaction_cst": [{0, 1}, {2, 3}]},
    "one tree": {"max_iter": 1},
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other take most of the time on data as small as this."""
    with threadpool_limits(1):
        yield


def fitted(cls: type, X: Any, y: np.ndarray, **options: Any) -> Any:
    return cls(
        **{"max_iter": 12, "random_state": 0, "min_samples_leaf": 5, "categorical_features": None, **options}
    ).fit(X, y)


def check(estimator: Any, X: np.ndarray) -> Boosted:
    """The estimator's `Boosted`, whose answers are its own."""
    boosted = from_hist_gradient_boosting(estimator)
    edges = oracle.edge_rows(boosted, X, missing=True)
    raw = oracle.raw_scores(boosted, edges)
    expected = estimator._raw_predict(edges.astype(np.float64))
    np.testing.assert_allclose(raw, expected, rtol=1e-12, atol=1e-13)
    if boosted.classes is None:
        np.testing.assert_allclose(oracle.answers(boosted, edges), estimator.predict(edges), rtol=1e-9)
    else:
        np.testing.assert_allclose(
            oracle.answers(boosted, edges), estimator.predict_proba(edges), rtol=1e-9, atol=1e-12
        )
        np.testing.assert_array_equal(oracle.labels(boosted, edges), estimator.predict(edges))
    return boosted


@pytest.mark.parametrize("X", [MIXED, HOLES], ids=["present", "holes"])
@pytest.mark.parametrize("categorical", [None, [1, 3]], ids=["numbers", "categories"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options(options: dict[str, Any], categorical: Any, X: np.ndarray) -> None:
    options = {**options, "categorical_features": categorical}
    two = fitted(HistGradientBoostingClassifier, X, np.array(["no", "yes"])[(THIRD > 1) + 0], **options)
    three = fitted(HistGradientBoostingClassifier, X, THIRD * 10 - 7, **options)
    number = fitted(HistGradientBoostingRegressor, X, TARGET, **options)
    for boosted in (check(two, X), check(three, X), check(number, X)):
        assert boosted.missing == (X is HOLES)
        assert (boosted.categories is not None) == (categorical is not None)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "squared_error"},
        {"loss": "absolute_error"},
        {"loss": "gamma"},
        {"loss": "poisson"},
        {"loss": "quantile", "quantile": 0.8},
        {"loss": HalfTweedieLoss(power=1.5)},
    ],
    ids=lambda options: str(options["loss"]).partition(" ")[0],
)
def test_losses(options: dict[str, Any]) -> None:
    check(fitted(HistGradientBoostingRegressor, MIXED, np.exp(TARGET / 2), **options), MIXED)


def test_a_score_of_zero_is_the_first_class() -> None:
    X = np.zeros((N, 1), np.float32)
    boosted = check(fitted(HistGradientBoostingClassifier, X, np.arange(N) % 2), X)
    assert not oracle.raw_scores(boosted, X).any()
    assert not oracle.labels(boosted, X).any()


def test_monotonic_constraints() -> None:
    check(fitted(HistGradientBoostingRegressor, HOLES, TARGET, monotonic_cst=[1, 0, -1, 0]), HOLES)


def test_missing_against_present_is_a_threshold_of_infinity() -> None:
    X = np.where(np.arange(200)[:, None] % 2, np.nan, 1.0 + np.arange(200)[:, None] % 4)
    boosted = check(fitted(HistGradientBoostingClassifier, X, np.arange(200) % 2), X.astype(np.float32))
    assert np.isposinf(boosted.threshold).any()
    assert boosted.missing


@pytest.mark.parametrize("categorical", [[True, False], [True, True], [False, True]])
def test_columns_keep_their_places(categorical: list[bool]) -> None:
    X = MIXED[:, [1, 3]]
    boosted = check(fitted(HistGradientBoostingRegressor, X, TARGET, categorical_features=categorical), X)
    tested = np.array([left is not None for left in boosted.categories.left])
    for f, of_categories in enumerate(categorical):
        inner = (boosted.nodes.left >= 0) & (boosted.feature == f)
        assert inner.any()
        assert (tested[inner] == of_categories).all()


def test_columns_of_a_frame() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(HOLES, columns=list("abcd")).astype({"b": "category", "d": "category"})
    frame.insert(0, "flag", TARGET > 1)
    estimator = fitted(HistGradientBoostingRegressor, frame, TARGET, categorical_features="from_dtype")
    boosted = from_hist_gradient_boosting(estimator)
    edges = oracle.edge_rows(boosted, frame.to_numpy(np.float32), missing=True)
    with pytest.warns(UserWarning, match="valid feature names"):
        expected = estimator.predict(edges.astype(np.float64))
    np.testing.assert_allclose(oracle.answers(boosted, edges), expected, rtol=1e-12)
    assert set(np.unique(boosted.feature)) == {0, 1, 2, 3, 4}


def test_as_many_categories_as_there_can_be() -> None:
    X = (np.arange(5100) % 255)[:, None] * 3.0 - 100
    y = RNG.normal(size=255)[np.arange(5100) % 255]
    estimator = fitted(HistGradientBoostingRegressor, X, y, categorical_features=[0])
    boosted = check(estimator, X.astype(np.float32))
    assert len(next(filter(None, boosted.categories.known))) == 255


def test_unused_categories_need_no_tests() -> None:
    X = np.column_stack([MIXED[:, 0], np.full(N, 4.0)])
    assert (
        check(fitted(HistGradientBoostingRegressor, X, TARGET, categorical_features=[1]), X).categories
        is None
    )


def test_a_missing_category_shows() -> None:
    X = np.column_stack([MIXED[:, 0], np.where(np.arange(N) == 5, np.nan, 4.0)])
    estimator = fitted(HistGradientBoostingRegressor, X, TARGET, categorical_features=[1])
    assert from_hist_gradient_boosting(estimator).missing


@pytest.mark.parametrize("category", ["red", 0.5, 2.0**24, 1e300], ids=str)
def test_categories_that_are_no_small_integers_are_refused(category: Any) -> None:
    X = np.full((N, 2), category, object)
    X[:, 0] = np.arange(N)
    X[: N // 2, 1] = "blue" if isinstance(category, str) else 3.0
    estimator = fitted(HistGradientBoostingRegressor, X, TARGET, categorical_features=[1])
    with pytest.raises(
        ValueError,
        match=r"HistGradientBoostingRegressor: categorical_features .* \(column 1\).* integers below",
    ):
        from_hist_gradient_boosting(estimator)
