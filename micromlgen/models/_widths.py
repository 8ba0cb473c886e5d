"""Which width of weights an integer model takes: the narrowest that loses nothing on known rows.

Those are the calibration rows, and rows mixed from neighbours among them: what a few dozen calibration rows
show by chance, many between them do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from micromlgen.between import between
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Model, NumericModel

Width = Literal["int8", "int16"]
M = TypeVar("M", bound=Model)
#: A narrower width may add so much, of the span of the answers, to the error of numbers, ...
_LOSS = 1e-3
#: ... or to the share of wrong answers among all rows, of which so many are mixed.
_WRONG = 0.002
_MIXED = 1000
#: Fewer bytes are not worth a wrong answer.
_WORTH = 128


def narrowest(
    model: M, inputs: Input, by: Calibration, build: Callable[[Width], M], kinds: tuple[Width, ...]
) -> M:
    """The model with the narrowest weights of `kinds` that answers known rows as well as the widest.

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
    check_weights(model.source, inputs, by, kinds)
    if by.weights is not None:
        return build(by.weights)
    widest = build(kinds[-1])
    if by.rows is None or len(kinds) == 1:
        return widest
    lost = losses(model, inputs, by)
    least, stored = lost(widest), _stored(widest)
    for kind in kinds[:-1]:
        try:
            candidate = build(kind)
        except UnsupportedError:  # so few bits do not hold them
            continue
        pays = isinstance(model, NumericModel) or stored - _stored(candidate) >= _WORTH
        if (lost(candidate) <= least + (lost.more if pays else 0.0)).all():
            return candidate
    return widest


def check_weights(source: str, inputs: Input, by: Calibration, kinds: tuple[Width, ...]) -> None:
    """Refuse a width that the user asks for where it is not among those that there are.

    Raises
    ------
    UnsupportedError
        If `by.weights` is neither None nor one of `kinds`.
    """
    if by.weights is not None and by.weights not in kinds:
        raise UnsupportedError(
            f"weights={by.weights!r} with inputs of {inputs.dtype} cannot be ported for {source}: use "
            f"{' or '.join(kinds)}"
        )


def _stored(model: Model) -> int:
    """Bytes of a model's tables, in the layout that has fewest."""
    return min(sum(layout.tables) for layout in model.layouts())


@dataclass(frozen=True, eq=False)
class Losses:
    """How far integer models are from the right answers on known rows: called, it tells that.

    Parameters
    ----------
    inputs : Input
        Of the integer models.
    rows : float32 array of shape (n_rows, n_features)
        The calibration rows and, behind them, mixed ones.
    n_calibration : int
    expected : array
        The right answers.
    more : float64 array of shape (2,), of numbers (3,)
        So much more a cheaper model may lose.
    counted : bool array of shape (n_rows,), or None
        Rows that count; None: all.
    """

    inputs: Input
    rows: NDArray[np.float32]
    n_calibration: int
    expected: NDArray[Any]
    more: NDArray[np.float64]
    counted: NDArray[np.bool_] | None = None

    def __call__(self, candidate: Model) -> NDArray[np.float64]:
        """The share of wrong answers, or of numbers the largest error in their span: of the calibration rows,
        and of all. Of numbers also the mean of the errors, which a few rows that saturate do not hide.
        """
        got = candidate.decode(candidate.predict(self.inputs.encode(self.rows)))
        if isinstance(candidate, NumericModel):
            span = np.ptp(self.expected, axis=0)
            off = (np.abs(got - self.expected) / np.where(span > 0, span, 1)).reshape(len(got), -1)
            return np.array([off[: self.n_calibration].max(), off.max(), off.mean(axis=0).max()])
        wrong = got != self.expected
        if self.counted is not None:
            wrong &= self.counted
        return np.array([wrong[: self.n_calibration].mean(), wrong.mean()])


def losses(model: Model, inputs: Input, by: Calibration) -> Losses:
    """The losses of integer models; `model`, with the estimator's own numbers, tells what is right."""
    assert by.rows is not None, "what is lost shows on calibration rows only"
    floats = replace(inputs, dtype="float32", exponents=None, center=None, gain=None, top=None)
    right = model.quantize(floats, by)
    rows = np.concatenate([by.rows, between(by.rows, _MIXED)])
    expected = right.decode(right.predict(inputs.scaled(rows).astype(np.float32)))
    more = np.array([_LOSS] * 3 if isinstance(model, NumericModel) else [0.0, _WRONG])
    return Losses(inputs, rows, len(by.rows), expected, more)


def widths(inputs: Input) -> tuple[Width, ...]:
    """Widths of weights that the kernels multiply with inputs of this type."""
    both: tuple[Width, ...] = get_args(Width)
    return both if inputs.dtype == "int16" else both[:1]
