"""Temperature scaling: one factor for all numbers that a classifier decides by, before a softmax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout
from micromlgen.models import _links
from micromlgen.models._links import Link
from micromlgen.models._rescaled import Rescaled
from micromlgen.models._shares import PROBA_ONE, softmax_shift
from micromlgen.models._stage import ULP, Stage, only_layout

Array = NDArray[Any]
#: What scikit-learn adds to probabilities before it takes their logarithm.
EPSILON = 1e-12
#: Most that logf of any libm is off, relative, and absolute where it is near zero.
_LOGARITHM = 4 * ULP


@dataclass(frozen=True, eq=False)
class Temperature(Stage):
    """``softmax(beta * t)`` of decisions t, or of the logarithms of probabilities.

    One decision t between two classes stands for (-t, t). In integers of decisions.
    """

    beta: float
    #: Whether the features are probabilities.
    of_probabilities: bool

    link: ClassVar[Link] = "softmax"
    #: In integer modes: the inputs of the next model, and how shares become these.
    to: Input | None = field(default=None, kw_only=True)
    rescaled: Rescaled | None = field(default=None, kw_only=True)

    @property
    def isometric(self) -> bool:
        return True

    @property
    def wide(self) -> bool:
        return True

    @property
    def _unit(self) -> float:
        """One step of integer decisions, in exponents."""
        return self.beta * float(self.input.unit[0])

    @property
    def exponential(self) -> Exponential | None:
        """Of integer decisions."""
        if not self.input.is_integer:
            return None
        return fixedpoint.exponential(self._unit * _links.factor(self.link, self.n_scores))

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return super().output_dtype if self.to is None else np.dtype(self.to.dtype)

    @property
    def uses_math(self) -> bool:
        return self.of_probabilities

    @property
    def n_scores(self) -> int:
        """How many numbers are given."""
        return self.input.n_features

    @property
    def factor(self) -> np.float32:
        """`beta` as the C has it."""
        return np.float32(self.beta)

    @property
    def epsilon(self) -> np.float32:
        """`EPSILON` as the C has it."""
        return np.float32(EPSILON)

    @property
    def exp_shift(self) -> int:
        """By so many bits exponentials are shifted right, so that their sum stays in 32 bits."""
        return softmax_shift(self.n_scores)

    def quantize(self, inputs: Input, by: Calibration) -> Temperature:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        return self

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Temperature:
        assert to.exponents is not None
        if self.of_probabilities or self.beta <= 0:
            raise UnsupportedError(
                f"{self.source}(method='temperature') of probabilities cannot be ported in integers; use "
                "method='sigmoid' or dtype='float32'"
            )
        factors = np.ldexp(1.0 / PROBA_ONE, to.exponents)
        rescaled = Rescaled.by(factors, to.highest, self.source)
        return replace(self, input=inputs, to=to, rescaled=rescaled)

    def predict(self, Q: Array) -> Array:
        if self.rescaled is None:
            return super().predict(Q)
        given = _links.integer_probabilities(Q.astype(np.int64), self.link, self._unit)
        return self.rescaled.apply(given).astype(self.output_dtype)

    def _logits(self, X: Array) -> NDArray[np.float64]:
        rows = X.astype(np.float64)
        return np.log(np.maximum(rows, 0) + EPSILON) if self.of_probabilities else rows

    def exact(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(_links.probabilities(float(self.factor) * self._logits(X), self.link))

    def _off(self, X: Array, by: Array) -> Array:
        """The error of probabilities where decisions are off by `by`, shape (n, 1)."""
        scores = float(self.factor) * self._logits(X)
        return _links.off(scores, self.beta * by + 2 * ULP * np.abs(scores), self.link)

    def rounding(self, Q: Array) -> Array | None:
        lost = np.zeros(Q.shape)
        if self.of_probabilities:
            lost = _LOGARITHM * (np.abs(self._logits(Q)) + 1)
        return self._off(Q, lost)

    def moves(self, Q: Array, by: Array) -> Array:
        if self.of_probabilities:
            rows = np.maximum(Q.astype(np.float64), 0)
            # A probability moves by its share times what its logarithm does, but for a common factor.
            large = rows.max(axis=1, keepdims=True)
            power = (np.minimum(rows + by, 1.0) + EPSILON) ** self.beta
            least = (np.maximum(rows - by, 0) + EPSILON) ** self.beta
            most = np.maximum(large - by.max(axis=1, keepdims=True), 1e-3) ** self.beta
            return np.asarray(((power - least) / most).sum(axis=1, keepdims=True))
        return self._off(Q, by)

    def boundaries(self) -> Sequence[Array]:
        if not self.of_probabilities:
            return super().boundaries()
        return [np.array([0, 1e-6, 0.5, 1], np.float32)] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        per, code = (5000.0, 2500, 150, 2500), (1500, 1800, 400, 1800)
        if self.input.is_integer:
            per, code = (2500.0, 400, 150, 300), (900, 450, 300, 400)
        return only_layout("softmax", [], code, [c * self.input.n_features for c in per])

    def contract(self) -> Sequence[str]:
        return ["probabilities are within 1e-5"]
