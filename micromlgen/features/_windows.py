"""Windows of scipy in Q15."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

from micromlgen.errors import UnsupportedError


def window(name: Any, length: int, who: str) -> NDArray[np.float64] | None:
    """A periodic window of scipy, shape (length,); None where it is all ones.

    Raises
    ------
    UnsupportedError
        In the name of `who`, if scipy does not know it, or it is not symmetric around its middle, or higher
        than 1.
    """
    if name is None:
        return None
    if not isinstance(name, str | tuple):
        raise UnsupportedError(f"{who}: window={name!r}: use a name of scipy.signal.get_window, or None")
    try:
        values = np.asarray(get_window(name, length, fftbins=True), np.float64)
    except (ValueError, TypeError, IndexError) as error:
        raise UnsupportedError(
            f"{who}: window={name!r} is none of scipy.signal.get_window: {error}"
        ) from error
    if not np.allclose(values[1:], values[:0:-1], atol=1e-9):
        raise UnsupportedError(f"{who}: window={name!r} is not symmetric; use one that is")
    highest = np.abs(values).max()
    if highest > 1 + 1e-6:
        raise UnsupportedError(
            f"{who}: window={name!r} has values up to {highest:g}; use one with values of at most 1"
        )
    return None if (values == 1).all() else values


def half_in_q15(values: NDArray[np.float64] | None) -> NDArray[np.int16] | None:
    """The first half and the middle in Q15 of 32767: int16 of shape (length / 2 + 1,)."""
    if values is None:
        return None
    return np.rint(values[: len(values) // 2 + 1] * 32767).astype(np.int16)
