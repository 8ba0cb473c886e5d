"""Transformers before a model that cannot take them in: features pass through them one after another.

The model is rendered by its own family under the name `<name>_model`, and the transformers likewise as
`<name>_stage0` and so on. Two buffers on the stack at most hold what stands between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.ir import (
    Calibration,
    Classifier,
    DecisionClassifier,
    Detector,
    DType,
    Input,
    Layout,
    Model,
    NumericModel,
    ProbabilisticClassifier,
    Regressor,
    Scored,
    Transformer,
)
from micromlgen.models._members import Member, last_step, together
from micromlgen.models._spread import changes, moved, near, numbers_moved, through, tried
from micromlgen.models._stage import Stage, as_stage
from micromlgen.models.transformers import AffineTransformer
from micromlgen.quantize import scaled_inputs

Array = NDArray[Any]
#: From an estimator and rows X to its last step and what that is given.
Split = Callable[[Any, Array], tuple[Any, Array]]


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
    #: What of the estimator is the last step, where it is no pipeline.
    split: Split | None = field(default=None, kw_only=True)

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
        return self.last.isometric and all(isinstance(s, Stage) and s.copies for s in self.stages)

    def highest_input(self, dtype: DType) -> int:
        return super().highest_input(dtype) if self.folded is None else self.folded.highest_input(dtype)

    def refined(self, inputs: Input, by: Calibration) -> Input:
        return inputs if self.folded is None else self.folded.refined(inputs, by)

    def behind(self, stage: Affine) -> Model | None:
        first = self.stages[0].behind(stage)
        if not isinstance(first, Transformer):
            return None
        inputs = Input(stage.matrix.shape[1], missing=self.input.missing)
        return replace(self, input=inputs, stages=(first, *self.stages[1:]), folded=None)

    def quantize(self, inputs: Input, by: Calibration) -> Model:
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

    def _integers(self, inputs: Input, by: Calibration) -> Model:
        """The chain in integers: each stage gives what the next one takes, in scales from the rows.

        Raises
        ------
        UnsupportedError
            If a stage has no form in integers, or missing values are to be followed.
        """
        first = self.stages[0]
        if inputs.missing and not (isinstance(first, Stage) and first.fills):
            raise UnsupportedError(
                f"{self.source}: missing values in integer modes cannot be followed behind transformers; "
                "use missing='never' or dtype='float32'"
            )
        assert by.rows is not None, "integer modes of chains need calibration rows"
        rows = inputs.scaled(by.rows).astype(np.float32)
        if not (isinstance(first, Stage) and first.copies):
            inputs = _finer(inputs, rows, self.feature_limits())
        at = replace(inputs, center=None, gain=None)
        stages: list[Stage] = []
        last: Model = self.last
        for number, following in enumerate([*self.stages[1:], self.last], 1):
            stage = self.stages[number - 1]
            before, rows = Calibration(rows), _floats(stage, at, rows)
            given = Calibration(rows, by.weights)
            to = _between(as_stage(stage), at, following, given)
            if number == len(self.stages):
                last = self.last.quantize(to, given)
            stages += _towards(
                as_stage(stage), at, to, last.input if number == len(self.stages) else to, before
            )
            at = to
        return self._with(input=inputs, stages=tuple(stages), last=last)

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
        if own is None and not _jumps(self.last, Z):
            own = np.zeros((len(Z), 1))
        return numbers_moved(self.last, moved(self.last, self._numbers, Z, error), Z, error, own)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        Z, error = through(self.stages, Q)
        if self.last.rounding(Z) is None:
            return np.repeat(near(self.last, Z, error)[:, None], self.n_outputs, axis=1)
        own = self.last.unsure(Z)
        return own | changes(self._classes, Z, error, self.last.unsure)

    def _classes(self, Z: Array) -> Array:
        return self.last.predict(Z).reshape(len(Z), -1)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        final, Z = last_step(estimator, X)
        if self.split is not None:
            final, Z = self.split(final, Z)
        inputs = Input(self.own.input.n_features, missing=self.own.input.missing)
        own = self.own.quantize(inputs, Calibration())
        found = own.undecided(final, Z)
        if self.input.is_integer or (isinstance(own, NumericModel) and not _jumps(own, Z)):
            return found  # of numbers the tolerance tells
        _, error = through(self.stages, np.asarray(X, np.float32), promised=True)
        if self.taken_in is not None:
            error = error @ np.abs(self.taken_in.matrix.T)

        def answer(rows: Array) -> Array:
            y = np.asarray(final.predict(rows))
            return y.reshape(len(y), -1)

        return found | changes(answer, Z, error)

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
            source = "x" if i == 0 else target if stage.in_place else other
            out.append(Step(f"stage{i}", source, target))
            target = source
        return out[::-1]

    def buffer(self, which: str) -> int:
        """How many features a buffer holds at once; 0 where it is not needed."""
        sizes = [s.n_outputs for s, step in zip(self.stages, self.steps, strict=True) if step.target == which]
        return max(sizes, default=0)

    def layouts(self) -> Sequence[Layout]:
        return together(self.members, code=(60, 40, 40, 40))

    def contract(self) -> Sequence[str]:
        return [f"behind {', '.join(s.source for s in self.stages)}: {line}" for line in self.last.contract()]


def _floats(stage: Transformer, at: Input, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a stage gives for raw rows.

    Raises
    ------
    UnsupportedError
        If it has no form in integers.
    """
    if not isinstance(stage, Stage):
        raise UnsupportedError(f"{stage.source} cannot be ported in integers; use dtype='float32'")
    model = stage.quantize(Input(stage.input.n_features, missing=at.missing), Calibration())
    return as_stage(model).exact(rows).astype(np.float32)


