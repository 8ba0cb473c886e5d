"""Features that are sums of kernels: Nystroem's, and the components of a kernel PCA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Classifier, Layout, Model, Transformer
from micromlgen.models._kernel_read import expanded, parameters
from micromlgen.models._linear import OnProducts
from micromlgen.models._matrix import Matrix
from micromlgen.models._rescaled import Rescaled
from micromlgen.models._sequence import in_sequence
from micromlgen.models._spread import tried
from micromlgen.models._stage import IntegerStage, Stage, zeros
from micromlgen.models._svm_expansion import Expansion
from micromlgen.models._svm_float import FloatExpansion, floats
from micromlgen.models._svm_integer import IntegerExpansion
from micromlgen.models._svm_layouts import layouts
from micromlgen.models._svm_model import PRECISIONS
from micromlgen.models._svm_quantize import Precision, corrected, highest_input, integers
from micromlgen.models.chain import chained
from micromlgen.models.linear import LinearDecision, LogisticClassifier
from micromlgen.models.normalizer import Normalized
from micromlgen.models.regression import LinearRegressor
from micromlgen.models.scalers import of_map
from micromlgen.models.svm_regression import Svr

Array = NDArray[Any]
#: The contract, relative to what a number adds up.
BOUND = 1e-5
#: Most that the contract may allow, relative to the largest number.
_MOST = 0.02
#: Sums whose coefficients differ so much in size are not computed in steps of one size.
_ALIKE = 8.0

#: What integers may lose of an output's span on average, and what leaves nothing of it.
_LOST, _NOISE = 2.0**-11, 0.1


class _Scores:
    """What decides of the scores of a linear model."""

    def decision_function(self, Z: Array) -> Array:
        """The same."""
        return Z[:, 0] if Z.shape[1] == 1 else Z

    def predict(self, Z: Array) -> Array:
        """Indices of classes."""
        return np.asarray(Z[:, 0] > 0 if Z.shape[1] == 1 else Z.argmax(axis=1), int)


@dataclass(frozen=True, eq=False)
class KernelMap(Stage):
    """Sums of kernels of x with vectors, one for each output."""

    #: With the estimator's own numbers.
    expansion: Expansion
    #: With those of the C.
    sums: FloatExpansion | None = field(default=None, kw_only=True)

    def behind(self, stage: Affine) -> KernelMap | None:
        expansion = self.expansion.behind(stage)
        if expansion is None:
            return None
        return replace(self, input=replace(self.input, n_features=stage.matrix.shape[1]), expansion=expansion)

    def into(self, model: Model, alone: bool) -> Model | None:
        # Products with the numbers are sums of the same kernels: mostly fewer, and none that nearly cancel.
        if type(model) not in (LinearDecision, LogisticClassifier, LinearRegressor):
            return None
        assert isinstance(model, OnProducts)
        weights, bias, duals = model.matrix.weights, model.matrix.bias, self.expansion.duals
        if len(bias) >= self.n_outputs:
            return None
        constant = weights @ duals.constant + bias
        sums = replace(self.expansion, duals=replace(duals, values=weights @ duals.values, constant=constant))
        n = len(bias)
        if isinstance(model, LinearRegressor) and n == 1 and alone:
            return Svr(source=model.source, input=self.input, span=model.span, exact=sums)
        stage = replace(self, span=zeros(n), expansion=sums)
        last = replace(model, input=Input(n), matrix=Matrix(np.eye(n), np.zeros(n)))

        def split(own: Any, X: Array) -> tuple[Any, Array]:
            scores = own.decision_function(X) if isinstance(last, Classifier) else own.predict(X)
            return _Scores(), np.asarray(scores).reshape(len(X), n)

        return replace(chained([stage], last, model.source), split=split)

    @property
    def wide(self) -> bool:
        return True

    @property
    def isometric(self) -> bool:
        return self.expansion.kernel == "rbf"

    def feature_limits(self) -> NDArray[np.float64]:
        return np.asarray(np.abs(self.expansion.vectors).max(axis=0))

    def highest_input(self, dtype: DType) -> int:
        most = super().highest_input(dtype)
        # Vectors are rounded up by less than what is left.
        return min(most, int(0.99 * highest_input(self.input.n_features))) if self.isometric else most

    def meant(self, rows: Array, missing: bool) -> NDArray[np.float64]:
        return self.expansion.sums(rows)

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Stage:
        return self._integers(inputs, to, by)

    def _integers(self, inputs: Input, to: Input | None, by: Calibration) -> IntegerMap:
        """The coarsest form whose errors are not much larger than those of the finest.

        Raises
        ------
        UnsupportedError
            If they are too large even then.
        """
        assert by.rows is not None, "integer modes of transformers need calibration rows"
        exact, rows = self.expansion, inputs.scaled(by.rows)
        Q, right = inputs.encode(by.rows), exact.sums(rows)
        span = np.stack([right.min(axis=0), right.max(axis=0)], axis=1)

        def build(precision: Precision) -> IntegerMap:
            sums = corrected(integers(exact, inputs, Q, precision, 0.0, False), exact, Q, rows)
            made = IntegerMap(source=self.source, input=inputs, span=span, to=to, sums=sums)
            if to is None:
                return made
            assert to.exponents is not None
            factors = sums.sum_unit * np.ldexp(np.ones(len(span)), to.exponents)
            return replace(made, rescaled=Rescaled.by(factors, to.highest, self.source))

        def lost(made: IntegerMap) -> float:
            off = np.abs(made.sums.sums(Q) * made.sums.sum_unit - right).mean(axis=0)
            return float((off / np.maximum(np.ptp(span, axis=1), 1e-300)).max())

        *others, best = [build(precision) for precision in PRECISIONS[cast(DType, inputs.dtype)]]
        least = lost(best)
        if least > _NOISE:
            raise UnsupportedError(
                f"{self.source} has components so nearly alike that integers lose what tells them apart; use "
                "fewer n_components, a larger gamma, a linear model right behind it, or dtype='float32'"
            )
        allowed = max(2 * least, _LOST)
        return next((each for each in others if lost(each) <= allowed), best)

    def quantize(self, inputs: Input, by: Calibration) -> Stage:
        self.check_missing(inputs)
        if inputs.is_integer:
            return self._integers(replace(inputs, center=None, gain=None), None, by)
        magnitude = self.expansion.magnitude(self.expansion.vectors).max(axis=0)
        largest = np.abs(self.expansion.sums(self.expansion.vectors)).max(axis=0)
        if (BOUND * magnitude > _MOST * largest).any():
            raise UnsupportedError(
                f"{self.source} has components so nearly alike that float32 loses what tells them apart; use "
                "fewer n_components, a larger gamma, or a linear model right behind it"
            )
        sums = floats(self.expansion)
        if magnitude.max() > _ALIKE * magnitude.min():
            sums = replace(sums, fixed=None)
        return replace(self, input=inputs, sums=sums)

    @property
    def kernel(self) -> str:
        """The function of templates/kernels.h.j2 that multiplies x with vectors."""
        return "f32"

    @property
    def dual_kernel(self) -> str:
        """The function that multiplies kernels with coefficients."""
        return "f32"

    @property
    def n_sums(self) -> int:
        """How many numbers come out."""
        return self.n_outputs

    def exact(self, X: Array) -> NDArray[np.float64]:
        return self.expansion.sums(X) if self.sums is None else self.sums.sums(X)

    def rounding(self, Q: Array) -> Array | None:
        assert self.sums is not None
        return self.sums.rounding(Q)

    def moves(self, Q: Array, by: Array) -> Array:
        return tried(self.exact, Q, by)

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return BOUND * self.expansion.magnitude(X)

    def boundaries(self) -> Sequence[Array]:
        vectors = self.expansion.vectors
        low, high = vectors.min(axis=0), vectors.max(axis=0)
        far = 100 * (high - low) + 1
        return list(np.stack([low - far, low, (low + high) / 2, high, high + far], axis=1).astype(np.float32))

    def layouts(self) -> Sequence[Layout]:
        assert self.sums is not None
        return layouts(self.sums, self.kernel)

    def contract(self) -> Sequence[str]:
        return [f"numbers are within {BOUND:g} of what they add up"]


@dataclass(frozen=True, eq=False)
class IntegerMap(IntegerStage):
    """Sums of kernels in integers, as of support vector machines, in the units of the next model."""

    sums: IntegerExpansion
    #: From sums to what the next model takes; None where there is none.
    rescaled: Rescaled | None = None

    @property
    def n_sums(self) -> int:
        """How many numbers come out."""
        return self.n_outputs

    @property
    def output_scale(self) -> float:
        return self.sums.sum_unit if self.to is None else 1.0

    @property
    def kernel(self) -> str:
        """The function of templates/kernels.h.j2 that multiplies x with vectors."""
        return self.sums.vectors.kernel_for(self.input)

    @property
    def dual_kernel(self) -> str:
        """The function that multiplies kernels with coefficients."""
        return {"int16": "i16", "int8": "i16w8"}[self.sums.duals.values.dtype.name]

    def predict(self, Q: Array) -> Array:
        y = self.sums.sums(Q)
        return (y if self.rescaled is None else self.rescaled.apply(y)).astype(self.output_dtype)

    def layouts(self) -> Sequence[Layout]:
        return layouts(self.sums, self.kernel)

    def contract(self) -> Sequence[str]:
        return ["numbers are sums of integers that provably stay in 32 bits"]


def _map(estimator: Any, vectors: Any, duals: Any, constant: Any) -> Transformer:
    """The stage, or an affine one for a linear kernel, behind rows of length one for a cosine."""
    title, n = type(estimator).__name__, estimator.n_features_in_
    kernel, first = estimator.kernel, []
    if isinstance(kernel, str) and kernel == "cosine":
        rows = np.asarray(vectors, np.float64)
        length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
        kernel, vectors = "linear", rows / np.where(length > 0, length, 1.0)
        first = [Normalized(source=title, input=Input(n), span=zeros(n), norm="l2")]
    known = {} if kernel == "linear" else parameters(estimator)
    sums = expanded(title, kernel, known, vectors, np.asarray(duals, np.float64), constant)
    if isinstance(sums, Matrix):
        return in_sequence([*first, of_map(title, Affine(sums.weights, sums.bias))])
    return KernelMap(source=title, input=Input(n), span=zeros(sums.n_sums), expansion=sums)


@converts("sklearn.kernel_approximation.Nystroem")
def nystroem(estimator: Any) -> Transformer:
    """Convert kernels of a sample of the training rows, times a matrix.

    Raises
    ------
    UnsupportedError
        If the kernel cannot be ported.
    """
    duals = estimator.normalization_
    return _map(estimator, estimator.components_, duals, np.zeros(len(duals)))


@converts("sklearn.decomposition.KernelPCA")
def kernel_pca(estimator: Any) -> Transformer:
    """Convert the projection on the components of a centred kernel.

    Raises
    ------
    UnsupportedError
        If the kernel cannot be ported.
    """
    used = estimator.eigenvalues_ > 0
    alphas = np.zeros_like(estimator.eigenvectors_)
    alphas[:, used] = estimator.eigenvectors_[:, used] / np.sqrt(estimator.eigenvalues_[used])
    centre = estimator._centerer
    constant = (centre.K_fit_all_ - centre.K_fit_rows_) @ alphas
    return _map(estimator, estimator.X_fit_, (alphas - alphas.mean(axis=0)).T, constant)
