"""Which width of weights an integer model takes: the narrowest that loses nothing on the calibration rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeVar, get_args

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.ir import Calibration, Input, Model, NumericModel

Width = Literal["int8", "int16"]
M = TypeVar("M", bound=Model)
#: A narrower width may add so much, of the span of the answers, to the error of numbers.
_LOSS = 1e-3


def narrowest(
    model: M, inputs: Input, by: Calibration, build: Callable[[Width], M], kinds: tuple[Width, ...]
) -> M:
    """The model with the narrowest weights of `kinds` that answers calibration rows as well as the widest.

    Parameters
    ----------
    model : Model
        With the estimator's own numbers; its float32 form says what is right.
    inputs : Input
        Of the integer model.
    by : Calibration
        Its `weights`, if any, decide. Without rows the widest is taken.
    build : callable
        Makes the integer model.
    kinds : tuple of {"int8", "int16"}
        In ascending order.

    Raises
    ------
    UnsupportedError
        If `by.weights` is not among `kinds`.
    """
    if by.weights is not None:
        if by.weights not in kinds:
            raise UnsupportedError(
                f"weights={by.weights!r} with inputs of {inputs.dtype} cannot be ported for {model.source}: "
                f"use {' or '.join(kinds)}"
            )
        return build(by.weights)
    widest, rows = build(kinds[-1]), by.rows
    if rows is None:
        return widest
    floats = replace(inputs, dtype="float32", exponents=None, center=None, gain=None, top=None)
    right = model.quantize(floats, by)
    expected = right.decode(right.predict(inputs.scaled(rows).astype(np.float32)))

    def lost(candidate: Model) -> float:
        got = candidate.decode(candidate.predict(inputs.encode(rows)))
        if not isinstance(candidate, NumericModel):
            return float((got != expected).mean())
        span = np.ptp(expected, axis=0)
        return float((np.abs(got - expected).max(axis=0) / np.where(span > 0, span, 1)).max())

    allowed = lost(widest) + (_LOSS if isinstance(model, NumericModel) else 0.0)
    for kind in kinds[:-1]:
        candidate = build(kind)
        if lost(candidate) <= allowed:
            return candidate
    return widest


def widths(inputs: Input) -> tuple[Width, ...]:
    """Widths of weights that the kernels multiply with inputs of this type."""
    both: tuple[Width, ...] = get_args(Width)
    return both if inputs.dtype == "int16" else both[:1]