def _finer(inputs: Input, rows: NDArray[np.float32], limits: NDArray[np.float64]) -> Input:
    """Inputs with no feature as it is, unless all are: sums of coarse and fine ones need too many bits."""
    assert inputs.exponents is not None
    if (inputs.exponents == 0).all():
        return inputs
    limits = np.maximum(limits, np.nanmax(np.abs(rows), axis=0, initial=0))
    return replace(inputs, exponents=fixedpoint.exponent_for(limits, inputs.highest))


def _between(stage: Stage, at: Input, following: Model, by: Calibration) -> Input:
    """What is between a stage and the model that follows, in integers."""
    if stage.copies and isinstance(following, Stage):
        return stage.passed(at)
    to = scaled_inputs(following, Input(stage.n_outputs, at.dtype), by)
    assert by.rows is not None
    return _finer(to, by.rows, np.zeros(1)) if isinstance(following, AffineTransformer) else to


def _towards(stage: Stage, at: Input, plain: Input, to: Input, by: Calibration) -> list[Stage]:
    """The stage in integers, as the model behind it wants them: it may centre its `plain` inputs anew."""
    if stage.copies:
        plain = stage.passed(at)
    same = np.array_equal(np.asarray(plain.exponents), np.asarray(to.exponents)) and plain.top == to.top
    if isinstance(stage, AffineTransformer) or (same and to.center is None and to.gain is None):
        return [stage.requantized(at, to, by)]
    n = stage.n_outputs
    every = Affine.selection(np.arange(n), n)
    adapter = AffineTransformer(source=stage.source, input=plain, span=stage.span, map=every)
    return [stage.requantized(at, plain, by), adapter.requantized(plain, to, by)]


def _jumps(model: Model, Q: Array) -> bool:
    """Whether all that a model does is compare: an error of its features matters at thresholds only."""
    return model.rounding(Q[:1]) is None and model.moves(Q[:1], np.zeros(Q[:1].shape)) is None


@dataclass(frozen=True, eq=False)
class ChainClassifier(Chain, Classifier):
    """A chain that ends in a classifier."""

    last: Classifier

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return self.last.output_dtype


@dataclass(frozen=True, eq=False)
class ChainProbabilities(ChainClassifier, ProbabilisticClassifier):
    """A chain that ends in a classifier with probabilities."""

    last: ProbabilisticClassifier

    @property
    def proba_one(self) -> int:
        return self.last.proba_one

    def predict_proba(self, Q: Array) -> Array:
        return self.last.predict_proba(self.given(Q))

    def proba_rounding(self, Q: Array) -> Array | None:
        if self.input.is_integer:
            return None
        Z, error = through(self.stages, Q)
        own = self.last.proba_rounding(Z)
        if own is None and not error.any():
            return None
        if own is None and self.last.rounding(Z) is not None:
            own = np.zeros((len(Z), 1))
        known = self.last.proba_moves(Z, error)
        known = tried(self.last.predict_proba, Z, error) if known is None else known
        return numbers_moved(self.last, known, Z, error, own)


