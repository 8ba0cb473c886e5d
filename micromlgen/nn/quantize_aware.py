"""Training that knows of int8: the network sees its numbers rounded, and learns to live with that."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.nn._network import Network, subject
from micromlgen.nn._report import reported
from micromlgen.nn._targets import softened
from micromlgen.nn._training import Constraint, schedule, trained

Array = NDArray[Any]
#: Share of the outputs of a layer that its range covers.
_COVERED = 0.9999
_TOP = 127


class Int8(Constraint):
    """Weights, inputs and outputs as int8 has them: weights by neuron, inputs by powers of two."""

    def __init__(self, network: Network, rows: Array) -> None:
        super().__init__(network)
        largest = np.abs(rows).max(axis=0)
        whole = (rows == np.rint(rows)).all(axis=0) & (largest <= _TOP)
        exponents = np.where(whole, 0, fixedpoint.exponent_for(largest, _TOP))
        self.units = np.ldexp(1.0, -exponents.astype(np.int32))
        self.activation = network.activation
        self.tops = [max(float(np.quantile(np.abs(a), _COVERED)), 1e-30) for a in network.hidden(rows)[1:]]

    def weights(self, layer: int, coef: Array) -> Array:
        """In steps of one 127th of each neuron's largest, of integer inputs."""
        folded = coef * self.units[:, None] if layer == 0 else coef
        step = np.maximum(np.abs(folded).max(axis=0) / _TOP, 1e-300)
        rounded = np.asarray(np.rint(folded / step) * step)
        return rounded / self.units[:, None] if layer == 0 else rounded

    def values(self, layer: int, out: Array) -> tuple[Array, Array | None]:
        """Rounded and saturated; slopes pass where nothing saturates."""
        if layer == 0:
            return np.clip(np.rint(out / self.units), -_TOP, _TOP) * self.units, None
        if self.activation in ("tanh", "logistic"):
            steps = _TOP if self.activation == "tanh" else 2 * _TOP
            return np.rint(out * steps) / steps, None
        top = self.tops[layer - 1]
        step = top / (255 if self.activation == "relu" else _TOP)
        return np.clip(np.rint(out / step) * step, -top, top), np.abs(out) <= top


def quantize_aware(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    epochs: int = 100,
    learning_rate: float | None = None,
    random_state: Any = 0,
) -> Any:
    """A fitted perceptron that loses less in int8, trained further on the rows.

    Forwards, weights and outputs are rounded as int8 rounds them; backwards, slopes pass as if they were not
    (the straight-through estimator; Jacob and others, arXiv 1712.05877). The result keeps its unrounded
    weights: `transpile` rounds them, with scales that it chooses.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or Pipeline that ends in one
        Fitted; it is not changed. Weights that are 0 stay so: it can have been pruned.
    X, y : arrays of shape (n, n_features) and (n,) or (n, n_outputs)
        Training rows, raw ones of a Pipeline, and their answers.
    epochs : int
    learning_rate : float, optional
        The estimator's own by default.
    random_state : int or Generator

    Returns
    -------
    estimator
        A new one of the same kind; its perceptron's ``compression_`` is a `Cost`.

    Raises
    ------
    UnsupportedError
        If the estimator is no perceptron, or an option is out of range.
    """
    found = subject(estimator, "quantize_aware")
    rows = found.features(X)
    target = softened(found, rows, found.targets(y, len(rows)))
    how = schedule(found.last, epochs, learning_rate, random_state, len(rows))
    network = found.network
    after = trained(network, rows, target, how, Int8(network, rows))
    return reported("quantize_aware", estimator, found.with_network(after), X, y)
