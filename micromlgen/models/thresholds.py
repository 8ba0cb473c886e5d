"""Classifiers of two classes whose border was moved after training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import DecisionClassifier, Model, ProbabilisticClassifier
from micromlgen.models._combined import combined, stacked
from micromlgen.models._matrix import Matrix
from micromlgen.models._members import last_step
from micromlgen.models.answers import answers
from micromlgen.models.linear import LinearClassifier, LinearDecision

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Shifted(LinearClassifier):
    """A linear classifier whose border was moved by so much of its own score."""

    limit: float

    def _own(self, estimator: Any, X: Array) -> Array:
        own, rows = last_step(estimator, X)
        inner = own.estimator_ if hasattr(own, "estimator_") else own.estimator
        return np.asarray(inner.decision_function(rows)) - self.limit


class _Final:
    """What decides: a number against the threshold."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix

    def decision_function(self, Z: Array) -> Array:
        """How far it is above."""
        return self.matrix.scores(Z)[:, 0]

    def predict(self, Z: Array) -> Array:
        """Indices of classes."""
        return np.asarray(self.decision_function(Z) > 0, int)


@converts(
    "sklearn.model_selection.FixedThresholdClassifier", "sklearn.model_selection.TunedThresholdClassifierCV"
)
def threshold(estimator: Any) -> Model:
    """Convert a classifier with another threshold.

    Raises
    ------
    UnsupportedError
        If the classifier has not what the threshold is for.
    """
    title, inner = type(estimator).__name__, getattr(estimator, "estimator_", None)
    if inner is None:
        inner = estimator.estimator  # fitted before
    model, limit = model_of(inner), getattr(estimator, "best_threshold_", None)
    method = estimator._get_response_method()
    methods = [method] if isinstance(method, str) else list(method)
    method = next(m for m in methods if hasattr(inner, m))
    limit = estimator.threshold if limit is None else limit
    if isinstance(limit, str):
        limit = 0.5 if method == "predict_proba" else 0.0
    positive = _positive(estimator)
    if method == "predict_proba" and isinstance(model, ProbabilisticClassifier):
        parts = [answers(model, "predict_proba", (positive,), inner)]
    elif method == "decision_function" and isinstance(model, DecisionClassifier):
        parts = [answers(model, "decision_function", estimator=inner)]
    else:
        raise UnsupportedError(f"{title}: the {method} of {model.source} cannot be ported")
    matrix = stacked([model], type(model)) if isinstance(model, LinearDecision) else None
    border = _border(model, method, float(limit), positive)
    if matrix is not None and len(matrix.bias) == 1 and border is not None:
        moved = replace(matrix, bias=matrix.bias - border)
        inputs = Input(matrix.weights.shape[1])
        common: dict[str, Any] = {"source": title, "input": inputs, "classes": (estimator.classes_,)}
        return Shifted(**common, matrix=moved, limit=border)
    # The score of the first class is what speaks against the second; a decision is always the second's.
    sign = 1.0 if positive else -1.0
    flipped = method == "decision_function" and not positive
    number = -1.0 if flipped else 1.0
    matrix = Matrix(np.array([[sign * number]]), np.array([-sign * float(limit)]))
    last = LinearClassifier(source=title, input=Input(1), classes=(estimator.classes_,), matrix=matrix)

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        asked = np.asarray(getattr(inner, method)(X))
        return _Final(matrix), asked[:, [positive]] if asked.ndim == 2 else asked[:, None]

    return combined(parts, last, title, split)


def _border(model: Model, method: str, limit: float, positive: int) -> float | None:
    """The decision of a linear model at which a threshold is reached; None if no decision is."""
    if method == "decision_function":
        return limit if positive else -limit
    if getattr(model, "link", None) != "logistic" or not 0 < limit < 1:
        return None
    odds = float(np.log(limit) - np.log1p(-limit))
    return odds if positive else -odds


def _positive(estimator: Any) -> int:
    """Index of the class that the threshold is for."""
    label = getattr(estimator, "pos_label", None)
    if label is None:
        label = getattr(getattr(estimator, "_curve_scorer", None), "_get_pos_label", lambda: None)()
    return 1 if label is None else int(np.flatnonzero(np.asarray(estimator.classes_) == label)[0])
