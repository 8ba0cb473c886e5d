"""What models have in common whose scores are products with their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Model
from micromlgen.models._coefficients import matrix_of
from micromlgen.models._matrix import Matrix, naming
from micromlgen.models._products import layouts
from micromlgen.models._widths import Width, narrowest, widths

Array = NDArray[Any]
#: The contract of float32: relative to the magnitudes that a score adds up.
BOUND = 1e-5


@dataclass(frozen=True, eq=False)
class OnProducts(Model):
    matrix: Matrix

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if not inputs.is_integer:
            with naming(self.source):
                return replace(self, input=inputs, matrix=self.matrix.rounded())

        rows = None if by.rows is None else inputs.encode(by.rows)

        def build(width: Width) -> Any:
            with naming(self.source):
                return replace(self, input=inputs, matrix=self._scaled(inputs, width, rows))

        return narrowest(self, inputs, by, build, widths(inputs))

    def _scaled(self, inputs: Input, width: Width, rows: Array | None) -> Matrix:
        return self.matrix.scaled(inputs, width, rows=rows)

    @property
    def kernel(self) -> str:
        """The kernel that multiplies."""
        return self.matrix.kernel_for(self.input)

    @property
    def n_scores(self) -> int:
        """How many scores there are."""
        return len(self.matrix.bias)

    def behind(self, stage: Affine) -> Self:
        """The same model of what `stage` is given."""
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, matrix=self.matrix.behind(stage))

    def scores(self, Q: Array) -> Array:
        """Scores of encoded rows, shape (n, n_scores)."""
        return self.matrix.scores(Q)

    def rounding(self, Q: Array) -> Array | None:
        return self.matrix.rounding(Q)

    def moves(self, Q: Array, by: Array) -> Array:
        with np.errstate(invalid="ignore"):  # features of which nothing is known
            out = by @ np.abs(self.matrix.weights.T.astype(np.float64))
        return np.where(np.isnan(out), np.inf, out)

    def boundaries(self) -> Sequence[Array]:
        top = self.input.highest if self.input.is_integer else 1000.0
        values = np.array([-top, -1, 0, 1, top], self.input.dtype)
        return [values] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        return layouts(self.matrix, self.kernel)


def common(estimator: Any, matrix: Matrix) -> dict[str, Any]:
    inputs = Input(matrix.weights.shape[1])
    return {"source": type(estimator).__name__, "input": inputs, "matrix": matrix}


def coefficients(estimator: Any) -> Matrix:
    return matrix_of(estimator, estimator.coef_, estimator.intercept_)
