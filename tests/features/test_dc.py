"""Removal of direct current: by the mean of a window, or by a filter that runs on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal

import micromlgen as mm
from micromlgen.errors import UnsupportedError
from micromlgen.features import DCRemoval
from tests.cases import Case
from tests.features.windows import stacked

CASES = [
    Case("dc_mean", DCRemoval(n_channels=3).fit(stacked(33)), stacked(33)),
    Case("dc_blocker", DCRemoval("blocker", pole=0.9).fit(stacked(33)), stacked(33)),
]


@pytest.mark.parametrize("n", [1, 2, 7, 256, 65535])
def test_the_mean_is_exact_but_for_its_rounding(n: int) -> None:
    X = stacked(n)
    fitted = DCRemoval().fit(X)
    off = np.abs(fitted.transform(X) - np.clip(fitted.reference(X), -32768, 32767))
    assert off.max() <= 0.5


def test_halves_of_means_are_rounded_up() -> None:
    X = np.array([[0, 1], [0, -1], [-2, -1]], np.int16)
    assert DCRemoval().fit(X).transform(X).tolist() == [[-1, 0], [0, -1], [-1, 0]]


@pytest.mark.parametrize("n", [2, 65535])
def test_windows_of_all_lengths_in_c(n: int) -> None:
    program = mm.transpile(DCRemoval().fit(stacked(n)), name="centered")
    assert program.verify(stacked(n)[:3])


def test_the_blocker_is_scipys_filter() -> None:
    X = stacked(400)
    fitted = DCRemoval("blocker", pole=0.99).fit(X)
    exact = signal.lfilter([1, -1], [1, -0.99], X.astype(float), axis=1)
    np.testing.assert_allclose(fitted.reference(X), exact, atol=1e-6)
    bound = fitted.extraction().cascade.error  # type: ignore[attr-defined]
    assert bound < 1.5
    assert np.abs(fitted.transform(X) - np.clip(exact, -32768, 32767)).max() <= bound


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "median"}, "method='median'; use one of mean, blocker"),
        ({"method": "blocker", "pole": 1.0}, "pole=1.0; a number from 0 to just below 1"),
        ({"method": "blocker", "pole": "near"}, "pole='near'; a number"),
        ({"n_channels": 3}, "windows of 8 samples are none of 3 channels"),
    ],
    ids=str,
)
def test_unfit_parameters_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"DCRemoval: {message}"):
        DCRemoval(**options).fit(stacked(8))


def test_windows_that_sums_cannot_hold_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="65536 samples a channel; at most 65535 fit: use method"):
        DCRemoval().fit(np.zeros((1, 65536), np.int16))
