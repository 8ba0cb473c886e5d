"""Options that are numbers, checked."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from micromlgen.errors import UnsupportedError


def whole(option: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer within bounds.

    Raises
    ------
    UnsupportedError
        If it is none.
    """
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else low - 1
    if low <= number and (high is None or number <= high):
        return number
    raise UnsupportedError(
        f"{option}={value!r}: use an integer from {low} {'on' if high is None else f'to {high}'}"
    )


def positive(option: str, value: Any, high: float = np.inf) -> float:
    """A number above 0, and up to `high`.

    Raises
    ------
    UnsupportedError
        If it is none.
    """
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0
    if 0 < number <= high and number < np.inf:
        return number
    raise UnsupportedError(
        f"{option}={value!r}: use a number above 0" + (f", up to {high:g}" if high < np.inf else "")
    )
