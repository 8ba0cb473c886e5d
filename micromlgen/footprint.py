"""What a header costs on a board: measured on a simulator, with a label on what is an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.boards import Board, How
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
    board : Board
    flash, ram : int
        Bytes that the model adds to an empty program, with everything that it pulls in (soft float, libm).
    stack : int
        Most bytes of stack inside a prediction.
    cycles_mean, cycles_max : float
        Of a prediction, the mean and the worst of the rows: `unit` says whether cycles or instructions.
    unit : str
        "cycles" on AVR, elsewhere "instructions".
    time_ms, time_max_ms : float
        Mean and worst prediction at the board's clock; an instruction takes `board.cpi` cycles.
    energy_uj : float or None
        µJ of a mean prediction at the board's active power; None where that is not known.
    fits : bool
        Whether flash and RAM with stack are available on the board.
    how : mapping of str to {"measured", "estimated"}
        For "flash", "ram", "stack", "cycles", "time" and "energy". Everything is estimated where another
        core stands in for the board's (`board.stand_in`); time is where it follows from instructions, and
        energy always, from the typical current of a datasheet.
    """

    board: Board
    flash: int
    ram: int
    stack: int
    cycles_mean: float
    cycles_max: float
    unit: str
    #: Whether routines of the chip's ROM were executed by others in their place.
    substituted: bool = False

    @property
    def time_ms(self) -> float:
        """Of a mean prediction."""
        return self._time_ms(self.cycles_mean)

    @property
    def time_max_ms(self) -> float:
        """Of the worst prediction."""
        return self._time_ms(self.cycles_max)

    def _time_ms(self, count: float) -> float:
        return 1000 * count * self.board.cpi / self.board.clock_hz

    @property
    def energy_uj(self) -> float | None:
        """Of a mean prediction: V × mA × ms."""
        if self.board.voltage is None or self.board.current_ma is None:
            return None
        return self.board.voltage * self.board.current_ma * self.time_ms

    @property
    def fits(self) -> bool:
        """Whether the board has that much flash, and RAM for the model and its stack."""
        return self.flash <= self.board.flash and self.ram + self.stack <= self.board.ram

    @property
    def how(self) -> Mapping[str, How]:
        """How each figure was found."""
        ran: How = "estimated" if self.substituted else self.board.how
        return {
            "flash": self.board.how,
            "ram": self.board.how,
            "stack": ran,
            "cycles": ran,
            "time": ran if self.unit == "cycles" else "estimated",
            "energy": "estimated",
        }

    def __str__(self) -> str:
        about = {figure: "about " if how == "estimated" else "" for figure, how in self.how.items()}
        time = f"{self.time_ms:.3g} ms" if self.time_ms >= 0.1 else f"{1000 * self.time_ms:.3g} µs"
        energy = "" if self.energy_uj is None else f", {about['energy']}{self.energy_uj:.3g} µJ"
        return (
            f"{self.board.title}: flash {about['flash']}{self.flash} B of {self.board.flash}, "
            f"RAM {about['ram']}{self.ram} B, stack {about['stack']}{self.stack} B, "
            f"{about['cycles']}{self.cycles_mean:.0f} {self.unit} (at most {self.cycles_max:.0f}), "
            f"{about['time']}{time} at {self.board.clock_hz / 1e6:g} MHz{energy}"
            + (f" - run as {self.board.measured_on}" if self.board.stand_in else "")
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
    core = board.core
    size = core.size(call)
    result = core.run([call])[0]
    return Footprint(
        board=board,
        flash=size.flash,
        ram=size.ram,
        stack=result.stack,
        cycles_mean=float(result.cost.mean()),
        cycles_max=float(result.cost.max()),
        unit=core.unit,
        # Asked only of a core that has some, because it takes two more builds.
        substituted=bool(core.substitutes and core.substitutes & core.symbols(call)),
    )
