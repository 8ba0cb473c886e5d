"""What a model answers, as features of another: its numbers, probabilities or the numbers it decides by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Classifier, DecisionClassifier, Layout, Model, NumericModel, ProbabilisticClassifier
from micromlgen.models._chain import Chain
from micromlgen.models._members import Member, together
from micromlgen.models._rescaled import Rescaled
from micromlgen.models._spread import near, tried
from micromlgen.models._stage import Stage, zeros

Array = NDArray[Any]
What = Literal["predict", "predict_proba", "decision_function"]
#: What constants in float32 may make of probabilities that sums of leaves in integers give.
_LEAVES = 1e-6


@dataclass(frozen=True, eq=False)
class Answers(Stage):
    """Some columns of the answer of a model, or the index of its class."""

    model: Model
    what: What
    columns: tuple[int, ...]
    #: Whose model that is, in the estimator's numbers, and what was taken into it since.
    estimator: Any = None
    own: Model | None = None
    taken_in: Affine | None = None
    #: In integer modes: the inputs of the next model, and how answers become these.
    to: Input | None = None
    rescaled: Rescaled | None = None

    @property
    def uses_math(self) -> bool:
        return self.model.uses_math

    @property
    def fills(self) -> bool:
        return True

    @property
    def n_answers(self) -> int:
        """How many numbers the model gives, of which `columns` are kept."""
        if isinstance(self.model, ProbabilisticClassifier) and self.what == "predict_proba":
            return sum(self.model.n_classes)
        if isinstance(self.model, DecisionClassifier) and self.what == "decision_function":
            return self.model.n_decisions
        return self.model.n_outputs

    @property
    def all_kept(self) -> bool:
        """Whether the columns are the whole answer."""
        return self.columns == tuple(range(self.n_answers))

    @property
    def wide(self) -> bool:
        return True

    def feature_limits(self) -> NDArray[np.float64]:
        return self.model.feature_limits()

    @property
    def isometric(self) -> bool:
        return self.model.isometric

    def highest_input(self, dtype: DType) -> int:
        return self.model.highest_input(dtype)

    def categorical(self) -> NDArray[np.bool_]:
        return self.model.categorical()

    def behind(self, stage: Affine) -> Answers | None:
        inner = self.model.behind(stage)
        if inner is None:
            return None
        taken_in = stage if self.taken_in is None else self.taken_in.after(stage)
        return replace(self, input=inner.input, model=inner, taken_in=taken_in)

    @cached_property
    def _judge(self) -> Model | None:
        """The model that knows where its estimator is not followed."""
        if self.own is None:
            return None
        inputs = Input(self.own.input.n_features, missing=self.input.missing and self.own.input.missing)
        return self.own.quantize(inputs, Calibration())

    def vague(self, X: Array) -> NDArray[np.bool_]:
        if self._judge is None:
            return super().vague(X)
        rows = X.astype(np.float64) if self.taken_in is None else self.taken_in.apply(X)
        return np.asarray(self._judge.undecided(self.estimator, rows).any(axis=1))

    def centred(self, center: NDArray[np.float32]) -> Answers | None:
        inner = self.model.centred(center)
        return None if inner is None else replace(self, model=inner)

    def quantize(self, inputs: Input, by: Calibration) -> Answers:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        inside = replace(inputs, center=None, gain=None, missing=inputs.missing and self.model.input.missing)
        return replace(self, input=inputs, model=self.model.quantize(inside, by))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Answers:
        assert to.exponents is not None
        missing = inputs.missing and self.model.input.missing
        given = replace(inputs, center=None, gain=None, missing=missing)
        inside = self.model.within(given, by)
        self._check(inside.input, inputs)
        made = replace(self, input=inputs, model=inside, to=to)
        gain = 1.0 if to.gain is None else to.gain.astype(np.float64)
        if to.center is not None:
            raise self._no_integers(inputs)
        factors = np.broadcast_to(made.answer_unit * np.ldexp(gain, to.exponents), (self.n_outputs,))
        return replace(made, rescaled=Rescaled.by(factors, to.highest, self.source))

    def _check(self, own: Input, inputs: Input) -> None:
        """Refuse a model that wants other integers than those that all are given.

        Raises
        ------
        UnsupportedError
            If it does.
        """
        same = np.array_equal(np.asarray(own.exponents), np.asarray(inputs.exponents))
        if not same or own.highest != inputs.highest or own.center is not None or own.gain is not None:
            raise UnsupportedError(
                f"{self.source} inside another estimator needs integers of its own; use dtype='float32'"
            )

    @property
    def answer_unit(self) -> float:
        """One unit of an integer answer."""
        if isinstance(self.model, ProbabilisticClassifier) and self.what == "predict_proba":
            return 1.0 / self.model.proba_one
        if isinstance(self.model, DecisionClassifier) and self.what == "decision_function":
            return self.model.decision_scale
        return self.model.output_scale if isinstance(self.model, NumericModel) else 1.0

    @property
    def answer_dtype(self) -> np.dtype[Any]:
        """Type of the numbers that the model gives."""
        if self.what == "decision_function":
            return np.dtype(np.int32 if self.input.is_integer else np.float32)
        return self.model.output_dtype

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return super().output_dtype if self.to is None else np.dtype(self.to.dtype)

    def predict(self, Q: Array) -> Array:
        if self.rescaled is None:
            return super().predict(Q)
        return self.rescaled.apply(self._all(Q)[:, self.columns]).astype(self.output_dtype)

    def _all(self, X: Array) -> Array:
        """All numbers of the model, shape (n, n_answers)."""
        answer = self.model.predict(X) if self.what == "predict" else getattr(self.model, self.what)(X)
        return np.asarray(answer).reshape(len(X), -1)

    def exact(self, X: Array) -> NDArray[np.float64]:
        return self._all(X)[:, self.columns].astype(np.float64)

    def _cut(self, numbers: Array, X: Array) -> Array:
        return np.broadcast_to(numbers, (len(X), self.n_answers))[:, self.columns]

    def rounding(self, Q: Array) -> Array | None:
        if self.what == "predict_proba":
            assert isinstance(self.model, ProbabilisticClassifier)
            known = self.model.proba_rounding(Q)
        else:
            known = self.model.rounding(Q)
        if known is None:
            return None
        if isinstance(self.model, Classifier) and self.what == "predict":
            known = np.where(self.model.unsure(Q), float(max(self.model.n_classes)), 0.0)
        return self._cut(known, Q)

    def moves(self, Q: Array, by: Array) -> Array:
        if not by.any():
            return np.zeros((len(Q), self.n_outputs))
        if self.model.rounding(Q[:1]) is None:
            most = np.ptp(self.exact(Q), axis=0) + 1.0
            return np.where(near(self.model, Q, by)[:, None], most, 0.0)
        return self._cut(tried(self._all, Q, by), Q)

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        if isinstance(self.model, NumericModel):
            return self._cut(self.model.tolerance(X), X)
        rounding = self.rounding(X)
        constants = 0.0 if self.what == "predict" else _LEAVES
        return np.asarray(constants + (0.0 if rounding is None else 2 * rounding))

    def boundaries(self) -> Sequence[Array]:
        return self.model.boundaries()

    @property
    def members(self) -> list[Member]:
        """The model that is rendered inside."""
        return [Member("of", self.model)]

    def layouts(self) -> Sequence[Layout]:
        return together(self.members, code=(20, 20, 20, 20) if self.to is None else (120, 70, 70, 80))

    def contract(self) -> Sequence[str]:
        return self.model.contract()


def answers(model: Model, what: What, columns: Sequence[int] | None = None, estimator: Any = None) -> Answers:
    """What the model of an estimator answers, all or some columns of it."""
    model = model.unscaled if isinstance(model, Chain) else model
    made = Answers(
        source=model.source,
        input=model.input,
        span=zeros(1),
        model=model,
        what=what,
        columns=(),
        estimator=estimator,
        own=None if estimator is None else model,
    )
    kept = tuple(range(made.n_answers)) if columns is None else tuple(columns)
    return replace(made, columns=kept, span=zeros(len(kept)))
