"""Multi-layer perceptrons.

Each neuron is a row of products with the layer before, in flash; two buffers on the stack hold the layers in
turn. Classes are compared by what goes into the output's activation, which never changes their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Input
from micromlgen.ir import Model, ProbabilisticClassifier, Regressor
from micromlgen.models import _links
from micromlgen.models._activations import FUNCTIONS
from micromlgen.models._coefficients import classes_of, matrix_of
from micromlgen.models._layers import merged
from micromlgen.models._linear import BOUND
from micromlgen.models._links import Link
from micromlgen.models._mlp_network import Network
from micromlgen.models._shares import PROBA_ONE, sigmoid, softmax_shift

Array = NDArray[Any]
_SUMS = "scores are sums of integers that provably stay in 32 bits"


@dataclass(frozen=True, eq=False)
class MlpClassifier(Network, ProbabilisticClassifier):
    """The sign of one score decides between two classes, the largest of several among more."""

    link: Link

    @property
    def exponential(self) -> Exponential | None:
        """Of the differences of integer scores."""
        return self._exponential(_links.factor(self.link, self.n_scores))

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    @property
    def exp_shift(self) -> int:
        """By so many bits exponentials are shifted right, so that their sum stays in 32 bits."""
        return softmax_shift(self.n_scores)

    def predict(self, Q: Array) -> Array:
        scores = self.scores(Q)
        if self.n_scores == 1:
            return (scores[:, 0] > 0).astype(np.int32)
        return np.asarray(scores.argmax(axis=1), np.int32)

    def predict_proba(self, Q: Array) -> Array:
        if self.integers is not None:
            return _links.integer_probabilities(self.scores(Q), self.link, self.unit)
        return _links.probabilities(self.scores(Q), self.link).astype(np.float32)

    def proba_rounding(self, Q: Array) -> Array | None:
        off = self.rounding(Q)
        return None if off is None else _links.off(self.scores(Q), off, self.link)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        off = self.rounding(Q)
        return super().unsure(Q) if off is None else self._close(self.scores(Q), off)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.input.is_integer:  # which promise no more than their agreement
            return super().undecided(estimator, X)
        with np.errstate(divide="ignore"):
            logs = np.log(estimator.predict_proba(X))
        own = logs if self.n_scores > 1 else np.diff(logs, axis=1)
        return self._close(own, self._reach(X, None, BOUND))

    def _close(self, scores: Array, by: Array) -> NDArray[np.bool_]:
        """Rows, shape (n, 1), whose class may be another where scores are off by `by`."""
        if self.n_scores == 1:
            return np.asarray(np.abs(scores) <= by)
        best = np.sort(scores, axis=1)
        return np.asarray(best[:, -1:] - best[:, -2:-1] <= 2 * by.max(axis=1, keepdims=True))

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return [_SUMS]
        return [f"the class is scikit-learn's where scores differ by {BOUND:g} of what layers add up"]


@dataclass(frozen=True, eq=False)
class MlpLabels(Network, ProbabilisticClassifier):
    """The sign of each score tells whether a label applies."""

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    def predict(self, Q: Array) -> Array:
        return (self.scores(Q) > 0).astype(np.int32)

    @property
    def exponential(self) -> Exponential | None:
        """Of integer scores."""
        return self._exponential(1)

    def predict_proba(self, Q: Array) -> Array:
        scale = self.exponential
        if scale is not None:
            both = sigmoid(self.scores(Q), scale, True)
            return np.stack(both, axis=2).reshape(len(Q), -1)
        second = expit(self.scores(Q))
        return np.stack([1 - second, second], axis=2).reshape(len(Q), -1).astype(np.float32)

    def proba_rounding(self, Q: Array) -> Array | None:
        off = self.rounding(Q)
        return None if off is None else np.repeat(1e-6 + off, 2, axis=1)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        off = self.rounding(Q)
        return super().unsure(Q) if off is None else np.asarray(np.abs(self.scores(Q)) <= off)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.input.is_integer:
            return super().undecided(estimator, X)
        second = np.asarray(estimator.predict_proba(X))
        with np.errstate(divide="ignore"):
            own = np.log(second) - np.log1p(-second)
        return np.asarray(np.abs(own) <= self._reach(X, None, BOUND))

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return [_SUMS]
        return [f"labels are scikit-learn's where scores exceed {BOUND:g} of what layers add up"]


@dataclass(frozen=True, eq=False)
class MlpRegressor(Network, Regressor):
    """Scores are the answer, or its logarithm."""

    logarithmic: bool
    #: Score of the largest answer of integer modes, if logarithmic: theirs are below 0 by what is less.
    ceiling: float = 0.0

    @property
    def writes(self) -> bool:
        return self.n_outputs > 1

    def _knowing(self, rows: NDArray[np.float64]) -> Self:
        scores = self.scores(rows)
        if not self.logarithmic:
            return replace(self, span=np.stack([scores.min(axis=0), scores.max(axis=0)], axis=1))
        ceiling = _links.ceiling(scores, self.source)
        span = np.exp(np.stack([scores.min(axis=0), scores.max(axis=0)], axis=1))
        last = replace(self.layers[-1], bias=self.layers[-1].bias - ceiling)
        return replace(self, span=span, ceiling=ceiling, layers=(*self.layers[:-1], last))

    @property
    def exponential(self) -> Exponential | None:
        """Of integer scores."""
        return self._exponential(1) if self.logarithmic else None

    def predict(self, Q: Array) -> Array:
        scores = self.scores(Q)
        if self.input.is_integer:
            scale = self.exponential
            scores = scores if scale is None else fixedpoint.exp_neg(np.maximum(-scores, 0), scale)
            return (scores[:, 0] if self.n_outputs == 1 else scores).astype(np.int32)
        with np.errstate(over="ignore"):
            y = (_links.exponential(scores) if self.logarithmic else scores).astype(np.float32)
        return y[:, 0] if self.n_outputs == 1 else y

    @property
    def output_scale(self) -> float:
        return float(np.exp(self.ceiling)) / fixedpoint.EXP_ONE if self.logarithmic else self.unit

    def _reach(self, Q: Array, by: Array | None, relative: float | None) -> Array:
        off = super()._reach(Q, by, relative)
        return _links.exponential_off(self.scores(Q), off) if self.logarithmic else off

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        off = super()._reach(X, None, BOUND)
        return _links.exponential_tolerance(self.scores(X), off) if self.logarithmic else off

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return [_SUMS, *([f"answers saturate at {np.exp(self.ceiling):.4g}"] if self.logarithmic else [])]
        what = "the logarithm of the answer is" if self.logarithmic else "numbers are"
        return [f"{what} within {BOUND:g} of what layers add up"]


def _network(estimator: Any) -> dict[str, Any]:
    """What the models have in common."""
    activation = estimator.activation
    if activation not in FUNCTIONS:
        raise UnsupportedError(
            f"{type(estimator).__name__}(activation={activation!r}) cannot be ported; use one of "
            f"{', '.join(FUNCTIONS)}"
        )
    pairs = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    layers = tuple(matrix_of(estimator, coef.T, bias) for coef, bias in pairs)
    return {
        "source": type(estimator).__name__,
        "input": Input(layers[0].weights.shape[1]),
        "layers": merged(layers) if activation == "identity" else layers,
        "activation": activation,
    }


@converts("sklearn.neural_network.MLPClassifier")
def classifier(estimator: Any) -> Model:
    """Convert a classifier, of several labels too."""
    network = _network(estimator)
    if estimator._label_binarizer.y_type_.startswith("multilabel"):
        return MlpLabels(**network, classes=(np.arange(2),) * estimator.n_outputs_)
    link: Link = "softmax" if estimator.n_outputs_ > 1 else "logistic"
    return MlpClassifier(**network, classes=(classes_of(estimator),), link=link)


@converts("sklearn.neural_network.MLPRegressor")
def regressor(estimator: Any) -> MlpRegressor:
    """Convert a regressor."""
    network = _network(estimator)
    link = estimator.out_activation_
    if link not in ("identity", "exp"):
        raise UnsupportedError(f"MLPRegressor with the output {link!r} cannot be ported; use squared_error")
    span = np.zeros((len(network["layers"][-1].bias), 2))
    return MlpRegressor(**network, span=span, logarithmic=link == "exp")
