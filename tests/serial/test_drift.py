"""Drift: told where features move, not where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.companion import companion
from micromlgen.serial.drift import drifts, psi

DRAW = np.random.default_rng(0)


def rows(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    columns = [draw.normal(shift, size=n), draw.integers(0, 3, n), draw.exponential(size=n), np.full(n, 2.0)]
    return np.stack(columns, axis=1).astype(np.float32)


TRAIN = rows(1000, 0)
MODEL = mm.transpile(DecisionTreeClassifier(max_depth=2).fit(TRAIN, TRAIN[:, 0] > 0)).model
FEATURES = companion("x", MODEL, TRAIN).features


def test_the_index_by_hand() -> None:
    a, b = np.array([10.5, 20.5, 30.5]) / 61.5, np.array([30.5, 20.5, 10.5]) / 61.5
    assert psi([10, 20, 30], [30, 20, 10]) == pytest.approx(((a - b) * np.log(a / b)).sum())
    assert psi([10, 20, 30], [30, 20, 10]) == psi([30, 20, 10], [10, 20, 30])
    assert psi([1, 2], [100, 200]) < 0.03


@pytest.mark.parametrize("n", [100, 200, 500])
def test_nothing_is_told_where_nothing_has_changed(n: int) -> None:
    told = sum(bool(drift) for seed in range(1, 60) for drift in drifts(FEATURES, rows(n, seed)))
    assert told <= 2  # of 236


@pytest.mark.parametrize("n", [100, 500])
def test_what_has_moved_is_told(n: int) -> None:
    for seed in range(1, 20):
        assert [bool(drift) for drift in drifts(FEATURES, rows(n, seed, shift=1.5))] == [
            True,
            False,
            False,
            False,
        ]


def test_other_ways_to_drift() -> None:
    moved = rows(500, 1)
    moved[:, 0] *= 4
    moved[:, 1] = 3  # a value that never was
    moved[:250, 2] = np.nan
    moved[:, 3] = 2.5
    assert all(drifts(FEATURES, moved))


def test_few_rows_tell_nothing() -> None:
    assert drifts(FEATURES, rows(99, 1, shift=9)) == []
