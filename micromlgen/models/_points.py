"""Lines through points of single features, level beyond the last ones: what isotonic regression makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.models._lines import Lines, lines
from micromlgen.models._stage import TINY, ULP

Array = NDArray[Any]
#: Lines in integers are off by so many steps of the values: what rounding both ends may do.
_WITHIN = 1.0
#: By so much of x points are moved at most: where they are rounded, and kept apart.
_MOVED = 8 * ULP


@dataclass(frozen=True, eq=False)
class Points:
    """Points of each feature, one after another.

    Parameters
    ----------
    at : float64 or float32 array of shape (n_points,)
        Ascending within a feature.
    value : float64 or float32 array of shape (n_points,)
    starts : uint16 array of shape (n_features + 1,)
        First point of each feature, and behind the last one how many there are.
    """

    at: Array
    value: Array
    starts: Array

    @property
    def tables(self) -> list[Array]:
        """What is in flash."""
        return [self.at, self.value, self.starts]

    @property
    def limits(self) -> NDArray[np.float64]:
        """Largest magnitude of each feature's points."""
        return np.array([np.abs(self._of(f)[0]).max() for f in range(len(self.starts) - 1)])

    def in_float32(self, title: str) -> Points:
        """The points in float32, each above the one before.

        Raises
        ------
        UnsupportedError
            If many are closer than float32 tells apart; `title` says of what.
        """
        at = self.at.astype(np.float32)
        for start, end in zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True):
            for i in range(start + 1, end):
                at[i] = max(at[i], np.nextafter(at[i - 1], np.float32(np.inf)))
        if (np.abs(at - self.at) > 2.5 * np.spacing(np.abs(at))).any():
            raise UnsupportedError(title)
        return replace(self, at=at, value=self.value.astype(np.float32))

    def _of(self, f: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        own = slice(int(self.starts[f]), int(self.starts[f + 1]))
        return self.at[own].astype(np.float64), self.value[own].astype(np.float64)

    def apply(self, X: Array) -> NDArray[np.float64]:
        """The values of rows X, shape (n, n_features)."""
        return np.stack([np.interp(X[:, f], *self._of(f)) for f in range(X.shape[1])], axis=1)

    def rounding(self, X: Array) -> NDArray[np.float64]:
        """Most that float32 makes of `apply`: of the points, and of the arithmetic between them."""
        rows = X.astype(np.float64)
        most = 8 * ULP * float(np.abs(self.value).max())
        return np.asarray(most + self.steepness(rows, _MOVED * np.abs(rows) + TINY))

    def steepness(self, X: Array, by: Array) -> NDArray[np.float64]:
        """Most by which `apply` moves where features do by `by`."""
        return np.asarray(np.abs(self.apply(X + by) - self.apply(X - by)))

    def in_integers(self, inputs: Input, unit: float, base: float) -> Lines:
        """The same of encoded features, in values of ``round((value - base) / unit)``, which take 16 bits.

        Lines stay within what half a step of a feature makes of the values, of which whole numbers have none.
        """
        assert inputs.exponents is not None
        half = np.where(inputs.exponents == 0, 0.0, 0.5)
        q = np.arange(-inputs.highest, inputs.highest + 1)

        def steps(off: Array | float) -> NDArray[np.float64]:
            return (self.apply((q[:, None] + off) * inputs.unit) - base) / unit

        curves, one, other = np.rint(steps(0)).astype(np.int64), steps(-half), steps(half)
        low, high = np.minimum(one, other) - _WITHIN, np.maximum(one, other) + _WITHIN
        knots = [lines(*bounds) for bounds in zip(curves.T, low.T, high.T, strict=True)]
        return Lines(
            tuple(q[k].astype(inputs.dtype) for k in knots),
            tuple(curve[k] for curve, k in zip(curves.T, knots, strict=True)),
        )
