"""Products of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import micromlgen as mm
from tests.cases import Case
from tests.models.test_tree import IRIS

CASES = [
    Case("poly_cubic", PolynomialFeatures(3).fit(IRIS.astype(float)), IRIS),
    Case("poly_pairs", PolynomialFeatures(2, interaction_only=True).fit(IRIS.astype(float)), IRIS),
]


@pytest.mark.parametrize("degree", [1, 2, 4, (1, 3), (0, 2)])
@pytest.mark.parametrize("interaction_only", [False, True])
@pytest.mark.parametrize("include_bias", [False, True])
def test_answers_are_scikit_learns(degree: Any, interaction_only: bool, include_bias: bool) -> None:
    estimator = PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=include_bias)
    fitted = estimator.fit(IRIS)
    program = mm.transpile(fitted, name="products")
    np.testing.assert_allclose(program.transform(IRIS), fitted.transform(IRIS.astype(float)), rtol=1e-6)
    assert program.verify(IRIS[:20])


def test_a_scaler_behind_products_is_in_the_weights() -> None:
    pipeline = make_pipeline(PolynomialFeatures(), StandardScaler(), Ridge()).fit(
        IRIS[:, :3].astype(float), IRIS[:, 3]
    )
    program = mm.transpile(pipeline, name="products")
    assert [s.source for s in program.model.stages] == ["PolynomialFeatures"]
    assert program.verify(IRIS[:, :3])


def test_what_cannot_be_ported() -> None:
    with pytest.raises(ValueError, match=r"degree=\(2, 3\)\) cannot be ported: .* select after it"):
        mm.transpile(PolynomialFeatures((2, 3)).fit(IRIS), name="no")
    with pytest.raises(
        ValueError, match="PolynomialFeatures cannot be ported in integers; use dtype='float32'"
    ):
        mm.transpile(CASES[0].estimator, name="no", dtype="int16", calibration=IRIS)
