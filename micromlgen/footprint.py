"""What a header costs on a board: measured on the simulator of its core, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.boards import Board
from micromlgen.calls import predict_call
from micromlgen.cformat import Name
from micromlgen.ir import Model
from micromlgen.verify import boundary_rows

#: Rows that cycles are averaged over where the user gives none.
_ROWS = 64


@dataclass(frozen=True)
class Footprint:
    """Cost of one model on one board, compiled with -Os.

    Attributes
    ----------
    flash, ram : int
        Bytes that the model adds to an empty program, with everything that it pulls in (soft float, libm).
    stack : int
        Most bytes of stack inside a prediction.
    cycles_mean, cycles_max : float
        Of a prediction: `unit` says whether cycles or instructions.
    unit : str
        "cycles" on AVR. Elsewhere "instructions": a core without wait states takes at least as many cycles.
    time_ms : float
        Mean prediction at the board's clock, one cycle an instruction where instructions were counted.
    fits : bool
        Whether flash and RAM with stack are available on the board.
    """

    board: Board
    flash: int
    ram: int
    stack: int
    cycles_mean: float
    cycles_max: float
    unit: str

    @property
    def time_ms(self) -> float:
        """Of a mean prediction."""
        return 1000 * self.cycles_mean / self.board.clock_hz

    @property
    def fits(self) -> bool:
        """Whether the board has that much flash, and RAM for the model and its stack."""
        return self.flash <= self.board.flash and self.ram + self.stack <= self.board.ram

    def __str__(self) -> str:
        return (
            f"{self.board.title}: flash {self.flash} B of {self.board.flash}, RAM {self.ram} B, stack "
            f"{self.stack} B, {self.cycles_mean:.0f} {self.unit} (at most {self.cycles_max:.0f}), "
            f"{self.time_ms:.3f} ms at {self.board.clock_hz / 1e6:g} MHz"
            + ("" if self.fits else " - DOES NOT FIT")
        )


def footprint(
    model: Model, header: str, name: Name, board: Board, X: NDArray[np.float32] | None
) -> Footprint:
    """Measure; see `Program.footprint`.

    Raises
    ------
    ToolchainError
        If the compiler or simulator of the board's core is missing, or the program exceeds the board.
    """
    if X is None:
        blank: NDArray[Any] = np.zeros((1, model.input.n_features), model.input.dtype)
        rows = boundary_rows(model, blank, _ROWS)
    else:
        rows = model.input.encode(X)
    call = predict_call(model, header, name, rows)
    size = board.core.size(call)
    result = board.core.run([call])[0]
    return Footprint(
        board=board,
        flash=size.flash,
        ram=size.ram,
        stack=result.stack,
        cycles_mean=float(result.cost.mean()),
        cycles_max=float(result.cost.max()),
        unit=board.core.unit,
    )
