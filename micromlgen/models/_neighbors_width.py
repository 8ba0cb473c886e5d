"""How many bits integers take where distances are compared: as few as lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.between import between
from micromlgen.inputs import Calibration, Input
from micromlgen.models._neighbors_inputs import BYTE, finer, integer_rows
from micromlgen.models._neighbors_rows import Rows

Array = NDArray[Any]
#: Integers up to these take fewer bytes: one, or one and a half where they are packed.
_TOPS = (BYTE, 2047)
#: So many calibration rows, and as many between them, are tried to choose one of them.
_TRIED = 300
#: Inputs, raw rows, and how many of these come first that are not left out for themselves: shares of errors.
Lost = Callable[[Input, NDArray[np.float32], int], NDArray[np.float64]]


def narrowest_inputs(rows: Rows, known: Input, inputs: Input, by: Calibration, lost: Lost) -> Input:
    """The inputs with as few bits as lose nothing on the calibration rows, or as the user wishes.

    And on rows between them. Training rows that are calibration rows too tell little, each being its own
    neighbour: they are tried once more and then left out for themselves.

    Parameters
    ----------
    rows, known, inputs, by
        As of `finer`. `by.weights` asks for the fewest or the most bits.
    lost : callable
        `OnRows.lost_by`.
    """
    tops = sorted({min(top, inputs.highest) for top in (*_TOPS, inputs.highest)})
    offered = [finer(rows, known, inputs, by, top) for top in tops]
    if by.weights is not None or by.rows is None or len(tops) == 1:
        return offered[0 if by.weights == "int8" else -1]
    units = [integer_rows(rows, known, each).unit for each in offered]
    if units[0] <= units[-1]:  # as they are
        return offered[0]
    some = by.rows[np.unique(np.linspace(0, len(by.rows) - 1, _TRIED).astype(np.int64))]
    tried = np.concatenate([some, some, between(by.rows, _TRIED)])
    allowed = lost(offered[-1], tried, len(some))
    return next(
        each for each in offered if each is offered[-1] or (lost(each, tried, len(some)) <= allowed).all()
    )
