"""What the stream of a header costs: each sample, each window, and how much of the time there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from micromlgen.boards import Call, board
from micromlgen.calls import stream_call
from micromlgen.footprint import Footprint
from micromlgen.program import Program


def costs(
    program: Program, board_name: str, windows: NDArray[np.int16], rate: float
) -> tuple[Footprint, dict[str, str]]:
    """Measure on the board's simulator.

    Parameters
    ----------
    windows : int16 array of shape (n, length of a window)
        One after another in the stream.
    rate : float
        Samples a second.

    Returns
    -------
    Footprint
        Of all that a window takes, its samples included; RAM is that of the stream.
    dict of str to str
        Of a sample, of a window's answer, and of both together the share of the time that the samples take.
    """
    stream = program.model.streamed()
    assert stream is not None
    it, length = board(board_name), windows.shape[1]
    whole = stream_call(stream, program.header, program.name, windows)
    push = f"{program.name.snake}_stream_push(&s, x[k])"
    loop = f"static {program.name.snake}_stream_t s; for (uint16_t k = 0; k < {length}; ++k) y[0] = {push};"
    both, pushed = it.core.run([whole, Call(program.header, windows, loop)])
    size = it.core.size(whole)
    model = Footprint(
        board=it,
        flash=size.flash,
        ram=size.ram,
        stack=both.stack,
        cycles_mean=float(both.cost.mean()),
        cycles_max=float(both.cost.max()),
        unit=it.core.unit,
    )
    answer = (both.cost - pushed.cost).max()
    busy = model.time_max_ms / (1000 * length / rate)
    notes = {
        "a sample": f"{pushed.cost.mean() / length:.0f} {it.core.unit}",
        "a window's answer": f"at most {answer:.0f} {it.core.unit}, {_ms(answer, model):.3g} ms",
        "busy": f"{busy:.1%} of the time",
    }
    return model, notes


def _ms(count: float, model: Footprint) -> float:
    return float(1000 * count * model.board.cpi / model.board.clock_hz)
