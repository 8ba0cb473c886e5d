"""Transformers side by side: what each gives of x, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features.beside import beside as extractors_beside
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Layout, Model, Transformer
from micromlgen.models._chain import Chain
from micromlgen.models._members import Member, together
from micromlgen.models._requantized import in_floats, towards
from micromlgen.models._sequence import SELECTION, in_sequence, is_nothing, stages_of
from micromlgen.models._spread import moved
from micromlgen.models._stage import ExactStage, Stage, as_stage, zeros
from micromlgen.models.chain import ChainTransformer, chained, with_outputs
from micromlgen.models.scalers import of_map
from micromlgen.models.transformers import AffineTransformer
from micromlgen.samples import takes_samples

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Union(Stage):
    """The outputs of several transformers of the same features."""

    parts: tuple[Transformer, ...]
    #: Inputs of the next model, in integer modes.
    to: Input | None = field(default=None, kw_only=True)

    @property
    def uses_math(self) -> bool:
        return any(part.uses_math for part in self.parts)

    @property
    def fills(self) -> bool:
        return all(isinstance(part, Stage | ChainTransformer) and part.fills for part in self.parts)

    @property
    def settles(self) -> bool:
        followed = [part for part in self.parts if part.input.missing]
        return bool(followed) and all(isinstance(p, Stage | ChainTransformer) and p.fills for p in followed)

    @property
    def wide(self) -> bool:
        return any(isinstance(part, Stage | ChainTransformer) and part.wide for part in self.parts)

    @property
    def isometric(self) -> bool:
        return any(part.isometric for part in self.parts)

    def highest_input(self, dtype: DType) -> int:
        return min(part.highest_input(dtype) for part in self.parts)

    def categorical(self) -> NDArray[np.bool_]:
        return np.asarray(np.any([part.categorical() for part in self.parts], axis=0))

    @property
    def starts(self) -> list[int]:
        """First output of each part."""
        return [sum(part.n_outputs for part in self.parts[:i]) for i in range(len(self.parts))]

    @property
    def members(self) -> list[Member]:
        """The models that are rendered inside."""
        return [Member(f"part{i}", part) for i, part in enumerate(self.parts)]

    def behind(self, stage: Affine) -> Union | None:
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return self._of([part.behind(stage) for part in self.parts], inputs)

    def centred(self, center: NDArray[np.float32]) -> Union | None:
        return self._of([part.centred(center) for part in self.parts], self.input)

    def shifted(self, center: NDArray[np.float32]) -> tuple[Stage, NDArray[np.float32]] | None:
        parts: list[Model | None] = []
        less = []
        for part in self.parts:
            moved = part.shifted(center) if isinstance(part, Stage) else None
            parts.append(part.centred(center) if moved is None else moved[0])
            less.append(np.zeros(part.n_outputs, np.float32) if moved is None else moved[1])
        made = self._of(parts, self.input)
        return None if made is None else (made, np.concatenate(less))

    def meant(self, rows: Array, missing: bool) -> NDArray[np.float64]:
        each = [
            in_floats(part, replace(self.input, missing=missing and part.input.missing), rows)
            for part in self.parts
        ]
        return np.concatenate(each, axis=1).astype(np.float64)

    def _of(self, parts: Sequence[Model | None], inputs: Input) -> Union | None:
        """The union of these, if they all are."""
        kept = tuple(part for part in parts if isinstance(part, Transformer))
        return replace(self, input=inputs, parts=kept) if len(kept) == len(parts) else None

    def in_integers(self) -> Model:
        return with_outputs([self], self.source, self.input)

    def marked(self) -> tuple[Stage, NDArray[np.float32] | None]:
        each = [
            part.marked() if isinstance(part, Stage | ChainTransformer) else (part, None)
            for part in self.parts
        ]
        known = [holes for _, holes in each if holes is not None]
        if not known:
            return self, None
        holes = np.stack(known)
        merged = np.fmax.reduce(holes)
        if not all(_means(part, own, merged) for part, own in each):
            raise UnsupportedError(
                f"{self.source}: parts of it take different numbers for missing ones, which integers have no "
                "room for; mark these with NaN, or use dtype='float32'"
            )
        inputs = replace(self.input, missing=True)
        return replace(self, parts=tuple(part for part, _ in each), input=inputs), merged

    def quantize(self, inputs: Input, by: Calibration) -> Union:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        parts = []
        for part in self.parts:
            missing = inputs.missing and part.input.missing
            model = part.quantize(replace(inputs, center=None, gain=None, missing=missing), Calibration())
            assert isinstance(model, Transformer)
            parts.append(model)
        return replace(self, input=inputs, parts=tuple(parts))

    def writable(self, to: Input) -> Input:
        exponents = []
        for part, start in zip(self.parts, self.starts, strict=True):
            own = _slice(to, slice(start, start + part.n_outputs))
            written = part.writable(own) if isinstance(part, Stage | ChainTransformer) else own
            assert written.exponents is not None
            exponents.append(written.exponents)
        return replace(to, exponents=np.concatenate(exponents))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Union:
        assert to.exponents is not None
        parts: list[Transformer] = []
        for part, start in zip(self.parts, self.starts, strict=True):
            if not isinstance(part, Stage | ChainTransformer):
                raise UnsupportedError(
                    f"{part.source} inside {self.source} cannot be ported in integers; use dtype='float32'"
                )
            own = _slice(to, slice(start, start + part.n_outputs))
            given = replace(inputs, missing=inputs.missing and part.input.missing)
            if isinstance(part, ChainTransformer):
                parts.append(part.requantized(given, own, by))
                continue
            *before, last = towards(part, given, own, own, by)
            whole = chained(before, last, part.source, input=given) if before else last
            assert isinstance(whole, Transformer)
            parts.append(whole)
        return replace(self, input=inputs, parts=tuple(parts), to=to)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return super().output_dtype if self.to is None else np.dtype(self.to.dtype)

    def feature_limits(self) -> NDArray[np.float64]:
        return np.asarray(np.max([part.feature_limits() for part in self.parts], axis=0))

    def exact(self, X: Array) -> NDArray[np.float64]:
        each = [as_stage(p).exact(X) if isinstance(p, Stage) else p.predict(X) for p in self.parts]
        return np.concatenate(each, axis=1).astype(np.float64)

    def predict(self, Q: Array) -> Array:
        return np.concatenate([part.predict(Q) for part in self.parts], axis=1)

    def _wide(self, numbers: Sequence[Array | None], n: int) -> Array:
        """Numbers of each part, side by side."""
        full = [
            np.broadcast_to(0.0 if v is None else v, (n, part.n_outputs))
            for v, part in zip(numbers, self.parts, strict=True)
        ]
        return np.concatenate(full, axis=1)

    def rounding(self, Q: Array) -> Array | None:
        each = [part.rounding(Q) for part in self.parts]
        return None if all(v is None for v in each) else self._wide(each, len(Q))

    def moves(self, Q: Array, by: Array) -> Array:
        return self._wide([moved(part, part.predict, Q, by) for part in self.parts], len(Q))

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return self._wide([part.tolerance(X) for part in self.parts], len(X))

    def vague(self, X: Array) -> NDArray[np.bool_]:
        own = [part.vague(X) for part in self.parts if isinstance(part, Stage | ChainTransformer)]
        return np.asarray(np.any(own, axis=0)) if own else super().vague(X)

    def boundaries(self) -> Sequence[Array]:
        each = [part.boundaries() for part in self.parts]
        out = []
        for values in zip(*each, strict=True):
            # Far from zero one part may have no answer where another has.
            most = min(np.nanmax(np.abs(v.astype(np.float64))) for v in values)
            every = np.unique(np.concatenate(values))
            out.append(every[~(np.abs(every.astype(np.float64)) > most)])
        return out

    def layouts(self) -> Sequence[Layout]:
        return together(self.members, code=(20, 20, 20, 20))

    def contract(self) -> Sequence[str]:
        return [f"{part.source}: {line}" for part in self.parts for line in part.contract()]


def _means(part: Transformer, own: NDArray[np.float32] | None, holes: NDArray[np.float32]) -> bool:
    """Whether all features with holes have the same ones in a part, or do not matter to it."""
    others = np.flatnonzero(~np.isnan(holes) & (True if own is None else holes != own))
    rows = np.ones((len(others), len(holes)), np.float32)
    rows[np.arange(len(others)), others] = holes[others] + 1000
    base = in_floats(part, part.input, np.ones((1, len(holes)), np.float32))
    return bool((in_floats(part, part.input, rows) == base).all()) if len(others) else True


def _slice(inputs: Input, own: slice) -> Input:
    """Some of the inputs of a model in integers."""
    assert inputs.exponents is not None
    exponents = inputs.exponents[own]
    center, gain = (None if v is None else v[own] for v in (inputs.center, inputs.gain))
    return replace(inputs, n_features=len(exponents), exponents=exponents, center=center, gain=gain)


def beside(source: str, parts: Sequence[Transformer], n_features: int) -> Transformer:
    """Transformers of the same features, side by side: one map where that takes one constant an output."""
    out: list[Transformer] = []
    for part in parts:
        before = out[-1] if out else None
        if isinstance(part, AffineTransformer) and isinstance(before, AffineTransformer):
            both = before.map.beside(part.map)
            if both.n_constants == before.map.n_constants + part.map.n_constants:
                out[-1] = of_map(f"{before.source} | {part.source}", both)
                continue
        out.append(part)
    if len(out) == 1:
        return out[0]
    missing = any(part.input.missing for part in out)
    spans = zeros(sum(part.n_outputs for part in out))
    return Union(source=source, input=Input(n_features, missing=missing), span=spans, parts=tuple(out))


def _of_columns(step: Any, columns: NDArray[np.int64], n_features: int) -> Transformer | None:
    """What a step makes of some of the features; None for nothing.

    Raises
    ------
    UnsupportedError
        If it cannot be ported.
    """
    if is_nothing(step) and not len(columns):
        return None
    selection = of_map(SELECTION, Affine.selection(columns, n_features))
    return in_sequence([selection, *stages_of(step)])


def _apart(step: Any, columns: NDArray[np.int64], n_features: int) -> Transformer:
    """The same, with products of its own features alone: others may be NaN, and so is 0 times NaN."""
    own = in_sequence(stages_of(step))
    *before, last = [*own.stages, own.last] if isinstance(own, Chain) else [own]
    selection = of_map(SELECTION, Affine.selection(columns, n_features))
    chain = chained([selection, *before], last, own.source)
    assert isinstance(chain, Transformer)
    return chain


def _compares(part: Transformer) -> bool:
    """Whether it starts without products: features that it does not use may be NaN."""
    if isinstance(part, Union):
        return all(map(_compares, part.parts))
    first = part.stages[0] if isinstance(part, Chain) else part
    if isinstance(first, AffineTransformer):
        return first.map.source is not None
    return isinstance(first, ExactStage)


def _weighted(part: Transformer, weight: float) -> Transformer:
    if weight == 1:
        return part
    n = part.n_outputs
    return in_sequence([part, of_map(part.source, Affine.elementwise(np.full(n, weight), np.zeros(n)))])


@converts("sklearn.compose.ColumnTransformer")
def columns(estimator: Any) -> Transformer:
    """Convert transformers of some of the columns each.

    Raises
    ------
    UnsupportedError
        If one of them cannot be ported.
    """
    weights = estimator.transformer_weights or {}
    taken = {
        name: (step, np.asarray(estimator._transformer_to_input_indices[name], np.int64))
        for name, step, _ in estimator.transformers_
        if not (isinstance(step, str) and step == "drop")
    }
    n = estimator.n_features_in_
    made = {name: _of_columns(step, own, n) for name, (step, own) in taken.items() if len(own)}
    found = {name: part for name, part in made.items() if part is not None}
    if any(part.input.missing for part in found.values()):
        found = {name: part if _compares(part) else _apart(*taken[name], n) for name, part in found.items()}
    return _beside(estimator, [_weighted(part, weights.get(name, 1)) for name, part in found.items()])


@converts("sklearn.pipeline.FeatureUnion")
def union(estimator: Any) -> Transformer:
    """Convert transformers of all features each, or feature extractors of the same samples.

    Raises
    ------
    UnsupportedError
        If one of them cannot be ported.
    """
    if takes_samples(estimator):
        return extractors_beside(estimator)
    weights = estimator.transformer_weights or {}
    every = np.arange(estimator.n_features_in_)
    parts = []
    for name, step in estimator.transformer_list:
        if isinstance(step, str) and step == "drop":
            continue
        part = _of_columns(step, every, len(every))
        if part is not None:
            parts.append(_weighted(part, weights.get(name, 1)))
    return _beside(estimator, parts)


def _beside(estimator: Any, parts: Sequence[Transformer]) -> Transformer:
    title = type(estimator).__name__
    if not parts:
        raise UnsupportedError(f"{title} gives no features; nothing can be ported")
    return beside(title, parts, estimator.n_features_in_)
