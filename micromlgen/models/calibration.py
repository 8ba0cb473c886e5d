"""Classifiers whose probabilities were calibrated after training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from micromlgen import fixedpoint
from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import DecisionClassifier, Layout, Model, ProbabilisticClassifier, Transformer
from micromlgen.models._combined import combined
from micromlgen.models._lines import Lines
from micromlgen.models._points import Points
from micromlgen.models._rescaled import Rescaled
from micromlgen.models._sequence import in_sequence
from micromlgen.models._shares import PROBA_ONE, shares, sigmoid
from micromlgen.models._stage import ULP, Stage, only_layout, zeros
from micromlgen.models.answers import Answers, answers
from micromlgen.models.temperature import Temperature
from micromlgen.models.voting import Final, MeanShares

Array = NDArray[Any]
#: Most that the exponentials and shares of float32 are off.
_SHARES = 3e-6


@dataclass(frozen=True, eq=False)
class Calibrated(Stage):
    """Numbers that a classifier decides by, as probabilities: one for two classes, or one for each."""

    form: ClassVar[str]

    def each(self, X: Array) -> NDArray[np.float64]:
        """Calibrated numbers, not yet divided by their sum, of the shape of X."""
        raise NotImplementedError

    def steepness(self, X: Array, by: Array) -> NDArray[np.float64]:
        """Most by which `each` moves where numbers do by `by`."""
        raise NotImplementedError

    def exact(self, X: Array) -> NDArray[np.float64]:
        part = self.each(X.astype(np.float64))
        if part.shape[1] == 1:
            return np.concatenate([1 - part, part], axis=1)
        whole = part.sum(axis=1, keepdims=True)
        even = np.full_like(part, 1 / part.shape[1])
        return np.asarray(np.divide(part, whole, out=even, where=whole > 0))

    def _shared(self, X: Array, off: Array) -> Array:
        """The error of probabilities from that of calibrated numbers."""
        part = self.each(X.astype(np.float64))
        if part.shape[1] == 1:
            return np.repeat(off + 2 * ULP, 2, axis=1)
        whole = part.sum(axis=1, keepdims=True) - off.sum(axis=1, keepdims=True)
        most = off.max(axis=1, keepdims=True) * (part.shape[1] + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            shared = np.where(whole > 0, most / whole + 4 * ULP, 1.0)
        return np.repeat(np.minimum(shared, 1.0), part.shape[1], axis=1)

    def rounding(self, Q: Array) -> Array | None:
        return self._shared(Q, self.own_rounding(Q))

    def own_rounding(self, Q: Array) -> Array:
        """Most that float arithmetic makes of `each`."""
        raise NotImplementedError

    def moves(self, Q: Array, by: Array) -> Array:
        return self._shared(Q, self.own_rounding(Q) + self.steepness(Q.astype(np.float64), by))

    def contract(self) -> Sequence[str]:
        return ["probabilities are within 1e-5"]


def divided(part: Array) -> NDArray[np.int64]:
    """Probabilities in integers of `PROBA_ONE`, of the calibrated numbers: one and the rest, or shares."""
    part = part.astype(np.uint64)
    if part.shape[1] == 1:
        return np.concatenate([PROBA_ONE - part.astype(np.int64), part.astype(np.int64)], axis=1)
    whole = part.sum(axis=1, keepdims=True)
    given = shares(part, np.maximum(whole, np.uint64(1)), True)
    return np.where(whole == 0, PROBA_ONE // part.shape[1], given).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Sigmoid(Calibrated):
    """``1 / (1 + exp(gain * t + offset))`` of each number."""

    form = "sigmoid"
    gain: Array
    offset: Array
    #: In integer modes: one unit of the argument, the inputs of the next model, and how shares become these.
    unit: float = field(default=1.0, kw_only=True)
    to: Input | None = field(default=None, kw_only=True)
    rescaled: Rescaled | None = field(default=None, kw_only=True)

    def quantize(self, inputs: Input, by: Calibration) -> Sigmoid:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        gain, offset = self.gain.astype(np.float32), self.offset.astype(np.float32)
        return replace(self, input=inputs, gain=gain, offset=offset)

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Sigmoid:
        assert to.exponents is not None
        # One unit for all, in which no encoded number leaves 32 bits.
        gain, room = self.gain * inputs.unit, 2.0**31 - 2 - (inputs.highest + 1)
        unit = max(float((np.abs(gain) * (inputs.highest + 1) + np.abs(self.offset)).max() / room), 1e-30)
        factors = np.ldexp(1.0 / PROBA_ONE, to.exponents)
        return replace(
            self,
            input=inputs,
            gain=np.rint(gain / unit).astype(np.int32),
            offset=np.rint(self.offset / unit).astype(np.int32),
            unit=unit,
            to=to,
            rescaled=Rescaled.by(factors, to.highest, self.source),
        )

    @property
    def wide(self) -> bool:
        return True

    @property
    def exponential(self) -> Exponential | None:
        """Of integer arguments."""
        return None if self.to is None else fixedpoint.exponential(self.unit)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return super().output_dtype if self.to is None else np.dtype(self.to.dtype)

    def predict(self, Q: Array) -> Array:
        if self.rescaled is None:
            return super().predict(Q)
        scores = Q.astype(np.int64) * self.gain.astype(np.int64) + self.offset.astype(np.int64)
        part, _ = sigmoid(scores, fixedpoint.exponential(self.unit), True)
        return self.rescaled.apply(divided(part)).astype(self.output_dtype)

    def each(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(expit(-(self.gain.astype(np.float64) * X + self.offset)))

    def own_rounding(self, Q: Array) -> Array:
        size = np.abs(Q.astype(np.float64) * self.gain) + np.abs(self.offset)
        return np.asarray(_SHARES + ULP * size)

    def steepness(self, X: Array, by: Array) -> NDArray[np.float64]:
        return np.asarray(np.minimum(np.abs(self.gain.astype(np.float64)) * by / 4, 1.0))

    def layouts(self) -> Sequence[Layout]:
        work = [c * self.input.n_features for c in (2500.0, 900, 90, 900)]
        return only_layout("sigmoid", [self.gain, self.offset], (900, 700, 300, 700), work)


@dataclass(frozen=True, eq=False)
class Isotonic(Calibrated):
    """A line through points of each number, level beyond them."""

    form = "isotonic"
    points: Points
    #: In integer modes: the same in shares of `PROBA_ONE`, the inputs of the next model, and how shares
    #: become these.
    lines: Lines | None = field(default=None, kw_only=True)
    to: Input | None = field(default=None, kw_only=True)
    rescaled: Rescaled | None = field(default=None, kw_only=True)

    def quantize(self, inputs: Input, by: Calibration) -> Isotonic:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        close = (
            f"{self.source}(method='isotonic') has points closer than float32 tells apart; use "
            "method='sigmoid'"
        )
        return replace(self, input=inputs, points=self.points.in_float32(close))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Isotonic:
        assert to.exponents is not None
        factors = np.ldexp(1.0 / PROBA_ONE, to.exponents)
        return replace(
            self,
            input=inputs,
            lines=self.points.in_integers(inputs, 1 / PROBA_ONE, 0.0),
            to=to,
            rescaled=Rescaled.by(factors, to.highest, self.source),
        )

    @property
    def wide(self) -> bool:
        return True

    def feature_limits(self) -> NDArray[np.float64]:
        return self.points.limits

    def meant(self, rows: Array, missing: bool) -> NDArray[np.float64]:
        return self.exact(rows)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return super().output_dtype if self.to is None else np.dtype(self.to.dtype)

    def predict(self, Q: Array) -> Array:
        if self.lines is None or self.rescaled is None:
            return super().predict(Q)
        return self.rescaled.apply(divided(self.lines.apply(Q))).astype(self.output_dtype)

    def each(self, X: Array) -> NDArray[np.float64]:
        return self.points.apply(X)

    def own_rounding(self, Q: Array) -> Array:
        return self.points.rounding(Q)

    def steepness(self, X: Array, by: Array) -> NDArray[np.float64]:
        return self.points.steepness(X, by)

    def boundaries(self) -> Sequence[Array]:
        plain = super().boundaries()
        return plain if self.lines is None else self.lines.near(plain, self.input.highest)

    def layouts(self) -> Sequence[Layout]:
        n = self.input.n_features
        steps = np.log2((len(self.points.at) if self.lines is None else len(self.lines.knots)) / n + 1)
        if self.lines is not None:
            cycles = ((1500.0, 45), (300, 14), (90, 10), (250, 12))
            code = (450, 250, 200, 250)
            return only_layout("lines", self.lines.tables, code, [(c + k * steps) * n for c, k in cycles])
        cycles = ((1500.0, 150), (700, 90), (60, 12), (700, 90))
        code = (1100, 1200, 200, 1300)
        return only_layout("points", self.points.tables, code, [(c + k * steps) * n for c, k in cycles])


def _decisions(title: str, model: Model, estimator: Any, both: bool) -> Answers:
    """What is calibrated: decisions, else probabilities, of two the second's or `both`.

    Raises
    ------
    UnsupportedError
        If there are neither, or decisions only the estimator has: what is calibrated are these.
    """
    if isinstance(model, DecisionClassifier):
        return answers(model, "decision_function", estimator=estimator)
    if hasattr(estimator, "decision_function"):
        raise UnsupportedError(
            f"{title}: the decision_function of {model.source}, which is calibrated, cannot be ported; use "
            "others"
        )
    if isinstance(model, ProbabilisticClassifier):
        return answers(
            model, "predict_proba", (1,) if sum(model.n_classes) == 2 and not both else None, estimator
        )
    raise UnsupportedError(f"{title}: {model.source} has neither decisions nor probabilities here")


def _calibrator(title: str, calibrators: Sequence[Any], method: str, given: Answers) -> Stage:
    """The stage behind what is `given`.

    Raises
    ------
    UnsupportedError
        If the method is not known.
    """
    if method == "temperature":
        n = given.n_outputs
        return Temperature(
            source=title,
            input=Input(n),
            span=zeros(max(n, 2)),
            beta=float(calibrators[0].beta_),
            of_probabilities=given.what == "predict_proba",
        )
    common: dict[str, Any] = {"source": title, "input": Input(len(calibrators))}
    common["span"] = zeros(max(len(calibrators), 2))
    if method == "sigmoid":
        gain, offset = (np.array([float(getattr(c, k)) for c in calibrators]) for k in ("a_", "b_"))
        return Sigmoid(**common, gain=gain, offset=offset)
    if method == "isotonic":
        starts = np.cumsum([0, *(len(c.X_thresholds_) for c in calibrators)])
        at = np.concatenate([c.X_thresholds_ for c in calibrators])
        value = np.concatenate([c.y_thresholds_ for c in calibrators])
        return Isotonic(**common, points=Points(at, value, starts.astype(np.uint16)))
    raise UnsupportedError(f"{title}(method={method!r}) cannot be ported; use 'sigmoid'")


@converts("sklearn.calibration.CalibratedClassifierCV")
def calibrated(estimator: Any) -> Model:
    """Convert the mean of classifiers whose probabilities were calibrated.

    Raises
    ------
    UnsupportedError
        If a classifier or the method cannot be ported.
    """
    title = type(estimator).__name__
    parts: list[Transformer] = []
    for fold in estimator.calibrated_classifiers_:
        model = model_of(fold.estimator)
        # Those whose temperature is calibrated are fitted on the numbers of the classes.
        named = np.arange(len(estimator.classes_)) if fold.method == "temperature" else estimator.classes_
        if not np.array_equal(fold.estimator.classes_, named):
            raise UnsupportedError(f"{title}: a fold lacks a class; fit it with ensemble=False")
        given = _decisions(title, model, fold.estimator, fold.method == "temperature")
        parts.append(in_sequence([given, _calibrator(title, fold.calibrators, fold.method, given)]))
    n = len(parts)
    final = MeanShares(
        source=title,
        input=Input(n * len(estimator.classes_)),
        classes=(estimator.classes_,),
        weights=np.full(n, 1 / n),
    )

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        asked = [fold.predict_proba(X) for fold in own.calibrated_classifiers_]
        return Final(final), np.concatenate(asked, axis=1)

    return combined(parts, final, title, split)
