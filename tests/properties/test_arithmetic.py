"""Laws of arithmetic that Python and the C share, and of tables."""

from __future__ import annotations

from fractions import Fraction
from math import floor, lcm

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from micromlgen import fixedpoint, tables
from tests.properties import examples, finite32s, float32s, integers
from tests.test_fixedpoint import encode
from tests.test_tables import read


@given(float32s, float32s)
@examples(300)
def test_keys_order_as_floats_do(a: float, b: float) -> None:
    ka, kb = fixedpoint.ordered([a, b]).tolist()
    assert (ka < kb) == (a < b)
    assert (ka == kb) == (a == b)


@given(float32s)
@examples(200)
def test_keys_can_be_turned_back(a: float) -> None:
    key = fixedpoint.ordered(a)
    assert fixedpoint.unordered(key) == np.float32(a)
    assert fixedpoint.ordered(fixedpoint.unordered(key)) == key


@given(st.floats(allow_nan=False), float32s)
@examples(300)
def test_float32_floor_keeps_every_comparison(t: float, x: float) -> None:
    down = fixedpoint.float32_floor(t)
    assert down.dtype == np.float32
    assert (x <= t) == (x <= float(down))
    with np.errstate(over="ignore"):
        around = [down, np.nextafter(down, np.float32(np.inf)), np.nextafter(down, np.float32(-np.inf))]
    for near in around:
        assert (float(near) <= t) == (near <= down)


def rounded(x: float, exponent: int, top: int) -> int:
    """x * 2**exponent to the nearest integer, halves up, saturated: in fractions."""
    if np.isinf(x):
        return top if x > 0 else -top
    nearest = floor(Fraction(x) * Fraction(2) ** exponent + Fraction(1, 2))
    return max(-top, min(top, nearest))


@given(st.lists(float32s, min_size=1, max_size=8), st.integers(-100, 100), integers)
@examples(300)
def test_encode_is_exact(values: list[float], exponent: int, dtype: str) -> None:
    X = np.array(values, np.float32)[:, None]
    got = encode(X, np.array([exponent], np.int32), np.dtype(dtype))[:, 0]
    assert got.tolist() == [rounded(x, exponent, np.iinfo(dtype).max) for x in values]


@given(st.integers(-40, 40), st.integers(-(2**16), 2**16), st.integers(-2, 2), integers)
@examples(300)
def test_encode_is_exact_around_halves(exponent: int, halves: int, steps_off: int, dtype: str) -> None:
    x = np.ldexp(np.float32(halves), -exponent - 1)
    for _ in range(abs(steps_off)):
        x = np.nextafter(x, np.float32(np.inf if steps_off > 0 else -np.inf))
    got = encode(np.array([[x]]), np.array([exponent], np.int32), np.dtype(dtype))
    assert got.item() == rounded(float(x), exponent, np.iinfo(dtype).max)


@given(finite32s, finite32s, st.integers(-100, 100), integers)
@examples(200)
def test_encode_never_changes_an_order(a: float, b: float, exponent: int, dtype: str) -> None:
    low, high = sorted((a, b))
    X = np.float32([[low], [high]])
    q = encode(X, np.array([exponent], np.int32), np.dtype(dtype)).ravel()
    assert q[0] <= q[1]


@given(st.floats(1e-25, 1e30), integers)
@examples(300)
def test_exponent_is_the_largest_that_stays_in_range(limit: float, dtype: str) -> None:
    e = int(fixedpoint.exponent_for(limit, int(np.iinfo(dtype).max)))
    top = int(np.iinfo(dtype).max)
    scaled = Fraction(limit) * Fraction(2) ** e
    assert scaled < top
    assert 2 * scaled > (top - 1) * (1 - Fraction(1, 10**9))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=1, max_size=5))
@examples(200)
def test_shares_have_their_common_denominator(pairs: list[tuple[int, int]]) -> None:
    shares = [Fraction(min(a, b), b) for a, b in pairs]
    common = lcm(*(share.denominator for share in shares))
    got = fixedpoint.share_denominator([float(share) for share in shares])
    assert got == (common if common <= 65535 else 1 << 20)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@examples(300)
def test_votes_are_shares(shares: list[float]) -> None:
    denominator = fixedpoint.share_denominator(shares)
    assert denominator <= 1 << 20
    worst = max(abs(share - round(share * denominator) / denominator) for share in shares)
    assert worst <= (2**-21 if denominator == 1 << 20 else 1e-15)


@given(st.lists(st.floats(0, 1e30), min_size=1, max_size=12))
@examples(300)
def test_sums_stay_inside_int32(largest: list[float]) -> None:
    e = fixedpoint.sum_exponent(np.array(largest), len(largest))
    scale = Fraction(2) ** e
    worst = sum(floor(Fraction(v) * scale + Fraction(1, 2)) for v in largest)
    assert worst <= 2**31 - 1
    if -100 < e < 100 and any(largest):
        assert sum(map(Fraction, largest)) * scale * 2 > 2**31 - 2 - 2 * len(largest)


@given(st.lists(st.integers(-(2**31), 2**32 - 1), min_size=1, max_size=300), st.integers(1, 20))
@examples(100)
def test_tables_keep_every_number(values: list[int], repeats: int) -> None:
    array = np.array(values * repeats, np.int64)
    np.testing.assert_array_equal(tables.narrow(array), array)
    column = tables.column(array)
    np.testing.assert_array_equal(read(column), array)
    assert sum(t.nbytes for t in column.tables) <= tables.narrow(array).nbytes
