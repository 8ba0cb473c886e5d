"""Sums of kernels in integers, bit for bit as the C computes them.

Products of x and vectors are exact in 32 bits. One multiplication makes of a squared distance, or of a
product, an exponent of two in Q12; kernels are Q15, or powers of up to 31 bits. Their sums with the
coefficients stay in 32 bits, which _svm_quantize.py proves when it chooses the scales. x of any value in
range is accounted for; one that stands for NaN gives some kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.fixedpoint import Exponential
from micromlgen.kernels import dot
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_duals import Duals
from micromlgen.models._svm_expansion import Kernel, blocks
from micromlgen.tables import narrow

Array = NDArray[Any]
#: The largest kernel, in Q15.
KERNEL_ONE = (1 << 15) - 1
_MASK = np.int64(0xFFFFFFFF)


class Exponent(NamedTuple):
    """How a score becomes an exponent of two in Q12: ``(score >> before) * multiplier >> after``."""

    before: int
    multiplier: int
    after: int

    @property
    def limit(self) -> int:
        """From this ``score >> before`` on the power counts as 0; below it nothing leaves 32 bits."""
        return -(-(1 << (16 + self.after)) // self.multiplier)


class Norms(NamedTuple):
    """What is added to the square of x for each vector: `least`, and what is stored `above` it."""

    least: int
    above: Array

    @classmethod
    def of(cls, values: NDArray[np.int64]) -> Norms:
        """In the narrowest type."""
        above, least = narrow(values - values.min()), int(values.min())
        return cls(least, above) if above.itemsize < narrow(values).itemsize else cls(0, narrow(values))

    @property
    def values(self) -> NDArray[np.int64]:
        return self.above.astype(np.int64) + self.least


@dataclass(frozen=True, eq=False)
class IntegerExpansion:
    """An `Expansion` as the C has it.

    Parameters
    ----------
    vectors : Matrix
        int8 or int16, in units of `unit` with x; the bias is not used.
    duals : Duals
        int8 or int16, the constants int32.
    sum_unit : float
        One unit of a sum.
    """

    kernel: ClassVar[Kernel]
    vectors: Matrix
    duals: Duals
    sum_unit: float

    @property
    def wide(self) -> bool:
        """Whether kernels have up to 31 bits; their products with coefficients are shifted right by 16."""
        return False

    def kernels(self, Q: Array) -> NDArray[np.int64]:
        """Of encoded rows and each vector, shape (n, n_vectors)."""
        raise NotImplementedError

    def sums(self, Q: Array) -> NDArray[np.int64]:
        """Of encoded rows, shape (n, n_sums)."""
        parts = blocks(Q, len(self.vectors.weights))
        down = 16 if self.wide else 0
        return np.concatenate([self.duals.sums(self.kernels(part), down) for part in parts])


@dataclass(frozen=True, eq=False)
class WithExponential(IntegerExpansion):
    """A kernel that needs exponentials: coarse ones by `exponent`, or fine ones by `scale`."""

    exponent: Exponent
    scale: Exponential | None

    def power(self, score: NDArray[np.int64]) -> NDArray[np.int64]:
        """``2**-y`` in Q16, below one, of scores of 32 bits."""
        if self.scale is None:
            score = score >> self.exponent.before
            within = score < self.exponent.limit
            y = (np.where(within, score, 0) * self.exponent.multiplier) >> self.exponent.after
            return np.where(within, fixedpoint.exp2_neg(y.astype(np.uint64)).astype(np.int64), 0)
        e = fixedpoint.exp_neg(score, self.scale).astype(np.int64)
        return (e - (e >> 16)) >> 14


@dataclass(frozen=True, eq=False)
class IntegerRbf(WithExponential):
    """``2**-y`` of the squared distance, exact in steps of x.

    Parameters
    ----------
    shift : int
        A step of the vectors is 2**shift steps of x.
    """

    kernel = "rbf"
    shift: int

    @property
    def norms(self) -> Norms:
        """Squares of the vectors, in their own steps."""
        return Norms.of((self.vectors.weights.astype(np.int64) ** 2).sum(axis=1))

    def kernels(self, Q: Array) -> NDArray[np.int64]:
        squares = (Q.astype(np.int64) ** 2).sum(axis=1)[:, None]
        norms = self.norms.values << 2 * self.shift
        distances = squares + norms - (dot(Q, self.vectors.weights) << self.shift + 1)
        return self.power(distances & _MASK) >> 1


@dataclass(frozen=True, eq=False)
class IntegerPoly(IntegerExpansion):
    """A power of the product and a constant, which saturates at `most`.

    Parameters
    ----------
    constant : int
        Added to products, in their units.
    degree : int
        At least 2.
    left, right : int
        Shifts of the magnitude, to 16 bits.
    down : int or None
        Powers have 31 bits, and are shifted right by so many; None: they have 15.
    """

    kernel = "poly"
    degree: int
    constant: int
    most: int
    left: int
    right: int
    down: int | None

    @property
    def wide(self) -> bool:
        return self.down is not None

    def kernels(self, Q: Array) -> NDArray[np.int64]:
        t = dot(Q, self.vectors.weights) + self.constant
        u = np.minimum(np.abs(t), self.most) << self.left >> self.right
        k = power(u, self.degree) if self.down is None else wide_power(u, self.degree) >> self.down
        return np.where((t < 0) & (self.degree % 2 == 1), -k, k)


@dataclass(frozen=True, eq=False)
class IntegerSigmoid(WithExponential):
    """``(1 - e) / (1 + e)`` with the exponential of twice the magnitude, and the sign."""

    kernel = "sigmoid"
    constant: int

    def kernels(self, Q: Array) -> NDArray[np.int64]:
        t = dot(Q, self.vectors.weights) + self.constant
        e = self.power(np.abs(t))
        k = ((1 << 16) - e) * KERNEL_ONE // ((1 << 16) + e)
        return np.where(t < 0, -k, k)


def power(u: NDArray[np.int64], degree: int) -> NDArray[np.int64]:
    """``u**degree / 2**(16 * (degree - 1))`` of 16-bit u, rounded down after each product."""
    p = u
    for _ in range(degree - 1):
        p = p * u >> 16
    return p


def wide_power(u: NDArray[np.int64], degree: int) -> NDArray[np.int64]:
    """The same with 16 bits more, rounded down after each product."""
    p = u << 16
    for _ in range(degree - 1):
        p = p * u >> 16
    return p
