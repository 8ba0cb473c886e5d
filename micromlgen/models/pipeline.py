"""Pipelines, and searches over hyper-parameters: the models inside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Input, Model
from micromlgen.models._folding import Stages, fold
from micromlgen.models._trees import OnTrees


@converts("sklearn.pipeline.Pipeline")
def pipeline(estimator: Any) -> Model:
    """Convert the last step, and fold the transformers before it into the model."""
    *before, (_, last) = estimator.steps
    if last is None or last == "passthrough":
        raise UnsupportedError(
            "Pipeline without a model at its end cannot be ported; end it with an estimator"
        )
    model = model_of(last)
    transformers = [step for _, step in before if step is not None and step != "passthrough"]
    if not transformers:
        return model
    if not isinstance(model, OnTrees):
        raise UnsupportedError(f"{model.source} behind transformers cannot be ported yet")
    names = getattr(estimator, "feature_names_in_", None)
    if model.input.also_missing is not None:
        raise UnsupportedError(
            f"{model.source}: numbers that mean missing cannot be ported behind transformers; use NaN"
        )
    stages = Stages(transformers, estimator.n_features_in_, names)
    trees, fills = fold(model.trees, stages)
    inputs = Input(estimator.n_features_in_, missing=model.input.missing or fills)
    return replace(model, trees=trees, input=inputs)


@converts(
    "sklearn.model_selection.GridSearchCV",
    "sklearn.model_selection.RandomizedSearchCV",
    "sklearn.model_selection.HalvingGridSearchCV",
    "sklearn.model_selection.HalvingRandomSearchCV",
)
def search(estimator: Any) -> Model:
    """Convert the best estimator that the search has found."""
    best = getattr(estimator, "best_estimator_", None)
    if best is None:
        raise UnsupportedError(
            f"{type(estimator).__name__}(refit=False) has no model; fit its estimator with best_params_"
        )
    return model_of(best)
