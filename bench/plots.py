"""Cycles against flash, a figure for each core and a panel for each model; and how port scales. SVG."""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from bench.environments import peers, release
from bench.measure import CORES
from bench.results import Cell, Results, right
from bench.texts import OPTIMIZATIONS, OURS

#: Okabe and Ito's colours, told apart by colour-blind people too, and readable on white; shapes help further.
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#8C8C00", "#7F7F7F")
_SHAPES = ("o", "s", "^", "v", "D", "P", "X", "h")
_OUR_COLOUR = "#000000"
_PANELS_IN_A_ROW = 3
_PANEL_INCHES = (3.4, 2.9)
_MOST_TICKS = 8


def draw(results: Results, folder: Path) -> None:
    """Write ``<core>.svg`` for each core."""
    for core, title in CORES.items():
        models = [model for model in results.ported() if results.cells(model, core, ours=True)]
        if models:
            _save(_core(results, core, title, models), folder / f"{core}.svg")


def draw_scale(found: list[dict[str, Any]], folder: Path) -> None:
    """Write ``scale.svg``: seconds and memory of port against nodes."""
    figure = Figure(figsize=(2 * _PANEL_INCHES[0], _PANEL_INCHES[1]), layout="constrained")
    for axes, quantity, unit in zip(
        figure.subplots(1, 2),
        ("seconds", "megabytes"),
        ("seconds of port", "MB of memory above the model's"),
        strict=True,
    ):
        for optimize, colour, shape in (("size", _COLOURS[3], "o"), ("speed", _COLOURS[4], "s")):
            points = [(row["nodes"], row[quantity]) for row in found if row["optimize"] == optimize]
            axes.loglog(
                *zip(*points, strict=True), color=colour, marker=shape, label=f'optimize="{optimize}"'
            )
        _dress(axes, "nodes", unit)
        axes.legend(frameon=False, fontsize="small")
    _save(figure, folder / "scale.svg")


def _core(results: Results, core: str, title: str, models: list[str]) -> Figure:
    rows = math.ceil((len(models) + 1) / _PANELS_IN_A_ROW)  # one panel more, for the legend
    size = (_PANELS_IN_A_ROW * _PANEL_INCHES[0], rows * _PANEL_INCHES[1])
    figure = Figure(figsize=size, layout="constrained")
    panels = list(figure.subplots(rows, _PANELS_IN_A_ROW, squeeze=False).flat)
    for axes, model in zip(panels, models, strict=False):
        _panel(axes, results, model, core)
    for axes in panels[len(models) :]:
        axes.axis("off")
    panels[-1].legend(handles=_legend(results), loc="center", frameon=False, fontsize="small")
    unit = "cycles" if core == "avr" else "instructions"
    figure.suptitle(f"{title}: {unit} of a prediction against bytes of flash; lower left is better")
    return figure


def _panel(axes: Axes, results: Results, model: str, core: str) -> None:
    style = _styles()
    for cell in results.cells(model, core, ours=False):
        colour, shape = style[cell.tool]
        face = colour if right(cell) else "none"
        alpha = 1.0 if right(cell) else 0.45
        axes.plot(max(cell.flash, 1), cell.cycles, shape, color=colour, markerfacecolor=face, alpha=alpha)
    ours = [cell for cell in (results.ours(model, core, o) for o in OPTIMIZATIONS) if cell]
    axes.plot([c.flash for c in ours], [c.cycles for c in ours], "-*", color=_OUR_COLOUR, markersize=9)
    same = groupby(sorted(ours, key=_place), _place)  # optimisations may choose the same layout
    for place, cells in same:
        names = ", ".join(cell.configuration for cell in cells)
        axes.annotate(names, place, (4, 4), textcoords="offset points", fontsize="x-small")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(results.models[model]["title"], fontsize="medium")
    _dress(axes, "flash, bytes", "cycles" if core == "avr" else "instructions")


def _place(cell: Cell) -> tuple[float, float]:
    return cell.flash, cell.cycles


def _dress(axes: Axes, x: str, y: str) -> None:
    """Name and tidy axes that are logarithmic already."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=_MOST_TICKS))
        axis.set_major_formatter(EngFormatter(sep=""))
        axis.set_minor_locator(NullLocator())
    axes.set_xlabel(x, fontsize="small")
    axes.set_ylabel(y, fontsize="small")
    axes.grid(True, linewidth=0.4, alpha=0.5)
    axes.tick_params(labelsize="x-small")
    axes.spines[["top", "right"]].set_visible(False)


def _styles() -> dict[str, tuple[str, str]]:
    return {tool: (_COLOURS[i % len(_COLOURS)], _SHAPES[i % len(_SHAPES)]) for i, tool in enumerate(peers())}


def _legend(results: Results) -> list[Line2D]:
    drawn = {entry["tool"] for entry in results.entries if entry["cores"]}
    handles = [Line2D([], [], color=_OUR_COLOUR, marker="*", markersize=9, label=f"{OURS} (this project)")]
    for tool, (colour, shape) in _styles().items():
        if tool in drawn:
            handles.append(
                Line2D([], [], color=colour, marker=shape, linestyle="", label=" ".join(release(tool)))
            )
    hollow = {"color": "#7F7F7F", "markerfacecolor": "none", "linestyle": ""}
    handles.append(Line2D([], [], marker="o", label="hollow: wrong on some test row", **hollow))
    return handles


def _save(figure: Figure, path: Path) -> None:
    """As text that is the same for the same figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "bench", "svg.fonttype": "path"}):
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
