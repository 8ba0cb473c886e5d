"""What the stream of a header costs: each sample, each window, and how much of the time there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from micromlgen.footprint import StreamFootprint
from micromlgen.program import Program


def costs(
    program: Program, board_name: str, windows: NDArray[np.int16], rate: float
) -> tuple[StreamFootprint, dict[str, str]]:
    """Measure on the board's simulator.

    Parameters
    ----------
    windows : int16 array of shape (n, length of a window)
        One after another in the stream.
    rate : float
        Samples a second.

    Returns
    -------
    StreamFootprint
        Of all that a window takes, its samples included; RAM is that of the stream.
    dict of str to str
        Of a sample, of a window's answer, and of both together the share of the time that the samples take.
    """
    cost = program.stream_footprint(board_name, windows.ravel())
    answer_ms = cost.time_ms * cost.answer_max / cost.cycles_mean
    notes = {
        "a sample": f"{cost.push_mean:.0f} {cost.unit}",
        "a window's answer": f"at most {cost.answer_max:.0f} {cost.unit}, {answer_ms:.3g} ms",
        "busy": f"{cost.busy(rate):.1%} of the time",
    }
    return cost, notes
