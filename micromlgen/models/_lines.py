"""Straight lines between knots, in integers: curves of single features, in as few lines as stay close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.tables import narrow

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Lines:
    """Straight lines between knots, rounded to the nearest integer, and constants beyond the last ones.

    Knots have at most 16 bits, and values a span of 16: products of their differences, and half a difference,
    have 32 bits and no sign.

    Parameters
    ----------
    at : tuple of array
        Of each feature, ascending, of the type of the features.
    values : tuple of array
        What comes out there, integers.
    """

    at: tuple[Array, ...]
    values: tuple[Array, ...]

    @property
    def starts(self) -> Array:
        """Of each feature its first knot, and behind the last one their number."""
        return narrow(np.cumsum([0, *map(len, self.at)]))

    @property
    def knots(self) -> Array:
        """All knots."""
        return np.concatenate(self.at)

    @property
    def heights(self) -> Array:
        """All values."""
        return narrow(np.concatenate(self.values))

    @property
    def tables(self) -> list[Array]:
        """What is in flash."""
        return [self.knots, self.heights, self.starts]

    @property
    def falls(self) -> bool:
        """Whether a line falls."""
        return any((np.diff(v.astype(np.int64)) < 0).any() for v in self.values)

    def apply(self, Q: Array) -> NDArray[np.int64]:
        """What comes out for encoded rows, shape (n, n_features)."""
        out = np.empty(Q.shape, np.int64)
        for f, (at, values) in enumerate(zip(self.at, self.values, strict=True)):
            x, y, q = at.astype(np.int64), values.astype(np.int64), Q[:, f].astype(np.int64)
            if len(x) == 1:
                out[:, f] = y[0]
                continue
            j = np.clip(np.searchsorted(x, q, side="right") - 1, 0, len(x) - 2)
            width, rise = x[j + 1] - x[j], y[j + 1] - y[j]
            part = np.clip(q - x[j], 0, width)
            out[:, f] = y[j] + np.sign(rise) * ((np.abs(rise) * part + (width >> 1)) // width)
        return out

    def near(self, plain: Sequence[Array], highest: int) -> Sequence[Array]:
        """Per feature the values of `plain`, and both sides of some knots."""
        out = []
        for values, others in zip(self.at, plain, strict=True):
            some = values[np.linspace(0, len(values) - 1, min(len(values), 9)).astype(int)].astype(int)
            sides = np.clip([some - 1, some, some + 1], -highest, highest)
            out.append(np.concatenate([others, sides.ravel().astype(others.dtype)]))
        return out


def lines(curve: Array, low: Array, high: Array) -> NDArray[np.int64]:
    """Numbers of the values between which straight lines stay within bounds of all others, shape (n_knots,).

    Each line is as long as a search by doubling and halving finds; constants at both ends need none.

    Parameters
    ----------
    curve, low, high : array of shape (n,)
        Integers, and the bounds of each.
    """
    changes = np.flatnonzero(np.diff(curve))
    if not len(changes):
        return np.zeros(1, np.int64)
    y, end = curve.astype(np.float64), int(changes[-1]) + 1

    def close(first: int, last: int) -> bool:
        line = np.linspace(y[first], y[last], last - first + 1)
        within = slice(first, last + 1)
        return bool(((low[within] <= line) & (line <= high[within])).all())

    knots = [int(changes[0])]
    while knots[-1] < end:
        start, step = knots[-1], 1
        while start + step < end and close(start, min(start + 2 * step, end)):
            step *= 2
        least, most = start + step, min(start + 2 * step, end)
        while least < most:
            middle = (least + most + 1) // 2
            if close(start, middle):
                least = middle
            else:
                most = middle - 1
        knots.append(min(least, end))
    return np.array(knots, np.int64)
