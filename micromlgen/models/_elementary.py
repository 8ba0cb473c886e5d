"""Functions of one number, in float32: their twins, and how far the C may be from them.

The C is in templates/elementary.h.j2. Logarithms, roots and sines are those of math.h, which any libm has to
a few units in the last place; exponentials are the fixed-point ones of templates/exp.h.j2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.models import _links
from micromlgen.models._stage import ULP

Array = NDArray[Any]
#: From here on ``exp(x) - 1`` is what its name says, below it is a polynomial.
EXPM1_BORDER = 0.5
#: Most that a function of math.h, and a few operations around it, are off, relative.
_LIBM = 8 * ULP


class Elementary(NamedTuple):
    """A function of one number."""

    #: Of float64.
    value: Callable[[Array], Array]
    #: Most that float32 is off, in units of the answer, where x is off by so much.
    off: Callable[[Array, Array], Array]
    #: The C of it, of ``{x}``, in a header named ``{n}``.
    c: str
    #: Whether math.h is needed.
    math: bool = False


def _relative(value: Callable[[Array], Array], part: float) -> Callable[[Array, Array], Array]:
    """The bound of a function that is monotonous around x, and off by a part of itself."""

    def off(x: Array, by: Array) -> Array:
        base = value(x)
        with np.errstate(all="ignore"):
            near = np.maximum(np.abs(value(x + by) - base), np.abs(value(x - by) - base))
            found = np.where(by > 0, near, 0.0) + part * np.abs(base) + 1e-37
        return np.where(np.isfinite(base) & np.isfinite(found), found, np.inf)

    return off


def _waves(x: Array, by: Array) -> Array:
    return np.minimum(5e-7 + 2.0**-22 * np.abs(x) + by, 2.0)


def _simple(value: Callable[[Array], Array], part: float, c: str, math: bool = False) -> Elementary:
    return Elementary(value, _relative(value, part), c, math)


def expm1(x: Array) -> Array:
    """``exp(x) - 1``, which saturates as `_links.exponential` does."""
    return np.where(np.abs(x) < EXPM1_BORDER, np.expm1(np.minimum(x, 1.0)), _links.exponential(x) - 1)


def expm1_off(x: Array, by: Array) -> Array:
    """Most that it is off where x is off by so much."""
    size = np.abs(x)
    small = np.expm1(np.minimum(size + by, 2.0)) - np.expm1(np.minimum(size, 2.0)) + 16 * ULP * size
    large = _links.exponential_off(x, by) + 2 * ULP * (_links.exponential(x) + 1)
    return np.where(size + by < 0.9 * EXPM1_BORDER, small, np.maximum(large, np.where(size < 1, small, 0.0)))


#: By the names that numpy has for them.
FUNCTIONS: Mapping[str, Elementary] = {
    "absolute": _simple(np.abs, 0.0, "{x} < 0.0f ? -{x} : {x}"),
    "square": _simple(np.square, 2 * ULP, "{x} * {x}"),
    "reciprocal": _simple(np.reciprocal, 4 * ULP, "1.0f / {x}"),
    "sqrt": _simple(np.sqrt, _LIBM, "(float)sqrtf({x})", True),
    "log": _simple(np.log, _LIBM, "(float)logf({x})", True),
    "log2": _simple(np.log2, _LIBM, "(float)logf({x}) * 1.44269504f", True),
    "log10": _simple(np.log10, _LIBM, "(float)logf({x}) * 0.434294482f", True),
    "log1p": _simple(np.log1p, _LIBM, "mml2_log1p({x})", True),
    "exp": Elementary(_links.exponential, _links.exponential_off, "{n}_exp({x})"),
    "expm1": Elementary(expm1, expm1_off, "{n}_expm1({x})"),
    "sin": Elementary(np.sin, _waves, "(float)sinf({x})", True),
    "cos": Elementary(np.cos, _waves, "(float)cosf({x})", True),
}
