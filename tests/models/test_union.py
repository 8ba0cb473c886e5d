"""Transformers side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import HOLES, IRIS, SPECIES

MIXED = np.column_stack([IRIS[:, :3], np.floor(IRIS[:, 3])]).astype(np.float32)
HOT = OneHotEncoder(handle_unknown="ignore")


def columns(*parts: Any, **options: Any) -> ColumnTransformer:
    return ColumnTransformer([(str(i), *part) for i, part in enumerate(parts)], **options)


NUMBERS_AND_CATEGORIES = columns((make_pipeline(SimpleImputer(), StandardScaler()), [2, 0, 1]), (HOT, [3]))
SIDES = FeatureUnion(
    [("pca", PCA(2)), ("scaled", StandardScaler()), ("best", SelectKBest(k=1)), ("no", "drop")],
    transformer_weights={"pca": 2.0},
)
FLOAT = [
    Case("union_columns", columns((PCA(2), [2, 0, 1]), (HOT, [3])).fit(MIXED.astype(float)), MIXED),
    Case(
        "union_model",
        make_pipeline(NUMBERS_AND_CATEGORIES, LogisticRegression()).fit(MIXED.astype(float), SPECIES),
        MIXED,
    ),
]
CASES = [*FLOAT, *integer_cases(FLOAT[1:], ("int16",))]


@pytest.mark.parametrize(
    "estimator",
    [
        columns((StandardScaler(), [2, 0]), (MinMaxScaler(), [1]), remainder="passthrough"),
        columns((StandardScaler(), [2, 0]), ("drop", [1]), (MinMaxScaler(), [0]), ("passthrough", [3])),
        columns((PCA(2), [2, 0, 1]), (HOT, [3])),
        columns((PolynomialFeatures(), [2, 0]), (Normalizer(), [1, 2]), remainder="passthrough"),
        columns((make_pipeline(StandardScaler(), PCA(1)), [0, 3]), remainder=Binarizer(threshold=2)),
        columns((StandardScaler(), [1]), (PCA(2), []), transformer_weights={"0": -3.0}),
        NUMBERS_AND_CATEGORIES,
        SIDES,
        FeatureUnion([("all", "passthrough"), ("products", PolynomialFeatures(2, include_bias=False))]),
    ],
    ids=lambda e: "".join(str(e).split())[:60],
)
def test_answers_are_scikit_learns(estimator: Any) -> None:
    fitted = estimator.fit(MIXED.astype(float), SPECIES)
    program = mm.transpile(fitted, name="sides")
    expected = fitted.transform(MIXED.astype(float))
    np.testing.assert_allclose(program.transform(MIXED), expected, rtol=1e-5, atol=1e-5)
    report = program.verify(MIXED)
    assert report, str(report)


def test_maps_of_single_features_are_one() -> None:
    scaled = columns((StandardScaler(), [2, 0]), (MinMaxScaler(), [1]), remainder="passthrough")
    assert type(mm.transpile(scaled.fit(IRIS.astype(float)), name="one").model).__name__ == "Scaled"
    behind = make_pipeline(scaled, LogisticRegression()).fit(IRIS.astype(float), SPECIES)
    assert "stage" not in mm.port(behind, name="one")  # in the weights


@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize("sides", [NUMBERS_AND_CATEGORIES, SIDES], ids=["columns", "union"])
def test_before_a_model(sides: Any, dtype: str) -> None:
    pipeline = make_pipeline(sides, LogisticRegression()).fit(MIXED.astype(float), SPECIES)
    program = mm.transpile(pipeline, name="sides", dtype=dtype, calibration=MIXED)
    report = program.verify(MIXED)
    assert report, str(report)
    assert report.agreement > 0.99


def test_a_frame_of_columns() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(MIXED.astype(float), columns=list("abcd"))
    parts = ColumnTransformer([("n", StandardScaler(), ["c", "a"]), ("k", HOT, ["d"])])
    for estimator in (parts, make_pipeline(parts, LogisticRegression())):
        fitted = estimator.fit(frame, SPECIES)
        program = mm.transpile(fitted, name="frame")
        assert program.verify(MIXED)


def test_a_missing_value_is_filled_in_its_column_only() -> None:
    parts = columns((SimpleImputer(add_indicator=True), [0, 2]), (SimpleImputer(strategy="median"), [1, 3]))
    fitted = make_pipeline(parts, LogisticRegression(max_iter=500)).fit(HOLES.astype(float), SPECIES)
    program = mm.transpile(fitted, name="holes")
    assert program.model.input.missing
    assert program.verify(HOLES)


def test_what_cannot_be_ported() -> None:
    with pytest.raises(ValueError, match="ColumnTransformer gives no features"):
        mm.transpile(columns(("drop", [0])).fit(IRIS), name="no")


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_curves_and_products_beside_each_other_in_integers(dtype: str) -> None:
    parts = columns(
        (make_pipeline(StandardScaler(), PolynomialFeatures()), [0, 2]),
        (make_pipeline(PowerTransformer(), StandardScaler()), [1]),
        (RBFSampler(gamma=0.1, n_components=9, random_state=0), [3, 1]),
    )
    fitted = make_pipeline(parts, LogisticRegression(max_iter=900)).fit(IRIS.astype(float), SPECIES)
    program = mm.transpile(fitted, name="beside", dtype=dtype, calibration=IRIS, min_agreement=0.97)
    report = program.verify(IRIS)
    assert report, str(report)
