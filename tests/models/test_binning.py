"""Bins and categories: numbers of them, or ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
)

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

WHOLE = np.floor(IRIS)


def bins(**options: Any) -> KBinsDiscretizer:
    return KBinsDiscretizer(4, **{"encode": "ordinal", "subsample": None, **options})


def case(name: str, estimator: Any, X: np.ndarray = IRIS) -> Case:
    return Case(name, estimator.fit(X.astype(float), SPECIES), X.astype(np.float32))


FLOAT = [
    case("bin_ordinal", bins()),
    case("bin_hot", bins(encode="onehot-dense")),
    case("bin_category", OneHotEncoder(handle_unknown="ignore"), WHOLE),
]
CASES = [*FLOAT, *integer_cases(FLOAT[1:], ("int16",))]

ESTIMATORS = [
    (Binarizer(), IRIS - 3),
    (Binarizer(threshold=2.5), IRIS),
    (Binarizer(threshold=float(np.float32(0.2))), IRIS),
    (bins(), IRIS),
    (bins(strategy="uniform"), IRIS),
    (bins(strategy="kmeans", encode="onehot"), IRIS),
    (bins(encode="onehot-dense"), WHOLE),
    (OneHotEncoder(), WHOLE),
    (OneHotEncoder(drop="if_binary", sparse_output=False), WHOLE),
    (OneHotEncoder(drop=[5, 3, 4, 1], handle_unknown="ignore"), WHOLE),
    (OneHotEncoder(categories=[[4, 5], [2, 3], [1, 5], [0, 1, 2]], handle_unknown="ignore"), WHOLE),
    (OrdinalEncoder(), WHOLE),
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7), WHOLE),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "X"), ESTIMATORS, ids=lambda v: str(v)[:60] if hasattr(v, "fit") else ""
)
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_answers_are_scikit_learns(estimator: Any, X: np.ndarray, dtype: str) -> None:
    X = X.astype(np.float32)
    fitted = estimator.fit(X[::2].astype(float))
    if dtype == "int16" and getattr(estimator, "strategy", "") == "uniform":
        pytest.skip("edges between two floats next to each other, on which the data lie")
    program = mm.transpile(fitted, name="bins", dtype=dtype, calibration=X)
    rows = X if getattr(estimator, "handle_unknown", "ignore") != "error" else X[::2]
    expected = fitted.transform(rows.astype(float))
    expected = expected.toarray() if hasattr(expected, "toarray") else expected
    np.testing.assert_array_equal(program.transform(rows), expected)


def test_every_edge_is_exact() -> None:
    for estimator in (bins(), Binarizer(threshold=0.1), OneHotEncoder(handle_unknown="ignore")):
        X = WHOLE if isinstance(estimator, OneHotEncoder) else IRIS
        report = mm.verify(estimator.fit(X.astype(float)), X.astype(np.float32))
        assert report, str(report)
        assert report.agreement == 1.0


@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
@pytest.mark.parametrize(
    "estimator", [bins(encode="onehot"), bins(), Binarizer(threshold=2)], ids=lambda e: str(e)[:40]
)
def test_before_a_model(estimator: Any, dtype: str) -> None:
    pipeline = make_pipeline(estimator, LogisticRegression()).fit(IRIS.astype(float), SPECIES)
    program = mm.transpile(pipeline, name="bins", dtype=dtype, calibration=IRIS, min_agreement=0.98)
    assert program.verify(IRIS)


@pytest.mark.parametrize(
    ("estimator", "X", "message"),
    [
        (
            OneHotEncoder(),
            np.array([["a"], ["b"]], object),
            "OneHotEncoder of texts cannot be ported; number",
        ),
        (OneHotEncoder(min_frequency=2), WHOLE, "min_frequency or max_categories cannot be ported; group"),
        (OrdinalEncoder(), np.array([[1.0], [np.nan]]), "a missing value as a category .* SimpleImputer"),
        (OrdinalEncoder(), np.array([[0.1], [0.2]]), "no float32 cannot be ported; use integers"),
        (
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
            WHOLE,
            r"unknown_value=nan\) cannot be ported; use a number",
        ),
    ],
)
def test_what_cannot_be_ported(estimator: Any, X: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mm.transpile(estimator.fit(X), name="no")


def test_probabilities_behind_edges_that_roundings_decide() -> None:
    """Edges are rows' own numbers, here behind a power that no two libraries round alike."""
    estimator = make_pipeline(
        PowerTransformer(), KBinsDiscretizer(4, encode="ordinal"), LogisticRegression()
    ).fit(IRIS, SPECIES)
    assert mm.transpile(estimator).verify(IRIS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("encode", ["ordinal", "onehot-dense"])
def test_features_that_have_one_bin_each(encode: str) -> None:
    """Nothing is compared, and no variable is left over."""
    X = np.ones((20, 2), np.float32)
    one = KBinsDiscretizer(3, encode=encode, strategy="uniform").fit(X.astype(float))
    assert mm.verify(one, X)
