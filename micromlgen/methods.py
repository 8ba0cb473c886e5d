"""scikit-learn's methods, computed as the C computes them, of encoded rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.ir import DecisionClassifier, Detector, Model, ProbabilisticClassifier, Scored, Transformer

Array = NDArray[Any]


def predict(model: Model, Q: Array) -> Array:
    """Values of `classes_`, or float64 predictions: shape (n,) or (n, n_outputs)."""
    return model.decode(model.predict(Q))


def transform(model: Model, Q: Array) -> Array:
    """float64 of shape (n, n_outputs).

    Raises
    ------
    UnsupportedError
        If the model is no transformer.
    """
    if not isinstance(model, Transformer):
        raise UnsupportedError(f"{model.source} has no transform here")
    return predict(model, Q)


def predict_proba(model: Model, Q: Array) -> Any:
    """float64 of shape (n, n_classes); a list of them for several outputs.

    Raises
    ------
    UnsupportedError
        If the model has no probabilities.
    """
    if not isinstance(model, ProbabilisticClassifier):
        raise UnsupportedError(f"{model.source} has no predict_proba")
    proba = model.predict_proba(Q).astype(np.float64)
    if model.input.is_integer:
        proba /= model.proba_one
    split = np.split(proba, np.cumsum(model.n_classes)[:-1], axis=1)
    return split[0] if model.n_outputs == 1 else split


def decision_function(model: Model, Q: Array) -> Array:
    """float64 of shape (n,), or (n, n_decisions).

    Raises
    ------
    UnsupportedError
        If the model has none.
    """
    if isinstance(model, Detector):
        return np.asarray(score_samples(model, Q) - model.offset)
    if not isinstance(model, DecisionClassifier):
        raise UnsupportedError(f"{model.source} has no decision_function here")
    decisions = model.decision_function(Q).astype(np.float64)
    if model.input.is_integer:
        decisions *= model.decision_scale
    return decisions[:, 0] if model.n_decisions == 1 else decisions


def score_samples(model: Model, Q: Array) -> Array:
    """float64 of shape (n,).

    Raises
    ------
    UnsupportedError
        If the model has none.
    """
    if not isinstance(model, Scored):
        raise UnsupportedError(f"{model.source} has no score_samples")
    score = model.score(Q).astype(np.float64)
    return score / model.score_one if model.input.is_integer else score


#: By their names.
METHODS: Mapping[str, Callable[[Model, Array], Any]] = MappingProxyType(
    {m.__name__: m for m in (predict, predict_proba, decision_function, score_samples, transform)}
)