@dataclass(frozen=True, eq=False)
class ChainDecision(ChainClassifier, DecisionClassifier):
    """A chain that ends in a classifier with a `decision_function`."""

    last: DecisionClassifier

    @property
    def n_decisions(self) -> int:
        return self.last.n_decisions

    @property
    def decision_scale(self) -> float:
        return self.last.decision_scale

    def decision_function(self, Q: Array) -> Array:
        return self.last.decision_function(self.given(Q))


@dataclass(frozen=True, eq=False)
class ChainScored(Chain, Scored):
    """A chain that ends in a model with a score."""

    last: Scored

    @property
    def score_one(self) -> int:
        return self.last.score_one

    def score(self, Q: Array) -> Array:
        return self.last.score(self.given(Q))


@dataclass(frozen=True, eq=False)
class ChainNumeric(Chain, NumericModel):
    """A chain that ends in numbers."""

    last: NumericModel

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return self.last.output_dtype

    @property
    def output_scale(self) -> float:
        return self.last.output_scale

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        return np.zeros((len(Q), self.n_outputs), bool)  # numbers have `rounding`

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        Z, error = through(self.stages, X, promised=True)
        allowed = np.broadcast_to(self.last.tolerance(Z), (len(Z), self.n_outputs))
        if _jumps(self.last, Z):
            return allowed  # `undecided` tells where a comparison may go another way
        return np.asarray(allowed + moved(self.last, self._numbers, Z, error))


@dataclass(frozen=True, eq=False)
class ChainBoth(ChainProbabilities, ChainDecision):
    """A chain that ends in a classifier with probabilities and a `decision_function`."""

    last: Any


@dataclass(frozen=True, eq=False)
class ChainMixture(ChainScored, ChainProbabilities):
    """A chain that ends in a density with classes."""

    last: Any


@dataclass(frozen=True, eq=False)
class ChainDetector(ChainScored, Detector):
    """A chain that ends in an outlier detector."""

    last: Detector


@dataclass(frozen=True, eq=False)
class ChainRegressor(ChainNumeric, Regressor):
    """A chain that ends in a regressor."""


@dataclass(frozen=True, eq=False)
class ChainTransformer(ChainNumeric, Transformer):
    """A chain that ends in a transformer."""

    @property
    def fills(self) -> bool:
        """Whether nothing that comes out is missing, whatever goes in."""
        return any(isinstance(stage, Stage) and stage.fills for stage in (*self.stages, self.last))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> ChainTransformer:
        """As `Stage.requantized`."""
        assert by.rows is not None
        every, rows, at = [*self.stages, self.last], by.rows, inputs
        out: list[Stage] = []
        for number, stage in enumerate(every, 1):
            assert isinstance(stage, Transformer)
            before, rows = rows, _floats(stage, at, rows)
            target = to
            if number < len(every):
                target = _between(as_stage(stage), at, every[number], Calibration(rows))
            out.append(as_stage(stage).requantized(at, target, Calibration(before)))
            at = target
        return replace(self, input=inputs, stages=tuple(out[:-1]), last=out[-1])


#: The first whose capabilities the last model has.
_KINDS: tuple[type[Chain], ...] = (
    ChainMixture,
    ChainBoth,
    ChainDecision,
    ChainProbabilities,
    ChainClassifier,
    ChainDetector,
    ChainRegressor,
    ChainTransformer,
)
_CAPABILITIES = (
    ProbabilisticClassifier,
    DecisionClassifier,
    Classifier,
    Detector,
    Scored,
    Regressor,
    Transformer,
)


def chained(stages: Sequence[Transformer], last: Model, source: str, **more: Any) -> Chain:
    """The chain of these, with the capabilities of the last one.

    Raises
    ------
    UnsupportedError
        If no chain has these.
    """
    able = {c for c in _CAPABILITIES if isinstance(last, c)}
    kind = next((k for k in _KINDS if able == {c for c in _CAPABILITIES if issubclass(k, c)}), None)
    if kind is None:
        raise UnsupportedError(
            f"{last.source} behind transformers that it cannot take in cannot be ported; compute those in "
            "the sketch"
        )
    own = {f.name for f in fields(kind)} & {"classes", "offset", "span"}
    known: dict[str, Any] = {name: getattr(last, name) for name in own}
    inputs = Input(stages[0].input.n_features, missing=last.input.missing or stages[0].input.missing)
    known |= {"source": source, "input": inputs, "stages": tuple(stages), "last": last, "own": last}
    return kind(**{**known, **more})
