"""Between the stages of a chain in integers: what one gives is what the next one takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Calibration, Input, Model, Transformer
from micromlgen.models._stage import Stage, as_stage
from micromlgen.models.transformers import AffineTransformer
from micromlgen.quantize import scaled_inputs


def in_floats(stage: Transformer, at: Input, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a stage gives for raw rows.

    Raises
    ------
    UnsupportedError
        If it has no form in integers.
    """
    if not isinstance(stage, Stage):
        raise UnsupportedError(f"{stage.source} cannot be ported in integers; use dtype='float32'")
    model = stage.quantize(Input(stage.input.n_features, missing=at.missing), Calibration())
    return as_stage(model).exact(rows).astype(np.float32)


def finer(inputs: Input, rows: NDArray[np.float32], limits: NDArray[np.float64]) -> Input:
    """Inputs with no feature as it is, unless all are: sums of coarse and fine ones need too many bits."""
    assert inputs.exponents is not None
    if (inputs.exponents == 0).all():
        return inputs
    limits = np.maximum(limits, np.nanmax(np.abs(rows), axis=0, initial=0))
    return replace(inputs, exponents=fixedpoint.exponent_for(limits, inputs.highest))


def between(stage: Stage, at: Input, following: Model, by: Calibration) -> Input:
    """What is between a stage and the model that follows, in integers."""
    if stage.copies and isinstance(following, Stage):
        return stage.passed(at)
    to = scaled_inputs(following, Input(stage.n_outputs, "int16" if stage.wide else at.dtype), by)
    assert by.rows is not None
    if stage.wide and not following.of_classes:
        # Whole numbers on the calibration rows need not be whole on others.
        limits = np.maximum(following.feature_limits(), np.abs(by.rows).max(axis=0, initial=0))
        limits = np.full_like(limits, limits.max()) if following.isometric else limits
        return replace(to, exponents=fixedpoint.exponent_for(limits, to.highest))
    return finer(to, by.rows, np.zeros(1)) if isinstance(following, AffineTransformer) else to


def towards(stage: Stage, at: Input, plain: Input, to: Input, by: Calibration) -> list[Stage]:
    """The stage in integers, as the model behind it wants them: it may centre its `plain` inputs anew."""
    if stage.copies:
        plain = stage.passed(at)
    same = np.array_equal(np.asarray(plain.exponents), np.asarray(to.exponents)) and plain.top == to.top
    if isinstance(stage, AffineTransformer) or (same and to.center is None and to.gain is None):
        return [stage.requantized(at, to, by)]
    n = stage.n_outputs
    every = Affine.selection(np.arange(n), n)
    adapter = AffineTransformer(source=stage.source, input=plain, span=stage.span, map=every)
    return [stage.requantized(at, plain, by), adapter.requantized(plain, to, by)]
