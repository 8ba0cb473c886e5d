"""Products of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.verify import agreement
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

FLOAT = [
    Case("poly_cubic", PolynomialFeatures(3).fit(IRIS.astype(float)), IRIS),
    Case("poly_pairs", PolynomialFeatures(2, interaction_only=True).fit(IRIS.astype(float)), IRIS),
]
CUBIC = make_pipeline(StandardScaler(), PolynomialFeatures(3), LogisticRegression(max_iter=300))
CASES = [
    *FLOAT,
    *integer_cases(FLOAT[:1], ("int16",)),
    *integer_cases(FLOAT[1:], ("int8",)),
    *integer_cases([Case("poly_logistic", CUBIC.fit(IRIS.astype(float), SPECIES), IRIS)]),
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


def logistic(*stages: Any, degree: int = 2) -> Any:
    return make_pipeline(*stages, PolynomialFeatures(degree), LogisticRegression(max_iter=300))


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize(
    ("pipeline", "load"),
    [
        (logistic(StandardScaler()), load_breast_cancer),
        (logistic(StandardScaler(), degree=3), load_iris),
        (
            make_pipeline(PolynomialFeatures(2, interaction_only=True), StandardScaler(), Ridge()),
            load_diabetes,
        ),
        (make_pipeline(PolynomialFeatures(2), DecisionTreeClassifier(random_state=0)), load_iris),
    ],
    ids=["cancer", "iris", "diabetes", "tree"],
)
def test_rows_that_calibration_did_not_see(pipeline: Any, load: Any, dtype: str) -> None:
    X, y = load(return_X_y=True)
    known, other, own, _ = train_test_split(X.astype(np.float32), y, random_state=0)
    estimator = pipeline.fit(known.astype(float), own)
    program = mm.transpile(estimator, name="products", dtype=dtype, calibration=known, min_agreement=0.97)
    assert agreement(program.model, estimator, other) >= (0.99 if dtype == "int16" else 0.95)
    report = program.verify(other[:30])
    assert report, str(report)


@pytest.mark.parametrize("interaction_only", [False, True])
@pytest.mark.parametrize("include_bias", [False, True])
@pytest.mark.parametrize("degree", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_integers_alone(dtype: str, degree: int, include_bias: bool, interaction_only: bool) -> None:
    """Within two roundings of each factor; extremes stay in int32."""
    fitted = PolynomialFeatures(degree, include_bias=include_bias, interaction_only=interaction_only).fit(
        IRIS
    )
    program = mm.transpile(fitted, name="products", dtype=dtype, calibration=IRIS, min_agreement=0)
    expected = fitted.transform(IRIS.astype(float))
    half = 0.5 * program.model.input.unit.max()
    allowed = fitted.transform(IRIS + 2.0 * half) - expected + program.model.output_scale * 16
    assert (np.abs(program.transform(IRIS) - expected) <= allowed).all()
    for lowest in (-program.model.input.highest, np.iinfo(dtype).min):
        rows = np.full((1, 4), lowest, dtype)
        real = fitted.transform(rows.astype(float) * program.model.input.unit)
        found = program.predict_index(rows) * program.model.output_scale
        np.testing.assert_allclose(found, real, rtol=1e-3)


def test_what_cannot_be_ported() -> None:
    with pytest.raises(ValueError, match=r"degree=\(2, 3\)\) cannot be ported: .* select after it"):
        mm.transpile(PolynomialFeatures((2, 3)).fit(IRIS), name="no")
