"""scikit-learn's multi-layer perceptrons as arrays that can be trained further, and back."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, softmax
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from micromlgen.errors import UnsupportedError

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Network:
    """Layers of neurons, each ``activation(x @ coef + intercept)``, the last with the output's activation.

    Parameters
    ----------
    coefs : tuple of float64 arrays of shape (n_inputs, n_neurons)
    intercepts : tuple of float64 arrays of shape (n_neurons,)
    activation : {"identity", "logistic", "tanh", "relu"}
    output : {"identity", "exp", "logistic", "softmax"}
        Each has a loss whose slope, by what goes into the output, is ``output - target``.
    """

    coefs: tuple[Array, ...]
    intercepts: tuple[Array, ...]
    activation: str
    output: str

    @property
    def n_layers(self) -> int:
        """Of weights."""
        return len(self.coefs)

    def activate(self, z: Array) -> Array:
        """What hidden neurons put out."""
        if self.activation == "relu":
            return np.maximum(z, 0.0)
        if self.activation == "identity":
            return z
        return np.tanh(z) if self.activation == "tanh" else np.asarray(expit(z))

    def slope(self, out: Array) -> Array:
        """Of the activation, from what it put out."""
        if self.activation == "relu":
            return np.asarray(out > 0, np.float64)
        if self.activation == "identity":
            return np.ones_like(out)
        return 1.0 - out**2 if self.activation == "tanh" else out * (1.0 - out)

    def answer(self, scores: Array, temperature: float = 1.0) -> Array:
        """The output's activation of the last layer's scores."""
        if self.output == "softmax":
            return np.asarray(softmax(scores / temperature, axis=1))
        if self.output == "logistic":
            return np.asarray(expit(scores / temperature))
        return np.exp(np.minimum(scores, 700.0)) if self.output == "exp" else scores

    def hidden(self, X: Array) -> list[Array]:
        """What goes into each layer, X first."""
        inside = [X]
        for coef, intercept in zip(self.coefs[:-1], self.intercepts[:-1], strict=True):
            inside.append(self.activate(inside[-1] @ coef + intercept))
        return inside

    def scores(self, X: Array) -> Array:
        """Of the last layer, shape (n, n_outputs)."""
        return np.asarray(self.hidden(X)[-1] @ self.coefs[-1] + self.intercepts[-1])

    def loss(self, X: Array, target: Array) -> float:
        """Mean over the rows: cross-entropy, squared error or Poisson's deviance, but for constants."""
        z = self.scores(X)
        if self.output == "softmax":
            each = -(target * log_softmax(z, axis=1))
        elif self.output == "logistic":
            each = np.logaddexp(0.0, z) - target * z
        elif self.output == "exp":
            each = self.answer(z) - target * z
        else:
            each = (z - target) ** 2 / 2
        return float(each.sum(axis=1).mean())

    def with_coefs(self, coefs: list[Array]) -> Self:
        """The same with other weights."""
        return replace(self, coefs=tuple(coefs))


@dataclass(frozen=True, eq=False)
class Subject:
    """A fitted perceptron that is to become smaller, alone or at the end of a Pipeline.

    Parameters
    ----------
    whole : Pipeline or None
    last : MLPClassifier or MLPRegressor
    """

    whole: Pipeline | None
    last: Any

    @property
    def network(self) -> Network:
        """Its numbers in float64."""
        return Network(
            tuple(np.array(coef, np.float64) for coef in self.last.coefs_),
            tuple(np.array(bias, np.float64) for bias in self.last.intercepts_),
            self.last.activation,
            self.last.out_activation_,
        )

    def features(self, X: Any) -> Array:
        """What the perceptron is given of raw rows."""
        if self.whole is not None and len(self.whole.steps) > 1:
            X = self.whole[:-1].transform(X)
        rows = np.asarray(X, np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.last.n_features_in_ or not len(rows):
            raise UnsupportedError(
                f"X has shape {rows.shape}; rows of {self.last.n_features_in_} features are needed"
            )
        return rows

    def targets(self, y: Any, n_rows: int) -> Array:
        """Answers as the output has them, shape (n_rows, n_outputs).

        Raises
        ------
        UnsupportedError
            If there are not as many as rows, or a class is unknown.
        """
        given = np.asarray(y)
        if len(given) != n_rows:
            raise UnsupportedError(f"y has {len(given)} answers, X has {n_rows} rows")
        if not hasattr(self.last, "classes_"):
            return np.asarray(given.reshape(n_rows, -1), np.float64)
        unknown = np.setdiff1d(given, self.last.classes_)
        if given.ndim == 1 and len(unknown):
            raise UnsupportedError(
                f"y has the class {unknown.tolist()[0]!r}, which the estimator was not fitted on"
            )
        return np.asarray(self.last._label_binarizer.transform(given), np.float64)

    def with_network(self, network: Network) -> Any:
        """A new estimator of the same kind with these numbers: predictions, parameters and classes hold."""
        last = copy.deepcopy(self.last)
        kind = last.coefs_[0].dtype
        last.coefs_ = [coef.astype(kind) for coef in network.coefs]
        last.intercepts_ = [bias.astype(kind) for bias in network.intercepts]
        last.set_params(hidden_layer_sizes=tuple(len(bias) for bias in network.intercepts[:-1]))
        return self.around(last)

    def around(self, last: Any) -> Any:
        """The whole estimator with another perceptron."""
        if self.whole is None:
            return last
        return Pipeline([*self.whole.steps[:-1], (self.whole.steps[-1][0], last)])


def subject(estimator: Any, function: str) -> Subject:
    """The perceptron in an estimator.

    Raises
    ------
    UnsupportedError
        If there is none. Names the function that was called.
    NotFittedError
        If it was not fitted.
    """
    whole = estimator if isinstance(estimator, Pipeline) else None
    last = estimator.steps[-1][1] if whole is not None else estimator
    if not isinstance(last, MLPClassifier | MLPRegressor):
        raise UnsupportedError(
            f"{function} takes a fitted MLPClassifier or MLPRegressor, or a Pipeline that ends in one, not "
            f"{type(last).__name__}; distill it into an MLPClassifier first"
        )
    check_is_fitted(last, "coefs_")
    return Subject(whole, last)
