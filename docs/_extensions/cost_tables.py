"""Tables of what models cost, from bench/results.json and docs/measured.json."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bench import tables as bench_tables
from bench.measure import CORES
from bench.results import Cell, Judge, Results, cycles, flash, load, product, right
from bench.targets import summary
from bench.texts import OPTIMIZATIONS
from markdown_tables import bytes_of, table, time_of
from micromlgen.boards import Board, board
from micromlgen.boards import boards as all_boards

#: What stands for its kind in the tables: a board whose core the bench measures.
_BOARDS = ("uno", "mega", "pico", "nano33ble", "esp32c3")
#: Configurations of the bench: what they are called in the guide.
_MODES = {"balanced": "float32", "int16": "int16", "int8": "int8"}
#: What "better" may mean.
_JUDGES: Mapping[str, Judge] = {"smaller": flash, "faster": cycles, "better in flash × cycles": product}
_MEASURED = Path(__file__).parents[1] / "measured.json"


@cache
def measured() -> dict[str, Any]:
    """What docs/measure.py wrote."""
    return dict(json.loads(_MEASURED.read_text(encoding="utf-8")))


@cache
def _results() -> Results:
    return load()


def boards() -> str:
    """The boards that `footprint` and `target` know."""
    rows = []
    for known in all_boards():
        core = f"{known.core.name}" + ("" if known.how == "measured" else ", stands in")
        rows.append(
            (
                f"`{known.name}`",
                known.title,
                core,
                f"{known.flash:,}",
                f"{known.ram:,}",
                f"{known.clock_hz / 1e6:g}",
                "yes" if known.fpu else "no",
                known.how,
            )
        )
    head = ("name", "board", "core that runs the code", "flash, B", "RAM, B", "MHz", "FPU", "figures are")
    return table(head, rows)


def digits() -> str:
    """What the bench's classifiers of digits cost on a board of each kind."""
    return _costs("digits")


def families() -> str:
    """The same of the other data."""
    return _costs("cancer") + "\n" + _costs("wine")


def _costs(data: str) -> str:
    chosen = [board(name) for name in _BOARDS]
    rows = []
    for model, about in _results().models.items():
        accuracy = measured()["accuracy"].get(model)
        if not model.endswith(f"_{data}") or accuracy is None:
            continue
        for configuration, mode in _MODES.items():
            cells = [_results().ours(model, b.core.name, configuration) for b in chosen]
            title = about["title"] if mode == "float32" else ""
            figures = [_cost(cell, b) for cell, b in zip(cells, chosen, strict=True)]
            rows.append((title, mode, f"{accuracy[mode]:.4f}", *figures))
    return table(("model", "mode", "accuracy", *(b.title.split(" (")[0] for b in chosen)), rows)


def _cost(cell: Cell | None, on: Board) -> str:
    if cell is None:
        return "–"
    if cell.flash > on.flash or cell.ram + cell.stack > on.ram:
        return f"does not fit ({bytes_of(cell.flash)})"
    return f"{bytes_of(cell.flash)}, {time_of(1000 * cell.cycles * on.cpi / on.clock_hz)}"


def conversion() -> str:
    """What converting floats to integers before the prediction costs."""
    rows = []
    for model in ("rf10_digits", "rf10_cancer", "logreg_digits", "mlp_digits"):
        for core, title in CORES.items():
            cells = [_results().ours(model, core, name) for name in ("balanced", "int16", "int16 from float")]
            figures = [f"{cell.flash} / {cell.cycles:.0f}" if cell else "–" for cell in cells]
            first = core == next(iter(CORES))
            rows.append((_results().models[model]["title"] if first else "", title, *figures))
    return table(("model", "core", "float32", "int16, of integers", "int16, of floats"), rows)


def _least(model: str, core: str, judge: Judge) -> float:
    """Of all optimisations, and of integer modes from floats on that are right."""
    found = (_results().our_best(model, core, name, judge) for name in OPTIMIZATIONS)
    return min((judge(cell) for cell in found if cell), default=math.inf)


def gaps() -> str:
    """How we stand, and every peer that is right and smaller, faster or better than all of ours."""
    found = _results()
    worse = []
    for model in (*found.ported(trees=True), *found.ported(trees=False)):
        for core, title in CORES.items():
            ours = {what: _least(model, core, judge) for what, judge in _JUDGES.items()}
            for peer in filter(right, found.cells(model, core, ours=False)):
                better = [what for what, judge in _JUDGES.items() if judge(peer) < ours[what]]
                if better:
                    worse.append(
                        f"- {model} on {title}: {peer.label} is {', '.join(better)} than all of ours"
                    )
    told = worse or ["- No peer that is right on every row is smaller or faster than all of ours."]
    return "\n".join([*summary(found), *told]) + "\n"


def others() -> str:
    """The bench's table of the families beside trees."""
    if any(_results().ported(trees=False)):
        return bench_tables.others(_results())
    return "Not measured yet: [all results](results.md) have ours alone.\n"


def versions() -> str:
    """Of everything that was measured with."""
    pins = [pin.partition("==") for pin in _results().versions["tools"].values()]
    tools = [(name, version) for name, _, version in pins]
    cores = [(CORES[core], "; ".join(told)) for core, told in _results().versions["cores"].items()]
    return table(("what", "version"), [*sorted(tools), *cores, ("scikit-learn", measured()["scikit-learn"])])
