"""Classifiers of two classes whose border was moved after training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.ir import DecisionClassifier, Input, Model, ProbabilisticClassifier
from micromlgen.models._combined import combined
from micromlgen.models._matrix import Matrix
from micromlgen.models.answers import answers
from micromlgen.models.linear import LinearClassifier

Array = NDArray[Any]


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
        parts = [answers(model, "predict_proba", (positive,))]
    elif method == "decision_function" and isinstance(model, DecisionClassifier):
        parts = [answers(model, "decision_function")]
    else:
        raise UnsupportedError(f"{title}: the {method} of {model.source} cannot be ported")
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


def _positive(estimator: Any) -> int:
    """Index of the class that the threshold is for."""
    label = getattr(estimator, "pos_label", None)
    if label is None:
        label = getattr(getattr(estimator, "_curve_scorer", None), "_get_pos_label", lambda: None)()
    return 1 if label is None else int(np.flatnonzero(np.asarray(estimator.classes_) == label)[0])
