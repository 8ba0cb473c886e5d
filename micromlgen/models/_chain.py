"""What all chains have in common: stages, and the model behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import DecisionClassifier, Layout, Model, NumericModel, Scored, Transformer
from micromlgen.models._members import Member, behind_samples, last_step, together
from micromlgen.models._outputs import Outputs
from micromlgen.models._requantized import all_scaled, between, in_floats, towards
from micromlgen.models._spread import changes, moved, near, numbers_moved, through
from micromlgen.models._stage import Stage, as_stage
from micromlgen.models.encoding import encoded
from micromlgen.quantize import quantize
from micromlgen.streams import Stream

Array = NDArray[Any]
#: From an estimator and rows X to its last step and what that is given.
Split = Callable[[Any, Array], tuple[Any, Array]]

#: So many calibration rows tell where a chain loses how much, and what is too little to speak of.
_SOME, _LITTLE = 200, 1e-3


class Step(NamedTuple):
    """One stage, and the buffers that it reads from and writes to: "x", "z" (the last one's) or "other"."""

    suffix: str
    source: str
    target: str


@dataclass(frozen=True, eq=False)
class Chain(Model):
    """Stages, and the model of what the last one gives."""

    stages: tuple[Transformer, ...]
    last: Model
    #: The same with fewer stages, for integer modes: `input` then tells what is done to features before it.
    folded: Model | None = field(default=None, kw_only=True)
    #: The last step as the estimator has it, and what was taken into it.
    own: Model = field(kw_only=True)
    taken_in: Affine | None = field(default=None, kw_only=True)
    #: How many transformers before the estimator's last step are in `own` too.
    n_before: int = field(default=0, kw_only=True)
    #: What of the estimator is the last step, where it is no pipeline.
    split: Split | None = field(default=None, kw_only=True)
    #: In integer modes, how far numbers are off on average, in their span: features, and behind each stage.
    off: tuple[tuple[str, float], ...] = field(default=(), kw_only=True)

    @property
    def loses(self) -> str:
        if not self.off:
            return ""
        steps = zip(self.off[1:], self.off[:-1], strict=True)
        more, error, source = max((error - before, error, of) for (of, error), (_, before) in steps)
        if more <= max(_LITTLE, self.off[0][1]):
            return ""
        return f"{source} loses most, whose numbers are off by {error:.1%} of their span on average"

    @property
    def uses_math(self) -> bool:
        return any(m.uses_math for m in (*self.stages, self.last))

    def feature_limits(self) -> NDArray[np.float64]:
        return self.stages[0].feature_limits() if self.folded is None else self.folded.feature_limits()

    def takes_integers(self) -> bool:
        return False  # nothing tells it of raw features

    @property
    def isometric(self) -> bool:
        if self.folded is not None:
            return self.folded.isometric
        passed = self.last.isometric and all(isinstance(s, Stage) and s.copies for s in self.stages)
        return passed or self.stages[0].isometric

    def highest_input(self, dtype: DType) -> int:
        first = self.stages[0] if self.folded is None else self.folded
        return min(super().highest_input(dtype), first.highest_input(dtype))

    def categorical(self) -> NDArray[np.bool_]:
        return (self.stages[0] if self.folded is None else self.folded).categorical()

    def refined(self, inputs: Input, by: Calibration) -> Input:
        if self.folded is not None:
            return self.folded.refined(inputs, by)
        first = self.stages[0]
        return first.refined(inputs, by) if isinstance(first, Stage) and first.adds else inputs

    def behind(self, stage: Affine) -> Model | None:
        first = self.stages[0].behind(stage)
        if not isinstance(first, Transformer):
            return None
        inputs = Input(stage.matrix.shape[1], missing=self.input.missing)
        return replace(self, input=inputs, stages=(first, *self.stages[1:]), folded=None)

    def centred(self, center: NDArray[np.float32]) -> Model | None:
        if self.folded is not None:
            return self.folded.centred(center)
        stages: list[Transformer] = []
        made: Model | None = None  # by the last stage that takes all of it in
        for number, stage in enumerate(self.stages, 1):
            first = stage.centred(center)
            if isinstance(first, Transformer):
                made = replace(self, stages=(*stages, first, *self.stages[number:]))
            moved = stage.shifted(center) if isinstance(stage, Stage) else None
            if moved is None:
                return made
            stages.append(moved[0])
            center = moved[1]
            if not center.any():
                return replace(self, stages=(*stages, *self.stages[number:]))
        last = self.last.centred(center)
        return made if last is None else replace(self, stages=tuple(stages), last=last)

    def in_integers(self) -> Model:
        first = self.stages[0]
        stage, holes = first.marked() if isinstance(first, Stage) else (first, None)
        folded = None if self.folded is None else self.folded.in_integers()
        if holes is None and folded is not None and folded.input.holes is not None:
            raise UnsupportedError(
                f"{self.source}: a SimpleImputer behind a scaler fills NaN only in integers; put it first, "
                "or use missing_values=nan"
            )
        if holes is None:
            return replace(self, folded=folded)
        inputs = replace(self.input, missing=True, holes=holes)
        return replace(self, stages=(stage, *self.stages[1:]), input=inputs, folded=folded)

    def quantize(self, inputs: Input, by: Calibration) -> Model:
        if inputs.samples:
            return self._of_features(inputs, by)
        if inputs.is_integer:
            return self._integers(inputs, by) if self.folded is None else self.folded.quantize(inputs, by)
        stages: list[Transformer] = []
        at = replace(inputs, center=None, gain=None)
        for stage in self.stages:
            model = stage.quantize(replace(at, n_features=stage.input.n_features), Calibration())
            assert isinstance(model, Transformer)
            stages.append(model)
            filled = isinstance(stage, Stage) and stage.fills
            at = Input(stage.n_outputs, missing=at.missing and not filled)
        last = self.last.quantize(replace(at, n_features=self.last.input.n_features), Calibration())
        return replace(self, input=inputs, stages=tuple(stages), last=last)

    def _of_features(self, inputs: Input, by: Calibration) -> Chain:
        """The model behind an extractor, of whose integers it is quantised as of any raw features."""
        extraction = self.stages[0]
        assert isinstance(extraction, Extraction)
        rows = None if by.rows is None else extraction.predict(by.rows).astype(np.float32)
        last = quantize(self.last, inputs.dtype, rows, by.weights)
        exponents = np.zeros(inputs.n_features, np.int32) if last.input.is_integer else None
        taken = replace(inputs, dtype="int16", exponents=exponents)
        stages = (extraction, *encoded(extraction, last.input))
        return self._with(input=taken, stages=stages, last=last)

    def streamed(self) -> Stream[Model] | None:
        first = self.stages[0]
        stream = first.streamed()
        if stream is None:
            return None
        stream = replace(stream, framing=stream.within("stage0"))
        if stream.windowed is first:
            return replace(stream, windowed=self)
        assert isinstance(stream.windowed, Extraction)
        inputs = replace(stream.windowed.input, exponents=None) if not self.input.is_integer else None
        windowed = replace(
            self, input=inputs or stream.windowed.input, stages=(stream.windowed, *self.stages[1:])
        )
        return replace(stream, windowed=windowed)

    @property
    def unscaled(self) -> Self:
        """The chain with all of its stages: nothing is done to features for one of several models."""
        return replace(self, folded=None, input=replace(self.input, center=None, gain=None))

    def within(self, inputs: Input, by: Calibration) -> Model:
        return self.unscaled._integers(inputs, by, shared=True)

    def _integers(self, inputs: Input, by: Calibration, shared: bool = False) -> Chain:
        """The chain in integers: each stage gives what the next one takes, in scales from the rows.

        Raises
        ------
        UnsupportedError
            If a stage has no form in integers, or missing values are to be followed.
        """
        first = self.stages[0]
        settled = isinstance(first, Stage) and (
            first.fills or (first.settles and not self.last.input.missing)
        )
        if inputs.missing and not settled:
            raise UnsupportedError(
                f"{self.source}: missing values in integer modes cannot be followed behind transformers; "
                "use missing='never' or dtype='float32'"
            )
        assert by.rows is not None, "integer modes of chains need calibration rows"
        rows = inputs.scaled(by.rows).astype(np.float32)
        if not (shared or (isinstance(first, Stage) and (first.copies or first.wide))):
            inputs = all_scaled(inputs, rows, self.feature_limits())
        at = replace(inputs, center=None, gain=None)
        stages: list[Stage] = []
        last: Model = self.last
        wide = any(isinstance(stage, Stage) and stage.wide for stage in self.stages)
        wide = wide or isinstance(self.last, Outputs)
        Q = inputs.encode(by.rows[:: -(-len(by.rows) // _SOME)])
        off = [("features", _off(Q, at, rows))]
        for number, following in enumerate([*self.stages[1:], self.last], 1):
            stage = self.stages[number - 1]
            before, rows = Calibration(rows), in_floats(stage, at, rows)
            given = Calibration(rows, by.weights)
            to = between(as_stage(stage), at, following, given, wide)
            if number == len(self.stages):
                last = self.last.quantize(self.last.refined(to, given), given)
            given_to = last.input if number == len(self.stages) else to
            made = towards(as_stage(stage), at, to, given_to, before)
            stages += made
            for each in made:
                Q = each.predict(Q)
            off.append((stage.source, _off(Q, given_to, rows)))
            at = to
        return self._with(input=inputs, stages=tuple(stages), last=last, off=tuple(off))

    def _with(self, **changes: Any) -> Chain:
        """The chain with another model, whose span it has."""
        if isinstance(self, NumericModel):
            changes["span"] = changes["last"].span
        return replace(self, **changes)

    def given(self, Q: Array) -> Array:
        """What the model is given for encoded rows."""
        for stage in self.stages:
            Q = stage.predict(Q)
        return Q

    def predict(self, Q: Array) -> Array:
        return self.last.predict(self.given(Q))

    def _numbers(self, Z: Array) -> Array:
        """The numbers of `rounding`."""
        if isinstance(self.last, DecisionClassifier):
            return self.last.decision_function(Z)
        if isinstance(self.last, Scored):
            return self.last.score(Z)[:, None]
        return self.last.predict(Z).reshape(len(Z), -1)

    def rounding(self, Q: Array) -> Array | None:
        if self.input.is_integer:
            return None
        Z, error = through(self.stages, Q)
        own = self.last.rounding(Z)
        if own is None and not error.any():
            return None
        if own is None and not jumps(self.last, Z):
            own = np.zeros((len(Z), 1))
        return numbers_moved(self.last, moved(self.last, self._numbers, Z, error), Z, error, own)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        Z, error = through(self.stages, Q)
        if self.last.of_classes:
            return np.asarray(self.last.unsure(Z) | error.any(axis=1, keepdims=True))
        if self.last.rounding(Z) is None:
            return np.repeat(near(self.last, Z, error)[:, None], self.n_outputs, axis=1)
        own = self.last.unsure(Z) | _lost(error)
        return own | changes(self._classes, Z, error, self.last.unsure)

    def _classes(self, Z: Array) -> Array:
        return self.last.predict(Z).reshape(len(Z), -1)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.input.samples:
            found = self.last.undecided(*behind_samples(estimator, X))
            Z, error = through(self.stages, X, promised=True)  # of integers that float32 rounds
            return found | near(self.last, Z, error)[:, None] if jumps(self.last, Z) else found
        final, Z = last_step(estimator, X, self.n_before)
        if self.split is not None:
            final, Z = self.split(final, Z)
        inputs = Input(self.own.input.n_features, missing=self.input.missing and self.own.input.missing)
        own = self.own.quantize(inputs, Calibration())
        found = own.undecided(final, Z)
        if self.input.is_integer:
            return found
        found = found | vague(self.stages, np.asarray(X, np.float32))[:, None]
        if isinstance(own, NumericModel) and not jumps(own, Z):
            return found  # of numbers the tolerance tells
        _, error = through(self.stages, np.asarray(X, np.float32), promised=True)
        found = found | _lost(error)
        if own.of_classes:
            return found | error.any(axis=1, keepdims=True)
        if self.taken_in is not None:
            error = error @ np.abs(self.taken_in.matrix.T)

        def answer(rows: Array) -> Array:
            y = np.asarray(final.predict(rows))
            return y.reshape(len(y), -1)

        return found | changes(answer, Z, error)

    def vague(self, X: Array) -> NDArray[np.bool_]:
        """As `Stage.vague`."""
        return vague([*self.stages, self.last], X)

    def boundaries(self) -> Sequence[Array]:
        return self.stages[0].boundaries()

    @property
    def members(self) -> list[Member]:
        """The models that are rendered inside."""
        stages = [Member(f"stage{i}", stage) for i, stage in enumerate(self.stages)]
        return [*stages, Member("model", self.last)]

    @property
    def steps(self) -> list[Step]:
        """Who reads from where: stages that may do so work in place."""
        out: list[Step] = []
        target = "z"
        for i, stage in reversed(list(enumerate(self.stages))):
            other = "other" if target == "z" else "z"
            alike = stage.in_place and stage.output_dtype == stage.input.dtype
            source = "x" if i == 0 else target if alike else other
            out.append(Step(f"stage{i}", source, target))
            target = source
        return out[::-1]

    @property
    def other_dtype(self) -> np.dtype[Any]:
        """Type of the "other" buffer: of an extractor's features, or of all there is."""
        return next(
            s.output_dtype for s, step in zip(self.stages, self.steps, strict=True) if step.target == "other"
        )

    def buffer(self, which: str) -> int:
        """How many features a buffer holds at once; 0 where it is not needed."""
        sizes = [s.n_outputs for s, step in zip(self.stages, self.steps, strict=True) if step.target == which]
        return max(sizes, default=0)

    def layouts(self) -> Sequence[Layout]:
        return together(self.members, code=(60, 40, 40, 40))

    def contract(self) -> Sequence[str]:
        sources = dict.fromkeys(s.source for s in self.stages)
        return [f"behind {', '.join(sources)}: {line}" for line in self.last.contract()]


def _off(Q: Array, inputs: Input, rows: NDArray[np.float32]) -> float:
    """How far encoded rows are from some of these on average, in the span of each feature."""
    right = inputs.scaled(rows[:: -(-len(rows) // _SOME)])
    span = np.nanmax(right, axis=0) - np.nanmin(right, axis=0)
    off = np.abs(Q * inputs.unit - right)[:, span > 0] / span[span > 0]
    return float(np.nanmean(off)) if off.size else 0.0


def vague(stages: Sequence[Model], X: Array) -> NDArray[np.bool_]:
    """Rows, shape (n,), that a model inside a stage is not promised to answer as its estimator does."""
    found = np.zeros(len(X), bool)
    for stage in stages:
        if isinstance(stage, Stage | Chain):
            found |= stage.vague(X)
        X = stage.predict(X)
    return found


def _lost(error: Array) -> NDArray[np.bool_]:
    """Rows, shape (n, 1), of which a feature may be anything."""
    return np.asarray(~np.isfinite(error).all(axis=1, keepdims=True))


def jumps(model: Model, Q: Array) -> bool:
    """Whether all that a model does is compare: an error of its features matters at thresholds only."""
    return model.rounding(Q[:1]) is None and model.moves(Q[:1], np.zeros(Q[:1].shape)) is None
