"""Powers of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from tests.cases import Case
from tests.models.test_tree import IRIS, SPECIES

SIGNED = (IRIS - IRIS.mean(axis=0)).astype(np.float32)


def fitted(X: Any = IRIS, **options: Any) -> Any:
    return PowerTransformer(**options).fit(X.astype(float))


CASES = [
    Case("power_signed", fitted(SIGNED), SIGNED),
    Case("power_positive", fitted(method="box-cox", standardize=False), IRIS),
]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 100.0])
def test_answers_are_scikit_learns(method: str, standardize: bool, scale: float) -> None:
    X = (scale * (SIGNED if method == "yeo-johnson" else IRIS)).astype(np.float32)
    estimator = fitted(X, method=method, standardize=standardize)
    program = mm.transpile(estimator, name="power")
    expected = estimator.transform(X.astype(float))
    assert (np.abs(program.transform(X) - expected) < 2e-5 * np.ptp(expected, axis=0)).all()
    report = program.verify(X)
    assert report, str(report)


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("power", [-2.0, 0.0, 1e-17, 1e-8, 1e-3, 0.5, 1.0, 1.999, 2 - 1e-8, 2.0, 3.0])
def test_powers_near_those_of_a_logarithm(method: str, power: float) -> None:
    X = SIGNED if method == "yeo-johnson" else IRIS
    estimator = fitted(X, method=method, standardize=False)
    estimator.lambdas_ = np.full(4, power)
    program = mm.transpile(estimator, name="power")
    expected = estimator.transform(X.astype(float))
    np.testing.assert_allclose(program.transform(X), expected, rtol=5e-6, atol=1e-6)
    np.testing.assert_array_less(np.abs(program.transform(X) - expected), program.model.tolerance(X) + 1e-12)


@pytest.mark.parametrize("model", [LogisticRegression(), DecisionTreeClassifier(max_depth=3, random_state=0)])
def test_before_a_model(model: Any) -> None:
    pipeline = make_pipeline(PowerTransformer(), model).fit(IRIS.astype(float), SPECIES)
    report = mm.verify(pipeline, IRIS)
    assert report, str(report)


def test_what_cannot_be_ported() -> None:
    estimator = fitted()
    estimator.lambdas_ = np.full(4, np.nan)
    with pytest.raises(ValueError, match="a power that is not finite; fit it on features with numbers"):
        mm.transpile(estimator, name="no")
