"""Numbers in the place of features that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout
from micromlgen.models._stage import ExactStage, Stage, index_table, only_layout, passed_on, selects, zeros

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Imputed(ExactStage):
    """Features, with a number in the place of each that is missing; then which ones were."""

    source_of: NDArray[np.int64]
    #: What stands for a missing feature, shape (n_kept,): float64, then float32 or integers.
    value: Array
    #: Features of which the last outputs tell whether they were missing.
    flags: NDArray[np.int64]
    #: The number that means missing; None: NaN.
    hole: float | None

    @property
    def fills(self) -> bool:
        return self.hole is None

    @property
    def copies(self) -> bool:
        return not len(self.flags)

    def shifted(self, center: NDArray[np.float32]) -> tuple[Stage, NDArray[np.float32]] | None:
        if len(self.flags):
            return None
        kept = center[self.source_of]
        return replace(self, value=self.value - kept), kept

    def passed(self, inputs: Input) -> Input:
        return passed_on(inputs, self.source_of)

    @property
    def index(self) -> Array | None:
        """Table of the features; None where none is left out."""
        return index_table(self.source_of)

    @property
    def in_place(self) -> bool:
        return self.index is None and not len(self.flags)

    def behind(self, stage: Affine) -> Imputed | None:
        source = selects(stage)
        if source is None:
            return None
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, source_of=source[self.source_of], flags=source[self.flags])

    def quantize(self, inputs: Input, by: Calibration) -> Imputed:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        if self.hole is not None and float(np.float32(self.hole)) != self.hole:
            raise UnsupportedError(
                f"SimpleImputer(missing_values={self.hole}) cannot be ported: the C takes float32, which "
                "has no such number; use one that it has"
            )
        return replace(self, input=inputs, value=self.value.astype(np.float32))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Imputed:
        assert inputs.exponents is not None
        assert to.exponents is not None
        kept = to.exponents[: len(self.source_of)]
        alike = np.array_equal(inputs.exponents[self.source_of], kept)
        if self.hole is not None or len(self.flags) or not alike:
            raise self._no_integers(inputs)
        value = np.clip(np.rint(np.ldexp(self.value, kept)), -to.highest, to.highest).astype(to.dtype)
        return replace(self, input=inputs, value=value, to=to)

    def _missing(self, X: Array) -> NDArray[np.bool_]:
        if self.input.is_integer:
            return np.asarray(np.iinfo(X.dtype).min == X)
        return np.asarray(np.isnan(X) if self.hole is None else self.hole == X)

    def exact(self, X: Array) -> NDArray[np.float64]:
        lacking, kept = self._missing(X), X[:, self.source_of].astype(np.float64)
        filled = np.where(lacking[:, self.source_of], self.value, kept)
        return np.concatenate([filled, lacking[:, self.flags]], axis=1)

    def predict(self, Q: Array) -> Array:
        return self.exact(Q).astype(self.output_dtype)

    def moves(self, Q: Array, by: Array) -> Array:
        return np.concatenate([by[:, self.source_of], np.zeros((len(Q), len(self.flags)))], axis=1)

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.concatenate([2.0**-23 * np.abs(self.value.astype(np.float64)), np.zeros(len(self.flags))])

    def boundaries(self) -> Sequence[Array]:
        lowest = np.iinfo(self.input.dtype).min if self.input.is_integer else np.nan
        strange = lowest if self.hole is None else self.hole
        filled = {*self.source_of.tolist(), *self.flags.tolist()}
        values = super().boundaries()
        return [np.append(v, np.array(strange, v.dtype)) if i in filled else v for i, v in enumerate(values)]

    def layouts(self) -> Sequence[Layout]:
        tables = [t for t in (self.index, self.value) if t is not None]
        return only_layout("holes", tables, (200, 150, 60, 150), [40.0 * self.n_outputs] * 4)

    def contract(self) -> Sequence[str]:
        return ["what is missing is filled in"]


@converts("sklearn.impute.SimpleImputer")
def imputer(estimator: Any) -> Imputed:
    """Convert a SimpleImputer of numbers.

    Raises
    ------
    UnsupportedError
        If it imputes texts.
    """
    hole = estimator.missing_values
    try:
        values = np.asarray(estimator.statistics_, np.float64)
    except (TypeError, ValueError):
        raise UnsupportedError("SimpleImputer of texts cannot be ported; number them before") from None
    if np.isinf(values).any():
        raise UnsupportedError("SimpleImputer has statistics_ that are not finite; fit it again")
    # Features that were all missing are dropped, unless asked to be kept.
    kept = np.full(len(values), estimator.keep_empty_features) | ~np.isnan(values)
    flags = estimator.indicator_.features_ if estimator.add_indicator else np.empty(0)
    nan = hole is None or hole != hole
    return Imputed(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=nan),
        span=zeros(int(kept.sum()) + len(flags)),
        source_of=np.flatnonzero(kept),
        value=np.nan_to_num(values[kept]),
        flags=np.asarray(flags, np.int64),
        hole=None if nan else float(hole),
    )
