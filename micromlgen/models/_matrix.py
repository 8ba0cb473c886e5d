"""Rows of weights in flash, each with a constant: scores that are products with x."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.models._rounding import rounded_together

Array = NDArray[Any]
#: Bytes of the largest object that avr-gcc takes.
_LARGEST_OBJECT = 32_767
#: Rounding of one float32 operation, relative to its result.
ULP = 2.0**-24
#: Stands for zero in a denominator.
_TINY = 1e-200
#: Most bits of `Matrix.shift`.
_MOST_BITS = 30


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Put the name of the estimator before what its matrix cannot be.

    Raises
    ------
    UnsupportedError
        What is raised within, with the name.
    """
    try:
        yield
    except UnsupportedError as error:
        raise UnsupportedError(f"{source}: {error}") from error


@dataclass(frozen=True, eq=False)
class Matrix:
    """Scores ``weights @ x + bias``, in units of `unit`.

    Parameters
    ----------
    weights : array of shape (n_rows, n_features)
        float64 as the estimator has them; quantised: float32, int16 or int8.
    bias : array of shape (n_rows,)
        float64; quantised: float32 or int32.
    unit : float
        One unit of a score; 1 in float.
    shift : uint8 array of shape (n_rows,), or None
        In integers, products with a row are shifted right by so many bits before its bias is added.
    """

    weights: Array
    bias: Array
    unit: float = 1.0
    shift: NDArray[np.uint8] | None = None

    @property
    def is_integer(self) -> bool:
        """Whether the scores are integers."""
        return bool(self.weights.dtype.kind == "i")

    @property
    def kernel(self) -> str:
        """The kernel of templates/kernels.h.j2 that multiplies inputs of the weights' own type."""
        return {"float32": "f32", "int16": "i16", "int8": "i8"}[self.weights.dtype.name]

    def kernel_for(self, inputs: Input) -> str:
        """The kernel that multiplies inputs of this type with the weights, which may be narrower."""
        return "i16w8" if inputs.dtype == "int16" and self.kernel == "i8" else self.kernel

    def behind(self, stage: Affine) -> Self:
        """The same scores of what `stage` is given."""
        return replace(
            self, weights=self.weights @ stage.matrix, bias=self.bias + self.weights @ stage.offset
        )

    def rounded(self) -> Self:
        """In float32.

        Raises
        ------
        UnsupportedError
            If a weight is beyond float32.
        """
        if max(np.abs(self.weights).max(), np.abs(self.bias).max()) > np.finfo(np.float32).max:
            raise UnsupportedError("a weight is beyond float32; scale the features or the targets")
        return replace(self, weights=self.weights.astype(np.float32), bias=self.bias.astype(np.float32))

    def scaled(
        self,
        inputs: Input,
        width: Literal["int8", "int16"],
        *,
        rows: Array | None = None,
        by_row: bool = False,
        finest: float = 1e-30,
        whole: bool = False,
    ) -> Self:
        """In integers of this width: as fine as int32 sums of any encoded x prove to stay in range.

        Parameters
        ----------
        inputs : Input
        width : {"int8", "int16"}
        rows : array of shape (n_rows, n_features), or None
            Encoded rows whose scores are to change least, where the width is so narrow that it matters.
        by_row : bool
            Whether rows may have units of their own for their products, `shift` bits finer than `unit`: for
            rows that differ much in size, or whose bias is large.
        finest : float
            Smallest `unit` allowed.
        whole : bool
            Whether ``1 / unit`` must be a power of two, and an integer.

        Raises
        ------
        UnsupportedError
            If a weight is not finite, or too large for a `whole` scale, or there are too many.
        """
        weights, most = self.weights * inputs.unit, inputs.highest + 1  # what stands for NaN is one beyond
        scale, fine = self._scales(weights, most, width)
        scale = min(scale, 1.0 / finest)
        if whole and scale < 1:
            raise UnsupportedError("a weight is too large for integers; scale the features before training")
        scale = float(2.0 ** np.floor(np.log2(scale))) if whole else scale
        bits = np.zeros(len(weights), np.uint8)
        if by_row:
            bits = np.clip(np.floor(np.log2(fine / scale)), 0, _MOST_BITS).astype(np.uint8)
        exact = weights * np.ldexp(scale, bits)[:, None]
        if rows is not None and width == "int8":
            integers, lost = rounded_together(exact, rows, np.iinfo(width).max)
            together = self._stored(integers.astype(width), scale, bits, lost)
            # These are not the nearest weights, for which there is room by proof.
            if together.fits(most):
                return together
        return self._stored(np.rint(exact).astype(width), scale, bits, np.zeros(len(exact)))

    def _scales(self, weights: Array, most: int, width: str) -> tuple[float, Array]:
        """Largest scales with which nothing leaves 32 bits: of the scores, and of each row's product."""
        reach, largest = np.abs(weights).sum(axis=1) * most, np.abs(weights).max(axis=1)
        if not np.isfinite(reach + np.abs(self.bias)).all():
            raise UnsupportedError("a weight is not finite; fit again on finite numbers")
        # Each weight that is not zero is rounded by one half at most, the bias by one.
        room = 2.0**31 - 2 - np.count_nonzero(weights, axis=1) * most / 2
        if (room <= 0).any():
            raise UnsupportedError("so many features overflow sums of 32 bits; use dtype='int8' or 'float32'")
        scores = room / np.maximum(reach + np.abs(self.bias), _TINY)
        products = room / np.maximum(reach, _TINY)
        products = np.minimum(products, np.iinfo(width).max / np.maximum(largest, _TINY))
        return float(np.minimum(products, scores).min()), products

    def _stored(self, integers: Array, scale: float, bits: NDArray[np.uint8], lost: Array) -> Self:
        """Integer weights with their biases, to which is added what the rounding of weights lost."""
        # What is shifted out is one half on average.
        bias = self.bias * scale + np.ldexp(lost, -bits.astype(np.int32)) + np.where(bits > 0, 0.5, 0.0)
        return replace(
            self,
            weights=integers,
            bias=np.clip(np.rint(bias), 1 - 2.0**31, 2.0**31 - 1).astype(np.int32),
            unit=1.0 / scale,
            shift=bits if bits.any() else None,
        )

    def fits(self, most: int) -> bool:
        """Whether products and scores, in integers, stay in 32 bits for features within ±most."""
        products = np.abs(self.weights.astype(np.int64)).sum(axis=1) * most
        scores = products if self.shift is None else (products >> self.shift) + 1
        scores = scores + np.abs(self.bias.astype(np.int64))
        return bool(max(products.max(), scores.max()) < 2**31)

    def scores(self, Q: Array) -> Array:
        """Of encoded rows, shape (n, n_rows): int64 as the C has them, or float64 free of rounding."""
        if self.is_integer:
            products = kernels.dot(Q, self.weights)
            products = products if self.shift is None else products >> self.shift
            return products + self.bias.astype(np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(Q.astype(np.float64) @ self.weights.T.astype(np.float64) + self.bias)

    def magnitude(self, Q: Array) -> NDArray[np.float64]:
        """Sum of the magnitudes of what a score adds, shape (n, n_rows)."""
        weights, bias = (np.abs(a.astype(np.float64)) for a in (self.weights, self.bias))
        return np.asarray(np.abs(Q.astype(np.float64)) @ weights.T + bias)

    def rounding(self, Q: Array) -> NDArray[np.float64] | None:
        """Most that float32 arithmetic makes of each score, shape (n, n_rows); None in integers."""
        if self.is_integer:
            return None
        # Denormals may count as nothing.
        tiny = np.abs(Q.astype(np.float64)).sum(axis=1, keepdims=True)
        tiny = tiny + np.abs(self.weights.astype(np.float64)).sum(axis=1) + 1.0
        return np.asarray((self.weights.shape[1] + 2) * ULP * self.magnitude(Q) + 2.0**-125 * tiny)

    @property
    def led(self) -> Self:
        """Rows that begin with their constants, as the kernel of float32 takes them."""
        return replace(self, weights=np.column_stack([self.bias, self.weights]))

    @property
    def stored(self) -> Self:
        """The rows as they are in flash: in float those of several begin with their constants."""
        return self if self.is_integer or len(self.bias) == 1 else self.led

    @property
    def starts(self) -> list[int]:
        """First rows of the tables: one, or as many as AVR's largest object asks for."""
        per_table = max(1, _LARGEST_OBJECT // (self.weights.shape[1] * self.weights.itemsize))
        return list(range(0, len(self.weights), per_table))

    @property
    def constants(self) -> Array:
        """The bias as it is stored: integers signed, and as narrow as they are."""
        if not self.is_integer:
            return self.bias
        most = int(np.abs(self.bias.astype(np.int64)).max())
        return self.bias.astype(np.min_scalar_type(-most - 1))

    def known_ahead(self, kernel: str, neighbors: str) -> tuple[str, Self]:
        """The kernel that multiplies several rows at a time, and the matrix with what its products meet.

        Parameters
        ----------
        kernel : {"i16", "i16w8", "i8"}
            The kernel that multiplies one row.
        neighbors : {"i8n", "i8p"}
            The kernel for int8 if constants may be added to its products.
        """
        n = self.weights.shape[1]
        if kernel != "i8" or self.shift is not None or (neighbors == "i8p" and n > kernels.MOST_PAIRED):
            return kernel, self
        bias = self.bias - kernels.neighbors(self.weights)
        # With the products of neighbours in x, of which there are half as many as features.
        reach = np.abs(self.weights.astype(np.int64)).sum(axis=1) * 128 + np.abs(bias) + n * 2**13
        if reach.max() >= 2**30:
            return kernel, self
        return neighbors, replace(self, bias=bias.astype(np.int32))

    @property
    def tables(self) -> Sequence[Array]:
        """The rows, cut at `starts`."""
        return np.split(self.weights, self.starts[1:])
