"""Transformers before a model that cannot take them in: features pass through them one after another.

The model is rendered by its own family under the name `<name>_model`, and the transformers likewise as
`<name>_stage0` and so on. Two buffers on the stack at most hold what stands between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import (
    Classifier,
    DecisionClassifier,
    Detector,
    Model,
    NumericModel,
    ProbabilisticClassifier,
    Regressor,
    Scored,
    Transformer,
)
from micromlgen.models._chain import Chain, jumps
from micromlgen.models._outputs import outputs
from micromlgen.models._requantized import between, fused, in_floats, towards
from micromlgen.models._spread import moved, numbers_moved, through, tried
from micromlgen.models._stage import Stage, as_stage

Array = NDArray[Any]


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
        if jumps(self.last, Z):
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

    last: Transformer

    @property
    def fills(self) -> bool:
        """Whether nothing that comes out is missing, whatever goes in."""
        return any(isinstance(stage, Stage) and stage.fills for stage in (*self.stages, self.last))

    @property
    def wide(self) -> bool:
        """As `Stage.wide`."""
        return isinstance(self.last, Stage) and self.last.wide

    def marked(self) -> tuple[ChainTransformer, NDArray[np.float32] | None]:
        """As `Stage.marked`."""
        made = Chain.in_integers(self)
        assert isinstance(made, ChainTransformer)
        return made, made.input.holes

    def writable(self, to: Input) -> Input:
        """As `Stage.writable`."""
        return self.last.writable(to) if isinstance(self.last, Stage) else to

    def meant(self, rows: Array, missing: bool) -> NDArray[np.float64]:
        """As `Stage.meant`."""
        for stage in fused([*self.stages, self.last]):
            assert isinstance(stage, Transformer)
            rows = in_floats(stage, replace(stage.input, missing=missing), rows)
            missing = missing and not (isinstance(stage, Stage) and stage.fills)
        return rows.astype(np.float64)

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Transformer:
        """As `Stage.requantized`."""
        assert by.rows is not None
        every, rows, at = fused([*self.stages, self.last]), by.rows, inputs
        out: list[Stage] = []
        wide = to.dtype == "int16"
        for number, stage in enumerate(every, 1):
            assert isinstance(stage, Transformer)
            before, rows = rows, in_floats(stage, at, rows)
            target = to
            if number < len(every):
                target = between(as_stage(stage), at, every[number], Calibration(rows), wide)
            out += towards(as_stage(stage), at, target, target, Calibration(before))
            at = target
        if len(out) == 1:
            return out[0]
        return replace(self, input=inputs, stages=tuple(out[:-1]), last=out[-1])

    def in_integers(self) -> Model:
        if not isinstance(self.last, Stage) or self.last.in_integers() is self.last:
            return super().in_integers()
        return with_outputs([*self.stages, self.last], self.source, self.input, self.folded)


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
    if isinstance(last, Chain) and not stages[0].input.samples:
        last = last.unscaled  # what it is given are no features
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


def with_outputs(
    stages: Sequence[Transformer], source: str, inputs: Input, folded: Model | None = None
) -> Model:
    """Transformers as a header of its own in integers, where the last of them writes for a next model."""
    last = outputs(source, stages[-1].n_outputs)
    return chained(stages, last, source, input=inputs, folded=folded).in_integers()
