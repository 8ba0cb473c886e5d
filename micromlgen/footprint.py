"""What a header costs on a board: measured on a simulator, with a label on what is an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.boards import Board, Call, Core, How
from micromlgen.calls import predict_call, push_calls
from micromlgen.cformat import Name
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Model
from micromlgen.streams import Stream, as_frames
from micromlgen.verify import boundary_rows

#: Rows that cycles are averaged over where the user gives none.
_ROWS = 64
#: Windows of a stream that cycles are averaged over.
_WINDOWS = 4


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


@dataclass(frozen=True)
class StreamFootprint(Footprint):
    """Cost of a stream on one board: what `Footprint` has is that of a hop, its samples and its answer.

    Attributes
    ----------
    state : int
        Bytes of ``<name>_stream_t``, which are in `ram`.
    hop : int
        Pushes from an answer to the next.
    push_mean, push_max : float
        Of a sample of each channel, in `unit`; those that complete a frame or a filter's output take most.
    answer_mean, answer_max : float
        Of the answer to a window that is ready.
    """

    state: int = field(kw_only=True)
    hop: int = field(kw_only=True)
    push_mean: float = field(kw_only=True)
    push_max: float = field(kw_only=True)
    answer_mean: float = field(kw_only=True)
    answer_max: float = field(kw_only=True)

    def busy(self, rate: float) -> float:
        """Share of the time that so many samples a second take: above 1 they are too many."""
        return self.time_ms * rate / (1000 * self.hop)

    def __str__(self) -> str:
        about = "about " if self.how["cycles"] == "estimated" else ""
        pushes = f"{about}{self.push_mean:.0f} {self.unit} a sample (at most {self.push_max:.0f})"
        answers = f"{self.answer_mean:.0f} an answer (at most {self.answer_max:.0f})"
        return (
            f"{super().__str__()}\n  of {self.hop} samples and an answer: {pushes}, {answers}; "
            f"the stream has {self.state} B of the RAM"
        )


def rows_measured(model: Model, X: NDArray[np.float32] | None) -> NDArray[Any]:
    """Rows X encoded, or boundary inputs where there are none."""
    if X is not None:
        return model.input.encode(X)
    blank: NDArray[Any] = np.zeros((1, model.input.n_features), model.input.dtype)
    return boundary_rows(model, blank, _ROWS)


def footprint(
    model: Model, header: str, name: Name, board: Board, X: NDArray[np.float32] | None
) -> Footprint:
    """Measure `<name>_predict`; see `Program.footprint`.

    Parameters
    ----------
    model : Model
        Quantised.
    header : str
        Its text.
    name : Name
    board : Board
    X : float32 array of shape (n, n_features), or None
        Raw rows to average over; None: boundary inputs.

    Raises
    ------
    ToolchainError
        If the compiler or simulator of the board's core is missing, or the program exceeds the board.
    """
    rows = rows_measured(model, X)
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
        substituted=_substituted(core, call),
    )


def _substituted(core: Core, call: Call) -> bool:
    # Asked only of a core that has some, because it takes two more builds.
    return bool(core.substitutes and core.substitutes & core.symbols(call))


def stream_footprint(
    stream: Stream[Model], header: str, name: Name, board: Board, recording: Any
) -> StreamFootprint:
    """Measure `<name>_stream_push` and what follows; see `Program.stream_footprint`.

    Parameters
    ----------
    stream : Stream
    header, name, board
        As of `footprint`.
    recording : int16 array of shape (n_samples,) or (n_samples, n_channels)
        Its first windows are measured.

    Raises
    ------
    UnsupportedError
        If the recording has no window.
    ToolchainError
        As `footprint`.
    """
    c, hop = stream.n_channels, stream.hop * stream.decimation
    frames = as_frames(recording, c, "recording")
    # Filters that decimate give the first of so many.
    first = (stream.length - 1) * stream.decimation
    ready = np.arange(first, len(frames), hop)[:_WINDOWS]
    if not len(ready):
        raise UnsupportedError(f"recording has {len(frames)} samples of a channel; a window has {first + 1}")
    # Each call has a stream of its own.
    whole, pushed = push_calls(stream, header, name, frames[: ready[-1] + 1])
    told = Call(header, frames[:1], f"y[0] = (int32_t){name.macro}_STREAM_BYTES;")
    core = board.core
    size = core.size(whole)
    both, pushes, state = core.run([whole, pushed, told])
    answers = both.cost[ready] - pushes.cost[ready]
    hops = np.add.reduceat(both.cost, np.maximum(ready - hop + 1, 0))[: len(ready)]
    return StreamFootprint(
        board=board,
        flash=size.flash,
        ram=size.ram,
        stack=both.stack,
        cycles_mean=float(hops.mean()),
        cycles_max=float(hops.max()),
        unit=core.unit,
        substituted=_substituted(core, whole),
        state=int(state.y[0, 0]),
        hop=hop,
        push_mean=float(pushes.cost.mean()),
        push_max=float(pushes.cost.max()),
        answer_mean=float(answers.mean()),
        answer_max=float(answers.max()),
    )
