"""Transformers before a model: what becomes part of it, and what stays a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import model_of
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Model, Transformer
from micromlgen.models._chain import Chain
from micromlgen.models._requantized import fused
from micromlgen.models._stage import Stage
from micromlgen.models.chain import chained
from micromlgen.models.scalers import TRANSFORM, of_map
from micromlgen.models.transformers import AffineTransformer

M = TypeVar("M", bound=Model)
Floats = NDArray[np.float32]
#: What a selection is called that no transformer made.
SELECTION = "selection"


def is_nothing(step: Any) -> bool:
    """Whether a step of a pipeline passes everything on."""
    return step is None or (isinstance(step, str) and step == "passthrough")


def stages_of(step: Any) -> list[Transformer]:
    """The stages of a fitted transformer, as few as they come to.

    Raises
    ------
    UnsupportedError
        If it cannot be ported, or does not transform.
    """
    if is_nothing(step):
        return []
    special = TRANSFORM.get(type(step).__name__)
    model = model_of(step) if special is None else special(step)
    if isinstance(model, Chain) and isinstance(model.last, Transformer):
        return [*model.stages, model.last]
    if not isinstance(model, Transformer):
        raise UnsupportedError(f"{model.source} before other steps cannot be ported; use a transformer")
    if model.input.samples:
        raise UnsupportedError(f"{model.source} takes samples: make it the first step of the whole Pipeline")
    return [model]


def merged(stages: Sequence[Transformer]) -> list[Transformer]:
    """The stages with affine maps multiplied, where that stores no more."""
    out: list[Transformer] = []
    for stage in stages:
        before = out[-1] if out else None
        if isinstance(stage, AffineTransformer) and isinstance(before, AffineTransformer):
            out[-1:] = _product(before, stage)
            continue
        # Factors of features cost a stage nothing that can take them in.
        taken_in = None
        if isinstance(before, AffineTransformer) and before.map.gain is not None:
            taken_in = stage.behind(before.map)
        if isinstance(taken_in, Transformer):
            out[-1] = taken_in
        else:
            out.append(stage)
    return out


def in_sequence(stages: Sequence[Transformer]) -> Transformer:
    """One transformer that is these, one after another; a selection at the start becomes part of the next."""
    first, *rest = stages
    if isinstance(first, AffineTransformer) and rest and not isinstance(rest[0], AffineTransformer):
        taken_in = rest[0].behind(first.map)
        if isinstance(taken_in, Transformer):
            return in_sequence([taken_in, *rest[1:]])
    transformer = _sequence(stages)
    assert isinstance(transformer, Transformer)
    return transformer


def _sequence(stages: Sequence[Transformer]) -> Model:
    *before, last = merged(stages)
    if not before:
        return last
    made = _scaled_first(chained(before, last, last.source))
    curves = fused(stages)
    return made if len(curves) == len(stages) else _in_integers(made, _sequence(curves))


def _product(before: AffineTransformer, stage: AffineTransformer) -> list[Transformer]:
    both = stage.map.after(before.map)
    name = _joined(before.source, stage.source)
    if both.n_constants <= before.map.n_constants + stage.map.n_constants or before.map.gain is not None:
        return [of_map(name, both)]
    if before.map.source is None:
        return [before, stage]
    # What selects and scales: the factors become part of the products, the selection goes first.
    selection, rest = split(before.map)
    return [of_map(before.source, selection), of_map(name, stage.map.after(rest))]


def _joined(*sources: str) -> str:
    named = [source for source in sources if source != SELECTION]
    return " + ".join(dict.fromkeys(part for source in named for part in source.split(" + "))) or SELECTION


def split(map: Affine) -> tuple[Affine, Affine]:
    """A map with a `source`, as a selection and a map that is elementwise."""
    assert map.source is not None
    selection = Affine.selection(map.source, map.matrix.shape[1])
    if map.middle is None or map.spread is None:
        return selection, Affine.elementwise(map.factors, map.offset)
    about = map.middle[map.source], map.spread[map.source]
    return selection, Affine.elementwise(map.factors, map.offset, *about)


def before_model(stages: Sequence[Transformer], model: Model, source: str) -> Model:
    """The model of what the first stage is given.

    Affine stages right before the model become part of it where it can take them in (`Model.behind`) and
    grows no larger by that; the others stay, as a chain.
    """
    made = _scaled_first(_before(merged(stages), model, source))
    curves = fused(stages)
    return made if len(curves) == len(stages) else _in_integers(made, before_model(curves, model, source))


def _in_integers(model: Model, other: Model) -> Model:
    """A chain, which is another one in integer modes."""
    if not isinstance(model, Chain):
        return model
    folded = other.folded if isinstance(other, Chain) and other.folded is not None else other
    inputs = replace(model.input, center=other.input.center, gain=other.input.gain)
    return replace(model, folded=folded, input=inputs)


def _before(stages: Sequence[Transformer], model: Model, source: str) -> Model:
    if not stages:
        return model
    *others, nearest = stages
    smaller = nearest.into(model, alone=not others) if isinstance(nearest, Stage) else None
    if isinstance(smaller, Chain):
        stages = [*others, *smaller.stages]
        return chained(stages, smaller.last, source, own=smaller.own, split=smaller.split)
    if smaller is not None:
        return smaller
    if not isinstance(nearest, AffineTransformer):
        return chained(stages, model, source)
    if _is_identity(nearest.map):
        return _before(others, model, source)
    whole = _taken_in(nearest, model)
    if whole is None:
        return _scaled_before(others, nearest, model, source)
    if isinstance(whole, Chain) and whole.taken_in is not None:
        if not others:
            return replace(whole, source=source)
        inside = [*others, *whole.stages]
        return chained(inside, whole.last, source, own=whole.own, taken_in=whole.taken_in)
    if not _larger(whole, nearest, model):
        return chained(others, whole, source, own=model, taken_in=nearest.map) if others else whole
    if nearest.map.source is not None:
        selection, rest = split(nearest.map)
        inner = model.behind(rest)
        if inner is not None:
            more = {"own": model, "taken_in": rest, "folded": None if others else whole}
            return chained([*others, of_map(nearest.source, selection)], inner, source, **more)
    return chained([*others, nearest], model, source, folded=None if others else whole)


def _is_identity(map: Affine) -> bool:
    gain = map.gain
    return gain is not None and bool((gain == 1).all()) and not map.offset.any()


def _taken_in(stage: AffineTransformer, model: Model) -> Model | None:
    """The model with the stage in it, behind a subtraction where products would cancel; None if it cannot."""
    map = stage.map
    if not map.cancels:
        return model.behind(map)
    assert map.middle is not None
    middle = map.middle.astype(np.float32)
    rest = map.around(middle.astype(np.float64))
    inner = model.behind(rest)
    if inner is None:
        return None
    ones, about = np.ones(len(middle)), (map.middle, map.spread)
    centre = of_map(stage.source, Affine.elementwise(ones, -middle.astype(np.float64), *about))
    chain = chained([centre], inner, stage.source, own=model, taken_in=rest)
    return replace(_encoded(chain, middle), folded=_encoded(inner, middle))


def _scaled_before(
    others: Sequence[Transformer], stage: AffineTransformer, model: Model, source: str
) -> Model:
    """A chain of a model that takes no stage in; what integer modes scale before it needs no stage there."""
    chain = chained([*others, stage], model, source)
    map = stage.map
    if others:
        return chain
    inside: Model = model
    if map.source is None and map.middle is not None:
        # Integers are finer around the middle than around zero.
        middle = map.middle.astype(np.float32)
        inside = chained([of_map(stage.source, map.around(middle.astype(np.float64)))], model, source)
        return replace(_encoded(chain, middle), folded=_encoded(inside, middle))
    if map.source is None or (map.factors == 0).any():
        return chain
    n = map.matrix.shape[1]
    if len(set(map.source.tolist())) < len(map.source):
        return chain  # one feature, scaled in two ways
    center, gain = np.zeros(n, np.float32), np.zeros(n, np.float32)
    center[map.source] = -map.offset / map.factors
    gain[map.source] = map.factors
    if map.gain is None:
        inside = chained([of_map(stage.source, Affine.selection(map.source, n))], model, source)
    known = center if center.any() else None, gain if (gain != 1).any() else None
    return replace(_encoded(chain, *known), folded=_encoded(inside, *known))


def _scaled_first(model: M) -> M:
    """The model; a scaler at the start of a chain needs no stage where integers are made."""
    if not isinstance(model, Chain) or model.folded is not None:
        return model
    first = model.stages[0]
    if not isinstance(first, AffineTransformer):
        return model
    map = first.map
    if map.gain is None or (map.gain == 0).any():
        return model
    center, gain = (-map.offset / map.gain).astype(np.float32), map.gain.astype(np.float32)
    known = center if center.any() else None, gain if (gain != 1).any() else None
    inside: Model = model.last
    if len(model.stages) > 1:
        inside = replace(model, stages=model.stages[1:], input=model.stages[1].input)
    missing = model.input.missing
    inside = replace(inside, source=model.source, input=replace(inside.input, missing=missing))
    return replace(_encoded(model, *known), folded=_encoded(inside, *known))


def _encoded(model: M, center: Floats | None, gain: Floats | None = None) -> M:
    """The model of features that integer modes center and multiply before."""
    return replace(model, input=replace(model.input, center=center, gain=gain))


def _larger(whole: Model, stage: AffineTransformer, model: Model) -> bool:
    """Whether the model stores more with the stage in it than beside it."""
    if stage.map.gain is not None:
        return False

    def stored(part: Model) -> int:
        floats = part.quantize(Input(part.input.n_features, missing=part.input.missing), Calibration())
        return min(sum(layout.tables) for layout in floats.layouts())

    return stored(whole) > stored(stage) + stored(model)
