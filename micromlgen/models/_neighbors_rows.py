"""The training rows of nearest neighbours: which features are compared, in which order, and how exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._neighbors_metric import ULP, Metric

Array = NDArray[Any]
#: Reduced distances between these keep the bits of a float32.
_FARTHEST, _NEAREST = 1e36, 1e-28
#: Sums of integers below 2**24 are exact in float32, in any order.
_EXACT_BITS = 24
#: Values with more fraction bits than these do not fit any integer of the C.
_MOST_FRACTION_BITS = 40


@dataclass(frozen=True, eq=False)
class Rows:
    """Training rows, and how they are compared with x.

    Parameters
    ----------
    values : array of shape (n_rows, n_compared)
        float64 as the estimator has them; quantised: float32, int16 or int8.
    metric : Metric
        Of the features that are compared.
    features : int64 array of shape (n_compared,), or None
        The features of x that are compared, in this order; None: all, as they are.
    top : int or None
        Integers of x are limited to ±top before.
    read : float
        How many features are compared, on average, before a row is known to be too far.
    unit : float
        What features are multiplied with to be as the estimator has them; it enters distances alone.
    start : array of shape (n_rows,), or None
        What is added to the reduced distance of each row: float64, quantised float32 or uint32.
    """

    values: Array
    metric: Metric
    features: NDArray[np.int64] | None = None
    top: int | None = None
    read: float = 0.0
    unit: float = 1.0
    start: Array | None = None

    @property
    def is_integer(self) -> bool:
        """Whether distances are integers."""
        return bool(self.values.dtype.kind == "i")

    @property
    def x_dtype(self) -> np.dtype[Any]:
        """Of x as it is compared."""
        return self.values.dtype

    @property
    def factors(self) -> NDArray[np.float32] | None:
        """The weights of features in the C."""
        return None if self.metric.weights is None else self.metric.weights.astype(np.float32)

    @property
    def copies(self) -> bool:
        """Whether the C compares a copy of x: in another order, limited, or of length one."""
        by_length = self.metric.direction and not self.is_integer
        return self.features is not None or self.top is not None or by_length

    def compared(self, Q: Array) -> Array:
        """Encoded rows as they are compared, shape (n, n_compared)."""
        rows = Q if self.features is None else Q[:, self.features]
        if not self.is_integer:
            return self.metric.directed(rows)
        rows = rows if self.top is None else np.clip(rows, -self.top, self.top)
        return rows.astype(self.values.dtype)

    def reduced(self, Q: Array) -> Array:
        """Reduced distances of encoded rows, shape (n, n_rows): int64, or float64 free of rounding.

        Integers by direction: the product with each row, negated.
        """
        rows = self.compared(Q)
        if self.is_integer and self.metric.direction:
            return np.asarray(-(rows.astype(np.int64) @ self.values.T.astype(np.int64)))
        with np.errstate(over="ignore", invalid="ignore"):
            reduced = self.metric.reduced(rows, self.values)
        return reduced if self.start is None else reduced + self.start.astype(reduced.dtype)

    def distance(self, reduced: Array) -> NDArray[np.float64]:
        """The distances that the estimator tells, of reduced ones."""
        return self.metric.distance(reduced * self._unit_of_reduced)

    def within(self, radius: float) -> float:
        """The reduced distance of a radius."""
        return float(self.metric.inverse(np.asarray(radius, np.float64)) / self._unit_of_reduced)

    @property
    def _unit_of_reduced(self) -> float:
        return 1.0 if self.metric.direction else float(self.unit**self.metric.power)

    def slack(self, Q: Array, reduced: Array) -> NDArray[np.float64]:
        """Most by which reduced distances of float32 arithmetic are off, in their shape.

        None are where all differences have few bits.
        """
        slack = self.metric.slack(reduced, self.values.shape[1])
        metric = self.metric
        if self.start is not None:
            slack = slack + 4 * ULP * reduced
        plain = metric.weights is None and self.start is None and not metric.direction
        if not plain or not metric.multiplied:
            return slack
        bits = fraction_bits(self.values.astype(np.float64))
        if bits is None:
            return slack
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = np.ldexp(self.compared(Q).astype(np.float64), bits)
            whole = (scaled == np.rint(scaled)).all(axis=1)
            units = np.ldexp(reduced, bits * int(metric.power))
        return np.where(whole[:, None] & (units < 2.0**_EXACT_BITS), 0.0, slack)

    def moved(self, Q: Array, reduced: Array, by: Array) -> NDArray[np.float64]:
        """Most by which reduced distances change where float features are off by up to `by`, shape of Q."""
        by = by if self.features is None else by[:, self.features]
        far = self.metric.length(by)
        if self.metric.direction:
            far = far / np.maximum(np.sqrt((Q.astype(np.float64) ** 2).sum(axis=1)), 1e-300)
        return self.metric.moved(reduced, far[:, None])

    def rounded(self) -> Self:
        """In float32.

        Raises
        ------
        UnsupportedError
            If distances leave the range of float32, or a row has no direction and needs one.
        """
        if self.metric.direction:
            self.check_directions()
        else:
            self._check_range()
        start = None if self.start is None else self.start.astype(np.float32)
        return replace(self, values=self.metric.directed(self.values).astype(np.float32), start=start)

    def check_directions(self) -> None:
        """Refuse rows of zeros where the direction is all that counts."""
        if not self.values.any(axis=1).all():
            raise UnsupportedError(
                "metric cosine: training rows of zeros have no direction and cannot be ported; leave them out"
            )

    def _check_range(self) -> None:
        span = np.ptp(self.values, axis=0)[None, :]
        with np.errstate(over="ignore"):
            far = float(self.metric.reduced(span, np.zeros_like(span))[0, 0])
            most = float(np.abs(self.values).max())
        if not far < _FARTHEST or not most < np.sqrt(_FARTHEST) or 0 < far < _NEAREST:
            raise UnsupportedError(
                f"metric {self.metric.name}: distances of the training rows leave the range of float32; "
                "scale the features before training"
            )

    def lost(self) -> float:
        """Most by which rounding the values to float32 moves a row, before any root or square is taken."""
        exact = self.metric.directed(self.values)
        unit = 1.0 if self.metric.direction else self.unit
        return unit * float(self.metric.length(exact - exact.astype(np.float32)).max())

    def taken(self, index: NDArray[np.int64]) -> Self:
        """Fewer rows."""
        return replace(
            self, values=self.values[index], start=None if self.start is None else self.start[index]
        )

    def first_copies(self, most: int) -> NDArray[np.int64]:
        """The rows without copies that stand behind `most` others: those are never among as many nearest."""
        _, inverse = np.unique(self.values, axis=0, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        sorted_inverse = inverse.ravel()[order]
        starts = np.flatnonzero(np.r_[True, np.diff(sorted_inverse) != 0])
        nth = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
        return np.sort(order[nth < most])


def fraction_bits(values: NDArray[np.float64]) -> int | None:
    """Least e of 0 and more so that all ``values * 2**e`` are integers; None where it is large.

    >>> fraction_bits(np.array([1.5, 3.0, -0.125])), fraction_bits(np.array([0.1]))
    (3, None)
    """
    for bits in range(_MOST_FRACTION_BITS):
        scaled = np.ldexp(values, bits)
        if (scaled == np.rint(scaled)).all():
            return bits
    return None
