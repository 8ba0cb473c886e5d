"""Training a network further in NumPy: Adam, with what a compression asks of weights and outputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.nn._checks import positive, whole
from micromlgen.nn._network import Network

Array = NDArray[Any]
#: Adam's, as scikit-learn has them (Kingma and Ba, arXiv 1412.6980).
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
#: Share of the learning rate that is left at the end, to which it falls along a cosine.
_LEFT = 0.02


class Constraint:
    """What a compression asks of training: nothing, but that weights that are 0 stay so.

    Parameters
    ----------
    network : Network
        As training finds it.
    """

    def __init__(self, network: Network) -> None:
        self.kept = [coef != 0 for coef in network.coefs]

    def weights(self, layer: int, coef: Array) -> Array:
        """What a layer multiplies with; its gradient goes straight through to the weights themselves."""
        return coef

    def gradient(self, layer: int, slopes: Array) -> Array:
        """The slopes of the loss by the weights of a layer, as they may move."""
        return np.asarray(slopes * self.kept[layer])

    def values(self, layer: int, out: Array) -> tuple[Array, Array | None]:
        """What goes into a layer in place of `out`, and where slopes pass; None: everywhere."""
        return out, None


@dataclass(frozen=True, eq=False)
class Schedule:
    """How a network is trained.

    Parameters
    ----------
    epochs : int
    learning_rate : float
        Falls to 2 % along a cosine.
    alpha : float
        Penalty of squared weights, as of scikit-learn's perceptrons.
    batch_size : int
    rng : Generator
        Shuffles the rows.
    """

    epochs: int
    learning_rate: float
    alpha: float
    batch_size: int
    rng: np.random.Generator

    def lasting(self, epochs: int) -> Self:
        """The same for so many epochs."""
        return replace(self, epochs=epochs)


def schedule(last: Any, epochs: Any, learning_rate: Any, random_state: Any, n_rows: int) -> Schedule:
    """How to train a perceptron of scikit-learn further; None: its own learning rate.

    Raises
    ------
    UnsupportedError
        If a number is out of range.
    """
    rate = last.learning_rate_init if learning_rate is None else learning_rate
    # Few rows make few batches of scikit-learn's 200, and so few steps.
    size = min(200, max(32, n_rows // 4)) if last.batch_size == "auto" else int(last.batch_size)
    rng = np.random.default_rng(random_state)
    return Schedule(
        whole("epochs", epochs, 0),
        positive("learning_rate", rate),
        float(last.alpha),
        min(size, n_rows),
        rng,
    )


def trained(
    network: Network, X: Array, target: Array, how: Schedule, within: Constraint, temperature: float = 1.0
) -> Network:
    """The network after its training; `X` is what it is given, float64 of shape (n, n_features).

    Parameters
    ----------
    target : array of shape (n, n_outputs)
        What the output is to be; of classes probabilities.
    within : Constraint
    temperature : float
        Scores are divided by it, and slopes multiplied with its square, so that they do not shrink (Hinton,
        Vinyals and Dean, arXiv 1503.02531).

    Raises
    ------
    UnsupportedError
        If the numbers leave all bounds.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what leaves all bounds is refused below
        parameters = _descended(network, X, target, how, within, temperature)
    if not all(np.isfinite(p).all() for p in parameters):
        raise UnsupportedError("training diverged; use a smaller learning_rate, or scale the features")
    n = network.n_layers
    return replace(network, coefs=tuple(parameters[:n]), intercepts=tuple(parameters[n:]))


def _descended(
    network: Network, X: Array, target: Array, how: Schedule, within: Constraint, temperature: float
) -> list[Array]:
    """Weights, then biases, after the training."""
    parameters = [*(c.copy() for c in network.coefs), *(b.copy() for b in network.intercepts)]
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    n, n_batches, t = network.n_layers, max(1, len(X) // how.batch_size), 0
    for _ in range(how.epochs):
        order = how.rng.permutation(len(X))
        for rows in np.array_split(order, n_batches):
            now = replace(network, coefs=tuple(parameters[:n]), intercepts=tuple(parameters[n:]))
            gradients = _gradients(now, X[rows], target[rows], how.alpha, within, temperature)
            cosine = (1 + np.cos(np.pi * t / (how.epochs * n_batches))) / 2
            t += 1
            rate = how.learning_rate * (_LEFT + (1 - _LEFT) * cosine)
            rate *= np.sqrt(1 - _BETA_2**t) / (1 - _BETA_1**t)
            for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                m += (1 - _BETA_1) * (g - m)
                v += (1 - _BETA_2) * (g * g - v)
                p -= rate * m / (np.sqrt(v) + _EPSILON)
    return parameters


def _gradients(
    network: Network, X: Array, target: Array, alpha: float, within: Constraint, temperature: float
) -> list[Array]:
    """Slopes of the loss by all weights, then by all biases."""
    n = network.n_layers
    used = [within.weights(i, coef) for i, coef in enumerate(network.coefs)]
    out, passing = within.values(0, X)
    inside, passes = [out], [passing]
    slopes: list[Array] = [np.ones(1)]
    for i in range(n - 1):
        exact = network.activate(inside[i] @ used[i] + network.intercepts[i])
        out, passing = within.values(i + 1, exact)
        inside.append(out)
        passes.append(passing)
        slopes.append(network.slope(exact))
    answer = network.answer(inside[-1] @ used[-1] + network.intercepts[-1], temperature)
    delta = (answer - target) * (temperature / len(X))
    by_coef, by_intercept = [], []
    for i in reversed(range(n)):
        raw = inside[i].T @ delta + alpha / len(X) * network.coefs[i]
        by_coef.append(within.gradient(i, raw))
        by_intercept.append(delta.sum(axis=0))
        if i:
            delta = (delta @ used[i].T) * slopes[i]
            gate = passes[i]
            delta = delta if gate is None else delta * gate
    return by_coef[::-1] + by_intercept[::-1]
