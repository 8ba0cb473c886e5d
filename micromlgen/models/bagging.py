"""Bagging: the mean of models that were fitted on samples of the rows and of the features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Classifier, Model, ProbabilisticClassifier, Transformer
from micromlgen.models import forest
from micromlgen.models._combined import combined, linear_regressor, regressors, stacked
from micromlgen.models._matrix import Matrix
from micromlgen.models._nodes import are_trees
from micromlgen.models._sequence import SELECTION, in_sequence
from micromlgen.models.answers import Answers, answers
from micromlgen.models.regression import LinearRegressor
from micromlgen.models.scalers import of_map
from micromlgen.models.voting import Final, Majority, MeanShares

Array = NDArray[Any]


def _behind_selection(part: Answers, taken: Any, n_features: int) -> list[Transformer]:
    """What a model answers of the features that it was fitted on."""
    kept = np.asarray(taken, np.int64)
    if np.array_equal(kept, np.arange(n_features)):
        return [part]
    return [of_map(SELECTION, Affine.selection(kept, n_features)), part]


def _all_classes(part: Answers, known: Array, n_classes: int) -> list[Transformer]:
    """Probabilities of all classes, from those that a bootstrap had."""
    if len(known) == n_classes:
        return [part]
    place = np.arange(n_classes)[:, None] == np.asarray(known)[None, :]
    return [part, of_map(part.source, Affine(place.astype(np.float64), np.zeros(n_classes)))]


def _voters(estimator: Any, title: str) -> list[Transformer]:
    """Probabilities, or the class where one has none.

    Raises
    ------
    UnsupportedError
        If a model lacks probabilities here, or a class.
    """
    soft, n_classes = hasattr(estimator.estimators_[0], "predict_proba"), len(estimator.classes_)
    out = []
    for member, taken in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        model = model_of(member)
        if not isinstance(model, ProbabilisticClassifier if soft else Classifier) or model.n_outputs > 1:
            raise UnsupportedError(f"{title}: {model.source} has no predict_proba here; use decision trees")
        known = np.asarray(model.classes[0])
        if not soft and len(known) < n_classes:
            raise UnsupportedError(
                f"{title}: a {model.source} was fitted without one of the classes; use larger max_samples"
            )
        part = answers(model, "predict_proba" if soft else "predict", estimator=member)
        stages = _behind_selection(part, taken, estimator.n_features_in_)
        more = _all_classes(part, known, n_classes) if soft else [part]
        out.append(in_sequence([*stages, *more[1:]]))
    return out


@converts("sklearn.ensemble.BaggingClassifier")
def classifier(estimator: Any) -> Model:
    """Convert bagged classifiers; those of trees are a forest.

    Raises
    ------
    UnsupportedError
        If one cannot be ported, or lacks a class that it would have to vote for.
    """
    if are_trees(estimator.estimators_):
        return forest.classifier(estimator)
    title = type(estimator).__name__
    voters, n = _voters(estimator, title), len(estimator.estimators_)
    soft = hasattr(estimator.estimators_[0], "predict_proba")
    method, kind = ("predict_proba", MeanShares) if soft else ("predict", Majority)
    final = kind(
        source=title,
        input=Input(sum(v.n_outputs for v in voters)),
        classes=(estimator.classes_,),
        weights=np.full(n, 1 / n) if soft else np.ones(n),
    )

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        every = np.arange(len(own.classes_))
        wide = []
        for member, taken in zip(own.estimators_, own.estimators_features_, strict=True):
            asked = np.asarray(getattr(member, method)(X[:, taken]), np.float64).reshape(len(X), -1)
            wide.append(asked @ (member.classes_[:, None] == every) if soft else asked)
        return Final(final), np.concatenate(wide, axis=1)

    return combined(voters, final, title, split)


@converts("sklearn.ensemble.BaggingRegressor")
def regressor(estimator: Any) -> Model:
    """Convert bagged regressors; those of trees are a forest, linear ones are one linear model."""
    if are_trees(estimator.estimators_):
        return forest.regressor(estimator)
    title, n_features = type(estimator).__name__, estimator.n_features_in_
    models = [model_of(member) for member in estimator.estimators_]
    regressors(models, title)
    rows = _spread(models, estimator.estimators_features_, n_features)
    # The mean over all, output by output.
    n_outputs = models[0].n_outputs
    mean = np.tile(np.eye(n_outputs), len(models)) / len(models)
    if rows is not None:
        return linear_regressor(Matrix(mean @ rows.weights, mean @ rows.bias), title)
    parts = []
    members = zip(models, estimator.estimators_, estimator.estimators_features_, strict=True)
    for model, member, taken in members:
        part = answers(model, "predict", estimator=member)
        parts.append(in_sequence(_behind_selection(part, taken, n_features)))
    return combined(parts, linear_regressor(Matrix(mean, np.zeros(n_outputs)), title), title)


def _spread(models: Sequence[Model], taken: Sequence[Any], n_features: int) -> Matrix | None:
    """Rows of linear models, one for each of their outputs, of all features; None if one is not linear."""
    every, biases = [], []
    for model, features in zip(models, taken, strict=True):
        own = stacked([model], LinearRegressor)
        if own is None:
            return None
        weights = np.zeros((len(own.bias), n_features))
        weights[:, np.asarray(features)] = own.weights
        every.append(weights)
        biases.append(own.bias)
    return Matrix(np.concatenate(every), np.concatenate(biases))
