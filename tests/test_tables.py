"""Tables in flash, each at the width that it needs."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from micromlgen import tables


def read(column: tables.Column) -> np.ndarray:
    """What C reads."""
    elements = column.elements
    if column.triple is not None:
        low, middle, high = elements.reshape(-1, 3).astype(np.int64).T
        elements = low | middle << 8 | high << 16
        if column.triple.kind == "i":
            elements = (elements ^ 0x800000) - 0x800000
    return elements if column.pool is None else elements[column.data]


def test_examples() -> None:
    result = doctest.testmod(tables)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize(
    ("limit", "dtype"),
    [
        (-1, "uint8"),
        (0, "uint8"),
        (255, "uint8"),
        (256, "uint16"),
        (65535, "uint16"),
        (65536, "uint32"),
        (2**32 - 1, "uint32"),
        (2**32, "uint64"),
    ],
)
def test_unsigned_for(limit: int, dtype: str) -> None:
    assert tables.unsigned_for(limit) == dtype


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (0, 255, "uint8"),
        (0, 256, "uint16"),
        (-1, 127, "int8"),
        (-1, 128, "int16"),
        (-128, 0, "int8"),
        (-129, 0, "int16"),
        (-1, 32768, "int32"),
        (-(2**31), 2**31 - 1, "int32"),
        (0, 2**32 - 1, "uint32"),
    ],
)
def test_narrow_takes_the_narrowest_type_and_keeps_the_numbers(low: int, high: int, dtype: str) -> None:
    values = np.array([[low, high]], np.int64)
    got = tables.narrow(values)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, values)


def test_narrow_of_nothing() -> None:
    assert tables.narrow(np.array([], np.int64)).dtype == np.uint8


def test_few_wide_values_are_pooled() -> None:
    values = np.repeat([100_000, 200_000], 50).astype(np.int64)
    got = tables.column(values)
    assert got.pool is not None
    assert got.nbytes == 100 + 2 * 3
    assert got.dtype == np.uint32
    np.testing.assert_array_equal(read(got), values)


def test_values_without_repetition_are_not_pooled() -> None:
    values = np.arange(70_000, 70_100, dtype=np.int32)
    got = tables.column(values)
    assert got.pool is None
    assert got.nbytes == 300
    np.testing.assert_array_equal(read(got), values)


@pytest.mark.parametrize(
    ("low", "high", "nbytes"),
    [
        (-(2**23), 2**23 - 1, 6),
        (-(2**23) - 1, 0, 8),
        (0, 2**24 - 1, 6),
        (0, 2**24, 8),
        (0, 65535, 4),
        (-1, 65535, 6),
    ],
)
def test_three_bytes_where_they_are_enough(low: int, high: int, nbytes: int) -> None:
    got = tables.plain(np.array([low, high], np.int64))
    assert got.nbytes == nbytes
    np.testing.assert_array_equal(read(got), [low, high])


def test_a_pool_beyond_256_values_has_wider_indices() -> None:
    values = np.tile(np.arange(300) + 2**20, 10)
    got = tables.column(values)
    assert got.pool is not None
    assert got.data.dtype == np.uint16
    np.testing.assert_array_equal(read(got), values)


def test_floats_keep_their_bits() -> None:
    values = np.float32([0.1, 1e-40, 3e38, 0.1] * 9)
    assert read(tables.column(values)).tobytes() == values.tobytes()


def test_a_single_value() -> None:
    got = tables.column(np.array([123456], np.int64))
    assert got.pool is None
    assert read(got).tolist() == [123456]
