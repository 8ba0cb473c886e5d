"""Ranks among quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.models.quantiles import MIDDLE, TAIL
from micromlgen.verify import agreement
from tests.cases import Case
from tests.models.test_tree import IRIS, SPECIES

NORMAL = np.random.default_rng(0).normal(size=(1500, 3)).astype(np.float32)
SKEWED = np.exp(3 * NORMAL).astype(np.float32)


def fitted(X: Any = IRIS, n: int = 100, distribution: str = "uniform") -> Any:
    return QuantileTransformer(
        n_quantiles=n, output_distribution=distribution, subsample=10_000, random_state=0
    ).fit(X.astype(float))


CASES = [
    Case("quantiles_uniform", fitted(n=20), IRIS),
    Case("quantiles_normal", fitted(NORMAL[:200], 40, "normal"), NORMAL[:200]),
]


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("n", [10, 1000])
@pytest.mark.parametrize("X", [NORMAL, SKEWED], ids=["normal", "skewed"])
def test_answers_are_scikit_learns(X: Any, n: int, distribution: str) -> None:
    estimator = fitted(X, n, distribution)
    program = mm.transpile(estimator, name="ranks")
    between = (X[:-1] + X[1:]) / np.float32(2)
    expected = estimator.transform(between.astype(float))
    atol = 1e-6 if distribution == "uniform" else 5e-6
    np.testing.assert_allclose(program.transform(between), expected, atol=atol)
    report = program.verify(between[:300])
    assert report, str(report)


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_numbers_that_come_several_times(distribution: str) -> None:
    """Whole numbers, and a feature that is always the same."""
    X = np.stack([np.repeat([0, 1, 2, 3], [10, 40, 40, 11]), np.ones(101)], axis=1).astype(np.float32)
    estimator = fitted(X, 101, distribution)
    program = mm.transpile(estimator, name="ranks")
    rows = np.stack([np.array([-1, 0, 0.5, 1, 1.5, 2, 3, 4]), [0, 1, 1, 2, 1, 0, 1, 2]], axis=1)
    np.testing.assert_allclose(program.transform(rows), estimator.transform(rows), atol=5e-6)
    assert program.verify(rows.astype(np.float32))


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("model", [LogisticRegression(), DecisionTreeClassifier(max_depth=3, random_state=0)])
def test_before_a_model(model: Any, distribution: str) -> None:
    first = QuantileTransformer(n_quantiles=30, output_distribution=distribution)
    report = mm.verify(make_pipeline(first, model).fit(IRIS.astype(float), SPECIES), IRIS)
    assert report, str(report)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), RobustScaler()], ids=str)
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_a_scaler_before_changes_no_number_that_comes_several_times(scaler: Any, distribution: str) -> None:
    """Ranks are those of raw features: the same number is the same number."""
    X = np.rint(IRIS * np.float32([1, 2, 3, 10])) + np.float32([0, 1000, 0, 0])
    ranks = QuantileTransformer(n_quantiles=20, output_distribution=distribution)
    estimator = make_pipeline(scaler, ranks).fit(X.astype(float))
    program = mm.transpile(estimator, name="ranks")
    np.testing.assert_allclose(program.transform(X), estimator.transform(X.astype(float)), atol=5e-6)
    whole = make_pipeline(scaler, ranks, LogisticRegression()).fit(X.astype(float), SPECIES)
    integers = mm.transpile(whole, name="ranks", dtype="int16", calibration=X)
    assert agreement(integers.model, whole, X) == 1.0


def test_the_approximation_of_the_normal_distribution() -> None:
    p = np.geomspace(1e-7, 0.5, 2000)
    polynomial = np.polynomial.polynomial.polyval
    q, r = 0.5 - p, np.sqrt(-np.log(p)) - 1.6
    middle = -q * polynomial(0.180625 - q**2, MIDDLE[0]) / polynomial(0.180625 - q**2, MIDDLE[1])
    tail = -polynomial(r, TAIL[0]) / polynomial(r, TAIL[1])
    np.testing.assert_allclose(np.where(q <= 0.425, middle, tail), ndtri(p), rtol=2e-7, atol=1e-9)


def test_ties_in_integers() -> None:
    """A number that is a quantile is one when it is rounded too, and where several become equal they tie."""
    X = np.stack([np.repeat([0.1, 1.1, 2.3, 3.7], [10, 40, 40, 11]), np.arange(101) / 7], axis=1)
    X = X.astype(np.float32)
    estimator = fitted(X, 101)
    program = mm.transpile(estimator, name="ranks", dtype="int16", calibration=X)
    rows = X[[0, 10, 50, 100]]
    np.testing.assert_allclose(program.transform(rows), estimator.transform(rows.astype(float)), atol=3e-3)
    report = program.verify(X)
    assert report, str(report)
