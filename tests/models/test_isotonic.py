"""Isotonic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from tests.cases import Case, integer_cases

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-2, 8, (240, 1)).astype(np.float32)
NOISE = RANDOM.normal(0, 0.3, 240)
NEW = np.linspace(-3, 9, 500, dtype=np.float32)[:, None]


def fitted(y: Any, rows: Any = X, **options: Any) -> Any:
    return IsotonicRegression(out_of_bounds="clip", **options).fit(rows.astype(float), y)


RISES = [Case("isotonic_rises", fitted(np.exp(X[:, 0] / 4) + NOISE), X)]
CASES = [
    *RISES,
    *integer_cases(RISES, ("int8",)),
    *integer_cases(
        [Case("isotonic_falls", fitted(1e6 - 100 * X[:, 0] + 90 * NOISE, increasing=False), X)], ("int16",)
    ),
]


@pytest.mark.parametrize("increasing", [True, False, "auto"])
@pytest.mark.parametrize("sign", [1, -1])
def test_answers_are_scikit_learns(increasing: Any, sign: int) -> None:
    estimator = fitted(sign * (np.cbrt(X[:, 0]) + NOISE), increasing=increasing)
    program = mm.transpile(estimator, name="levels")
    report = program.verify(NEW)
    assert report, str(report)
    np.testing.assert_allclose(program.predict(NEW), estimator.predict(NEW.astype(float)), atol=1e-5)


@pytest.mark.parametrize(("dtype", "most"), [("int16", 2e-4), ("int8", 0.01)])
@pytest.mark.parametrize("level", [0.0, -3e5, 1e6])
@pytest.mark.parametrize("away", [0, 1000])
def test_integers_on_rows_that_calibration_has_not_seen(
    dtype: str, most: float, level: float, away: int
) -> None:
    """Values are as fine far from zero as near it."""
    rows = X + np.float32(away)
    y = np.exp(X[:, 0] / 4) + NOISE
    estimator = fitted(level + y, rows)
    program = mm.transpile(estimator, name="levels", dtype=dtype, calibration=rows, min_agreement=0)
    new = NEW + np.float32(away)
    report = program.verify(new)
    assert report, str(report)
    error = np.abs(program.predict(new) - estimator.predict(new.astype(float))) / np.ptp(y)
    assert error.mean() < most


def test_whole_numbers_are_exact_without_calibration() -> None:
    counts = np.repeat(np.arange(-40, 60), 3)[:, None].astype(np.float32)
    y = np.floor(counts[:, 0] / 7) + RANDOM.normal(0, 2, 300)
    estimator = fitted(y, counts)
    program = mm.transpile(estimator, name="counts", dtype="int8")
    every = np.arange(-127, 128, dtype=np.float32)[:, None]
    np.testing.assert_allclose(
        program.predict(every), estimator.predict(every.astype(float)), atol=2e-5 * np.ptp(y)
    )


@pytest.mark.parametrize("y", [np.full(240, 3.0), np.zeros(240)])
def test_constants(y: Any) -> None:
    estimator = fitted(y)
    for options in ({}, {"dtype": "int8", "calibration": X}):
        program = mm.transpile(estimator, name="constant", **options)
        np.testing.assert_allclose(program.predict(NEW), y[0], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_behind_a_scaler(dtype: str) -> None:
    estimator = make_pipeline(StandardScaler(), IsotonicRegression(out_of_bounds="clip"))
    estimator.fit(X.astype(float), np.cbrt(X[:, 0]) + NOISE)
    program = mm.transpile(estimator, name="scaled", dtype=dtype, calibration=X)
    assert program.verify(NEW[100:400])


@pytest.mark.parametrize("beyond", ["nan", "raise"])
def test_no_answer_beyond_the_training_range(beyond: str) -> None:
    estimator = fitted(X[:, 0].astype(float)).set_params(out_of_bounds=beyond)
    message = rf"^IsotonicRegression\(out_of_bounds='{beyond}'\) has no answer .* use out_of_bounds='clip'"
    with pytest.raises(ValueError, match=message):
        mm.transpile(estimator, name="no")


def test_points_that_float32_does_not_tell_apart() -> None:
    close = 1 + 1e-9 * np.arange(9)[:, None]
    estimator = fitted(np.arange(9.0), close)
    with pytest.raises(ValueError, match=r"^IsotonicRegression has points closer .* subtract their middle"):
        mm.transpile(estimator, name="no")
