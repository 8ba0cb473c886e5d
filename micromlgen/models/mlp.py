"""Multi-layer perceptrons in float32.

Each neuron is a row of products with the layer before, in flash; two buffers on the stack hold the layers in
turn. Classes are compared by what goes into the output's activation, which never changes their order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Calibration, DType, Input, Layout, Model, ProbabilisticClassifier, Regressor
from micromlgen.models import _links
from micromlgen.models._coefficients import classes_of, matrix_of
from micromlgen.models._layers import merged, without_idle
from micromlgen.models._linear import BOUND
from micromlgen.models._links import Link
from micromlgen.models._matrix import ULP, Matrix, naming
from micromlgen.models._products import CORES
from micromlgen.models._shares import PROBA_ONE, softmax_shift

Array = NDArray[Any]
Activation = Literal["identity", "logistic", "tanh", "relu"]
_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
}
#: Slope of an activation at z; they fall with the magnitude of z, or not at all.
_SLOPES: dict[str, Callable[[Array], Array]] = {
    "identity": np.ones_like,
    "logistic": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: 1.0 - np.tanh(z) ** 2,
    "relu": np.ones_like,
}
#: Most that the C's activation is off: the exponential and a quotient of float32.
_OFF = {"identity": 0.0, "logistic": 1e-6, "tanh": 2e-6, "relu": 0.0}
#: Measured with -Os on each of `CORES`: bytes of code, cycles of a product and of a neuron; what curves add.
_CODE, _CURVE_CODE = (980, 570, 250, 600), (1050, 380, 210, 470)
_PRODUCT = (124, 47, 2.0, 33)
_NEURON, _CURVE = (315, 250, 32, 140), (2800, 525, 82, 400)


@dataclass(frozen=True, eq=False)
class Network(Model):
    """Layers of neurons, the last one without an activation."""

    layers: tuple[Matrix, ...]
    #: Of every layer but the last.
    activation: Activation

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    def highest_input(self, dtype: DType) -> int:
        raise UnsupportedError(
            f"{self.source} in {dtype} cannot be ported yet: use dtype='float32', which needs no FPU"
        )

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        layers = without_idle(self.layers, _FUNCTIONS[self.activation])
        with naming(self.source):
            return replace(self, input=inputs, layers=tuple(layer.rounded() for layer in layers))

    def behind(self, stage: Affine) -> Self:
        """The same model of what `stage` is given."""
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, layers=(self.layers[0].behind(stage), *self.layers[1:]))

    @property
    def n_scores(self) -> int:
        """Neurons of the last layer."""
        return len(self.layers[-1].bias)

    @property
    def buffers(self) -> tuple[int, int]:
        """Sizes of the two buffers that take the layers in turn, but for those that go to the caller."""
        sizes = [len(layer.bias) for layer in self.layers[: -1 if self.writes else None]]
        return max(sizes[::2], default=0), max(sizes[1::2], default=0)

    @property
    def writes(self) -> bool:
        """Whether the last layer's scores are what the caller is given."""
        return False

    @property
    def n_hidden(self) -> int:
        """Neurons that have an activation."""
        return sum(len(layer.bias) for layer in self.layers[:-1])

    def scores(self, Q: Array) -> Array:
        """What goes into the output's activation, free of rounding, shape (n, n_scores)."""
        a = Q
        for layer in self.layers[:-1]:
            a = _FUNCTIONS[self.activation](layer.scores(a))
        return self.layers[-1].scores(a)

    def _reach(self, Q: Array, by: Array | None, relative: float | None) -> Array:
        """Most that scores may be off, shape (n, n_scores), where features are by `by`.

        A layer passes on what it is given at most by the magnitudes of its weights and the steepest slope of
        its activation around, and adds what `relative` makes of all that it adds up; None: what float32 does.
        """
        off = _OFF[self.activation] if relative != 0 else 0.0
        a = np.asarray(Q, np.float64)
        e = np.zeros_like(a) if by is None else by
        with np.errstate(over="ignore", invalid="ignore"):
            for i, layer in enumerate(self.layers):
                moved = e @ np.abs(layer.weights.T.astype(np.float64))
                share = (layer.weights.shape[1] + 3) * ULP if relative is None else relative
                z = layer.scores(a)
                e = moved + share * (layer.magnitude(a) + moved) + (1e-36 if share else 0.0)
                if i + 1 < len(self.layers):
                    idle = (z + e < 0) & (self.activation == "relu")
                    slope = _SLOPES[self.activation](np.maximum(np.abs(z) - e, 0.0))
                    a, e = _FUNCTIONS[self.activation](z), np.where(idle, 0.0, slope * e + off)
        return np.where(np.isnan(e), np.inf, e)

    def rounding(self, Q: Array) -> Array | None:
        return self._reach(Q, None, None)

    def moves(self, Q: Array, by: Array) -> Array:
        return self._reach(Q, by, 0.0)

    def boundaries(self) -> Sequence[Array]:
        return [np.array([-1000, -1, 0, 1, 1000], np.float32)] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        tables = [t for layer in self.layers for t in (*layer.tables, layer.bias)]
        products = sum(layer.weights.size for layer in self.layers)
        curved = self.n_hidden > 0 and self.activation in ("logistic", "tanh")
        size = sum(t.nbytes for t in tables)
        flash, cycles = {}, {}
        for k, core in enumerate(CORES):
            flash[core] = float(size + _CODE[k] + curved * _CURVE_CODE[k])
            cycles[core] = products * _PRODUCT[k] + (self.n_hidden + self.n_scores) * float(_NEURON[k])
            cycles[core] += curved * self.n_hidden * _CURVE[k]
        # tanh(s) is a quotient of exponentials of 2 s: weights are printed doubled.
        hidden = [layer.bias * np.float32(1 + (self.activation == "tanh")) for layer in self.layers[:-1]]
        return [
            Layout(
                name="layers",
                flash=flash,
                cycles=cycles,
                build=lambda: {"bias": np.concatenate([*hidden, self.layers[-1].bias])},
                tables=[t.nbytes for t in tables],
            )
        ]


