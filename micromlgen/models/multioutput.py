"""Several targets, each with a model of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Classifier, Layout, Model, ProbabilisticClassifier
from micromlgen.models._chain import Chain
from micromlgen.models._combined import combined, linear_regressor, numbers_of, regressors, stacked
from micromlgen.models._matrix import Matrix
from micromlgen.models._members import Member, in_last_step, last_step, together
from micromlgen.models.regression import LinearRegressor

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Outputs(Classifier):
    """Classifiers of one output each, side by side."""

    models: tuple[Classifier, ...]

    @property
    def uses_math(self) -> bool:
        return any(m.uses_math for m in self.models)

    def feature_limits(self) -> NDArray[np.float64]:
        return np.asarray(np.max([m.feature_limits() for m in self.models], axis=0))

    def takes_integers(self) -> bool:
        return all(m.takes_integers() for m in self.models)

    @property
    def isometric(self) -> bool:
        return any(m.isometric for m in self.models)

    def highest_input(self, dtype: DType) -> int:
        return min(m.highest_input(dtype) for m in self.models)

    def categorical(self) -> NDArray[np.bool_]:
        return np.asarray(np.any([m.categorical() for m in self.models], axis=0))

    def quantize(self, inputs: Input, by: Calibration) -> Outputs:
        models = []
        for model in self.models:
            # What a scaler before this model does to features is done before each.
            scaled = replace(model.input, center=self.input.center, gain=self.input.gain)
            own = replace(inputs, missing=inputs.missing and model.input.missing)
            inside: Model = replace(model, input=scaled)
            inside = inside.within(own, by) if inputs.is_integer else inside.quantize(own, by)
            own = inside.input
            same = np.array_equal(np.asarray(own.exponents), np.asarray(inputs.exponents))
            same &= own.highest == inputs.highest if inputs.is_integer else True
            if inputs.is_integer and not (same and own.center is inputs.center and own.gain is inputs.gain):
                raise UnsupportedError(
                    f"{model.source} inside {self.source} needs integers of its own; use dtype='float32'"
                )
            assert isinstance(inside, Classifier)
            models.append(inside)
        return replace(self, input=inputs, models=tuple(models))

    def predict(self, Q: Array) -> Array:
        return np.stack([m.predict(Q) for m in self.models], axis=1)

    def rounding(self, Q: Array) -> Array | None:
        known = [m.rounding(Q) for m in self.models]
        exact = all(k is None for k in known)
        return None if exact else np.zeros((len(Q), 1))

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        each = [m.unsure(Q) for m in self.models]
        # Answers are compared row by row.
        return np.repeat(np.concatenate(each, axis=1).any(axis=1, keepdims=True), len(each), axis=1)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        final, _ = last_step(estimator, X[:1])
        pairs = zip(self.models, final.estimators_, strict=True)
        return np.concatenate([m.undecided(in_last_step(estimator, e), X) for m, e in pairs], axis=1)

    def boundaries(self) -> Sequence[Array]:
        each = [m.boundaries() for m in self.models]
        out = []
        for values in zip(*each, strict=True):
            most = min(np.nanmax(np.abs(v.astype(np.float64))) for v in values)
            every = np.unique(np.concatenate(values))
            out.append(every[~(np.abs(every.astype(np.float64)) > most)])
        return out

    @property
    def members(self) -> list[Member]:
        """The models that are rendered inside."""
        return [Member(f"output{i}", model) for i, model in enumerate(self.models)]

    def layouts(self) -> Sequence[Layout]:
        return together(self.members, code=(20, 20, 20, 20))

    def contract(self) -> Sequence[str]:
        return list(dict.fromkeys(line for m in self.models for line in m.contract()))


@dataclass(frozen=True, eq=False)
class ProbableOutputs(Outputs, ProbabilisticClassifier):
    """Classifiers with probabilities, side by side."""

    models: tuple[ProbabilisticClassifier, ...]

    @property
    def proba_one(self) -> int:
        return self.models[0].proba_one

    def predict_proba(self, Q: Array) -> Array:
        return np.concatenate([m.predict_proba(Q) for m in self.models], axis=1)

    def proba_rounding(self, Q: Array) -> Array | None:
        known = [m.proba_rounding(Q) for m in self.models]
        if all(k is None for k in known):
            return None
        sizes = [sum(m.n_classes) for m in self.models]
        wide = [
            np.broadcast_to(0.0 if k is None else k, (len(Q), n)) for k, n in zip(known, sizes, strict=True)
        ]
        return np.asarray(np.concatenate(wide, axis=1))


@converts("sklearn.multioutput.MultiOutputClassifier")
def classifier(estimator: Any) -> Model:
    """Convert classifiers of one target each.

    Raises
    ------
    UnsupportedError
        If one of them cannot be ported.
    """
    title = type(estimator).__name__
    models = [m.unscaled if isinstance(m, Chain) else m for m in map(model_of, estimator.estimators_)]
    known = [m for m in models if isinstance(m, Classifier) and m.n_outputs == 1]
    if len(known) < len(models) or len(models) < 2:
        raise UnsupportedError(f"{title} needs two classifiers or more, of one output each")
    probable = [m for m in known if isinstance(m, ProbabilisticClassifier)]
    ones = {m.proba_one for m in probable}
    # In integers all probabilities have one unit.
    kind = ProbableOutputs if len(probable) == len(known) and len(ones) == 1 else Outputs
    inputs = Input(known[0].input.n_features, missing=any(m.input.missing for m in known))
    classes = tuple(m.classes[0] for m in known)
    return kind(source=title, input=inputs, classes=classes, models=tuple(known))  # type: ignore[arg-type]


@converts("sklearn.multioutput.MultiOutputRegressor")
def regressor(estimator: Any) -> Model:
    """Convert regressors of one target each; linear ones become one linear model."""
    title = type(estimator).__name__
    models = [model_of(e) for e in estimator.estimators_]
    regressors(models, title)
    rows = stacked(models, LinearRegressor)
    if rows is not None:
        return linear_regressor(rows, title)
    n = len(models)
    last = linear_regressor(Matrix(np.eye(n), np.zeros(n)), title)
    return combined(numbers_of(models, estimator.estimators_), last, title)
