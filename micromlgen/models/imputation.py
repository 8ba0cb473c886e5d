"""Numbers in the place of features that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Model, Transformer
from micromlgen.models._stage import ExactStage, Stage, index_table, only_layout, passed_on, selects, zeros
from micromlgen.models.chain import with_outputs
from micromlgen.models.union import beside

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Lacking(ExactStage):
    """What both kinds of stages have in common that look for missing features."""

    source_of: NDArray[np.int64]
    #: The number that means missing; None: NaN.
    hole: float | None

    @property
    def fills(self) -> bool:
        return self.hole is None

    @property
    def index(self) -> Array | None:
        """Table of the features; None where none is left out."""
        return index_table(self.source_of)

    def behind(self, stage: Affine) -> Self | None:
        source = selects(stage)
        if source is None:
            return None
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, source_of=source[self.source_of])

    def in_integers(self) -> Model:
        return with_outputs([self], self.source, self.input)

    def marked(self) -> tuple[Stage, NDArray[np.float32] | None]:
        if self.hole is None:
            return self, None
        holes = np.full(self.input.n_features, np.nan, np.float32)
        holes[self.source_of] = self.hole
        return replace(self, hole=None, input=replace(self.input, missing=True)), holes

    def _check(self, inputs: Input) -> None:
        """Refuse numbers that are never met.

        Raises
        ------
        UnsupportedError
            If the number that means missing is no float32, or features come as integers.
        """
        if inputs.is_integer and self.hole is not None:
            raise UnsupportedError(
                f"SimpleImputer(missing_values={self.hole:g}) behind other transformers cannot be ported in "
                "integers; put it first, or use dtype='float32'"
            )
        if self.hole is not None and float(np.float32(self.hole)) != self.hole:
            raise UnsupportedError(
                f"SimpleImputer(missing_values={self.hole}) cannot be ported: the C takes float32, which "
                "has no such number; use one that it has"
            )

    def _missing(self, X: Array) -> NDArray[np.bool_]:
        kept = X[:, self.source_of]
        if self.input.is_integer:
            return np.asarray(np.iinfo(X.dtype).min == kept)
        return np.asarray(np.isnan(kept) if self.hole is None else self.hole == kept)

    def predict(self, Q: Array) -> Array:
        return self.exact(Q).astype(self.output_dtype)

    def boundaries(self) -> Sequence[Array]:
        lowest = np.iinfo(self.input.dtype).min if self.input.is_integer else np.nan
        strange = lowest if self.hole is None else self.hole
        values = super().boundaries()
        looked = set(self.source_of.tolist())
        return [np.append(v, np.array(strange, v.dtype)) if i in looked else v for i, v in enumerate(values)]


@dataclass(frozen=True, eq=False)
class Imputed(Lacking):
    """Features, with a number in the place of each that is missing."""

    form = "filled"
    #: What stands for a missing feature, shape (n_kept,): float64, then float32 or integers.
    value: Array

    @property
    def copies(self) -> bool:
        return True

    def shifted(self, center: NDArray[np.float32]) -> tuple[Stage, NDArray[np.float32]] | None:
        kept = center[self.source_of]
        return replace(self, value=self.value - kept), kept

    def passed(self, inputs: Input) -> Input:
        return passed_on(inputs, self.source_of)

    @property
    def in_place(self) -> bool:
        return self.index is None

    def feature_limits(self) -> NDArray[np.float64]:
        limits = super().feature_limits()
        np.maximum.at(limits, self.source_of, np.abs(self.value.astype(np.float64)))
        return limits

    def quantize(self, inputs: Input, by: Calibration) -> Imputed:
        self._check(inputs)
        return replace(self, input=inputs, value=self.value.astype(np.float32))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Imputed:
        self._check(inputs)
        assert inputs.exponents is not None
        assert to.exponents is not None
        kept = to.exponents
        assert np.array_equal(inputs.exponents[self.source_of], kept)  # which `passed` gives
        value = np.clip(np.rint(np.ldexp(self.value, kept)), -to.highest, to.highest).astype(to.dtype)
        return replace(self, input=inputs, value=value, to=to)

    def exact(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(np.where(self._missing(X), self.value, X[:, self.source_of].astype(np.float64)))

    def moves(self, Q: Array, by: Array) -> Array:
        return np.asarray(by[:, self.source_of])

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(2.0**-23 * np.abs(self.value.astype(np.float64)))

    def layouts(self) -> Sequence[Layout]:
        tables = [t for t in (self.index, self.value) if t is not None]
        return only_layout("holes", tables, (200, 150, 60, 150), [40.0 * self.n_outputs] * 4)

    def contract(self) -> Sequence[str]:
        return ["what is missing is filled in"]


@dataclass(frozen=True, eq=False)
class Flagged(Lacking):
    """Ones where features are missing, else zeros."""

    form = "flagged"

    @property
    def ones(self) -> Array:
        """What a one is written as, of each output."""
        if self.to is None or self.to.exponents is None:
            return np.ones(self.n_outputs, np.float32)
        ones = np.rint(np.ldexp(1.0, self.to.exponents))
        return np.asarray(np.minimum(ones, self.to.highest), self.to.dtype)

    def centred(self, center: NDArray[np.float32]) -> Flagged:
        return self

    def writable(self, to: Input) -> Input:
        # However seldom the rows show a one.
        return replace(to, exponents=np.full(self.n_outputs, to.highest.bit_length() - 1, np.int32))

    def quantize(self, inputs: Input, by: Calibration) -> Flagged:
        self._check(inputs)
        return replace(self, input=inputs)

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Flagged:
        self._check(inputs)
        return replace(self, input=inputs, to=to)

    def exact(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(np.where(self._missing(X), self.ones.astype(np.float64), 0.0))

    def moves(self, Q: Array, by: Array) -> Array:
        return np.zeros((len(Q), self.n_outputs))

    def layouts(self) -> Sequence[Layout]:
        tables = [] if self.index is None else [self.index]
        return only_layout("flags", tables, (120, 90, 50, 90), [30.0 * self.n_outputs] * 4)

    def contract(self) -> Sequence[str]:
        return ["what was missing is told"]


def hole_of(estimator: Any) -> float | None:
    """The number that means missing to a SimpleImputer; None: NaN.

    Raises
    ------
    UnsupportedError
        If it is a text.
    """
    hole = estimator.missing_values
    try:
        return None if hole is None or hole != hole else float(hole)
    except TypeError:  # pandas.NA is neither equal nor not
        return None
    except ValueError:
        raise UnsupportedError(
            f"SimpleImputer(missing_values={hole!r}) cannot be ported; use a number"
        ) from None


@converts("sklearn.impute.SimpleImputer")
def imputer(estimator: Any) -> Transformer:
    """Convert a SimpleImputer of numbers.

    Raises
    ------
    UnsupportedError
        If it imputes texts.
    """
    hole = hole_of(estimator)
    try:
        values = np.asarray(estimator.statistics_, np.float64)
    except (TypeError, ValueError):
        raise UnsupportedError("SimpleImputer of texts cannot be ported; number them before") from None
    if np.isinf(values).any():
        raise UnsupportedError("SimpleImputer has statistics_ that are not finite; fit it again")
    # Features that were all missing are dropped, unless asked to be kept.
    kept = np.full(len(values), estimator.keep_empty_features) | ~np.isnan(values)
    flags = estimator.indicator_.features_ if estimator.add_indicator else np.empty(0)
    common: dict[str, Any] = {
        "source": type(estimator).__name__,
        "input": Input(estimator.n_features_in_, missing=hole is None),
        "hole": hole,
    }
    n_kept = int(kept.sum())
    filled = Imputed(
        **common, span=zeros(n_kept), source_of=np.flatnonzero(kept), value=np.nan_to_num(values[kept])
    )
    if not len(flags):
        return filled
    flagged = Flagged(**common, span=zeros(len(flags)), source_of=np.asarray(flags, np.int64))
    return beside(filled.source, [filled, flagged] if n_kept else [flagged], estimator.n_features_in_)
