"""Integers in other units."""

from __future__ import annotations

import numpy as np
import pytest

from micromlgen.errors import UnsupportedError
from micromlgen.models._rescaled import Rescaled


@pytest.mark.parametrize("factor", [2.0**-17, 1e-5, 0.25, 1.0, 3.0, 16384.0, 2.0**-31, 0.3333333])
@pytest.mark.parametrize("top", [127, 32767])
def test_numbers_are_as_far_as_a_rounding_or_two(factor: float, top: int) -> None:
    if factor > top:
        with pytest.raises(UnsupportedError, match="too coarse for integers of 127; use dtype='float32'"):
            Rescaled.by(np.array([factor]), top, "model")
        return
    rescaled = Rescaled.by(np.array([factor]), top, "model")
    limits = np.array([-(2**31) + 1, -1, 0, 1, 2**31 - 1, int(rescaled.limit[0]), -int(rescaled.limit[0])])
    values = np.concatenate([limits, np.linspace(-2 * top / factor, 2 * top / factor, 999)])
    values = np.clip(values, -(2**31) + 1, 2**31 - 1).astype(np.int64)
    got = rescaled.apply(values[:, None])[:, 0]
    expected = np.clip(values * factor, -top, top)
    assert (np.abs(got - expected) <= 1 + max(factor, 1.0) + top * 2.0**-13).all()
    assert np.abs(got).max() <= top


def test_nothing_leaves_32_bits() -> None:
    factors = np.geomspace(2.0**-31, 30000, 200)
    rescaled = Rescaled.by(factors, 32767, "model")
    most = rescaled.limit.astype(np.int64) >> rescaled.before
    half = (1 << rescaled.after.astype(np.int64)) >> 1
    assert ((most + 1) * rescaled.multiplier.astype(np.int64) + half < 2**31).all()
