"""A ColumnTransformer that fills in some columns: NaN in these was not followed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, StandardScaler

import micromlgen as mm

IRIS, SPECIES = load_iris(return_X_y=True)
HOLES = IRIS.astype(np.float32)
HOLES[:, :2][np.random.default_rng(0).random((len(IRIS), 2)) < 0.2] = np.nan
#: With a category, of which no encoder knows a 0.
CODED = np.column_stack([HOLES, 1 + SPECIES // 2]).astype(np.float32)


def fitted(others: list[tuple[str, Any, list[int]]], last: Any, X: np.ndarray = HOLES) -> Any:
    filled = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(ColumnTransformer([("filled", filled, [0, 1]), *others]), last).fit(
        X.astype(float), SPECIES
    )


@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize(
    ("others", "last", "X"),
    [
        ([("same", "passthrough", [2, 3])], LogisticRegression(max_iter=500), HOLES),
        # 0 times NaN is NaN: products take their own features alone.
        (
            [("clip", MinMaxScaler(clip=True), [2]), ("pca", PCA(1), [2, 3])],
            KNeighborsClassifier(),
            HOLES,
        ),
        (
            [("poly", PolynomialFeatures(), [3, 2])],
            GradientBoostingClassifier(n_estimators=3, random_state=0),
            HOLES,
        ),
        (
            [("code", OneHotEncoder(sparse_output=False), [4]), ("same", "passthrough", [2])],
            LogisticRegression(max_iter=500),
            CODED,
        ),
    ],
    ids=["logistic", "neighbors", "boosting", "categories"],
)
def test_it_is_followed_there(others: Any, last: Any, X: np.ndarray, dtype: str) -> None:
    pipeline = fitted(others, last, X)
    program = mm.transpile(pipeline, name="some", dtype=dtype, calibration=None if dtype == "float32" else X)
    assert np.isnan(X).any()
    np.testing.assert_array_equal(program.predict(X), pipeline.predict(X.astype(float)))
    report = program.verify(X)
    assert report, str(report)
    assert "of features 0, 1" in program.header


def test_elsewhere_it_is_refused() -> None:
    program = mm.transpile(fitted([("same", "passthrough", [2, 3])], LogisticRegression(max_iter=500)))
    X = HOLES.copy()
    X[5, 3] = np.nan
    with pytest.raises(
        ValueError, match="X has NaN in feature 3, where the estimator takes none; fill it in"
    ):
        program.predict(X)


def test_a_header_without_it_is_smaller() -> None:
    pipeline = fitted([("same", "passthrough", [2, 3])], LogisticRegression(max_iter=500))
    program = mm.transpile(pipeline, name="some", missing="never")
    assert "of features 0, 1" not in program.header
    with pytest.raises(ValueError, match="X has NaN, which this header does not follow"):
        program.predict(HOLES)
