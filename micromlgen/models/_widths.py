"""Which width of weights an integer model takes: the narrowest that loses nothing on the calibration rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

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
    widest = build(kinds[-1])
    if by.rows is None:
        return widest
    lost = losses(model, inputs, by)
    allowed = lost(widest) + lost.more
    for kind in kinds[:-1]:
        candidate = build(kind)
        if lost(candidate) <= allowed:
            return candidate
    return widest


@dataclass(frozen=True, eq=False)
class Losses:
    """How far integer models are from the right answers on calibration rows: called, it tells that.

    Parameters
    ----------
    inputs : Input
        Of the integer models.
    rows : float32 array of shape (n_rows, n_features)
    expected : array
        The right answers.
    more : float
        So much more a cheaper model may lose.
    counted : bool array of shape (n_rows,), or None
        Rows that count; None: all.
    """

    inputs: Input
    rows: NDArray[np.float32]
    expected: NDArray[Any]
    more: float
    counted: NDArray[np.bool_] | None = None

    def __call__(self, candidate: Model) -> float:
        """The share of wrong answers, or of numbers the largest error in their span."""
        got = candidate.decode(candidate.predict(self.inputs.encode(self.rows)))
        if not isinstance(candidate, NumericModel):
            wrong = got != self.expected
            return float(wrong.mean() if self.counted is None else wrong[self.counted].mean())
        span = np.ptp(self.expected, axis=0)
        return float((np.abs(got - self.expected).max(axis=0) / np.where(span > 0, span, 1)).max())


def losses(model: Model, inputs: Input, by: Calibration) -> Losses:
    """The losses of integer models; `model`, with the estimator's own numbers, tells what is right."""
    assert by.rows is not None, "what is lost shows on calibration rows only"
    floats = replace(inputs, dtype="float32", exponents=None, center=None, gain=None, top=None)
    right = model.quantize(floats, by)
    expected = right.decode(right.predict(inputs.scaled(by.rows).astype(np.float32)))
    return Losses(inputs, by.rows, expected, _LOSS if isinstance(model, NumericModel) else 0.0)


def widths(inputs: Input) -> tuple[Width, ...]:
    """Widths of weights that the kernels multiply with inputs of this type."""
    both: tuple[Width, ...] = get_args(Width)
    return both if inputs.dtype == "int16" else both[:1]
