"""How many bits integers take where distances are compared: as few as lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
#: So many calibration rows, and rows between them, are tried to choose one of them; ...
_TRIED, _MIXED = 1000, 2000
#: ... fewer, but so many, where that is more than so many differences of features.
_LEAST, _WORK = 300, 60_000_000
#: Few calibration rows are tried on so many grids, each with training rows rounded anew.
_GRIDS = 8
#: Fewer bits may answer so many more of the rows to come with another class, and of those that are mixed:
#: where distances hardly differ any rounding does that to some.
_WRONG, _WRONG_MIXED = 0.002, 0.003
#: Inputs, raw rows, and whether equal training rows are left out for each: the share of errors.
Lost = Callable[[Input, NDArray[np.float32], bool], float]


def narrowest_inputs(
    rows: Rows, known: Input, inputs: Input, by: Calibration, lost: Lost, of_classes: bool
) -> Input:
    """The inputs with as few bits as lose nothing on the calibration rows, or as the user wishes.

    And hardly anything on rows to come. Training rows that are calibration rows too tell little of these,
    each being its own neighbour: they are tried once more and then left out for themselves, few of them on
    several grids, beside many rows between them.

    Parameters
    ----------
    rows, known, inputs, by
        As of `finer`. `by.weights` asks for the fewest or the most bits.
    lost : callable
        `OnRows.lost_by`.
    of_classes : bool
        Whether a classifier answers, some of whose rows to come may be lost.
    """
    tops = sorted({min(top, inputs.highest) for top in (*_TOPS, inputs.highest)})
    offered = [finer(rows, known, inputs, by, top) for top in tops]
    if by.weights is not None or by.rows is None or len(tops) == 1:
        return offered[0 if by.weights == "int8" else -1]
    units = [integer_rows(rows, known, each).unit for each in offered]
    if units[0] <= units[-1]:  # as they are
        return offered[0]
    tried = max(_LEAST, _WORK // rows.values.size)
    some = by.rows[np.unique(np.linspace(0, len(by.rows) - 1, min(tried, _TRIED)).astype(np.int64))]
    mixed = between(by.rows, min(tried, _MIXED))
    n_grids = 1 if rows.metric.direction else min(_GRIDS, max(1, _TRIED // len(some)))

    def judged(each: Input) -> NDArray[np.float64]:
        grids = [each, *(_shifted(each, number) for number in range(1, n_grids))]
        left_out = float(np.mean([lost(grid, some, True) for grid in grids]))
        return np.array([lost(each, some, False), left_out, lost(each, mixed, True) if len(mixed) else 0.0])

    allowed = judged(offered[-1]) + (np.array([0.0, _WRONG, _WRONG_MIXED]) if of_classes else 0.0)
    return next(each for each in offered if each is offered[-1] or (judged(each) <= allowed).all())


def _shifted(inputs: Input, number: int) -> Input:
    """The inputs on a grid that is moved by parts of a step."""
    assert inputs.exponents is not None
    gain = 1.0 if inputs.gain is None else inputs.gain.astype(np.float64)
    step = np.ldexp(1.0, -inputs.exponents) / np.where(gain == 0, 1.0, gain)
    by = np.random.default_rng(number).uniform(-0.5, 0.5, inputs.n_features) * step
    center = 0.0 if inputs.center is None else inputs.center.astype(np.float64)
    return replace(inputs, center=(center + by).astype(np.float32))
