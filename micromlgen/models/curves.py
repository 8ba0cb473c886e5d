"""Functions of single features in integers: tables of straight lines, as few as stay close to the curve."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout
from micromlgen.models._lines import Lines, lines
from micromlgen.models._outputs import outputs
from micromlgen.models._stage import IntegerStage, Stage, only_layout
from micromlgen.models.transformers import Form, Scaled
from micromlgen.quantize import ROOM

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

    #: What was subtracted from features; in integers only.
    center: NDArray[np.float64] | None = field(default=None, kw_only=True)

    @property
    def wide(self) -> bool:
        return True

    def centred(self, center: NDArray[np.float32]) -> Curved:
        more = center.astype(np.float64)
        return replace(self, center=more if self.center is None else self.center + more)

    @property
    def bound(self) -> float:
        """Largest magnitude of an output, before it is scaled."""
        return np.inf

    def then(self, map: Affine) -> Curved:
        """The stage with outputs that are scaled."""
        return replace(self, after=map if self.after is None else map.after(self.after))

    def scaled(self, X: Array) -> NDArray[np.float64]:
        """What comes out for rows, free of rounding."""
        with np.errstate(all="ignore"):
            y = self.exact(X if self.center is None else X + self.center)
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
        y = self.scaled(rows)
        most = float(np.minimum(ROOM * np.abs(y), self.reach(inputs)).max())
        exponent = int(np.floor(np.log2(32766 / max(most, 1e-30))))
        spans = np.ptp(y, axis=0)
        if (spans * CLOSE >= np.ldexp(1.0, -exponent))[spans > 0].all():
            return self._integers(inputs, None, np.full(self.n_outputs, exponent), rows)
        return self._apart(inputs, y, rows)

    def _apart(self, inputs: Input, y: NDArray[np.float64], rows: Array) -> IntegerCurves:
        """Lines of outputs far from zero or of many sizes: in a unit of each, and about its middle."""
        middle, ones = (y.min(axis=0) + y.max(axis=0)) / 2, np.ones(self.n_outputs)
        about = Affine.elementwise(ones, middle)
        last = replace(outputs(self.source, self.n_outputs), map=about)
        exponents = fixedpoint.exponent_for(ROOM * np.ptp(y, axis=0) / 2, 32767)
        to = last.takes(Input(self.n_outputs, "int16", exponents=exponents))
        assert to.exponents is not None
        made = self.then(Affine.elementwise(ones, -middle))._integers(inputs, to, to.exponents, rows)
        scaled = last.quantize(to, Calibration((y - middle).astype(np.float32)))
        return replace(made, to=None, span=scaled.span, last=scaled)

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
        wide = curves.T.astype(np.int64)
        knots = [lines(y, y - within, y + within) for y, within in zip(wide, close, strict=True)]
        return IntegerCurves(
            source=self.source,
            input=inputs,
            span=span,
            to=to,
            lines=Lines(
                tuple(at[k].astype(inputs.dtype) for k in knots),
                tuple(curve[k] for curve, k in zip(curves.T, knots, strict=True)),
            ),
            exponent=int(exponents[0]),
        )

    def _at_likely(self, inputs: Input) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
        """Features, encoded values that they are likely to have, and the mean of what comes out there."""
        for f, (values, often) in enumerate(self.likely()):
            around = values.astype(np.float64) - (0.0 if self.center is None else self.center[f])
            rows = np.zeros((len(values), self.n_outputs))
            rows[:, f] = around
            steps = np.floor(around / inputs.unit[f] + 0.5)
            q, which = np.unique(np.clip(steps, -inputs.highest, inputs.highest), return_inverse=True)
            sums = np.bincount(which.ravel(), often * self.scaled(rows)[:, f])
            yield f, q.astype(np.int64), sums / np.bincount(which.ravel(), often)


@dataclass(frozen=True, eq=False)
class IntegerCurves(IntegerStage):
    """A table of straight lines, with values of 16 bits."""

    lines: Lines
    #: Of a header's own a unit is ``2**-exponent``, ...
    exponent: int
    #: ... or this makes one unit of what comes out.
    last: Form | None = field(default=None, kw_only=True)

    @property
    def in_place(self) -> bool:
        return self.output_dtype == self.input.dtype

    @property
    def output_scale(self) -> float:
        if self.last is not None:
            return self.last.output_scale
        return 2.0**-self.exponent if self.to is None else 1.0

    @property
    def scaled(self) -> Scaled | None:
        """What becomes of a line's number in the end; None: nothing."""
        return self.last if isinstance(self.last, Scaled) else None

    def predict(self, Q: Array) -> Array:
        y = self.lines.apply(Q)
        return y.astype(self.output_dtype) if self.last is None else self.last.predict(y.astype(np.int16))

    def boundaries(self) -> Sequence[Array]:
        return self.lines.near(super().boundaries(), self.input.highest)

    def layouts(self) -> Sequence[Layout]:
        tables = list(self.lines.tables)
        steps = np.log2(len(tables[0]) / self.n_outputs + 1)
        tables += [] if self.scaled is None else [self.scaled.gain, self.scaled.offset]
        cycles = ((720.0, 45), (110, 14), (40, 10), (60, 12))
        work = [(c + step * steps) * self.n_outputs for c, step in cycles]
        return only_layout("lines", tables, (330, 150, 150, 170), work)

    def contract(self) -> Sequence[str]:
        return ["curves are straight lines, off by 0.1 % of the outputs' span at most"]
