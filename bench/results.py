"""What was measured, as JSON that is the same for the same measurements; and who is best."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.environments import HERE, release
from bench.texts import OURS

PATH = HERE / "results.json"

#: Share of right rows from which on a wrong peer is still compared with.
NEARLY = 0.85

#: What a tool is judged by: a number of a cell, the smaller the better.
Judge = Callable[["Cell"], float]
#: Which cells are compared with.
Standard = Callable[["Cell"], bool]


@dataclass(frozen=True)
class Cell:
    """One configuration of a tool on one core.

    Attributes
    ----------
    agreement : float
        Share of the rows of the test split that are right, on the host and on the core, where there are
        fewer: the smaller of both.
    on_host : float
        The same on the host alone: of all rows.
    thresholds : float or None
        Share of right rows at thresholds, on the host; None where they were not tried.
    """

    model: str
    tool: str
    configuration: str
    core: str
    flash: int
    ram: int
    stack: int
    cycles: float
    cycles_max: float
    agreement: float
    on_host: float
    thresholds: float | None

    @property
    def label(self) -> str:
        """Tool and configuration, as in the tables."""
        return label(self.tool, self.configuration)


def label(tool: str, configuration: str) -> str:
    """What the tables call a configuration of a tool."""
    return f"{tool if tool == OURS else release(tool)[0]} {configuration}".strip()


def right(cell: Cell) -> bool:
    """Whether every row of the test split is right."""
    return cell.agreement == 1.0


def exact(cell: Cell) -> bool:
    """Whether every row at a threshold is right as well."""
    return right(cell) and cell.thresholds in (None, 1.0)


def nearly(cell: Cell) -> bool:
    """Whether it is of some use: this lets in what cuts corners to be small or fast."""
    return cell.agreement >= NEARLY


def flash(cell: Cell) -> float:
    """Bytes of flash."""
    return cell.flash


def cycles(cell: Cell) -> float:
    """Mean cycles, or instructions, of a prediction."""
    return cell.cycles


def product(cell: Cell) -> float:
    """Flash times cycles: halving one at twice the other is no gain."""
    return cell.flash * cell.cycles


@dataclass
class Results:
    """All results.

    Attributes
    ----------
    versions : dict
        "tools": distribution and version of each peer; "cores": compiler and simulator of each core.
    models : dict
        In the zoo's order: title, family, why `port` does not take it yet, numbers of rows.
    entries : list of dict
        For each configuration of a tool on a model either an error, or agreement and figures for each core.
    """

    versions: dict[str, Any] = field(default_factory=lambda: {"tools": {}, "cores": {}})
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def replace(self, model: str, tool: str, entries: list[dict[str, Any]]) -> None:
        """Put new entries in the place of those of the same model and tool."""
        kept = [entry for entry in self.entries if (entry["model"], entry["tool"]) != (model, tool)]
        self.entries = kept + entries

    def save(self, path: Path = PATH) -> None:
        """Write, in an order that does not depend on which result came first."""
        entries = sorted(self.entries, key=lambda e: (e["model"], e["tool"], e["configuration"]))
        unordered = json.dumps({"entries": entries, "versions": self.versions}, sort_keys=True)
        value = {"models": self.models, **json.loads(unordered)}
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def cells(self, model: str, core: str, *, ours: bool) -> list[Cell]:
        """All cells of a model on a core that have figures, of us or of the peers."""
        out = []
        for entry in self.entries:
            figures = entry["cores"].get(core, {})
            if entry["model"] != model or (entry["tool"] == OURS) != ours or "flash" not in figures:
                continue
            out.append(
                Cell(
                    model=model,
                    tool=entry["tool"],
                    configuration=entry["configuration"],
                    core=core,
                    flash=figures["flash"],
                    ram=figures["ram"],
                    stack=figures["stack"],
                    cycles=figures["cycles_mean"],
                    cycles_max=figures["cycles_max"],
                    agreement=min(figures["agreement"], entry.get("agreement") or 0.0),
                    on_host=entry.get("agreement") or 0.0,
                    thresholds=entry.get("thresholds"),
                )
            )
        return out

    def ours(self, model: str, core: str, optimize: str) -> Cell | None:
        """Our cell for one optimisation; None where there is none."""
        found = [cell for cell in self.cells(model, core, ours=True) if cell.configuration == optimize]
        return found[0] if found else None

    def our_best(
        self, model: str, core: str, optimize: str, judge: Judge, accepted: Standard = right
    ) -> Cell | None:
        """The best of that cell and those of integer modes that take floats and are accepted."""
        integers = [cell for cell in self.cells(model, core, ours=True) if "from float" in cell.configuration]
        found = [self.ours(model, core, optimize), *filter(accepted, integers)]
        return min((cell for cell in found if cell), key=judge, default=None)

    def best_peer(self, model: str, core: str, judge: Judge, accepted: Standard = right) -> Cell | None:
        """The best of all configurations of all peers that are accepted; None if none is."""
        cells = filter(accepted, self.cells(model, core, ours=False))
        return min(cells, key=lambda c: (judge(c), product(c), c.label), default=None)

    def ported(self, *, trees: bool | None = None) -> Iterator[str]:
        """Models that `port` takes, in the zoo's order: all, only trees, or only others."""
        for name, model in self.models.items():
            if not model["not_yet"] and trees in (None, model["family"] == "trees"):
                yield name


def load(path: Path = PATH) -> Results:
    """Read what `save` wrote; empty if there is nothing yet."""
    if not path.exists():
        return Results()
    value = json.loads(path.read_text(encoding="utf-8"))
    return Results(value["versions"], value["models"], value["entries"])


def geometric_mean(ratios: list[float]) -> float:
    """Of positive numbers; NaN for none.

    Examples
    --------
    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else math.nan
