"""Rows of weights: proofs of their integers, bounds of their floats, and what is not stored of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.models._links import integer_probabilities, probabilities
from micromlgen.models._matrix import Matrix
from micromlgen.models._products import layouts
from micromlgen.models._rounding import rounded_together
from tests.models.test_tree import DIGIT, DIGITS

HOSTILE = {
    "plain": lambda rng, n: (rng.normal(size=(4, n)), rng.normal(size=4)),
    "bias": lambda rng, n: (rng.normal(size=(3, n)) * 1e-3, np.array([1e6, -1e6, 0.0])),
    "all positive": lambda rng, n: (np.ones((2, n)), np.ones(2)),
    "one large": lambda rng, n: (np.where(np.arange(n) == n // 2, 1e6, 1e-3)[None], np.zeros(1)),
    "zero": lambda rng, n: (np.zeros((2, n)), np.array([0.0, 3.0])),
    "nothing": lambda rng, n: (np.zeros((2, n)), np.zeros(2)),
    "unlike": lambda rng, n: (rng.normal(size=(3, n)) * [[1e6], [1.0], [1e-6]], np.array([0.0, 1e3, -1e-3])),
    "tiny": lambda rng, n: (np.full((1, n), 1e-20), np.full(1, 1e-22)),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("n", [1, 2, 64, 2000])
@pytest.mark.parametrize(("dtype", "width"), [("int16", "int16"), ("int16", "int8"), ("int8", "int8")])
@pytest.mark.parametrize("options", [{}, {"by_row": True}, {"whole": True, "finest": 2.0**-30}], ids=str)
def test_no_sum_of_any_input_leaves_32_bits(kind: str, n: int, dtype: Any, width: Any, options: Any) -> None:
    """Inputs chosen against each row: all extremes, the value that stands for NaN included."""
    weights, bias = HOSTILE[kind](np.random.default_rng(n), n)
    inputs = Input(n, dtype, exponents=np.full(n, 3, np.int32))
    if options.get("whole") and max(np.abs(weights).max(), np.abs(bias).max()) > 1e4:
        pytest.skip("units of one or less")
    matrix = Matrix(weights, bias).scaled(inputs, width, **options)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    integers = matrix.weights.astype(np.int64)
    rows = np.concatenate([np.where(integers > 0, a, b) for a, b in ((low, high), (high, low), (-high, low))])
    products = rows @ integers.T
    largest = np.iinfo(np.int32).max
    assert np.abs(products).max() <= largest
    scores = matrix.scores(rows.astype(dtype))
    assert np.abs(scores).max() <= largest
    # No bit is wasted: the weights are as wide as their type, or a sum as large as its.
    fullest = max(np.abs(integers).max() / np.iinfo(width).max, np.abs(scores).max() / largest)
    assert fullest > 0.24 or options.get("finest") or not np.abs(bias).max()
    # And what is left is the score.
    exact = rows @ (weights * inputs.unit).T + bias
    terms = np.abs(rows).sum(axis=1, keepdims=True) / 2 + 2
    shift = 0 if matrix.shift is None else matrix.shift.astype(int)
    off = np.abs(scores * matrix.unit - exact) / matrix.unit
    assert (off <= np.ldexp(terms, -shift) + 2).all()


@pytest.mark.parametrize("n_rows", [20, 1000])
def test_rounding_together_changes_scores_less(n_rows: int) -> None:
    """Also on other rows like those that were known, and of fewer rows than features."""
    weights = LogisticRegression(max_iter=300).fit(DIGITS[:500], DIGIT[:500]).coef_
    known, other = DIGITS[:n_rows], DIGITS[1000:]
    scaled = weights * 127 / np.abs(weights).max()
    together, lost = rounded_together(scaled, known, 127)
    assert np.abs(together).max() <= 127
    assert (together == np.rint(together)).all()
    for rows in (known, other):
        off = rows @ (together - scaled).T + lost
        assert np.std(off) < np.std(rows @ (np.rint(scaled) - scaled).T) / 1.2


def test_rounding_together_keeps_to_the_proof() -> None:
    """Weights whose sum is as large as it may be leave no room for others than the nearest."""
    inputs = Input(600, "int16", exponents=np.zeros(600, np.int32))
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.integers(-3000, 3000, (50, 1)), 600, axis=1).astype(np.int16)
    weights = Matrix(np.full((1, 600), 109.49), np.zeros(1))
    assert abs(rounded_together(weights.weights, rows, 127)[0]).sum() > 600 * 109
    matrix = weights.scaled(inputs, "int8", rows=rows)
    assert matrix.fits(32768)
    assert not replace(matrix, weights=matrix.weights + np.int8(1)).fits(32768)


def test_products_of_neighbors_need_room_beside_a_large_bias() -> None:
    weights, inputs = np.full((3, 8), 1.0), Input(8, "int8", exponents=np.zeros(8, np.int32))
    small = Matrix(weights, np.array([1.0, -2.0, 3.0])).scaled(inputs, "int8")
    kernel, ahead = small.known_ahead("i8", "i8n")
    assert kernel == "i8n"
    np.testing.assert_array_equal(ahead.bias, small.bias - 4 * 127**2)
    large = Matrix(weights, np.array([1e9, 0.0, 0.0])).scaled(inputs, "int8")
    assert large.known_ahead("i8", "i8n") == ("i8", large)
    shifted = Matrix(weights * [[1], [300], [1]], np.array([1e5, 0.0, 0.0])).scaled(
        inputs, "int8", by_row=True
    )
    assert shifted.shift is not None
    assert shifted.known_ahead("i8", "i8p") == ("i8", shifted)
    longer = Matrix(np.ones((3, 600), np.int8), np.zeros(3, np.int32))
    assert [longer.known_ahead("i8", kind)[0] for kind in ("i8n", "i8p")] == ["i8n", "i8"]


def test_more_features_than_a_sum_has_room_for() -> None:
    inputs = Input(140_000, "int16", exponents=np.zeros(140_000, np.int32))
    with pytest.raises(UnsupportedError, match="so many features"):
        Matrix(np.ones((1, 140_000)), np.zeros(1)).scaled(inputs, "int8")


@pytest.mark.parametrize("scale", [1.0, 1e-3, 50.0])
@pytest.mark.parametrize("n", [1, 3, 40])
def test_clipped_probabilities_of_integers(n: int, scale: float) -> None:
    scores = np.random.default_rng(n).normal(size=(500, n)) * scale
    scores[0], scores[1], scores[2] = -5.0, 5.0, 0.0
    scores[3, 1:] = -1.0
    unit = 2.0**-20
    integers = np.rint(scores / unit).astype(np.int64)
    got = integer_probabilities(integers, "clipped", unit) / 2**15
    # Where next to nothing is shared, a unit is a large share.
    whole = (np.clip(scores, -1, 1) + 1).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        got, probabilities(scores, "clipped"), rtol=0, atol=4e-5 + (n > 1) * 1e-4 / max(whole.min(), 1e-3)
    )


def test_float32_stays_within_its_bounds() -> None:
    """Sums in float32 in several orders, with products rounded or fused."""
    rng = np.random.default_rng(0)
    for n in (1, 7, 64, 500):
        matrix = Matrix(rng.normal(size=(5, n)), rng.normal(size=5)).rounded()
        X = (rng.normal(size=(200, n)) * 10.0 ** rng.integers(-3, 4, (200, 1))).astype(np.float32)
        bound, exact = matrix.rounding(X), matrix.scores(X)
        assert bound is not None
        for order in (slice(None), slice(None, None, -1)):
            rounded = np.zeros((200, 5), np.float32)
            fused = matrix.bias + np.zeros((200, 5), np.float32)
            for x, w in zip(X.T[order], matrix.weights.T[order], strict=True):
                rounded = rounded + x[:, None] * w
                fused = (fused + x[:, None].astype(float) * w).astype(np.float32)
            for sums in (rounded + matrix.bias, fused):
                assert (np.abs(sums - exact) <= bound).all()
        assert (bound <= 1e-7 * (n + 4) * matrix.magnitude(X) + 1e-30).all()


def test_weights_that_are_zero_are_left_out() -> None:
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(10, 64)).astype(np.float32)

    def names(weights: NDArray[Any]) -> list[str]:
        return [x.name for x in layouts(Matrix(weights, np.zeros(len(weights), np.float32)), "f32")]

    assert names(dense) == ["rows"]
    framed = dense.copy()
    framed[:, :9] = framed[:, 50:] = 0
    [rows] = [x.build() for x in layouts(Matrix(framed, np.zeros(10, np.float32)), "f32") if x.name == "rows"]
    assert rows["first"] == 8
    assert rows["rows"].weights.shape == (10, 44)
    holes = dense.copy()
    holes[:, rng.random(64) < 0.5] = 0
    assert "gathered" in names(holes)
    scattered = np.where(rng.random((10, 64)) < 0.1, dense, 0)
    assert "scattered" in names(scattered)
    # One row is gathered as well as scattered.
    assert names(scattered[:1]) == ["rows", "gathered"]
    assert names(np.zeros((3, 64), np.float32)) == ["rows"]


def test_rows_of_floats_begin_with_their_constants() -> None:
    """Of several rows; scattered ones too, those without a weight included."""
    weights = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 4.0]], np.float32)
    matrix = Matrix(weights, np.array([7, 8, 9], np.float32))
    assert matrix.stored.weights.tolist() == [[7, 0, 2, 0], [8, 0, 0, 0], [9, 3, 0, 4]]
    scattered = next(x for x in layouts(matrix, "f32") if x.name == "scattered").build()
    assert scattered["scattered"].value.tolist() == [7, 2, 8, 0, 9, 3, 4]
    assert scattered["scattered"].count.tolist() == [1, 1, 2]
    single = Matrix(weights[:1], matrix.bias[:1])
    whole = Matrix(weights.astype(np.int8), matrix.bias.astype(np.int32))
    assert single.stored is single
    assert whole.stored is whole
