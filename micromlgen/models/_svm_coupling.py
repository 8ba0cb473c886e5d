"""Probabilities of classes from the decisions between two of them each.

Platt's sigmoids give a probability for each pair (J. Platt, 1999). Those of the classes are the ones that
fit them best, ``min sum (r_ji p_i - r_ij p_j)**2``, found by the second algorithm of Wu, Lin and Weng
(Probability Estimates for Multi-class Classification by Pairwise Coupling, JMLR 5, 2004), which ends where
libsvm's does. With Q the matrix of that sum, a step makes ``Qp`` equal for class t and on average: p is
multiplied with ``q = Q_tt / (Q_tt + pQp - (Qp)_t)`` and ``1 - q`` added to p_t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from micromlgen import fixedpoint
from micromlgen.fixedpoint import Exponential, multiply_q16
from micromlgen.models._shares import PROBA_ONE, sigmoid
from micromlgen.models._svm_duals import pairs

Array = NDArray[Any]
#: Probabilities of pairs are at least so far from 0 and 1.
LEAST = 1e-7
_EPSILON = 0.005
#: A probability of one in integers, Q30.
_ONE = 1 << 30
#: A stopping rule that is so near to being met may be decided by rounding.
_NEAR = 2e-6


def most_sweeps(n_classes: int) -> int:
    """After so many the search ends in any case."""
    return max(100, n_classes)


def epsilon(n_classes: int) -> float:
    """The search ends where no ``Qp`` is further from the average."""
    return _EPSILON / n_classes


def square(pair: Array, n_classes: int, one: Any) -> Array:
    """Probabilities of class i against j, shape (n, n_pairs), at [:, i, j] of (n, n_classes, n_classes)."""
    out = np.zeros((len(pair), n_classes, n_classes), pair.dtype)
    for p, (i, j) in enumerate(pairs(n_classes)):
        out[:, i, j], out[:, j, i] = pair[:, p], one - pair[:, p]
    return out


def coupled(pair: NDArray[np.float64], n_classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities of classes, and how far those are that come of ending a sweep later or sooner.

    Parameters
    ----------
    pair : array of shape (n, n_pairs)
        Probability of class i against j.

    Returns
    -------
    probabilities : array of shape (n, n_classes)
    doubt : array of shape (n, 1)
        0 where rounding cannot decide when to end.
    """
    r = square(np.clip(pair, LEAST, 1 - LEAST), n_classes, 1.0)
    towards = r.transpose(0, 2, 1)  # [:, t, j]: of j against t
    Q = -r * towards
    Q[:, range(n_classes), range(n_classes)] = (towards**2).sum(axis=2)
    p = np.full((len(pair), n_classes), 1.0 / n_classes)
    doubt = np.zeros((len(pair), 1))
    active = np.arange(len(pair))
    for _ in range(most_sweeps(n_classes)):
        Qp = np.einsum("ntj,nj->nt", Q[active], p[active])
        average = (p[active] * Qp).sum(axis=1, keepdims=True)
        error = np.abs(Qp - average).max(axis=1)
        after = _sweep(Q[active], p[active], average[:, 0])
        near = np.abs(error - epsilon(n_classes)) < _NEAR
        change = np.abs(after - p[active]).max(axis=1)
        doubt[active, 0] = np.maximum(doubt[active, 0], np.where(near, 2 * change, 0))
        going = error >= epsilon(n_classes)
        p[active[going]] = after[going]
        active = active[going]
        if not len(active):
            break
    return p, doubt


def _sweep(Q: Array, p: Array, average: Array) -> Array:
    p = p.copy()
    for t in range(p.shape[1]):
        Qp = (Q[:, t] * p).sum(axis=1)
        own = Q[:, t, t]
        q = own / (own + average - Qp)
        average = q * (average + (1 - q) * Qp)
        p *= q[:, None]
        p[:, t] += 1 - q
    return p


@dataclass(frozen=True, eq=False)
class Platt:
    """Sigmoids of decisions: ``1 / (1 + exp(a * decision + b))``.

    Parameters
    ----------
    a, b : float32 arrays of shape (n_pairs,)
    """

    a: NDArray[np.float32]
    b: NDArray[np.float32]

    def _arguments(self, decisions: Array) -> NDArray[np.float64]:
        return np.asarray(self.a.astype(np.float64) * decisions + self.b)

    def pair(self, decisions: Array) -> NDArray[np.float64]:
        """Probability of class i against j, shape (n, n_pairs)."""
        return np.asarray(expit(-self._arguments(decisions)))

    def rounding(self, decisions: Array, off: Array, n_classes: int) -> NDArray[np.float64]:
        """Most that probabilities of classes differ where decisions do by `off`, shape (n, 1)."""
        pair = self.pair(decisions)
        _, doubt = coupled(pair, n_classes)
        at = self._arguments(decisions)
        z = 2.0**-22 * (np.abs(at) + np.abs(self.b)) + np.abs(self.a) * off
        # Steep sigmoids may be anywhere else: a slope does not tell it.
        each = np.maximum(expit(-at + z) - pair, pair - expit(-at - z)) + 1e-6
        return np.asarray(doubt + 2 * each.sum(axis=1, keepdims=True) + 2e-6 * n_classes)


