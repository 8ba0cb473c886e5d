"""Numbers in the place of what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.models.imputation import hole_of
from tests.cases import Case
from tests.models.test_tree import HOLES, IRIS, SPECIES

MARKED = np.where(np.isnan(HOLES), -1, HOLES).astype(np.float32)
#: The second feature is always missing.
EMPTY = np.where([False, True, False, False], np.nan, HOLES).astype(np.float32)

CASES = [
    Case("imp_mean", SimpleImputer().fit(HOLES.astype(float)), HOLES),
    Case("imp_flags", SimpleImputer(add_indicator=True).fit(HOLES.astype(float)), HOLES),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (SimpleImputer(), HOLES),
        (SimpleImputer(strategy="median"), HOLES),
        (SimpleImputer(strategy="most_frequent"), HOLES),
        (SimpleImputer(strategy="constant", fill_value=-3.5), HOLES),
        (SimpleImputer(), EMPTY),
        (SimpleImputer(keep_empty_features=True), EMPTY),
        (SimpleImputer(add_indicator=True), EMPTY),
        (SimpleImputer(missing_values=-1), MARKED),
        (SimpleImputer(missing_values=0, add_indicator=True), np.rint(IRIS)),
    ],
    ids=lambda v: str(v) if hasattr(v, "fit") else "",
)
def test_answers_are_scikit_learns(estimator: Any, X: np.ndarray) -> None:
    fitted = estimator.fit(X.astype(float))
    program = mm.transpile(fitted, name="filled")
    np.testing.assert_array_equal(program.transform(X), fitted.transform(X.astype(float)).astype(np.float32))
    assert program.verify(X.astype(np.float32))


@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
def test_before_a_model(dtype: str) -> None:
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    fitted = pipeline.fit(HOLES.astype(float), SPECIES)
    program = mm.transpile(fitted, name="filled", dtype=dtype, calibration=HOLES, min_agreement=0.98)
    assert program.model.input.missing
    assert [type(s).__name__ for s in program.model.stages] == ["Imputed"]  # the scaler is in the weights
    report = program.verify(HOLES)
    assert report, str(report)
    assert report.agreement > 0.98


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({"missing_values": 0.1}, np.array([[0.1], [1.0]]), "missing_values=0.1.* use one that it has"),
        ({"strategy": "most_frequent"}, np.array([["a"], [np.nan]], object), "SimpleImputer of texts"),
        (
            {"missing_values": "", "strategy": "most_frequent"},
            np.array([["a"], [""]], object),
            "missing_values=''.* use a number",
        ),
    ],
)
def test_what_cannot_be_ported(options: Any, X: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mm.transpile(SimpleImputer(**options).fit(X), name="no")


@pytest.mark.parametrize("hole", [-1, 0])
def test_a_number_that_means_missing_before_trees(hole: float) -> None:
    """It is filled in before thresholds are asked: what is filled in does not rise with the feature."""
    X = np.where(np.isnan(HOLES), hole, HOLES - IRIS.mean(axis=0).round()).astype(np.float32)
    tree = DecisionTreeClassifier(random_state=0)
    fitted = make_pipeline(SimpleImputer(missing_values=hole), tree).fit(X.astype(float), SPECIES)
    assert mm.verify(fitted, X)


def test_pandas_has_an_nan_of_its_own() -> None:
    pd = pytest.importorskip("pandas")
    assert hole_of(SimpleImputer(missing_values=pd.NA)) is None


@pytest.mark.parametrize("model", [GaussianNB(), DecisionTreeClassifier(random_state=0)], ids=str)
def test_a_number_that_means_missing_in_integers(model: Any) -> None:
    fitted = make_pipeline(SimpleImputer(missing_values=-1), model).fit(MARKED.astype(float), SPECIES)
    program = mm.transpile(fitted, name="marked", dtype="int16", calibration=MARKED)
    assert program.quantize(MARKED).min() == -32768
    report = program.verify(MARKED)
    assert report, str(report)
