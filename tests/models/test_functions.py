"""Functions of numpy, of each feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.models._elementary import FUNCTIONS
from tests.cases import Case
from tests.models.test_tree import IRIS, SPECIES


def fitted(function: Any, **options: Any) -> Any:
    return FunctionTransformer(function, **options).fit(IRIS.astype(float))


CASES = [Case(f"function_{name}", fitted(getattr(np, name)), IRIS) for name in ("sqrt", "log1p", "expm1")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_answers_are_numpys(name: str) -> None:
    program = mm.transpile(fitted(getattr(np, name)), name="function")
    expected = getattr(np, name)(IRIS.astype(float))
    np.testing.assert_allclose(program.transform(IRIS), expected, rtol=2e-6, atol=2e-6)
    report = program.verify(IRIS)
    assert report, str(report)


@pytest.mark.parametrize("model", [LogisticRegression(), DecisionTreeClassifier(max_depth=3, random_state=0)])
def test_before_a_model(model: Any) -> None:
    pipeline = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), model)
    report = mm.verify(pipeline.fit(IRIS.astype(float), SPECIES), IRIS)
    assert report, str(report)


def test_small_numbers_keep_their_digits() -> None:
    """Of 1 + x or exp(x) - 1 nothing would be left in float32."""
    X = np.geomspace(1e-12, 1e-3, 40, dtype=np.float32)[:, None] * np.array([[1, -1]], np.float32)
    for name in ("log1p", "expm1"):
        program = mm.transpile(FunctionTransformer(getattr(np, name)).fit(X), name="small")
        assert (program.model.rounding(X) < 1e-5 * np.abs(X)).all()
        assert program.verify(X)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            fitted(np.tan),
            "with this function cannot be ported; compute it in the sketch",
        ),
        (fitted(np.log, kw_args={"where": True}), "with this function cannot be ported"),
        (fitted(lambda X: X), "with this function cannot be ported"),
    ],
)
def test_what_cannot_be_ported(estimator: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mm.transpile(estimator, name="no")
