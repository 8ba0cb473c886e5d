"""How many bits integers take where distances are compared: as few as lose nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.compress import between
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.models._neighbors_inputs import BYTE, finer, integer_rows
from micromlgen.models._widths import widths

if TYPE_CHECKING:
    from micromlgen.models._neighbors_model import OnRows

Array = NDArray[Any]
#: Integers up to these take fewer bytes: one, or one and a half where they are packed.
_TOPS = (BYTE, 2047)
#: So many calibration rows, and as many between them, are tried to choose one of them.
_TRIED = 300
#: Rows at this share of the largest distance are the same one.
_SAME = 1e-6
#: Errors of numbers below this share of their span are none.
_NEGLIGIBLE = 1e-3


def narrowest_inputs(model: OnRows, inputs: Input, by: Calibration) -> Input:
    """The inputs with as few bits as lose nothing on the calibration rows, or as the user wishes.

    And on rows between them. Training rows that are calibration rows too tell little, each being its own
    neighbour: they are tried once more and then left out for themselves.

    Parameters
    ----------
    model : OnRows
        With the estimator's own numbers.
    inputs : Input
        Of the integer mode.
    by : Calibration

    Raises
    ------
    UnsupportedError
        If `by.weights` is wider than the inputs.
    """
    kinds = widths(inputs)
    if by.weights is not None and by.weights not in kinds:
        raise UnsupportedError(
            f"weights={by.weights!r} with inputs of {inputs.dtype} cannot be ported for {model.source}: use "
            f"{' or '.join(kinds)}"
        )
    tops = sorted({min(top, inputs.highest) for top in (*_TOPS, inputs.highest)})
    offered = [finer(model.rows, model.input, inputs, by, top) for top in tops]
    if by.weights is not None or by.rows is None or len(tops) == 1:
        return offered[0 if by.weights == "int8" else -1]
    units = [integer_rows(model.rows, model.input, each).unit for each in offered]
    if units[0] <= units[-1]:  # as they are
        return offered[0]
    some = by.rows[np.unique(np.linspace(0, len(by.rows) - 1, _TRIED).astype(np.int64))]
    tried = np.concatenate([some, some, between(by.rows, _TRIED)])

    def lost(each: Input) -> NDArray[np.float64]:
        return _lost(model, each, tried, len(some))

    allowed = lost(offered[-1])
    return next(each for each in offered if each is offered[-1] or (lost(each) <= allowed).all())


def _lost(model: OnRows, inputs: Input, tried: NDArray[np.float32], n_plain: int) -> NDArray[np.float64]:
    """The share of rows on which integers answer otherwise than the estimator's own numbers.

    Of the first `n_plain` that are tried, and of all; behind these, equal training rows are left out.
    """
    own = model.input.scaled(tried)
    reduced = model.rows.reduced(own)
    apart = reduced <= _SAME**model.rows.metric.power * reduced.max()
    apart[:n_plain] = False
    plain = Input(model.input.n_features)
    floats = replace(model.with_rows(model.rows.rounded(), plain), apart=apart)
    whole = integer_rows(model.rows, model.input, inputs)
    integers = replace(model.with_rows(whole, inputs), apart=apart)
    expected, got = floats.told(own), integers.told(inputs.encode(tried))
    other = got != expected
    if model.tells_numbers:
        allowed = _NEGLIGIBLE * np.nan_to_num(np.nanmax(expected, axis=0) - np.nanmin(expected, axis=0))
        other = (np.abs(got - expected) > allowed) | (np.isnan(got) != np.isnan(expected))
    return np.array([other[:n_plain].mean(), other.mean()])
