"""What models have in common that compare sums of squares: Gaussian densities, in numbers of the C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Model
from micromlgen.models import _logsum
from micromlgen.models._gaussian import Densities, Diagonal
from micromlgen.models._gaussian_fit import Fit, Integers
from micromlgen.models._gaussian_float import MOST, FloatSquares, rounded
from micromlgen.models._matrix import ULP, Matrix
from micromlgen.models._widths import Width, widths

Array = NDArray[Any]
#: The contract of float32: relative to the magnitudes that a score adds up.
BOUND = 1e-5
#: Bytes of the largest object that avr-gcc takes.
_LARGEST_OBJECT = 32_767
#: Sums of products and sums of squares that are added to each other are at most this.
_HALF = 1 << 30
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -Os on these: bytes of code, cycles of a number in a table.
_COSTS = {
    "diagonal f32": ((930, 480, 140, 510), (220, 38, 1.8, 24)),
    "diagonal i16": ((370, 190, 130, 200), (50, 9, 3.5, 8)),
    "diagonal i8": ((310, 190, 170, 200), (24, 9, 5.5, 8)),
    "triangle f32": ((1450, 2700, 220, 4000), (150, 65, 3.5, 48)),
    "triangle i16": ((570, 210, 250, 300), (58, 8.5, 5.3, 7)),
    "triangle i16w8": ((530, 210, 250, 300), (45, 8.5, 5.5, 7)),
    "triangle i8": ((450, 210, 250, 300), (30, 8, 5.5, 7)),
    "rows": ((700, 800, 150, 800), (60, 20, 3, 15)),
}


@dataclass(frozen=True, eq=False)
class OnSquares(Model):
    """Densities, and after `quantize` how the C has them.

    Parameters
    ----------
    densities : Densities
        As the estimator has them.
    squares : FloatSquares or Integers, or None
        Their sums of squares; where products decide those that all have in common, if they are needed.
    matrix : Matrix or None
        Products with x that decide, where densities differ in their means alone.
    """

    densities: Densities
    squares: FloatSquares | Integers | None = field(default=None, kw_only=True)
    matrix: Matrix | None = field(default=None, kw_only=True)

    @property
    def absolute(self) -> bool:
        """Whether the densities themselves are asked for, not only which is the largest, and by how much."""
        return False

    @property
    def level(self) -> float:
        """What densities are compared with, where it is not each other."""
        return 0.0

    @property
    def n_densities(self) -> int:
        """How many there are."""
        return len(self.densities.const)

    def feature_limits(self) -> NDArray[np.float64]:
        if isinstance(self.densities, Diagonal):
            return np.asarray(np.abs(self.densities.mean).max(axis=0))
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    def behind(self, stage: Affine) -> Self:
        """The same model of what `stage` is given."""
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, densities=self.densities.behind(stage))

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        own = self.densities if self.absolute else self.densities.without_common()
        linear = self.n_densities > 1 and own.shared
        if not inputs.is_integer:
            return replace(self, input=inputs, **_floats(own, linear, self.absolute))
        assert by.rows is not None, "integer modes of densities need calibration rows"
        kinds: tuple[Width, ...] = widths(inputs) if linear else ("int8", "int16")
        if by.weights is not None:
            if by.weights not in kinds:
                raise UnsupportedError(
                    f"weights={by.weights!r} with inputs of {inputs.dtype} cannot be ported for "
                    f"{self.source} whose densities differ in their means alone: use {' or '.join(kinds)}"
                )
            kinds = (by.weights,)
        common = own.first() if linear else own
        fit = Fit(self.source, common, _used(common), inputs, by.rows, self.absolute, self.level)
        if linear:
            parts = _linear_integers(own, replace(fit, limit=_HALF), kinds[-1])
        else:
            parts = {"squares": fit.narrowest(kinds)}
        return replace(self, input=inputs, **parts)

    @property
    def one(self) -> int:
        """A score of one, in integer modes, where densities themselves are asked for."""
        assert self.squares is not None
        return self.squares.one

    @property
    def unit(self) -> float:
        """One unit of a score, in integer modes."""
        return self.matrix.unit if self.matrix is not None else 1.0 / self.one

    @property
    def kernel(self) -> str:
        """The kernel that multiplies the rows of `matrix`."""
        assert self.matrix is not None
        return self.matrix.kernel_for(self.input)

    @property
    def top(self) -> Any:
        """Logarithm of a density whose sum is 0: int32 or float32."""
        most = 0.0 if self.matrix is not None else float(self.densities.const.max())
        return np.int32(round(most / self.unit)) if self.input.is_integer else np.float32(most)

    def scores(self, Q: Array) -> Array:
        """What decides, of encoded rows: (n, n_densities), int64 or float64 free of rounding."""
        if self.matrix is not None:
            return self.matrix.scores(Q)
        assert self.squares is not None
        return -self.squares.costs(Q)

    def levels(self, Q: Array) -> Array:
        """Logarithms of the densities, as `scores`."""
        if self.matrix is None:
            return np.asarray(self.scores(Q) + self.top)
        assert self.squares is not None
        return np.asarray(self.scores(Q) - self.squares.costs(Q))

    def magnitude(self, X: Array) -> NDArray[np.float64]:
        """What a score adds up in magnitude, of rows of floats: (n, n_densities)."""
        if self.matrix is not None:
            return self.matrix.magnitude(X)
        assert isinstance(self.squares, FloatSquares)
        return self.squares.magnitude(X)

    def rounding_each(self, Q: Array) -> NDArray[np.float64] | None:
        """Most that each score is off, (n, n_densities); None in integers."""
        if self.input.is_integer:
            return None
        if self.matrix is not None:
            return self.matrix.rounding(Q)
        assert isinstance(self.squares, FloatSquares)
        return self.squares.rounding(Q)

    def rounding_levels(self, Q: Array) -> NDArray[np.float64]:
        """Most that floats lose where scores become levels: (n, n_densities) or (n, 1)."""
        lost = ULP * (abs(float(self.top)) + np.abs(self.levels(Q)))
        if self.matrix is None:
            return np.asarray(lost)
        assert isinstance(self.squares, FloatSquares)
        return np.asarray(lost + self.squares.rounding(Q))

    def rounding(self, Q: Array) -> Array | None:
        return self.rounding_each(Q)

    def boundaries(self) -> Sequence[Array]:
        n = self.input.n_features
        if not self.input.is_integer:
            # Products may overflow, squares must not do harm where they do.
            far = [1000.0] if self.matrix is not None else [1000.0, 1e18, 1e30, 3e38]
            values = np.array([*far, 0.0, 1.0, *np.negative(far), -1.0], np.float32)
            return [values] * n
        top = self.input.highest
        ends = [np.iinfo(self.input.dtype).min, -top, -1, 0, 1, top]
        means = np.zeros((0, n))
        if isinstance(self.densities, Diagonal):
            means = np.clip(np.rint(self.densities.mean[:4] / self.input.unit), -top, top)
        return [np.unique([*ends, *own]).astype(self.input.dtype) for own in means.T]

    @property
    def starts(self) -> list[int]:
        """First densities of the tables of squares: one, or as many as AVR's largest object asks for."""
        assert self.squares is not None
        words = self.squares.words
        return list(range(0, len(words), max(1, _LARGEST_OBJECT // words[0].nbytes)))

    @property
    def tables(self) -> list[Array]:
        """Constants of squares, cut at `starts`."""
        assert self.squares is not None
        return np.split(
            np.concatenate(self.squares.words), np.array(self.starts[1:]) * len(self.squares.words[0])
        )

    def layouts(self) -> Sequence[Layout]:
        parts = {"logsum": _logsum, "most": MOST, "bits": _bits}
        tables: list[Array] = []
        flash, cycles = np.zeros(len(_CORES)), np.zeros(len(_CORES))
        if self.matrix is not None:
            tables += [*self.matrix.tables, self.matrix.constants]
            flash, cycles = flash + _COSTS["rows"][0], cycles + _costs("rows", self.matrix.weights.size)
        if self.squares is not None:
            tables += [*self.tables, self.squares.bias, *self.squares.prepared.tables]
            shape = "diagonal" if self.squares.diagonal else "triangle"
            kind = f"{shape} {self.squares.kernel}"
            size = sum(len(words) for words in self.squares.words)
            flash = flash + _COSTS[kind][0]
            # Where products decide, these only tell by how much.
            cycles = cycles + (0 if self.matrix is not None else _costs(kind, size))
        size = sum(t.nbytes for t in tables)
        return [
            Layout(
                name="squares" if self.matrix is None else "rows",
                flash=dict(zip(_CORES, (flash + size).tolist(), strict=True)),
                cycles=dict(zip(_CORES, cycles.tolist(), strict=True)),
                build=lambda: parts,
                tables=[t.nbytes for t in tables],
            )
        ]


def _costs(kind: str, n_numbers: int) -> NDArray[np.float64]:
    return n_numbers * np.array(_COSTS[kind][1])


def _bits(value: Any) -> int:
    """Of an integer itself, of a float its bits."""
    return int(np.float32(value).view(np.uint32)) if isinstance(value, (float, np.floating)) else int(value)


def _used(densities: Densities) -> NDArray[np.int64]:
    """Features to compute with: from the first to the last that a density depends on.

    Without those between them where to copy the others costs less; else some more, where that makes them a
    multiple of four, by which loops are unrolled.
    """
    used, n = np.flatnonzero(densities.used), densities.n_features
    if not len(used):
        return np.zeros(1, np.int64)
    low, high = int(used[0]), int(used[-1]) + 1
    if (high - low - len(used)) * len(densities.const) > len(used):
        return used
    length = high - low
    longer = length + -length % 4
    if isinstance(densities, Diagonal) and longer <= n:
        low, length = min(low, n - longer), longer
    return np.arange(low, low + length)


def _floats(densities: Densities, linear: bool, absolute: bool) -> dict[str, Any]:
    """`squares` and `matrix` in float32."""
    if not linear:
        return {"squares": rounded(densities, _used(densities))}
    common = densities.first()
    return {
        "squares": rounded(common, _used(common)) if absolute else None,
        "matrix": Matrix(*densities.linear()).rounded(),
    }


def _linear_integers(densities: Densities, fit: Fit, width: Width) -> dict[str, Any]:
    """`squares` and `matrix` in integers, of densities that differ in their means alone."""
    matrix, inputs = Matrix(*densities.linear()), fit.inputs
    if not fit.absolute:
        return {"matrix": matrix.scaled(inputs, width, by_row=True)}
    reach = np.abs(matrix.weights * inputs.unit).sum(axis=1) * (inputs.highest + 1) + np.abs(matrix.bias)
    # Each weight is rounded by one half at most.
    room = _HALF - 2 - matrix.weights.shape[1] * (inputs.highest + 1) / 2
    finest = max(1.0 / fit.scaled(width).one, float(reach.max()) / room)
    scaled = matrix.scaled(inputs, width, by_row=True, finest=finest, whole=True)
    return {"matrix": scaled, "squares": fit.scaled(width, round(1.0 / scaled.unit))}
