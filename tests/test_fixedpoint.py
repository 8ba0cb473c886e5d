"""The arithmetic that Python and the C share: examples; its laws are in properties/."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from micromlgen import fixedpoint

TINY, BIG = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max
INT8, INT16 = np.dtype(np.int8), np.dtype(np.int16)


def encode(X: NDArray[np.float32], exponents: NDArray[np.int32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Of features that only a power of two scales."""
    return fixedpoint.encode(X, None, None, exponents, int(np.iinfo(dtype).max), dtype)


def test_examples() -> None:
    result = doctest.testmod(fixedpoint)
    assert result.attempted >= 3
    assert not result.failed


def test_keys_order_everything_from_minus_to_plus_infinity() -> None:
    values = np.array([-np.inf, -BIG, -1, -TINY, 0, TINY, 1, BIG, np.inf], np.float32)
    assert (np.diff(fixedpoint.ordered(values).astype(np.int64)) > 0).all()


def test_zeros_are_one_key() -> None:
    assert fixedpoint.ordered([0.0, -0.0]).tolist() == [0, 0]


def test_neighbours_have_neighbouring_keys() -> None:
    """Except across zero, where -0 has left its key free."""
    values = np.float32([-BIG, -1, -TINY, 0, TINY, 1])
    after = np.nextafter(values, np.float32(np.inf))
    assert (fixedpoint.ordered(after) - fixedpoint.ordered(values)).tolist() == [1, 1, 2, 1, 1, 1]


@pytest.mark.parametrize("bits", [0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_every_nan_is_above_infinity(bits: int) -> None:
    nan = np.array([bits], np.uint32).view(np.float32)
    assert fixedpoint.ordered(nan)[0] == fixedpoint.NAN_KEY > fixedpoint.ordered(np.float32(np.inf))


def test_float32_floor_goes_down_and_never_further_than_needed() -> None:
    x = np.array([0.1, -0.1, 1e-50, -1e-50, 1e300, -1e300, np.inf, -np.inf, 1.0])
    got = fixedpoint.float32_floor(x)
    expected = np.float32([0.099999994, -0.1, 0.0, -TINY, BIG, -np.inf, np.inf, -np.inf, 1.0])
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.float32


def test_encode_rounds_halves_up_and_saturates() -> None:
    x = np.float32([[0.5], [-0.5], [0.49999997], [1.5], [-2.5], [126.5], [127.4], [1e9], [-1e9]])
    got = encode(x, np.array([0], np.int32), INT8)
    assert got.ravel().tolist() == [1, 0, 0, 2, -2, 127, 127, 127, -127]
    assert got.dtype == np.int8


def test_encode_keeps_the_lowest_value_for_missing() -> None:
    x = np.float32([[np.nan, 1], [-np.inf, -1e30], [np.inf, 1e30]])
    for dtype in (INT8, INT16):
        low, top = np.iinfo(dtype).min, np.iinfo(dtype).max
        got = encode(x, np.array([0, 100], np.int32), dtype)
        assert got.tolist() == [[low, top], [-top, -top], [top, top]]


def test_encode_scales_each_feature_by_its_own_power_of_two() -> None:
    x = np.float32([[1.0, 1.0, 1.0]])
    assert encode(x, np.array([-3, 0, 4], np.int32), INT16).tolist() == [[0, 1, 16]]


@pytest.mark.parametrize(
    ("limit", "exponent"), [(126, 0), (127, -1), (63, 1), (0.9, 7), (1000, -3), (0, 100)]
)
def test_exponent_leaves_one_step_of_room(limit: float, exponent: int) -> None:
    assert fixedpoint.exponent_for(limit, 127) == exponent


@pytest.mark.parametrize(
    ("shares", "denominator"),
    [
        ([0.0, 1.0], 1),
        ([0.5], 2),
        ([1 / 3, 2 / 3, 1 / 7], 21),
        ([1 / 65521, 65520 / 65521], 65521),
        ([1 / 257, 1 / 263], 1 << 20),
        ([np.sqrt(0.5), np.sqrt(0.3)], 1 << 20),
        ([], 1),
    ],
)
def test_share_denominator(shares: list[float], denominator: int) -> None:
    assert fixedpoint.share_denominator(shares) == denominator


def test_many_different_shares_are_not_examined_one_by_one() -> None:
    assert fixedpoint.share_denominator(np.arange(5000) / 5000) == 1 << 20


def test_shares_that_only_look_whole_are_not_called_whole() -> None:
    """Votes of 1 - 1e-10 tie with nothing in scikit-learn: D = 1 would promise that they do."""
    assert fixedpoint.share_denominator([1e-10, 1 - 1e-10]) != 1


@pytest.mark.parametrize(
    ("values", "terms", "exponent"), [([1.0], 1, 30), ([0.5, 0.5], 2, 30), ([3.0], 1, 29), ([0.0], 5, 100)]
)
def test_sum_exponent(values: list[float], terms: int, exponent: int) -> None:
    assert fixedpoint.sum_exponent(np.array(values), terms) == exponent


def test_the_sum_of_the_largest_terms_stays_inside_int32() -> None:
    for n in (1, 7, 1000):
        values = np.full(n, 0.1 / 3)
        e = fixedpoint.sum_exponent(values, n)
        assert int(np.rint(np.ldexp(values, e)).sum()) < 2**31
        assert int(np.rint(np.ldexp(values, e + 1)).sum()) >= 2**31 - 1 - 2 * n
