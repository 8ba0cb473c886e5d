"""Distances between rows, as nearest neighbours compare them: without the root that all of them have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.errors import UnsupportedError

Array = NDArray[Any]
#: Rounding of one float32 operation, relative to its result.
ULP = 2.0**-24
#: Squares and powers of float32 below this may have lost bits.
TINY = 1e-36
#: Largest relative error of powf, which is not the same everywhere: avr-libc's, measured, and as much again.
POWF = 2.0**-16
#: Exponents up to this are multiplied out.
MOST_MULTIPLIED = 8
#: Elements of a float64 block of distances: 8 MB.
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Metric:
    """A distance that is ``factor * reduced ** (1 / root)``.

    The reduced distance is the sum of ``weights[i] * |x[i] - y[i]| ** p``, or the largest ``|x[i] - y[i]|``
    where p is infinite.

    Parameters
    ----------
    name : str
        As the estimator calls it.
    p : float
        At least 1.
    root : float
    factor : float
    direction : bool
        Whether x and y are divided by their lengths before: half the square of their distance is then one
        less their cosine.
    weights : float64 array of shape (n_features,), or None
    """

    name: str
    p: float
    root: float
    factor: float = 1.0
    direction: bool = False
    weights: NDArray[np.float64] | None = None

    @property
    def largest(self) -> bool:
        """Whether the largest difference counts instead of their sum."""
        return bool(np.isinf(self.p))

    @property
    def multiplied(self) -> bool:
        """Whether powers are products."""
        return self.largest or (self.p == round(self.p) and self.p <= MOST_MULTIPLIED)

    def distance(self, reduced: Array) -> NDArray[np.float64]:
        """The distance that the estimator tells, of reduced ones of any shape."""
        return np.asarray(self.factor * np.asarray(reduced, np.float64) ** (1.0 / self.root))

    def inverse(self, distance: Array) -> NDArray[np.float64]:
        """The reduced distance of one that the estimator tells."""
        with np.errstate(over="ignore"):
            return np.asarray((np.asarray(distance, np.float64) / self.factor) ** self.root)

    @property
    def power(self) -> float:
        """The exponent by which a reduced distance grows with the differences."""
        return 1.0 if self.largest else self.p

    def length(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """How long each row is as a difference, shape (n,)."""
        zero = np.zeros((1, X.shape[1]))
        return np.asarray(self._sums(X, zero)[:, 0] ** (1 / self.power))

    def moved(self, reduced: Array, by: Array | float) -> NDArray[np.float64]:
        """Most by which reduced distances change where a row moves as far as `by`."""
        with np.errstate(over="ignore", invalid="ignore"):
            there = (reduced ** (1 / self.power) + by) ** self.power
            return np.asarray(there - reduced)

    def reduced(self, X: Array, W: Array) -> Array:
        """Reduced distances of each row of X to each row of W.

        Parameters
        ----------
        X, W : arrays of shape (n, n_features) and (m, n_features)
            Integers, of which the sums must fit 64 bits, or floats. Behind the division by lengths.

        Returns
        -------
        array of shape (n, m)
            int64, or float64 of differences that float64 holds exactly for float32 values of like size.
        """
        if X.dtype.kind == "i":
            return self._whole(X, W)
        return self._sums(X.astype(np.float64), W.astype(np.float64))

    def _whole(self, X: Array, W: Array) -> NDArray[np.int64]:
        if self.p == 2:
            return kernels.sqdist(X, W)
        return self._sums(X.astype(np.int64), W.astype(np.int64))

    def _sums(self, X: Array, W: Array) -> Array:
        out = np.zeros((len(X), len(W)), X.dtype)
        step = max(1, _BLOCK // max(1, len(W)))
        for start in range(0, len(X), step):
            block = out[start : start + step]
            for i in range(X.shape[1]):
                term = self.term(X[start : start + step, i, None] - W[None, :, i], i)
                (np.maximum if self.largest else np.add)(block, term, out=block)
        return out

    def term(self, difference: Array, i: int) -> Array:
        """What a difference of feature i adds."""
        power = np.abs(difference)
        with np.errstate(over="ignore", under="ignore"):
            if self.p == 2:
                power = power * power
            elif not self.largest and self.p != 1:
                power = power ** (int(self.p) if self.multiplied else self.p)
            return power if self.weights is None else power * self.weights[i]

    def directed(self, X: Array) -> Array:
        """Rows as they are compared: of length one where only the direction counts; zeros stay zeros."""
        if not self.direction:
            return X
        wide = X.astype(np.float64)
        with np.errstate(over="ignore"):
            scale = np.abs(wide).max(axis=1, keepdims=True)
            wide = wide / np.where(scale > 0, scale, 1)
            length = np.sqrt((wide**2).sum(axis=1, keepdims=True))
        return np.asarray(wide / np.where(length > 0, length, 1))

    def slack(self, reduced: Array, n_features: int) -> NDArray[np.float64]:
        """Most by which float32 arithmetic, in any order, is off a reduced distance, in its shape."""
        rounded = 1.0 if self.largest else n_features + 2.0 * self.p + 2.0
        relative = rounded * ULP + (0.0 if self.multiplied else POWF)
        slack = relative * reduced + n_features * TINY
        if self.direction:
            # x has been divided by its length: all of it by a wrong one, and each element rounded.
            slack = slack + n_features * ULP * reduced + 4 * ULP * np.sqrt(reduced) + (n_features * ULP) ** 2
        return np.asarray(slack)

    def most_in_32_bits(self, n_features: int, most: int) -> int:
        """Largest magnitude of integers, and of one beyond it, whose reduced distances stay below `most`."""
        if self.direction:
            return int(np.sqrt((most - 1) / n_features)) - 1
        if self.largest:
            return (most - 2) // 2
        per_feature = (most - 1) / n_features
        span = int(per_feature ** (1.0 / self.p))
        while span**self.p * n_features >= most:
            span -= 1
        return (span - 1) // 2

    def of(self, features: NDArray[np.int64] | None) -> Self:
        """The same of chosen features."""
        if features is None or self.weights is None:
            return self
        return replace(self, weights=self.weights[features])


_NAMES = {
    "euclidean": (2.0, 2.0),
    "l2": (2.0, 2.0),
    "sqeuclidean": (2.0, 1.0),
    "manhattan": (1.0, 1.0),
    "cityblock": (1.0, 1.0),
    "l1": (1.0, 1.0),
    "chebyshev": (np.inf, 1.0),
    "infinity": (np.inf, 1.0),
}


def metric_of(estimator: Any) -> Metric:
    """The metric of a fitted estimator.

    Raises
    ------
    UnsupportedError
        If it is none of those that the C computes.
    """
    title = type(estimator).__name__
    name = getattr(estimator, "effective_metric_", estimator.metric)
    options = dict(getattr(estimator, "effective_metric_params_", {}))
    if name in ("minkowski", "p"):
        return _minkowski(title, float(options.get("p", 2.0)), options.get("w"))
    if isinstance(name, str) and name == "cosine":
        return Metric(name, p=2.0, root=1.0, factor=0.5, direction=True)
    if not isinstance(name, str) or name not in _NAMES:
        shown = repr(name) if isinstance(name, str) else getattr(name, "__name__", type(name).__name__)
        raise UnsupportedError(
            f"{title} with metric {shown} cannot be ported; use euclidean, manhattan, chebyshev, minkowski, "
            "sqeuclidean or cosine"
        )
    p, root = _NAMES[name]
    return Metric(name, p=p, root=root)


def _minkowski(title: str, p: float, weights: Any) -> Metric:
    if not p >= 1:
        raise UnsupportedError(
            f"{title} with metric minkowski and p={p:g} cannot be ported: below 1 it is no distance; use "
            "p of at least 1"
        )
    if weights is None:
        return Metric("minkowski", p=p, root=1.0 if np.isinf(p) else p)
    if np.isinf(p):
        raise UnsupportedError(
            f"{title} with metric minkowski, p=inf and weights w cannot be ported; multiply the features "
            "with the weights before training and use chebyshev"
        )
    return Metric("minkowski", p=p, root=p, weights=np.asarray(weights, np.float64))
