"""Stacking: a model of what other models answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from micromlgen.affine import Affine
from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.ir import (
    Classifier,
    DecisionClassifier,
    Model,
    NumericModel,
    ProbabilisticClassifier,
    Transformer,
)
from micromlgen.models._combined import combined
from micromlgen.models._members import last_step
from micromlgen.models._sequence import SELECTION
from micromlgen.models.answers import Answers, What, answers
from micromlgen.models.scalers import of_map


def _answers(title: str, model: Model, method: What, estimator: Any) -> Answers:
    """What a member of a stack is asked for.

    Raises
    ------
    UnsupportedError
        If it does not answer that here, or its classes are not numbered.
    """
    if method == "predict_proba" and isinstance(model, ProbabilisticClassifier) and model.n_outputs == 1:
        # The first of two probabilities is what the second leaves.
        return answers(model, method, (1,) if model.n_classes[0] == 2 else None, estimator)
    if method == "decision_function" and isinstance(model, DecisionClassifier):
        return answers(model, method, estimator=estimator)
    if method == "predict" and isinstance(model, NumericModel):
        return answers(model, method, estimator=estimator)
    if method == "predict" and isinstance(model, Classifier) and model.n_outputs == 1:
        if np.array_equal(model.classes[0], np.arange(model.n_classes[0])):
            return answers(model, method, estimator=estimator)
        raise UnsupportedError(f"{title}: {model.source} answers with labels; fit it without cv='prefit'")
    raise UnsupportedError(
        f"{title}: the {method} of {model.source} cannot be ported; use another stack_method or member"
    )


def _classes(estimator: Any) -> Any:
    if isinstance(estimator.classes_, list):
        raise UnsupportedError("StackingClassifier with several outputs cannot be ported; fit one for each")
    return estimator.classes_


@converts("sklearn.ensemble.StackingClassifier", "sklearn.ensemble.StackingRegressor")
def stack(estimator: Any) -> Model:
    """Convert a stack of models.

    Raises
    ------
    UnsupportedError
        If a member, or what it is asked for, cannot be ported.
    """
    title = type(estimator).__name__
    members = [model_of(e) for e in estimator.estimators_]
    parts: list[Transformer] = [
        _answers(title, *member)
        for member in zip(members, estimator.stack_method_, estimator.estimators_, strict=True)
    ]
    if estimator.passthrough:
        n = members[0].input.n_features
        parts.append(of_map(SELECTION, Affine.selection(np.arange(n), n)))
    final = model_of(estimator.final_estimator_)
    if isinstance(final, Classifier):
        final = replace(final, classes=(_classes(estimator),))

    def split(own: Any, X: Any) -> tuple[Any, Any]:
        return last_step(own.final_estimator_, own.transform(X))

    return combined(parts, final, title, split)
