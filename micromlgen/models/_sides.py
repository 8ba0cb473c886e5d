"""Models of two classes each: how sure they are of the second one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import model_of
from micromlgen.errors import UnsupportedError
from micromlgen.ir import DecisionClassifier, Model, ProbabilisticClassifier
from micromlgen.models._combined import stacked
from micromlgen.models._matrix import Matrix
from micromlgen.models.answers import Answers, answers
from micromlgen.models.linear import LinearDecision, LogisticClassifier

Array = NDArray[Any]


def _decides(estimator: Any) -> bool:
    return hasattr(estimator, "decision_function")


def border_of(estimators: Sequence[Any]) -> float:
    """From where on such a number speaks for the second class."""
    return 0.0 if _decides(estimators[0]) else 0.5


def sides(estimators: Sequence[Any], title: str) -> list[Answers]:
    """What scikit-learn takes of each: its decision, else the probability of its second class.

    Raises
    ------
    UnsupportedError
        If one has neither here.
    """
    return [_side(e, title) for e in estimators]


def _side(estimator: Any, title: str) -> Answers:
    model = model_of(estimator)
    if _decides(estimator):
        if isinstance(model, DecisionClassifier) and model.n_decisions == 1:
            return answers(model, "decision_function", estimator=estimator)
    elif isinstance(model, ProbabilisticClassifier) and model.n_classes == (2,):
        return answers(model, "predict_proba", (1,), estimator)
    raise UnsupportedError(
        f"{title}: {model.source} has neither decision_function nor predict_proba here; use others"
    )


def sure(estimators: Sequence[Any], X: Array) -> NDArray[np.float64]:
    """The same numbers as the estimators give them for rows X, shape (n, n_estimators)."""
    each = [np.ravel(e.decision_function(X)) if _decides(e) else e.predict_proba(X)[:, 1] for e in estimators]
    return np.asarray(np.stack(each, axis=1), np.float64)


def rows_of(parts: Sequence[Answers]) -> Matrix | None:
    """Their decisions as rows of products with x; None where one is not linear."""
    models: list[Model] = [part.model for part in parts]
    if any(part.what != "decision_function" for part in parts):
        return None
    return stacked(models, LinearDecision) or stacked(models, LogisticClassifier)
