"""Pipelines, and searches over hyper-parameters: the models inside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from micromlgen.affine import Affine
from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.features._filtering import Filtering
from micromlgen.features.sequence import in_sequence as extractors_in_sequence
from micromlgen.features.windower import framed
from micromlgen.inputs import Input
from micromlgen.ir import Model
from micromlgen.models._chain import Chain
from micromlgen.models._folding import Stages, fold
from micromlgen.models._members import fitted_inside, of_samples_first, steps_of
from micromlgen.models._on_trees import OnTrees
from micromlgen.models._sequence import SELECTION, before_model, in_sequence, is_nothing, stages_of
from micromlgen.models.chain import chained
from micromlgen.models.scalers import of_map
from micromlgen.samples import takes_samples


@converts("sklearn.pipeline.Pipeline")
def pipeline(estimator: Any) -> Model:
    """Convert the last step, behind the transformers before it."""
    steps = [step for _, step in estimator.steps]
    if takes_samples(steps[0]):
        return of_samples(estimator)
    while hasattr(steps[-1], "steps"):  # what is inside may become one with what is before it
        steps = [*steps[:-1], *(step for _, step in steps[-1].steps)]
    last = steps[-1]
    if is_nothing(last) or (hasattr(last, "transform") and not hasattr(last, "predict")):
        return _transformer(estimator, steps)
    model = model_of(last)
    before = [step for step in steps[:-1] if not is_nothing(step)]
    if not before:
        return model
    n_inside = len(steps_of(last)) - 1
    if isinstance(model, OnTrees):
        n = len(before)
        before, model = _folded(before, model, getattr(estimator, "feature_names_in_", None))
        n_inside += n - len(before)
    stages = [stage for step in before for stage in stages_of(step)]
    return _counted(before_model(stages, model, model.source), model, n_inside)


def _counted(made: Model, model: Model, n_inside: int) -> Model:
    """A chain that knows how many transformers of the estimator are in the `model` at its end."""
    if not isinstance(made, Chain):
        return made
    whole = isinstance(model, Chain) and isinstance(made.own, Chain) and made.own.stages is model.stages
    if made.own is not model and not whole:
        return made
    folded = None if made.folded is None else _counted(made.folded, model, n_inside)
    return replace(made, n_before=n_inside, folded=folded)


def of_samples(estimator: Any) -> Model:
    """Filters and extractors in sequence, and what is behind them, converted as a model of raw features."""
    leading, behind = of_samples_first(estimator)
    steps: list[Extraction] = []
    for step in leading:
        model = model_of(step)
        assert isinstance(model, Extraction)
        steps.append(model)
    if behind is None:
        return extractors_in_sequence(steps)
    if isinstance(steps[-1], Filtering):  # samples are features: of a stream, as many as of a row
        channels = steps[-1].n_channels
        steps.append(framed(channels, steps[-1].n_outputs // channels))
    extraction = extractors_in_sequence(steps)
    inner = pipeline(behind)
    if inner.input.samples:
        raise UnsupportedError(f"{inner.source} takes samples: it cannot be behind {extraction.source}")
    return chained([extraction], inner, inner.source, input=extraction.input)


@converts("sklearn.feature_selection.RFE", "sklearn.feature_selection.RFECV")
def elimination(estimator: Any) -> Model:
    """Convert the model behind the features that were kept: the last step of a pipeline predicts."""
    model = model_of(estimator.estimator_)
    kept, every = np.flatnonzero(estimator.get_support()), estimator.n_features_in_
    if isinstance(model, OnTrees):
        feature = kept[model.trees.feature].astype(np.int32)
        inputs = replace(model.input, n_features=every)
        return replace(model, trees=replace(model.trees, feature=feature), input=inputs)
    made = before_model([of_map(SELECTION, Affine.selection(kept, every))], model, model.source)
    return _counted(made, model, len(steps_of(estimator.estimator_)) - 1)


def _transformer(estimator: Any, steps: Sequence[Any]) -> Model:
    """The transformer that a pipeline without a model at its end is."""
    stages = [stage for step in steps for stage in stages_of(step)]
    if not stages:
        raise UnsupportedError("Pipeline of nothing but 'passthrough' cannot be ported; it computes nothing")
    return in_sequence(stages)


def _folded(before: list[Any], model: Any, names: Sequence[str] | None) -> tuple[list[Any], Any]:
    """As many of the transformers nearest to trees as can be folded into them; what is left of both."""
    for first in range(len(before)):
        stages = Stages(before[first:], before[first].n_features_in_, None if first else names)
        try:
            stages.sources()
        except UnsupportedError:
            continue
        if model.input.also_missing is not None:
            raise UnsupportedError(
                f"{model.source}: numbers that mean missing cannot be ported behind transformers; use NaN"
            )
        trees, fills = fold(model.trees, stages)
        inputs = Input(stages.n_features, missing=model.input.missing or fills)
        return before[:first], replace(model, trees=trees, input=inputs)
    return before, model


@converts("sklearn.semi_supervised.SelfTrainingClassifier")
def self_training(estimator: Any) -> Model:
    """Convert the classifier that was fitted on its own answers too."""
    return model_of(fitted_inside(estimator))


@converts("sklearn.frozen.FrozenEstimator")
def frozen(estimator: Any) -> Model:
    """Convert the estimator that is not fitted again."""
    return model_of(estimator.estimator)


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
