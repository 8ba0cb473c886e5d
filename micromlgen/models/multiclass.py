"""Several classes by models of two each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import DecisionClassifier, Model, ProbabilisticClassifier
from micromlgen.models._combined import combined, stacked
from micromlgen.models._links import Link
from micromlgen.models._matrix import Matrix
from micromlgen.models.answers import answers
from micromlgen.models.linear import LinearDecision, LogisticClassifier
from micromlgen.models.voting import MeanShares

Array = NDArray[Any]


class _Largest:
    """What decides behind models of two classes each: the largest of their scores."""

    def decision_function(self, Z: Array) -> Array:
        """The scores themselves."""
        return Z[:, 0] if Z.shape[1] == 1 else Z

    def predict(self, Z: Array) -> Array:
        """Indices of classes."""
        return np.asarray(Z[:, 0] > 0 if Z.shape[1] == 1 else Z.argmax(axis=1), int)


@converts("sklearn.multiclass.OneVsRestClassifier")
def one_vs_rest(estimator: Any) -> Model:
    """Convert one model for each class against the rest; linear ones become one linear model.

    Raises
    ------
    UnsupportedError
        If rows may have several labels, or a model has neither decisions nor probabilities.
    """
    title = type(estimator).__name__
    if estimator.multilabel_:
        raise UnsupportedError(f"{title} of several labels cannot be ported; use MultiOutputClassifier")
    models = [model_of(e) for e in estimator.estimators_]
    classes = (estimator.classes_,)
    linear = _linear(title, models, classes)
    if linear is not None:
        return linear
    pairs = list(zip(models, estimator.estimators_, strict=True))
    if all(isinstance(m, DecisionClassifier) and m.n_decisions == 1 for m in models):
        return _by_decisions(title, pairs, classes)
    if all(isinstance(m, ProbabilisticClassifier) for m in models):
        return _by_probabilities(title, pairs, classes)
    raise UnsupportedError(f"{title} needs models with decision_function or predict_proba; use others")


def _linear(title: str, models: Sequence[Model], classes: tuple[Array, ...]) -> Model | None:
    """One linear model; None if a model is not linear, or has not one score."""
    logistic = all(getattr(model, "link", "logistic") == "logistic" for model in models)
    rows = stacked(models, LogisticClassifier) if logistic else None
    if rows is not None:
        inputs = Input(rows.weights.shape[1])
        link: Link = "one-vs-rest" if len(models) > 1 else "logistic"
        return LogisticClassifier(source=title, input=inputs, classes=classes, matrix=rows, link=link)
    rows = stacked(models, LinearDecision)
    if rows is None:
        return None
    return LinearDecision(source=title, input=Input(rows.weights.shape[1]), classes=classes, matrix=rows)


def _by_decisions(title: str, pairs: Sequence[tuple[Model, Any]], classes: tuple[Array, ...]) -> Model:
    n = len(pairs)
    unit = Matrix(np.eye(n), np.zeros(n))
    last = LinearDecision(source=title, input=Input(n), classes=classes, matrix=unit)

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        return _Largest(), np.stack([e.decision_function(X) for e in own.estimators_], axis=1)

    parts = [answers(m, "decision_function", estimator=e) for m, e in pairs]
    return combined(parts, last, title, split)


def _by_probabilities(title: str, pairs: Sequence[tuple[Model, Any]], classes: tuple[Array, ...]) -> Model:
    """The second class of each model; of one model both."""
    kept = (1,) if len(pairs) > 1 else (0, 1)
    parts = [answers(m, "predict_proba", kept, e) for m, e in pairs]
    last = MeanShares(
        source=title,
        input=Input(len(kept) * len(parts)),
        classes=classes,
        weights=np.ones(1),
        normalized=len(pairs) > 1,
    )

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        asked = [e.predict_proba(X)[:, list(kept)] for e in own.estimators_]
        return _Largest(), np.concatenate(asked, axis=1)

    return combined(parts, last, title, split)
