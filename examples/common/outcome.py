"""What a run of an example shows: the chain in floats beside the chain in integers that ran on the board."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.console import Console
from rich.table import Table

from micromlgen.footprint import Footprint


@dataclass(frozen=True)
class Outcome:
    """Figures of one run, on recordings that the model has not seen.

    Parameters
    ----------
    title : str
    answers, expected : sequence of str
        What the simulated board has answered to recordings, and what `Program.predict` says that it must.
    agreement : float
        Share of held-out rows to which the integers give scikit-learn's answer.
    floats, integers : mapping of str to float
        Measures of the chain in float64 throughout, and of the chain in integers, on all held-out rows.
    model : Footprint
    plot : Path
    notes : mapping of str to str
        Further lines.
    """

    title: str
    answers: Sequence[str]
    expected: Sequence[str] | NDArray[np.str_]
    agreement: float
    floats: Mapping[str, float]
    integers: Mapping[str, float]
    model: Footprint
    plot: Path
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """How many answers of the board are not the expected ones."""
        return sum(a != b for a, b in zip(self.answers, self.expected, strict=True))

    def table(self) -> Table:
        """Lay it out for a terminal."""
        table = Table(title=self.title, show_header=False)
        model = self.model
        table.add_row("board", model.board.title)
        table.add_row("the board's answers", f"{len(self.answers)}, of which {self.wrong} are not Python's")
        table.add_row("agreement with scikit-learn", f"{self.agreement:.4f}")
        table.add_section()
        for name, value in self.floats.items():
            table.add_row(name, f"floats {value:.4f}, integers {self.integers[name]:.4f}")
        for name, text in self.notes.items():
            table.add_row(name, text)
        table.add_section()
        table.add_row("flash, RAM, stack", f"{model.flash} B, {model.ram} B, {model.stack} B")
        table.add_row(model.unit, f"mean {model.cycles_mean:.0f}, most {model.cycles_max:.0f}")
        table.add_row(
            "time", f"{model.how['time']}: {model.time_ms:.3g} ms at {model.board.clock_hz / 1e6:g} MHz"
        )
        return table

    def save(self, path: Path) -> None:
        """Write the figures as JSON."""
        figures: dict[str, Any] = {
            "board": self.model.board.name,
            "answers": len(self.answers),
            "wrong": self.wrong,
            "agreement": self.agreement,
            "floats": dict(self.floats),
            "integers": dict(self.integers),
            "flash": self.model.flash,
            "ram": self.model.ram,
            "stack": self.model.stack,
            self.model.unit: self.model.cycles_mean,
        }
        path.write_text(json.dumps(figures, indent=1) + "\n")

    def show(self) -> None:
        """Print the table."""
        console = Console(width=100)
        console.print(self.table())
        console.print(f"plot: {self.plot}")


def share(a: ArrayLike, b: ArrayLike) -> float:
    """Share of equal answers.

    Examples
    --------
    >>> share(["rest", "walk"], ["rest", "run"])
    0.5
    """
    return float(np.mean(np.asarray(a) == np.asarray(b)))


def evenly(n: int, most: int | None) -> NDArray[np.intp]:
    """Indices of at most so many of n rows, spread evenly, the first and the last among them.

    Examples
    --------
    >>> evenly(10, 4).tolist()
    [0, 3, 6, 9]
    """
    return np.rint(np.linspace(0, n - 1, n if most is None else min(n, most))).astype(np.intp)
