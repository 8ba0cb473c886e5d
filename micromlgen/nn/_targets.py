"""What a network is trained towards: answers, and what another network makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from micromlgen.nn._network import Subject

Array = NDArray[Any]
#: Temperature of a network's own probabilities, and their share in the targets beside the answers.
_OWN_TEMPERATURE, _OWN = 2.0, 0.5


def softened(found: Subject, rows: Array, answers: Array) -> Array:
    """Answers together with the probabilities that the perceptron gave before: these tell what looks alike.

    Numbers are left as they are.
    """
    network = found.network
    if network.output not in ("softmax", "logistic"):
        return answers
    own = network.answer(network.scores(rows), _OWN_TEMPERATURE)
    return _OWN * own + (1 - _OWN) * answers


def at_temperature(proba: Array, temperature: float) -> Array:
    """Probabilities, shape (n, n_classes), with their logarithms divided by the temperature.

    >>> at_temperature(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    logs = np.log(np.maximum(proba, 1e-12)) / temperature
    return np.asarray(softmax(logs, axis=1))
