"""Rows that are mixed from known ones and their neighbours."""

from __future__ import annotations

import numpy as np

from micromlgen.between import between

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(178, 13)).astype(np.float32)
HOLES = np.where(RNG.random(ROWS.shape) < 0.1, np.float32(np.nan), ROWS)


def test_there_are_as_many_as_asked_for() -> None:
    """More than the rows, or fewer; none where there is nothing to mix."""
    assert between(ROWS, 300).shape == (300, 13)
    assert between(ROWS, 50).shape == (50, 13)
    assert between(ROWS[:1], 50).shape == (0, 13)
    assert between(ROWS, 50).dtype == np.float32


def test_every_feature_keeps_values_that_it_has() -> None:
    mixed = between(HOLES, 300)
    for column, values in zip(mixed.T, HOLES.T, strict=True):
        assert set(column[~np.isnan(column)]) <= set(values)
    assert 0.02 < np.isnan(mixed).mean() < 0.2


def test_rows_are_mixed_from_two_that_are_near() -> None:
    """Of two heaps far from one another none is mixed with the other; hardly any is as it was."""
    heaps = np.concatenate([ROWS[:80], ROWS[80:160] + 1000])
    mixed = between(heaps, 500)
    far = mixed > 500
    assert (far.all(axis=1) | ~far.any(axis=1)).all()
    known = {row.tobytes() for row in heaps}
    assert sum(row.tobytes() in known for row in mixed) < 5


def test_chance_has_no_part() -> None:
    np.testing.assert_array_equal(between(ROWS, 300), between(ROWS, 300))
