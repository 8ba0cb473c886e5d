"""Estimators made of others: one linear model where all are linear, else a chain of what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import model_of
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Classifier, Model, NumericModel, Regressor, Transformer
from micromlgen.models._chain import Chain, Split
from micromlgen.models._linear import OnProducts
from micromlgen.models._matrix import Matrix
from micromlgen.models.answers import answers
from micromlgen.models.chain import ChainTransformer, chained
from micromlgen.models.regression import LinearRegressor
from micromlgen.models.union import beside

Array = NDArray[Any]


def combined(parts: Sequence[Transformer], final: Model, source: str, split: Split | None = None) -> Model:
    """A model of what other models answer for the same features.

    Parameters
    ----------
    parts : sequence of Transformer
    final : Model
        Of their outputs.
    source : str
    split : callable, optional
        As of `Chain`; regressors that are continuous need none.
    """
    whole = beside(source, parts, parts[0].input.n_features)
    stages: list[Transformer] = [whole]
    if isinstance(whole, ChainTransformer):
        assert isinstance(whole.last, Transformer)
        stages = [*whole.stages, whole.last]

    def nothing(estimator: Any, X: Array) -> tuple[Any, Array]:
        return estimator, np.zeros((len(X), final.input.n_features))

    more: dict[str, Any] = {"split": nothing if split is None else split}
    if isinstance(final, Chain):  # what it may do to features before is done to raw ones only
        stages += final.stages
        more |= {"own": final.own, "taken_in": final.taken_in}
        if isinstance(final, Classifier):
            more["classes"] = final.classes
        final = final.last
    return chained(stages, final, source, **more)


def linear_regressor(matrix: Matrix, source: str) -> LinearRegressor:
    """The regressor of these weights."""
    n_outputs, n_features = matrix.weights.shape
    return LinearRegressor(
        source=source, input=Input(n_features), span=np.zeros((n_outputs, 2)), matrix=matrix
    )


def stacked(models: Sequence[Model], kind: type[OnProducts]) -> Matrix | None:
    """Rows of all models, one after another; None if one is not exactly of that linear kind."""
    linear = [m for m in models if isinstance(m, OnProducts) and type(m) is kind]
    if len(linear) < len(models):
        return None
    return Matrix(
        np.concatenate([m.matrix.weights for m in linear]), np.concatenate([m.matrix.bias for m in linear])
    )


def regressors(models: Sequence[Model], source: str) -> None:
    """Check that all models are regressors.

    Raises
    ------
    UnsupportedError
        If one is not.
    """
    for model in models:
        if not isinstance(model, Regressor):
            raise UnsupportedError(f"{source}: {model.source} is no regressor, which it needs")


def numbers_of(models: Sequence[Model], estimators: Sequence[Any]) -> list[Transformer]:
    """What regressors answer."""
    pairs = zip(models, estimators, strict=True)
    return [answers(model, "predict", estimator=estimator) for model, estimator in pairs]


def weighted_sum(estimators: Sequence[Any], weights: NDArray[np.float64], source: str) -> Model:
    """The sum of what regressors of one output answer, each times its weight."""
    models = [model_of(e) for e in estimators]
    regressors(models, source)
    rows = stacked(models, LinearRegressor)
    if rows is not None:
        summed = Matrix((weights @ rows.weights)[None], np.array([weights @ rows.bias]))
        return linear_regressor(summed, source)
    last = linear_regressor(Matrix(weights[None], np.zeros(1)), source)
    return combined(numbers_of(models, estimators), last, source)


def scaled(
    model: Model, gain: NDArray[np.float64], offset: NDArray[np.float64], source: str, estimator: Any = None
) -> Model:
    """What a regressor answers, times `gain` and plus `offset`, output by output."""
    assert isinstance(model, NumericModel)
    rows = stacked([model], LinearRegressor)
    if rows is not None:
        return linear_regressor(Matrix(rows.weights * gain[:, None], rows.bias * gain + offset), source)
    last = linear_regressor(Matrix(np.diag(gain), offset), source)
    return combined(numbers_of([model], [estimator]), last, source)
