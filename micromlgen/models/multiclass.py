"""Several classes by models of two each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.ir import DecisionClassifier, Input, Model, ProbabilisticClassifier
from micromlgen.models._combined import combined, stacked
from micromlgen.models._matrix import Matrix
from micromlgen.models.answers import answers
from micromlgen.models.linear import LinearDecision, LogisticClassifier
from micromlgen.models.voting import MeanShares

Array = NDArray[Any]


class _Final:
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
    common: dict[str, Any] = {"source": title, "classes": (estimator.classes_,)}
    for kind in (LogisticClassifier, LinearDecision):
        rows = stacked(models, kind)
        if rows is not None and len(rows.bias) == len(models):
            n = rows.weights.shape[1]
            link = (
                {"link": "one-vs-rest" if len(models) > 1 else "logistic"}
                if kind is LogisticClassifier
                else {}
            )
            if all(getattr(model, "link", "logistic") == "logistic" for model in models):
                return kind(**common, **link, input=Input(n), matrix=rows)
    if all(isinstance(m, DecisionClassifier) and m.n_decisions == 1 for m in models):
        parts = [answers(m, "decision_function") for m in models]
        n = len(parts)

        def scores(own: Any, X: Array) -> tuple[Any, Array]:
            return _Final(), np.stack([e.decision_function(X) for e in own.estimators_], axis=1)

        last = LinearDecision(**common, input=Input(n), matrix=Matrix(np.eye(n), np.zeros(n)))
        return combined(parts, last, title, scores)
    if len(models) > 1 and all(isinstance(m, ProbabilisticClassifier) for m in models):
        parts = [answers(m, "predict_proba", (1,)) for m in models]
        shares = MeanShares(**common, input=Input(len(parts)), weights=np.ones(1), normalized=True)

        def probabilities(own: Any, X: Array) -> tuple[Any, Array]:
            return _Final(), np.stack([e.predict_proba(X)[:, 1] for e in own.estimators_], axis=1)

        return combined(parts, shares, title, probabilities)
    if len(models) == 1 and isinstance(models[0], ProbabilisticClassifier):
        shares = MeanShares(**common, input=Input(2), weights=np.ones(1))

        def both(own: Any, X: Array) -> tuple[Any, Array]:
            return _Final(), np.asarray(own.estimators_[0].predict_proba(X))

        return combined([answers(models[0], "predict_proba")], shares, title, both)
    raise UnsupportedError(
        f"{title} of models without decisions and probabilities cannot be ported; use others"
    )