@dataclass(frozen=True, eq=False)
class IntegerPlatt:
    """Sigmoids of integer decisions: ``z = a * decision + b`` in units of `unit`.

    Parameters
    ----------
    a : int32 array of shape (n_pairs,)
        Q16, below one.
    b : int32 array of shape (n_pairs,)
    unit : float
    """

    a: NDArray[np.int32]
    b: NDArray[np.int32]
    unit: float

    @property
    def exponential(self) -> Exponential:
        """Of z."""
        return fixedpoint.exponential(self.unit)

    def pair(self, decisions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Probability of class i against j in Q16, shape (n, n_pairs)."""
        z = _signed(decisions, np.abs(self.a)) * np.sign(self.a) + self.b
        first, _ = sigmoid(z, self.exponential, True)
        return np.clip(first.astype(np.int64) * (2**16 // PROBA_ONE), 1, 2**16 - 1)


def _signed(value: Array, factor: Any) -> NDArray[np.int64]:
    """``value * factor / 2**16``, towards zero and each half of value's by itself."""
    magnitude = _scaled(np.abs(value), np.asarray(factor))
    return np.where(value < 0, -magnitude, magnitude)


def _scaled(value: Array, factor: Array) -> NDArray[np.int64]:
    """The same of what is not negative, of a factor up to two."""
    whole, part = factor >> 16, (factor & 0xFFFF).astype(np.uint64)
    return np.asarray(value * whole + multiply_q16(value.astype(np.uint64), part).astype(np.int64))


def integer_platt(a: NDArray[np.float64], b: NDArray[np.float64], unit: float) -> IntegerPlatt:
    """Sigmoids of decisions in units of `unit`, any of 32 bits."""
    reach = float((np.abs(a) * unit * 2.0**31 + np.abs(b)).max())
    scale = max(reach / (2.0**31 - 2**16), float(np.abs(a).max()) * unit / (1 - 2.0**-16), 1e-30)
    return IntegerPlatt(
        np.rint(a * unit / scale * 2.0**16).astype(np.int32), np.rint(b / scale).astype(np.int32), scale
    )


def spare_bits(n_classes: int) -> int:
    """By so many bits what is summed over classes is shifted right, out of Q30."""
    return (n_classes - 1).bit_length()


def integer_epsilon(n_classes: int) -> int:
    """`epsilon` in units of ``2**(spare_bits - 30)``."""
    return max(1, round(epsilon(n_classes) * 2.0 ** (30 - spare_bits(n_classes))))


def integer_coupled(pair: NDArray[np.int64], n_classes: int) -> Array:
    """Probabilities of classes in units of 1 / `PROBA_ONE`: uint16 of shape (n, n_classes).

    Parameters
    ----------
    pair : array of shape (n, n_pairs)
        Probability of class i against j in Q16, from 1 to 65535.
    """
    r = square(pair, n_classes, 1 << 16)
    p = np.full((len(pair), n_classes), _ONE // n_classes, np.int64)
    active = np.arange(len(pair))
    for _ in range(most_sweeps(n_classes)):
        now, of = p[active], r[active]
        Qp = np.stack([_row(of, now, t) for t in range(n_classes)], axis=1)
        average = _signed(Qp, np.minimum(now >> 14, 0xFFFF)).sum(axis=1)
        error = np.maximum(Qp.max(axis=1) - average, average - Qp.min(axis=1))
        going = error >= integer_epsilon(n_classes)
        active = active[going]
        if not len(active):
            break
        p[active] = _integer_sweep(of[going], now[going], average[going])
    return np.asarray(np.minimum((p + (1 << 14)) >> 15, PROBA_ONE), np.uint16)


def _row(r: Array, p: Array, t: int) -> NDArray[np.int64]:
    """``(Qp)_t``."""
    spare = spare_bits(p.shape[1])
    total = np.zeros(len(p), np.int64)
    for j in range(p.shape[1]):
        if j != t:
            d = _scaled(p[:, t], r[:, j, t]) - _scaled(p[:, j], r[:, t, j])
            term = _scaled(np.abs(d), r[:, j, t]) >> spare
            total += np.where(d < 0, -term, term)
    return total


def _integer_sweep(r: Array, p: Array, average: Array) -> Array:
    n = p.shape[1]
    p = p.copy()
    for t in range(n):
        Qp = _row(r, p, t)
        own = np.zeros(len(p), np.int64)
        for j in range(n):
            if j != t:
                own += r[:, j, t] ** 2 >> (2 + spare_bits(n))
        own = np.maximum(own, 1)
        q = _ratio(own, np.maximum(own + average - Qp, 1))
        # Rounded, q may leave less than nothing for class t.
        others = np.maximum(_ONE - p[:, t], 0)
        q = np.where(_signed(others, q) > _ONE, _ratio(np.full_like(q, _ONE), np.maximum(others, 1)), q)
        more = (1 << 16) - q
        average = np.clip(average + _signed(Qp, np.abs(more)) * np.sign(more), 0, _ONE - 1)
        average = np.minimum(_scaled(average, q), _ONE - 1)
        p = _scaled(p, q[:, None])
        # What is left, or sums would drift away from one.
        p[:, t] = np.maximum(_ONE - (p.sum(axis=1) - p[:, t]), 0)
    return p


def _ratio(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """``a / b`` in Q16, at most 2, of 31-bit integers above 0."""
    bits = 32 - np.ceil(np.log2((np.maximum(a, b) + 1).astype(np.float64))).astype(np.int64)
    divisor = np.maximum(((b << bits) >> 16) + ((b << bits) >> 15 & 1), 1)
    return np.asarray(np.minimum((a << bits) // divisor, 1 << 17))