@dataclass(frozen=True, eq=False)
class MlpClassifier(Network, ProbabilisticClassifier):
    """The sign of one score decides between two classes, the largest of several among more."""

    link: Link

    @property
    def exponential(self) -> None:
        """Scores are no integers."""

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
        return _links.probabilities(self.scores(Q), self.link).astype(np.float32)

    def proba_rounding(self, Q: Array) -> Array | None:
        return _links.off(self.scores(Q), self._reach(Q, None, None), self.link)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        return self._close(self.scores(Q), self._reach(Q, None, None))

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
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
        return [f"the class is scikit-learn's where scores differ by {BOUND:g} of what layers add up"]


@dataclass(frozen=True, eq=False)
class MlpLabels(Network, ProbabilisticClassifier):
    """The sign of each score tells whether a label applies."""

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    def predict(self, Q: Array) -> Array:
        return (self.scores(Q) > 0).astype(np.int32)

    def predict_proba(self, Q: Array) -> Array:
        second = expit(self.scores(Q))
        return np.stack([1 - second, second], axis=2).reshape(len(Q), -1).astype(np.float32)

    def proba_rounding(self, Q: Array) -> Array | None:
        return np.repeat(1e-6 + self._reach(Q, None, None), 2, axis=1)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        return np.asarray(np.abs(self.scores(Q)) <= self._reach(Q, None, None))

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        second = np.asarray(estimator.predict_proba(X))
        with np.errstate(divide="ignore"):
            own = np.log(second) - np.log1p(-second)
        return np.asarray(np.abs(own) <= self._reach(X, None, BOUND))

    def contract(self) -> Sequence[str]:
        return [f"labels are scikit-learn's where scores exceed {BOUND:g} of what layers add up"]


@dataclass(frozen=True, eq=False)
class MlpRegressor(Network, Regressor):
    """Scores are the answer, or its logarithm."""

    logarithmic: bool

    @property
    def writes(self) -> bool:
        return self.n_outputs > 1

    def predict(self, Q: Array) -> Array:
        scores = self.scores(Q)
        with np.errstate(over="ignore"):
            y = (_links.exponential(scores) if self.logarithmic else scores).astype(np.float32)
        return y[:, 0] if self.n_outputs == 1 else y

    @property
    def output_scale(self) -> float:
        return 1.0

    def _reach(self, Q: Array, by: Array | None, relative: float | None) -> Array:
        off = super()._reach(Q, by, relative)
        return _links.exponential_off(self.scores(Q), off) if self.logarithmic else off

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        off = super()._reach(X, None, BOUND)
        return _links.exponential_tolerance(self.scores(X), off) if self.logarithmic else off

    def contract(self) -> Sequence[str]:
        what = "the logarithm of the answer is" if self.logarithmic else "numbers are"
        return [f"{what} within {BOUND:g} of what layers add up"]


def _network(estimator: Any) -> dict[str, Any]:
    """What the models have in common."""
    activation = estimator.activation
    if activation not in _FUNCTIONS:
        raise UnsupportedError(
            f"{type(estimator).__name__}(activation={activation!r}) cannot be ported; use one of "
            f"{', '.join(_FUNCTIONS)}"
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
