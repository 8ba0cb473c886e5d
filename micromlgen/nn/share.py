"""Weight sharing: the weights of a layer take few values, which are trained together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.nn._checks import whole
from micromlgen.nn._network import Network, subject
from micromlgen.nn._report import reported
from micromlgen.nn._targets import softened
from micromlgen.nn._training import Constraint, schedule, trained

Array = NDArray[Any]
#: Most rounds of k-means: in one dimension few are enough.
_ROUNDS = 100


class Codebook(Constraint):
    """Weights that are alike stay so: each moves by the slopes of all that share its value."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.member = [np.unique(coef, return_inverse=True)[1].ravel() for coef in network.coefs]

    def gradient(self, layer: int, slopes: Array) -> Array:
        """Summed up over those that share a value."""
        kept = super().gradient(layer, slopes)
        member = self.member[layer]
        return np.bincount(member, kept.ravel())[member].reshape(slopes.shape)


def share(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    bits: int = 4,
    epochs: int = 200,
    learning_rate: float | None = None,
    random_state: Any = 0,
) -> Any:
    """A fitted perceptron whose layers have at most ``2**bits`` different weights each, trained further.

    The values are found by k-means from evenly spaced ones, each weight as heavy as its input is large on the
    rows, and then trained (Han, Mao and Dally, arXiv 1510.00149). Zero stays a value of its own where a layer
    was pruned. With ``dtype="int8"`` and ``optimize="size"`` up to 16 values take four bits each, but for a
    first layer behind a scaler, which gives each feature weights of its own scale.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or Pipeline that ends in one
        Fitted; it is not changed.
    X, y : arrays of shape (n, n_features) and (n,) or (n, n_outputs)
        Training rows, raw ones of a Pipeline, and their answers.
    bits : int
        From 1 to 8.
    epochs : int
        Of training the values.
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
    found = subject(estimator, "share")
    n_values = 2 ** whole("bits", bits, 1, 8)
    rows = found.features(X)
    target = softened(found, rows, found.targets(y, len(rows)))
    how = schedule(found.last, epochs, learning_rate, random_state, len(rows))
    network = found.network
    inputs = network.hidden(rows)
    coefs = [
        _shared(coef, np.broadcast_to((given**2).mean(axis=0)[:, None], coef.shape), n_values)
        for coef, given in zip(network.coefs, inputs, strict=True)
    ]
    network = network.with_coefs(coefs)
    after = trained(network, rows, target, how, Codebook(network))
    return reported("share", estimator, found.with_network(after), X, y)


def _shared(coef: Array, heavy: Array, n: int) -> Array:
    """The nearest of n values for each weight; 0 remains, and is one of them."""
    moving = coef != 0
    n = n if moving.all() else n - 1
    w, weight = coef[moving], heavy[moving] + 1e-12
    if len(np.unique(w)) <= n:
        return coef
    values = np.linspace(w.min(), w.max(), n)
    for _ in range(_ROUNDS):
        nearest = np.searchsorted((values[1:] + values[:-1]) / 2, w)
        mass = np.bincount(nearest, weight, n)
        means = np.bincount(nearest, weight * w, n) / np.where(mass > 0, mass, 1)
        moved = np.sort(np.where(mass > 0, means, values))
        if (moved == values).all():
            break
        values = moved
    out = np.zeros_like(coef)
    out[moving] = values[np.searchsorted((values[1:] + values[:-1]) / 2, w)]
    return out
