"""What support vector machines have in common: sums of kernels, or of products, that make their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Detector, Layout, Model, NumericModel
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_expansion import Expansion
from micromlgen.models._svm_float import FloatExpansion, floats
from micromlgen.models._svm_integer import IntegerExpansion
from micromlgen.models._svm_layouts import layouts
from micromlgen.models._svm_quantize import Precision, corrected, highest_input, integers, limited
from micromlgen.models._widths import Width, losses, narrowest, widths
from micromlgen.quantize import ROOM

Array = NDArray[Any]
#: The contract of float32: relative to the magnitudes that a sum adds up.
BOUND = 1e-5
#: Inputs are centered where that makes them so many times smaller.
_CENTERED = 4.0
#: Average error of probabilities that narrower constants may add.
_LOSS = 2e-3
#: What is tried, narrowest first, for inputs of each type.
PRECISIONS = {
    "int8": (
        Precision("int8", "int8", False),
        Precision("int8", "int16", False),
        Precision("int8", "int16", True),
    ),
    "int16": (
        Precision("int8", "int8", False),
        Precision("int8", "int16", False),
        Precision("int16", "int8", False),
        Precision("int16", "int16", False),
        Precision("int16", "int16", True),
    ),
}


@dataclass(frozen=True, eq=False)
class OnSums(Model):
    #: With the estimator's own numbers, in units behind what `input` does to features in integer modes.
    exact: Matrix | Expansion
    #: With those of the C.
    sums: Matrix | FloatExpansion | IntegerExpansion | None = field(default=None, kw_only=True)

    @property
    def _is_rbf(self) -> bool:
        return isinstance(self.exact, Expansion) and self.exact.kernel == "rbf"

    def feature_limits(self) -> NDArray[np.float64]:
        if isinstance(self.exact, Expansion) and self._is_rbf:
            return np.asarray(np.abs(self.exact.vectors).max(axis=0))
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    @property
    def centres(self) -> bool:
        return self._is_rbf

    @property
    def isometric(self) -> bool:
        return self._is_rbf

    def highest_input(self, dtype: DType) -> int:
        most = super().highest_input(dtype)
        return min(most, highest_input(self.input.n_features)) if self._is_rbf else most

    def behind(self, stage: Affine) -> Self | None:
        exact = self.exact.behind(stage)
        if exact is None:
            return None
        return replace(self, input=replace(self.input, n_features=stage.matrix.shape[1]), exact=exact)

    @property
    def _room(self) -> float:
        """What sums are compared with, beside their own terms."""
        return 0.0

    def refined(self, inputs: Input, by: Calibration) -> Input:
        """Around the middle of the support vectors, if they stand so far from zero that steps are coarse."""
        if not self._is_rbf or by.rows is None or inputs.center is not None or inputs.gain is not None:
            return inputs
        if not np.any(inputs.exponents) and (by.rows == np.rint(by.rows)).all():
            return inputs  # exact as they are
        assert isinstance(self.exact, Expansion)
        seen = np.concatenate([self.exact.vectors, by.rows])
        middle = ((seen.min(axis=0) + seen.max(axis=0)) / 2).astype(np.float32)
        around = np.abs(seen - middle).max()
        if around * _CENTERED > np.abs(seen).max():
            return inputs
        room = 1.0 if inputs.dtype == "int8" else ROOM
        exponents = np.full(len(middle), fixedpoint.exponent_for(room * around, inputs.highest), np.int32)
        return replace(inputs, center=middle, exponents=exponents)

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if not inputs.is_integer:
            exact = self.exact
            return replace(
                self, input=inputs, sums=floats(exact) if isinstance(exact, Expansion) else exact.rounded()
            )
        if isinstance(self.exact, Matrix):
            return narrowest(self, inputs, by, partial(self._scaled, inputs, self.exact), widths(inputs))
        assert by.rows is not None, "integer modes of support vector machines need calibration rows"
        if not self._is_rbf:
            return self._cheapest(inputs, by)
        model = self
        if inputs.center is not None and self.input.center is None:
            vectors = self.exact.vectors - inputs.center.astype(np.float64)
            model = replace(self, exact=replace(self.exact, vectors=vectors))
        assert isinstance(model.exact, Expansion)
        return model._cheapest(limited(model.exact, inputs), by)

    def _scaled(self, inputs: Input, matrix: Matrix, width: Width) -> Self:
        return replace(self, input=inputs, sums=matrix.scaled(inputs, width))

    def _cheapest(self, inputs: Input, by: Calibration) -> Self:
        """The narrowest constants that lose nothing on known rows, or those that the user wishes.

        Raises
        ------
        UnsupportedError
            If the width that the user wishes is not offered.
        """
        assert isinstance(self.exact, Expansion)
        assert by.rows is not None
        exact, rows, Q = self.exact, inputs.scaled(by.rows), inputs.encode(by.rows)

        def build(precision: Precision) -> Any:
            sums = integers(exact, inputs, Q, precision, self._room, isinstance(self, Detector))
            return replace(self, input=inputs, sums=corrected(sums, exact, Q, rows))

        kinds = [p for p in PRECISIONS[inputs.dtype] if by.weights in (None, p.vectors)]
        if not kinds:
            raise UnsupportedError(
                f"weights={by.weights!r} with inputs of {inputs.dtype} cannot be ported for {self.source}: "
                "use 'int8'"
            )
        lost = losses(self, inputs, by)
        lost = replace(lost, counted=self._counted(inputs.scaled(lost.rows)))
        best: Self = build(kinds[-1])
        # Few of the known rows are near a border, since vectors were trained to be off it.
        more = lost.more if isinstance(self, NumericModel) else 0.0
        allowed, known = lost(best) + more, self._numbers(Q, rows, best)
        for precision in kinds[:-1]:
            candidate: Self = build(precision)
            if (lost(candidate) <= allowed).all() and self._numbers(Q, rows, candidate) <= known + _LOSS:
                return candidate
        return best

    def _counted(self, rows: Array) -> NDArray[np.bool_] | None:
        """Rows, in the units of the estimator, on which answers of integers count; None: all."""
        return None

    def _numbers(self, Q: Array, rows: Array, candidate: Self) -> float:
        """How far other answers of a candidate are from the right ones for encoded rows Q, on average."""
        return 0.0

    @property
    def kernel(self) -> str:
        """The function of templates/kernels.h.j2 that multiplies x with rows."""
        return self.rows.kernel_for(self.input)

    @property
    def dual_kernel(self) -> str:
        """The function that multiplies kernels with coefficients."""
        assert isinstance(self.sums, FloatExpansion | IntegerExpansion)
        return {"float32": "f32", "int16": "i16", "int8": "i16w8"}[self.sums.duals.values.dtype.name]

    @property
    def rows(self) -> Matrix:
        """What x is multiplied with."""
        assert self.sums is not None
        return self.sums if isinstance(self.sums, Matrix) else self.sums.vectors

    def values(self, Q: Array) -> Array:
        """Sums of encoded rows, shape (n, n_sums): int64 as the C has them, or float64 free of rounding."""
        assert self.sums is not None
        return self.sums.scores(Q) if isinstance(self.sums, Matrix) else self.sums.sums(Q)

    @property
    def unit(self) -> float:
        """One unit of an integer sum."""
        assert self.sums is not None
        if isinstance(self.sums, IntegerExpansion):
            return self.sums.sum_unit
        return self.sums.unit if isinstance(self.sums, Matrix) else 1.0

    @property
    def n_sums(self) -> int:
        """How many sums there are."""
        return len(self.exact.bias) if isinstance(self.exact, Matrix) else self.exact.n_sums

    def _magnitude(self, X: Array) -> NDArray[np.float64]:
        """Of what the sums of raw rows add up, shape (n, n_sums) or (1, n_sums)."""
        return self.exact.magnitude(self.input.scaled(np.asarray(X, np.float32)))

    def _off(self, Q: Array) -> Array | None:
        """`rounding` of the sums, shape (n, n_sums)."""
        if isinstance(self.sums, IntegerExpansion) or self.sums is None:
            return None
        return self.sums.rounding(Q)

    def rounding(self, Q: Array) -> Array | None:
        return self._off(Q)

    def boundaries(self) -> Sequence[Array]:
        if self.input.is_integer:
            top, lowest = self.input.highest, np.iinfo(self.input.dtype).min
            return [np.array([lowest, -top, -1, 0, 1, top], self.input.dtype)] * self.input.n_features
        if isinstance(self.exact, Matrix):
            return [np.array([-1000, -1, 0, 1, 1000], np.float32)] * self.input.n_features
        low, high = self.exact.vectors.min(axis=0), self.exact.vectors.max(axis=0)
        far = 100 * (high - low) + 1
        return list(np.stack([low - far, low, (low + high) / 2, high, high + far], axis=1).astype(np.float32))

    def layouts(self) -> Sequence[Layout]:
        assert self.sums is not None
        return layouts(self.sums, self.kernel)
