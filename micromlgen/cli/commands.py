"""Commands that need no board: port, verify, footprint, new, boards."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress
from rich.table import Table

from micromlgen.boards import Board, board, boards
from micromlgen.cli.options import FILE, ported, porting, recording_of, rows_of
from micromlgen.cli.terminal import console
from micromlgen.errors import ToolchainError, UnsupportedError
from micromlgen.footprint import Footprint, StreamFootprint
from micromlgen.layouts import LAYOUTS, PROJECTS

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@porting
@click.option("-o", "--output", type=click.Path(), help="File or folder; else standard output.")
@click.option("--layout", type=click.Choice(("header", *LAYOUTS)), default="header", show_default=True)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def port(output: str | None, layout: str, force: bool, **options: Any) -> None:
    """Write the header of MODEL, a file of skops.

    Its name is that of the output unless --name says otherwise.

    \b
    Example:
      micromlgen port forest.skops -o gesture.h --dtype int16 --calibration train.csv
      micromlgen port forest.skops -o Gesture --layout arduino
    """  # noqa: D301 (\b keeps the lines)
    if output is None and layout != "header":
        raise click.UsageError(f"--layout {layout} writes a folder: name it with -o")
    if output is not None and options["name"] is None:
        options["name"] = _name_of(output, layout)
    program = ported(**options)
    if output is None:
        click.echo(program.header, nl=False)
        return
    written = program.save(output, layout=layout, force=force)
    console(err=True).print(f"{written}: {program.model.source}, {program.layout}", soft_wrap=True)


def _name_of(output: str, layout: str) -> str | None:
    """The name of a header in this file, or of a library in this folder, if it may be called so."""
    if layout == "header" and (Path(output).is_dir() or output.endswith(("/", "\\"))):
        return None
    stem = re.sub(r"[^A-Za-z0-9]+", "_", Path(output).resolve().stem).strip("_")
    return stem if stem[:1].isalpha() else None


@click.command()
@porting
@click.argument("data", type=FILE)
def verify(data: Path, **options: Any) -> int:
    """Compile the header of MODEL on this machine and compare it with scikit-learn on DATA.

    Every threshold of the model is tried besides. The exit code is 1 where something differs.

    \b
    Example:
      micromlgen verify forest.skops test.csv --dtype int16 --calibration train.csv
    """  # noqa: D301 (\b keeps the lines)
    program = ported(**options)
    report = program.verify(rows_of(program.estimator, data, options["drop"]))
    console().print(str(report), soft_wrap=True, markup=False)
    return 0 if report else 1


@click.command()
@porting
@click.option(
    "--board", "names", multiple=True, metavar="BOARD", help="Of `micromlgen boards`, or all; repeatable."
)
@click.option("--data", type=FILE, help="Rows to average cycles over; else the calibration rows.")
@click.option(
    "--stream",
    is_flag=True,
    help="Of samples one by one: what a hop costs, its samples and its answer. --data is a recording then, a "
    "column for each channel.",
)
def footprint(names: tuple[str, ...], data: Path | None, stream: bool, **options: Any) -> int:
    """Measure MODEL on simulated boards: flash, RAM, stack, cycles, time, energy.

    The exit code is 1 where it does not fit a board that was named.

    \b
    Example:
      micromlgen footprint forest.skops --board uno --board nano33ble --data test.csv
      micromlgen footprint forest.skops --board all
      micromlgen footprint keywords.skops --board nano33ble --stream --data speech.csv
    """  # noqa: D301 (\b keeps the lines)
    chosen = boards() if "all" in names else [board(name) for name in names or ("uno",)]
    program = ported(**options)
    if stream and program.model.streamed() is None:
        raise UnsupportedError(f"{program.model.source} takes features, not samples: leave out --stream")
    measure: Callable[[str], Footprint]
    if stream:
        recording = None if data is None else recording_of(program, data, options["drop"])
        measure = partial(program.stream_footprint, recording=recording)
    else:
        rows = None if data is None else rows_of(program.estimator, data, options["drop"])
        measure = partial(program.footprint, X=rows)
    table = Table(title=f"{program.name.snake} ({program.model.source}, {program.model.input.dtype})")
    cost = ("a hop", "a sample", "an answer") if stream else ("cost",)
    for column in ("board", "fits", "flash", "RAM", "stack", *cost, "time", "energy", "figures"):
        table.add_column(column, justify="left" if column in ("board", "figures") else "right")
    failed = []
    for each, found in zip(chosen, _figures(measure, chosen), strict=True):
        told = (each.title, "no") if isinstance(found, ToolchainError) else _measured(found)
        table.add_row(*told)
        if told[1] == "no":
            failed.append(f"{each.name}: {found}")
    console().print(table)
    if failed and "all" not in names:
        raise ToolchainError("; ".join(failed))
    return 0


def _figures(
    measure: Callable[[str], Footprint], chosen: Sequence[Board]
) -> list[Footprint | ToolchainError]:
    """What each board says; boards with the same core are measured once."""
    on_core: dict[str, Footprint | ToolchainError] = {}
    screen = console(err=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        for each in progress.track(chosen, description="boards"):
            if each.core.name not in on_core:
                try:
                    on_core[each.core.name] = measure(each.name)
                except ToolchainError as error:
                    on_core[each.core.name] = error
    found = [on_core[each.core.name] for each in chosen]
    return [
        it if isinstance(it, ToolchainError) else replace(it, board=each)
        for each, it in zip(chosen, found, strict=True)
    ]


def _measured(it: Footprint) -> tuple[str, ...]:
    time = f"{it.time_ms:.3g} ms" if it.time_ms >= 0.1 else f"{1000 * it.time_ms:.3g} µs"
    estimated = [figure for figure, how in it.how.items() if how == "estimated"]
    return (
        it.board.title,
        "yes" if it.fits else "no",
        f"{it.flash} B of {it.board.flash}",
        f"{it.ram} B",
        f"{it.stack} B",
        f"{it.cycles_mean:.0f} {it.unit}",
        *(_of_stream(it) if isinstance(it, StreamFootprint) else ()),
        time,
        "" if it.energy_uj is None else f"{it.energy_uj:.3g} µJ",
        f"estimated: {', '.join(estimated)}" if estimated else "measured",
    )


def _of_stream(it: StreamFootprint) -> tuple[str, str]:
    return f"{it.push_mean:.0f}, at most {it.push_max:.0f}", f"{it.answer_mean:.0f}"


@click.command("boards")
def list_boards() -> None:
    """List the boards that `footprint` and `--target` know.

    \b
    Example:
      micromlgen boards
    """  # noqa: D301 (\b keeps the lines)
    table = Table()
    for column in ("name", "board", "processor", "flash", "RAM", "clock", "FPU", "figures"):
        table.add_column(column, justify="right" if column in ("flash", "RAM", "clock") else "left")
    for it in boards():
        table.add_row(*_described(it))
    console().print(table)


def _described(it: Board) -> tuple[str, ...]:
    return (
        it.name,
        it.title,
        it.core.name,
        f"{it.flash / 1024:.0f} KB",
        f"{it.ram / 1024:.3g} KB",
        f"{it.clock_hz / 1e6:g} MHz",
        "yes" if it.fpu else "",
        it.how,
    )


@click.command()
@click.argument("sketch", type=FOLDER)
@porting
@click.option("--kind", type=click.Choice(tuple(PROJECTS)), default="arduino", show_default=True)
@click.option("--check", is_flag=True, help="The sketch that `micromlgen check` talks to.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def new(sketch: Path, kind: str, check: bool, force: bool, **options: Any) -> None:
    """Make a project in the folder SKETCH that predicts with MODEL, ready to build.

    \b
    Example:
      micromlgen new Wrist forest.skops --name gesture
      micromlgen new wrist forest.skops --name gesture --kind zephyr
    """  # noqa: D301 (\b keeps the lines)
    program = ported(**options)
    if sketch.is_symlink():
        raise UnsupportedError(f"{sketch} is a link: name the folder itself")
    files = program.new(sketch, kind, check, force)
    console(err=True).print("\n".join(map(str, files)), soft_wrap=True, markup=False)


COMMANDS = (port, verify, footprint, new, list_boards)
