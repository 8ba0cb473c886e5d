"""FunctionTransformer: a function of numpy, of each feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Layout, Transformer
from micromlgen.models._elementary import EXPM1_BORDER, FUNCTIONS, Elementary
from micromlgen.models._stage import only_layout, zeros
from micromlgen.models.curves import Curved
from micromlgen.models.scalers import identity

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Elementwise(Curved):
    """A function of `_elementary.FUNCTIONS`, of each feature."""

    function: str

    @property
    def known(self) -> Elementary:
        """What is known of it."""
        return FUNCTIONS[self.function]

    @property
    def expm1_border(self) -> float:
        """As of `_elementary`."""
        return EXPM1_BORDER

    @property
    def uses_math(self) -> bool:
        return self.known.math

    @property
    def in_place(self) -> bool:
        return True

    def in_float32(self, inputs: Input) -> Elementwise:
        return replace(self, input=inputs)

    def exact(self, X: Array) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return np.asarray(self.known.value(X.astype(np.float64)))

    def rounding(self, Q: Array) -> Array | None:
        return self.moves(Q, np.zeros(Q.shape))

    def moves(self, Q: Array, by: Array) -> Array:
        with np.errstate(all="ignore"):
            return self.known.off(Q.astype(np.float64), by)

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        allowed = 2 * self.moves(X, np.zeros(X.shape))
        # Beyond float32 numbers end.
        return np.where(np.abs(self.exact(X)) < 1e38, allowed, np.inf)

    def boundaries(self) -> Sequence[Array]:
        values = np.array([-1000, -1, -0.5, -1e-6, 0, 1e-6, 0.3, 0.5, 1, 80, 1000], np.float32)
        return [values] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        work = [c * self.n_outputs for c in (2500.0, 1500, 60, 1500)]
        return only_layout(self.function, [], (900, 1500, 300, 1500), work)

    def contract(self) -> Sequence[str]:
        return [f"{self.function} is within 1e-5 of itself"]


@converts("sklearn.preprocessing.FunctionTransformer")
def function(estimator: Any) -> Transformer:
    """Convert a FunctionTransformer of a well-known function of numpy, or of none.

    Raises
    ------
    UnsupportedError
        If its function is another one, or is given arguments.
    """
    title, n = type(estimator).__name__, estimator.n_features_in_
    if estimator.func is None:
        return identity(title, n)
    name = next((name for name in FUNCTIONS if getattr(np, name) is estimator.func), None)
    if name is None or estimator.kw_args:
        raise UnsupportedError(
            "FunctionTransformer with this function cannot be ported; compute it in the sketch, or use one "
            f"of numpy's: {', '.join(FUNCTIONS)}"
        )
    return Elementwise(source=title, input=Input(n), span=zeros(n), function=name)
