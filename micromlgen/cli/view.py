"""What a terminal shows while a board sends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from micromlgen.serial.collect import Collected
    from micromlgen.serial.monitor import Watched

#: Seconds from one picture to the next: a sketch may print a thousand lines in a second.
_EVERY = 0.1
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 40
_MOST_COLUMNS = 16


class Screen:
    """A table that is drawn anew while a terminal watches."""

    def __init__(self, console: Console) -> None:
        self._console, self._drawn = console, float("-inf")
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def draw(self, table: Callable[[], Table]) -> None:
        """Show what `table` gives, unless the last one is hardly old."""
        now = time.monotonic()
        if self._console.is_terminal and now - self._drawn >= _EVERY:
            self._drawn = now
            self._live.update(table(), refresh=True)


def sparkline(values: Sequence[float]) -> str:
    """The last values as a line of bars between their smallest and largest.

    >>> sparkline([0, 1, 2, 3.5, 7])
    '▁▂▃▄█'
    """
    shown = [value for value in values[-_WIDTH:] if value - value == 0]  # neither missing nor infinite
    if not shown:
        return ""
    low, span = min(shown), max(shown) - min(shown)
    return "".join(_BARS[min(7, int(8 * ((value - low) / span)))] if span else _BARS[0] for value in shown)


def recording(state: Collected, label: str) -> Table:
    """The state of a recording."""
    seconds = f"{state.samples / state.rate:.1f} s, " if state.rate else ""
    told = f"{label}: {state.samples} samples, {seconds}{state.rate:.4g} a second, {state.segments} segments"
    if state.noise or state.interruptions:
        told += f", {state.noise} lines of noise, {state.interruptions} interruptions"
    table = Table(title=told, title_justify="left")
    for column in ("column", "last", "least", "most", ""):
        table.add_column(column, justify="left" if column in ("column", "") else "right")
    for i, name in enumerate(state.names[:_MOST_COLUMNS]):
        values = [sample.values[i] for sample in state.recent]
        table.add_row(name, *(f"{it:g}" for it in (values[-1], min(values), max(values))), sparkline(values))
    return table


def watching(state: Watched) -> Table:
    """The state of a board that predicts."""
    table = Table(title="\n".join(str(state).splitlines()), title_justify="left")
    for column in ("feature", "last", "drift (PSI)"):
        table.add_column(column, justify="left" if column == "feature" else "right")
    order = sorted(range(len(state.names)), key=lambda i: -state.drift[i].psi if state.drift else i)
    for i in order[:_MOST_COLUMNS] if state.last else ():
        far = f"{state.drift[i].psi:.3f}{' !' if state.drift[i] else ''}" if state.drift else ""
        table.add_row(state.names[i], f"{state.last.features[i]:g}" if state.last else "", far)
    if state.last:
        sure = "" if state.last.probability is None else f", probability {state.last.probability:.3f}"
        table.caption = f"{state.last.answer}{sure}, {state.last.microseconds:g} us"
    return table
