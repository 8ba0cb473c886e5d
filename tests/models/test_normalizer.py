"""Rows of length one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.calls import twin_calls
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

ROWS = np.concatenate([IRIS - 3, np.zeros((1, 4)), np.full((1, 4), 1e-12), np.full((1, 4), 1e12)]).astype(
    np.float32
)
DIGITS, DIGIT = load_digits(return_X_y=True)
DIGITS = DIGITS.astype(np.float32)
WINE = load_wine().data
FLOAT = [Case("norm_l2", Normalizer().fit(ROWS), ROWS), Case("norm_max", Normalizer("max").fit(ROWS), ROWS)]
ROW = make_pipeline(Normalizer("l1"), LogisticRegression()).fit(IRIS.astype(float), SPECIES)
CASES = [
    *FLOAT,
    *integer_cases([Case("norm_wine", Normalizer().fit(WINE), WINE[:60].astype(np.float32))], ("int16",)),
    *integer_cases([Case("norm_l1_logistic", ROW, IRIS)], ("int8",)),
]


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_answers_are_scikit_learns(norm: Any) -> None:
    fitted = Normalizer(norm).fit(ROWS)
    program = mm.transpile(fitted, name="row")
    np.testing.assert_allclose(program.transform(ROWS), fitted.transform(ROWS.astype(float)), rtol=1e-6)
    report = program.verify(ROWS)
    assert report, str(report)


def test_before_a_model() -> None:
    pipeline = make_pipeline(Normalizer(), LogisticRegression()).fit(IRIS.astype(float), SPECIES)
    assert mm.verify(pipeline, IRIS)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_rows_that_calibration_did_not_see(norm: Any, dtype: str) -> None:
    known, other, y, _ = train_test_split(DIGITS, DIGIT, random_state=0)
    pipeline = make_pipeline(Normalizer(norm), LinearSVC(random_state=0)).fit(known.astype(float), y)
    program = mm.transpile(pipeline, name="row", dtype=dtype, calibration=known)
    assert np.mean(program.predict(other) == pipeline.predict(other.astype(float))) >= 0.99
    report = program.verify(other[:50])
    assert report, str(report)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_features_of_all_sizes_in_integers(norm: Any) -> None:
    """Errors are small against each feature, whatever its unit; rows of extremes and of nothing included."""
    X = WINE.astype(np.float32)
    fitted = Normalizer(norm).fit(X)
    program = mm.transpile(fitted, name="row", dtype="int16", calibration=X)
    expected = fitted.transform(X.astype(float))
    assert (np.abs(program.transform(X) - expected) <= 3e-4 * np.abs(expected).max(axis=0)).all()
    top = program.model.input.highest
    hostile = np.int16([[0] * 13, [1] * 13, [-32768] * 13, [top] * 13, [top, -top] * 6 + [1]])
    sums = program.model.sums(hostile[[0, 3, 4]])
    assert (sums >= 0).all()
    # By proof: what is added up without a remainder is what uint32 holds.
    size = np.abs(hostile[3].astype(object)) ** (2 if norm == "l2" else 1)
    exact = [int(v * 2 ** int(e)) for v, e in zip(size, program.model.before.astype(float), strict=True)]
    assert (max(exact) if norm == "max" else sum(exact)) < 2**32
    assert (program.predict_index(hostile[:1]) == 0).all()
    pairs = twin_calls(program.model, program.header, program.name, hostile)
    results = core("host").run([p.call for p in pairs], flags=("-O1", *STRICT), measure=False)
    assert not any(p.differs(r.y).any() for p, r in zip(pairs, results, strict=True))
