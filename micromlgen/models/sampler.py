"""Random features whose products are near those of a kernel: cosines of projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.ir import Calibration, Input, Layout
from micromlgen.models._matrix import Matrix
from micromlgen.models._stage import TINY, Stage, only_layout, zeros

Array = NDArray[Any]
#: Most that cosf of any libm is off, and of its argument for each unit of that.
_COSINE, _ARGUMENT = 5e-7, 2.0**-22
#: The contract, relative to the largest value and what the argument adds up.
_BOUND = 1e-5


@dataclass(frozen=True, eq=False)
class Cosines(Stage):
    """``gain * cos(weights @ x + bias)``."""

    rows: Matrix
    gain: float

    @property
    def uses_math(self) -> bool:
        return True

    @property
    def factor(self) -> np.float32:
        """The gain as the C has it."""
        return np.float32(self.gain)

    def behind(self, stage: Affine) -> Cosines | None:
        if stage.cancels:
            return None
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, rows=self.rows.behind(stage))

    def quantize(self, inputs: Input, by: Calibration) -> Cosines:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        self.check_missing(inputs)
        return replace(self, input=inputs, rows=self.rows.rounded())

    def exact(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(float(self.factor) * np.cos(self.rows.scores(X)))

    def rounding(self, Q: Array) -> Array | None:
        size = self.rows.magnitude(Q)
        own = self.rows.rounding(Q)
        off = _COSINE + _ARGUMENT * size + (0.0 if own is None else own)
        return np.asarray(abs(self.gain) * np.minimum(off, 2.0) + TINY)

    def moves(self, Q: Array, by: Array) -> Array:
        off = by @ np.abs(self.rows.weights.T.astype(np.float64))
        return np.asarray(abs(self.gain) * np.minimum(off, 2.0))

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(abs(self.gain) * np.minimum(_BOUND * (1 + self.rows.magnitude(X)), 2.0))

    def layouts(self) -> Sequence[Layout]:
        tables = [*self.rows.tables, self.rows.constants]
        products = [c * self.rows.weights.size for c in (250.0, 120, 4, 120)]
        work = [p + c * self.n_outputs for p, c in zip(products, (4000.0, 3000, 300, 3000), strict=True)]
        return only_layout("rows", tables, (2300, 5000, 1500, 5000), work)

    def contract(self) -> Sequence[str]:
        return [f"numbers are within {_BOUND:g} of the largest, times what the argument adds up"]


@converts("sklearn.kernel_approximation.RBFSampler")
def sampler(estimator: Any) -> Cosines:
    """Convert random features of the Gaussian kernel."""
    weights = np.asarray(estimator.random_weights_, np.float64).T
    rows = Matrix(weights, np.asarray(estimator.random_offset_, np.float64))
    n_outputs, n = weights.shape
    return Cosines(
        source=type(estimator).__name__,
        input=Input(n),
        span=zeros(n_outputs),
        rows=rows,
        gain=float(np.sqrt(2.0 / n_outputs)),
    )
