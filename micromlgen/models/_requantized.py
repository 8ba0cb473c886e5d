"""Between the stages of a chain in integers: what one gives is what the next one takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input, Number
from micromlgen.ir import Model, Transformer
from micromlgen.models._outputs import Outputs
from micromlgen.models._stage import Stage
from micromlgen.models.curves import Curved
from micromlgen.models.transformers import AffineTransformer
from micromlgen.quantize import ROOM, exponents_for, scaled_inputs, with_room


def in_floats(stage: Transformer, at: Input, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a stage gives for raw rows.

    Raises
    ------
    UnsupportedError
        If it has no form in integers.
    """
    meant = getattr(stage, "meant", None)
    if meant is None:
        raise UnsupportedError(f"{stage.source} cannot be ported in integers; use dtype='float32'")
    return np.asarray(meant(rows, at.missing), np.float32)


def all_scaled(inputs: Input, rows: NDArray[Any], limits: NDArray[np.float64] | float = 0.0) -> Input:
    """Inputs with no feature as it is, unless all are: sums of coarse and fine ones need too many bits.

    Parameters
    ----------
    inputs : Input
        Of an integer mode.
    rows : array of shape (n_rows, n_features)
        Calibration rows, in the units that the model was trained on.
    limits : float64 array of shape (n_features,) or float
        What the features must reach besides.
    """
    assert inputs.exponents is not None
    if (inputs.exponents == 0).all():
        return inputs
    reach = np.nanmax(np.abs(rows), axis=0, initial=0)
    limits = np.maximum(limits, with_room(reach, inputs.dtype))
    return replace(inputs, exponents=fixedpoint.exponent_for(limits, inputs.highest))


def between(stage: Stage, at: Input, following: Model, by: Calibration, wide: bool = False) -> Input:
    """What is between a stage and the model that follows, in integers; of 16 bits where a stage is `wide`."""
    if isinstance(following, Outputs):
        return following.takes(_between(stage, at, following, by, wide))
    return _between(stage, at, following, by, wide)


def _between(stage: Stage, at: Input, following: Model, by: Calibration, wide: bool) -> Input:
    dtype: Number = "int16" if wide or stage.wide else at.dtype
    if stage.copies and isinstance(following, Stage):
        return _passed(stage, at, dtype)
    to = scaled_inputs(following, Input(stage.n_outputs, dtype), by)
    assert by.rows is not None
    adds = isinstance(following, AffineTransformer) or (isinstance(following, Stage) and following.adds)
    if stage.wide and not following.of_classes:
        # Whole numbers on the calibration rows need not be whole on others.
        reach = np.minimum(ROOM * np.abs(by.rows).max(axis=0, initial=0), stage.reach(at))
        limits = np.maximum(following.feature_limits(), reach)
        to = replace(to, exponents=exponents_for(limits, to.highest, following.isometric))
    elif adds:
        to = all_scaled(to, by.rows)
    to = stage.writable(to)
    assert to.exponents is not None
    return (
        replace(to, exponents=np.full_like(to.exponents, to.exponents.min())) if following.isometric else to
    )


def _passed(stage: Stage, at: Input, dtype: Number) -> Input:
    """What a stage that copies gives, in this type."""
    passed = stage.passed(at)
    return passed if dtype == passed.dtype else replace(passed, dtype=dtype, top=passed.highest)


def towards(stage: Stage, at: Input, plain: Input, to: Input, by: Calibration) -> list[Stage]:
    """The stage in integers, as the model behind it wants them: it may centre its `plain` inputs anew."""
    if isinstance(stage, AffineTransformer):
        plain = stage.held(at, to)
    elif stage.copies:
        plain = _passed(stage, at, plain.dtype)
    same = np.array_equal(np.asarray(plain.exponents), np.asarray(to.exponents)) and plain.top == to.top
    centred = to.center is not None or to.gain is not None
    if same and (isinstance(stage, AffineTransformer) or not centred):
        return [stage.requantized(at, to, by)]
    n = stage.n_outputs
    every = Affine.selection(np.arange(n), n)
    adapter = AffineTransformer(source=stage.source, input=plain, span=stage.span, map=every)
    return [stage.requantized(at, plain, by), adapter.requantized(plain, to, by)]


def fused(stages: Sequence[Transformer]) -> list[Transformer]:
    """The stages, with what scales outputs of a curve made part of it."""
    out: list[Transformer] = []
    for stage in stages:
        before = out[-1] if out else None
        if isinstance(stage, AffineTransformer) and stage.map.gain is not None and isinstance(before, Curved):
            out[-1] = before.then(stage.map)
        else:
            out.append(stage)
    return out
