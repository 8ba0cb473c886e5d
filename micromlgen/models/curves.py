"""Functions of single features in integers: tables of straight lines, as few as stay close to the curve."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout
from micromlgen.models._stage import IntegerStage, Stage, only_layout
from micromlgen.tables import narrow

Array = NDArray[Any]
#: Lines are off by this share of the span of the calibration rows' outputs, beside what rounding does.
CLOSE = 2.0**-10
#: Encoded values that are looked at together.
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Curved(Stage):
    """A transformer whose outputs depend on the feature of the same number each.

    In integers it is a table of straight lines, made of its float64 numbers: there it is an `IntegerCurves`.
    """

    #: What scales the outputs; in integers only, where it costs nothing.
    after: Affine | None = field(default=None, kw_only=True)

    @property
    def wide(self) -> bool:
        return True

    @property
    def bound(self) -> float:
        """Largest magnitude of an output, before it is scaled."""
        return np.inf

    def then(self, map: Affine) -> Curved:
        """The stage with outputs that are scaled."""
        return replace(self, after=map if self.after is None else map.after(self.after))

    def scaled(self, X: Array) -> NDArray[np.float64]:
        """What comes out for raw rows, free of rounding."""
        with np.errstate(all="ignore"):
            y = self.exact(X)
            return y if self.after is None else y * np.diagonal(self.after.matrix) + self.after.offset

    def meant(self, rows: Array, missing: bool) -> NDArray[np.float64]:
        return self.scaled(rows)

    def reach(self, inputs: Input) -> NDArray[np.float64]:
        bound = np.full(self.n_outputs, self.bound)
        if self.after is None:
            return bound
        factors = np.abs(np.diagonal(self.after.matrix))
        scaled: NDArray[np.float64] = np.where(factors > 0, factors * bound, 0.0) + np.abs(self.after.offset)
        return scaled

    def quantize(self, inputs: Input, by: Calibration) -> Stage:
        self.check_missing(inputs)
        if not inputs.is_integer:
            return self.in_float32(inputs)
        assert by.rows is not None, "integer modes of transformers need calibration rows"
        rows = inputs.scaled(by.rows)
        most = float(np.abs(self.scaled(rows)).max())
        exponent = int(np.floor(np.log2(32766 / max(most, 1e-30))))
        return self._integers(inputs, None, np.full(self.n_outputs, exponent), rows)

    @abstractmethod
    def in_float32(self, inputs: Input) -> Stage:
        """The stage with the float32 numbers of the C."""

    def likely(self) -> tuple[tuple[Array, Array], ...]:
        """Of each feature float32 values that it is likely to have, and how often; where curves jump."""
        return ()

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Stage:
        assert to.exponents is not None
        assert by.rows is not None
        return self._integers(inputs, to, to.exponents, by.rows)

    def _integers(self, inputs: Input, to: Input | None, exponents: Array, rows: Array) -> IntegerCurves:
        most = 32767 if to is None else to.highest
        y = self.scaled(rows)
        span = np.stack([y.min(axis=0), y.max(axis=0)], axis=1)
        close = np.maximum(CLOSE * np.ldexp(np.ptp(y, axis=0), exponents), 1.0)
        at = np.arange(-inputs.highest, inputs.highest + 1)
        curves = np.empty((len(at), self.n_outputs), np.int16)

        def whole(numbers: Array) -> Array:
            # Where a function has no value, as the logarithm of what is negative, it is the lowest.
            y = np.ldexp(np.where(np.isnan(numbers), -np.inf, numbers), exponents)
            return np.asarray(np.rint(np.clip(y, -most, most)), np.int16)

        for start in range(0, len(at), _BLOCK):
            block = slice(start, start + _BLOCK)
            curves[block] = whole(self.scaled(at[block, None] * inputs.unit))
        for f, q, y in self._at_likely(inputs):
            curves[q + inputs.highest, f] = whole(np.repeat(y[:, None], self.n_outputs, axis=1))[:, f]
        knots = [lines(curve, within) for curve, within in zip(curves.T, close, strict=True)]
        return IntegerCurves(
            source=self.source,
            input=inputs,
            span=span,
            to=to,
            at=tuple(at[k].astype(inputs.dtype) for k in knots),
            values=tuple(curve[k] for curve, k in zip(curves.T, knots, strict=True)),
            exponent=int(exponents[0]),
        )

    def _at_likely(self, inputs: Input) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
        """Features, encoded values that they are likely to have, and the mean of what comes out there."""
        for f, (values, often) in enumerate(self.likely()):
            rows = np.zeros((len(values), self.n_outputs))
            rows[:, f] = values
            steps = np.floor(values.astype(np.float64) / inputs.unit[f] + 0.5)
            q, which = np.unique(np.clip(steps, -inputs.highest, inputs.highest), return_inverse=True)
            sums = np.bincount(which.ravel(), often * self.scaled(rows)[:, f])
            yield f, q.astype(np.int64), sums / np.bincount(which.ravel(), often)


@dataclass(frozen=True, eq=False)
class IntegerCurves(IntegerStage):
    """Straight lines between knots, rounded to the nearest integer, and constants beyond the last ones.

    Knots have the type of the features and values 16 bits: products of their differences have 32 bits and no
    sign.
    """

    #: Of each feature, ascending, of the type of the features.
    at: tuple[Array, ...]
    #: What comes out there, int16.
    values: tuple[NDArray[np.int16], ...]
    #: Of a header's own a unit is ``2**-exponent``.
    exponent: int

    @property
    def in_place(self) -> bool:
        return self.output_dtype == self.input.dtype

    @property
    def output_scale(self) -> float:
        return 2.0**-self.exponent if self.to is None else 1.0

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
    def falls(self) -> bool:
        """Whether a line falls."""
        return any((np.diff(v.astype(np.int64)) < 0).any() for v in self.values)

    def predict(self, Q: Array) -> Array:
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
        return out.astype(self.output_dtype)

    def boundaries(self) -> Sequence[Array]:
        out = []
        for values, plain in zip(self.at, super().boundaries(), strict=True):
            some = values[np.linspace(0, len(values) - 1, min(len(values), 9)).astype(int)].astype(int)
            sides = np.clip([some - 1, some, some + 1], -self.input.highest, self.input.highest)
            out.append(np.concatenate([plain, sides.ravel().astype(plain.dtype)]))
        return out

    def layouts(self) -> Sequence[Layout]:
        tables = [self.knots, self.heights, self.starts]
        steps = np.log2(len(self.knots) / self.n_outputs + 1)
        cycles = ((720.0, 45), (110, 14), (40, 10), (60, 12))
        work = [(c + step * steps) * self.n_outputs for c, step in cycles]
        return only_layout("lines", tables, (330, 150, 150, 170), work)

    def contract(self) -> Sequence[str]:
        return ["curves are straight lines, off by 0.1 % of the outputs' span at most"]


def lines(curve: NDArray[np.int16], within: float) -> NDArray[np.int64]:
    """Numbers of the values between which straight lines stay so close to all others, shape (n_knots,).

    Each line is as long as a search by doubling and halving finds; constants at both ends need none.
    """
    changes = np.flatnonzero(np.diff(curve))
    if not len(changes):
        return np.zeros(1, np.int64)
    y, end = curve.astype(np.float64), int(changes[-1]) + 1
    knots = [int(changes[0])]
    while knots[-1] < end:
        start, step = knots[-1], 1
        while start + step < end and _close(y, start, min(start + 2 * step, end), within):
            step *= 2
        low, high = start + step, min(start + 2 * step, end)
        while low < high:
            middle = (low + high + 1) // 2
            if _close(y, start, middle, within):
                low = middle
            else:
                high = middle - 1
        knots.append(min(low, end))
    return np.array(knots, np.int64)


def _close(y: NDArray[np.float64], start: int, end: int, within: float) -> bool:
    """Whether the line from one value to another stays near those between."""
    line = np.linspace(y[start], y[end], end - start + 1)
    return bool((np.abs(y[start : end + 1] - line) <= within).all())
