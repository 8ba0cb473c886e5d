"""Sums of squares of Gaussian densities: no input overflows them, any number of features, cut tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import micromlgen as mm
from micromlgen.boards import CORES, STRICT, core
from micromlgen.calls import twin_calls
from micromlgen.models._gaussian_int import DiagonalIntegers, TriangleIntegers
from micromlgen.verify import boundary_rows
from tests.cases import SANITIZE
from tests.models.test_gaussian import EVERY, FLOAT, naive, rows_of
from tests.models.test_tree import DIGITS, IRIS


def worst(squares: Any, k: int) -> NDArray[Any]:
    """Prepared rows for which what density k squares, or adds up, is largest."""
    low, high = squares.prepared.lowest, -squares.prepared.lowest - 1
    if isinstance(squares, DiagonalIntegers):
        ends = np.array([[low] * squares.prepared.n, [high] * squares.prepared.n])
        farther = np.abs(squares.squared(ends, k)).argmax(axis=0)
        return np.where(farther == 0, low, high)[None]
    signs = np.sign(squares.weights[k].astype(int))
    return np.concatenate([np.where(signs < 0, low, high), np.where(signs > 0, low, high)])


@pytest.mark.parametrize("weights", ["int8", "int16"])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize(
    "name", ["naive", "naive, constant features", "quadratic, regularized", "full", "envelope"]
)
def test_no_input_overflows_a_sum(name: str, dtype: str, weights: str) -> None:
    estimator = EVERY[name]
    X = rows_of(estimator, name)[:150]
    program = mm.transpile(
        estimator, name="model", dtype=dtype, calibration=X, min_agreement=0.0, weights=weights
    )
    squares: Any = program.model.squares  # type: ignore[attr-defined]
    as_it_is = replace(squares.prepared, shift=None, used=None, first=0)
    for k in range(len(squares.bias)):
        rows = worst(squares, k).astype(squares.prepared.dtype)
        assert (replace(squares, prepared=as_it_is).costs(rows) < 2**31).all()
        if isinstance(squares, TriangleIntegers):
            products = rows.astype(object) @ squares.weights[k].astype(object).T + squares.offset[k].astype(
                object
            )
            assert np.abs(products).max() < 2**31
        else:
            bits = squares.bits
            assert np.abs(squares.squared(rows, k)).max() < 1 << (bits - 1)


@pytest.mark.parametrize("name", ["tied", "full", "diag", "bayesian tied", "quadratic", "envelope"])
def test_no_input_overflows_a_score(name: str) -> None:
    estimator = EVERY[name]
    model: Any = mm.transpile(
        estimator, name="model", dtype="int16", calibration=IRIS, min_agreement=0.0
    ).model
    rng = np.random.default_rng(0)
    rows = rng.choice(np.array([-32768, 32767], np.int16), (500, 4))
    if model.matrix is not None:
        signs = np.sign(model.matrix.weights.astype(int))
        rows = np.concatenate([rows, np.where(signs < 0, 32767, -32768), np.where(signs > 0, 32767, -32768)])
    levels = model.levels(rows.astype(np.int16))
    assert np.abs(levels).max() + model.one * np.log(len(levels[0])) < 2**31


def test_the_largest_sum_is_not_far_from_the_limit() -> None:
    """Else the test above would not be worth much."""
    squares: Any = mm.transpile(
        EVERY["naive, digits"], name="model", dtype="int16", calibration=DIGITS
    ).model.squares  # type: ignore[attr-defined]
    rows = np.concatenate([worst(squares, k) for k in range(10)]).astype(np.int16)
    as_it_is = replace(squares, prepared=replace(squares.prepared, shift=None, first=0))
    assert as_it_is.costs(rows).max() > 2**29


def test_tables_are_cut_where_avr_takes_no_more() -> None:
    X = np.random.default_rng(0).normal(size=(60, 1000)).astype(np.float32)
    y = np.arange(60) % 6
    X[np.arange(60), y] += 3
    program = mm.transpile(naive(X, y), name="wide")
    assert program.model.starts == [0, 4]  # type: ignore[attr-defined]
    assert "wide_form4[4000]" in program.header
    calls = twin_calls(program.model, program.header, program.name, X)
    results = core("host").run([each.call for each in calls], flags=("-O1", *STRICT), measure=False)
    assert not any(each.differs(result.y).any() for each, result in zip(calls, results, strict=True))


@pytest.mark.parametrize(
    "where", ["host", *(pytest.param(c, marks=pytest.mark.boards) for c in CORES if c != "host")]
)
def test_squares_of_any_number_of_features(where: str) -> None:
    """Around every count by which loops are unrolled, and beyond what 8 bits count."""
    checks = []
    for n in (1, 2, 3, 5, 6, 7, 8, 257):
        rng = np.random.default_rng(n)
        X = rng.normal(size=(30, n)).astype(np.float32)
        estimator = naive(X + np.eye(30, n), np.arange(30) % 3)
        for dtype, weights in (("float32", None), ("int16", "int16"), ("int8", "int8")):
            program = mm.transpile(
                estimator,
                name=f"n{n}_{dtype}",
                dtype=dtype,
                calibration=X,
                weights=weights,
                min_agreement=0.0,
            )
            Q = program.quantize(X[:6])
            ends = np.resize([Q.max(), Q.min(), 0], (2, n)).astype(Q.dtype)
            rows = np.concatenate([Q, ends])
            checks += twin_calls(program.model, program.header, program.name, rows)
    results = core(where).run([each.call for each in checks], measure=False)
    for each, result in zip(checks, results, strict=True):
        assert not each.differs(result.y).any(), each.call.statement


def test_squares_without_an_fpu() -> None:
    """What cores without one compute, here with sanitizers, and on floats of every size."""
    program = next(case for case in FLOAT if case.name == "gau_naive").transpile()
    rng = np.random.default_rng(0)
    wild = (rng.choice([-1, 1], (2000, 4)) * 10.0 ** rng.uniform(-44, 16, (2000, 4))).astype(np.float32)
    tiny = IRIS * np.float32(1e-38)
    hostile = np.array([[0, -0.0, 1e-45, -1e-40], [3e38, -3e38, 1e19, -1e19]], np.float32)
    X = np.concatenate([IRIS, tiny, hostile, wild])
    X = np.concatenate([X, boundary_rows(program.model, IRIS[:20], 200)])
    flags = (*SANITIZE, "-DMML2_SOFT_SQUARES_")
    calls = twin_calls(program.model, program.header, program.name, X)
    results = core("host").run([each.call for each in calls], flags=(*flags, *STRICT), measure=False)
    for each, result in zip(calls, results, strict=True):
        assert not each.differs(result.y).any()
    # Most rows must have been decided for that to mean anything.
    assert program.model.unsure(X).mean() < 0.5
