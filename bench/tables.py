"""Markdown tables of the results."""

from __future__ import annotations

from collections.abc import Sequence

from bench.measure import CORES
from bench.results import Cell, Results, cycles, exact, flash, label, product
from bench.targets import CORES as TARGET_CORES
from bench.targets import summary
from bench.texts import INTEGERS, OURS

_INEXACT = "†"
_HEAD = ("model", "core", "size", "smallest peer", "speed", "fastest peer", "balanced", "best peer")
_COLUMNS = (("size", flash), ("speed", cycles), ("balanced", product))


def comparison(results: Results) -> str:
    """The README's table of trees: ours beside the best right peers, for each ported model and core."""
    rows = []
    for model in results.ported(trees=True):
        for i, core in enumerate(TARGET_CORES):
            row = ["" if i else results.models[model]["title"], CORES[core]]
            for optimize, judge in _COLUMNS:
                row += [
                    _figures(results.ours(model, core, optimize)),
                    _peer(results.best_peer(model, core, judge)),
                ]
            rows.append(row)
    return (
        _table(_HEAD, rows)
        + f"\n{_INEXACT} right on every row of the test split, but not at every threshold. "
        + "*Best* is the smallest product of flash and cycles.\n"
    )


def others(results: Results) -> str:
    """The README's table of all others: ours in float and in integers, beside the best right peer."""
    rows = []
    for model in results.ported(trees=False):
        for i, core in enumerate(TARGET_CORES):
            cells = [results.ours(model, core, dtype) for dtype in INTEGERS]
            row = ["" if i else results.models[model]["title"], CORES[core]]
            row += [_figures(results.ours(model, core, "balanced"))]
            row += [f"{_figures(cell)} ({_share(cell.on_host)})" if cell else "–" for cell in cells]
            rows.append([*row, _peer(results.best_peer(model, core, product))])
    return _table(("model", "core", "float32", *INTEGERS, "best peer that is right"), rows)


def _figures(cell: Cell | None) -> str:
    return f"{cell.flash} / {cell.cycles:.0f}" if cell else "–"


def _peer(cell: Cell | None) -> str:
    if cell is None:
        return "none is right"
    ram = f", {cell.ram} B RAM" if cell.ram else ""
    return f"{_figures(cell)} ({cell.label}{'' if exact(cell) else _INEXACT}{ram})"


def everything(results: Results) -> str:
    """All cells, everything that was refused, and the versions."""
    parts = [
        "# Results",
        "",
        "Written by `python -m bench report`; [README.md](README.md) says what the columns mean.",
        "",
    ]
    parts += ["Figures of a core: flash / RAM / stack / mean cycles / worst cycles.", ""]
    parts += ["## Against the best right peer", "", *summary(results), ""]
    for model, about in results.models.items():
        parts += [f"## {model}: {about['title']}", ""]
        if about["not_yet"]:
            parts += [f"Not yet: {about['not_yet']}", ""]
        parts += _model(results, model)
    parts += ["## Versions", ""]
    parts += [f"- {pin}" for _, pin in sorted(results.versions["tools"].items())]
    parts += [f"- {CORES[core]}: {'; '.join(told)}" for core, told in results.versions["cores"].items()]
    return "\n".join(parts) + "\n"


def _model(results: Results, model: str) -> list[str]:
    entries = [entry for entry in results.entries if entry["model"] == model]
    entries.sort(key=lambda e: (e["tool"] != OURS, e["tool"], e["configuration"]))
    rows, refused = [], []
    for entry in entries:
        name = label(entry["tool"], entry["configuration"])
        if "error" in entry:
            refused.append(f"- {name}: {entry['error']}")
            continue
        row = [name, _share(entry.get("agreement")), _share(entry.get("thresholds"))]
        rows.append(row + [_all_figures(entry["cores"].get(core, {}), refused, name, core) for core in CORES])
    head = ("tool", "agreement", "at thresholds", *CORES.values())
    return [*([_table(head, rows)] if rows else []), *refused, ""]


def _all_figures(figures: dict, refused: list[str], name: str, core: str) -> str:
    if "error" in figures:
        refused.append(f"- {name} on {CORES[core]}: {figures['error']}")
    if "flash" not in figures:
        return "–"
    wrong = "" if figures["agreement"] == 1 else " wrong"
    costs = f"{figures['cycles_mean']:.0f} / {figures['cycles_max']:.0f}"
    return f"{figures['flash']} / {figures['ram']} / {figures['stack']} / {costs}{wrong}"


def _share(share: float | None) -> str:
    """A share as text that says 1 only where it is 1."""
    if share is None:
        return "–"
    return "1" if share == 1 else f"{min(share, 0.9999):.4f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(line)} |\n" for line in (head, *rows)]
    return "".join([lines[0], "|---" * len(head) + "|\n", *lines[1:]])
