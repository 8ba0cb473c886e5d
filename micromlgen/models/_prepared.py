"""Features as squares are taken of them: a copy of x on the stack, where x will not do as it is.

The C is in templates/prepared.h.j2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.tables import narrow

Array = NDArray[Any]
_BITS = 15
#: Most bits that features are shifted left by: one of them is the sign.
_MOST_SHIFT = 14


@dataclass(frozen=True, eq=False)
class Prepared:
    """Features that models compute with.

    Parameters
    ----------
    n : int
        How many there are.
    dtype : {"float32", "int16", "int8"}
        Their type.
    first : int
        The feature of x that the first of them is.
    used : unsigned array of shape (n,), or None
        The feature that each of them is; None: they follow `first`.
    center : float32 array of shape (n,), or None
        What is subtracted from floats.
    shift : uint8 array of shape (n,), or None
        Integers saturate to ``±(32767 >> shift)`` and are shifted left, so that all of them use their type.
        int8 are the upper halves of the int16 that this gives.
    highest : int
        Largest magnitude of an integer feature before, without the type's lowest value.
    """

    n: int
    dtype: str
    first: int = 0
    used: Array | None = None
    center: NDArray[np.float32] | None = None
    shift: NDArray[np.uint8] | None = None
    highest: int = 0

    @property
    def as_it_is(self) -> bool:
        """Whether they are x itself, from `first` on."""
        return self.used is None and self.center is None and self.shift is None

    @property
    def saturates(self) -> bool:
        """Whether integers may be too large to be shifted."""
        return self.shift is not None and self.highest + 1 > 1 << (_BITS - int(self.shift.max()))

    @property
    def tables(self) -> list[Array]:
        """What stands in flash."""
        each = [t for t in (self.center, self.shift) if t is not None and t.min() != t.max()]
        return each if self.used is None else [self.used, *each]

    @property
    def lowest(self) -> int:
        """Lowest value of an integer feature."""
        return int(np.iinfo(self.dtype).min)

    def apply(self, Q: Array) -> Array:
        """Of encoded rows, shape (n_rows, n_features): shape (n_rows, n).

        Integers have type `dtype`; floats are float64 and free of rounding.
        """
        out = self._chosen(Q.T).T
        if self.dtype == "float32":
            wide = out.astype(np.float64)
            return wide if self.center is None else wide - self.center
        if self.shift is None:
            return out
        top = np.int32(32767) >> self.shift.astype(np.int32)
        wide = np.asarray(out.astype(np.int32))
        if self.saturates:
            wide = np.clip(wide, -top, top)
        shifted: Array = np.left_shift(wide, self.shift).astype(np.int16)
        return np.asarray((shifted >> 8).astype(np.int8) if self.dtype == "int8" else shifted)

    def _chosen(self, each: Array) -> Array:
        """Of something for each feature of x: that of these."""
        return each[self.first : self.first + self.n] if self.used is None else each[self.used]

    def unit(self, unit: Array) -> NDArray[np.float64]:
        """One step of each, if one step of each feature of x is `unit`."""
        own = self._chosen(unit)
        if self.shift is None:
            return np.asarray(own, np.float64)
        return np.asarray(own * 2.0 ** ((8 if self.dtype == "int8" else 0) - self.shift.astype(float)))

    @property
    def lost(self) -> NDArray[np.float64]:
        """What dropping lower halves takes off on average, in steps of each, shape (n,)."""
        if self.shift is None or self.dtype != "int8":
            return np.zeros(self.n)
        return np.asarray(np.maximum(0.5 - 2.0 ** (self.shift.astype(float) - 9.0), 0.0))


def placed(used: Array) -> tuple[int, Array | None]:
    """`first` and `used` of a `Prepared` with these features, in ascending order."""
    first, n = int(used[0]), len(used)
    return (first, None) if int(used[-1]) - first == n - 1 else (0, narrow(used))


def shifted(dtype: str, source: str, used: Array, reach: Array, highest: int, even: bool) -> Prepared:
    """Integer features of `dtype` that use their type.

    Parameters
    ----------
    dtype, source : {"int16", "int8"}
        Type of the features, and of those of x.
    used : array of shape (n,)
        The features of x that they are.
    reach : array of shape (n_features,)
        Largest magnitude expected of each feature of x.
    highest : int
        As of `Prepared`.
    even : bool
        Whether all are shifted alike, which is faster.
    """
    first, index = placed(used)
    reach = reach[used]
    shift = np.clip(np.floor(np.log2(32767 / np.maximum(reach, 1.0))), 0, _MOST_SHIFT)
    # What is always 0 may as well be shifted like the others.
    least = shift[reach > 0].min(initial=_MOST_SHIFT)
    shift = np.where((reach > 0) & (not even), shift, least).astype(np.uint8)
    same = dtype == source and (shift == (8 if source == "int8" else 0)).all()
    return Prepared(len(used), dtype, first, index, None, None if same else shift, highest)
