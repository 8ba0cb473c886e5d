"""Commands that talk to a board: check, collect, monitor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress

from micromlgen.cli import view
from micromlgen.cli.models import read_model
from micromlgen.cli.options import FILE, ported, porting, rows_of
from micromlgen.cli.terminal import console
from micromlgen.companion import read_companion
from micromlgen.errors import OverwriteError, UnsupportedError
from micromlgen.transpile import transpile

if TYPE_CHECKING:
    from micromlgen.serial.port import SerialPort

BAUD = 115_200
_port_option = click.option("--port", metavar="PORT", help="Serial port of the board.")
_baud_option = click.option("--baud", type=click.IntRange(min=1), default=BAUD, show_default=True)


def opened(port: str | None, baud: int) -> SerialPort:
    """The port of that name; without one, the error lists those that there are.

    Raises
    ------
    MicromlgenError
        If there is none, or it cannot be opened, or a package is missing.
    """
    try:
        import cobs  # noqa: F401
        from serial.tools import list_ports

        from micromlgen.serial.port import SerialPort
    except ImportError as error:
        raise UnsupportedError(f"{error.name} is missing: pip install 'micromlgen[serial]'") from None
    if port is None:
        there = ", ".join(sorted(each.device for each in list_ports.comports())) or "none"
        raise UnsupportedError(f"name the board's port with --port; ports of this machine: {there}")
    return SerialPort(port, baud)


@click.command()
@porting
@click.argument("data", type=FILE)
@_port_option
@_baud_option
def check(data: Path, port: str | None, baud: int, **options: Any) -> int:
    """Let a board predict the rows of DATA, and compare its answers with MODEL's.

    The board runs the sketch of `micromlgen new SKETCH MODEL --check`, made with the same options. The exit
    code is 1 unless it answers every row as the Python twin does.

    \b
    Example:
      micromlgen check forest.skops test.csv --name gesture --port /dev/ttyACM0
    """  # noqa: D301 (\b keeps the lines)
    program = ported(**options)
    rows = rows_of(program.estimator, data, options["drop"])
    board = opened(port, baud)
    from micromlgen.serial.check import check as check_board

    try:
        screen = console(err=True)
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
            task = progress.add_task("rows", total=len(rows))
            report = check_board(program, rows, board, lambda done: progress.update(task, completed=done))
    finally:
        board.close()
    console().print(str(report), soft_wrap=True, markup=False)
    return 0 if report else 1


@click.command()
@click.option("-o", "--output", required=True, type=FILE, help="A .csv file, which grows; or .npz beside it.")
@click.option("--label", required=True, help="What the samples are.")
@_port_option
@_baud_option
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after that; else Ctrl-C.")
@click.option("--samples", type=click.IntRange(min=1), help="End after so many.")
@click.option("--window", type=click.IntRange(min=1), default=1, help="Of .npz: samples of a window.")
@click.option("--step", type=click.IntRange(min=1), help="Of .npz: samples from window to window.")
@click.option("--force", is_flag=True, help="Replace the .npz file.")
def collect(
    output: Path,
    label: str,
    port: str | None,
    baud: int,
    seconds: float | None,
    samples: int | None,
    window: int,
    step: int | None,
    force: bool,
) -> int:
    """Record samples that any sketch prints, a line of numbers for each.

    They are added to a CSV file as they arrive, with time, segment and label. An .npz file is made of all
    that the CSV file of the same name has: X, of shape (samples, columns) or (windows, columns, samples of
    a window), and y.

    \b
    Example:
      micromlgen collect -o moves.csv --label walking --seconds 60 --port /dev/ttyACM0
      micromlgen collect -o moves.npz --label running --window 100 --port /dev/ttyACM0
    """  # noqa: D301 (\b keeps the lines)
    if output.suffix not in (".csv", ".npz"):
        raise UnsupportedError(f"{output}: recordings are .csv or .npz files")
    if output.suffix == ".npz" and output.exists() and not force:
        raise OverwriteError(f"{output} is there already; --force replaces it")
    board = opened(port, baud)
    from micromlgen.serial import collect as collecting
    from micromlgen.serial.recording import read_recording, save_recording

    screen, journal = console(err=True), output.with_suffix(".csv")
    try:
        with view.Screen(screen) as picture:

            def show(state: collecting.Collected) -> None:
                picture.draw(lambda: view.recording(state, label))

            state = collecting.collect(board, journal, label, seconds, samples, show)
    finally:
        board.close()
    screen.print(view.recording(state, label).title, soft_wrap=True, markup=False)
    if output.suffix == ".npz":
        save_recording(output, read_recording(journal, window, step), force)
    if state.error:
        raise UnsupportedError(state.error)
    return 0


@click.command()
@click.argument("companion", type=FILE)
@_port_option
@_baud_option
@click.option("--log", type=FILE, help="A .csv file to add every prediction to.")
@click.option("--against", type=FILE, metavar="MODEL", help="Another model, to compare on the same features.")
@click.option("--trust", is_flag=True, help="Of --against: read a pickle, which can run any program.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after that; else Ctrl-C.")
def monitor(
    companion: Path,
    port: str | None,
    baud: int,
    log: Path | None,
    against: Path | None,
    trust: bool,
    seconds: float | None,
) -> int:
    """Watch a board predict: answers, latency, and whether the features drift from the training data.

    COMPANION is the .json file beside the header, which `port` and `new` write where they have --calibration
    rows. The board runs a sketch of `micromlgen new`, or the example of the Arduino library.

    \b
    Example:
      micromlgen monitor Garden/iris.json --port /dev/ttyACM0 --log garden.csv --against new.skops
    """  # noqa: D301 (\b keeps the lines)
    if not companion.is_file():
        raise UnsupportedError(f"{companion}: no such file")
    known = read_companion(companion.read_text(encoding="utf-8", errors="replace"))
    other = None if against is None else transpile(read_model(against, trust))
    board = opened(port, baud)
    from micromlgen.serial import monitor as monitoring

    screen = console(err=True)
    try:
        with view.Screen(screen) as picture:

            def show(state: monitoring.Watched) -> None:
                picture.draw(lambda: view.watching(state))

            state = monitoring.monitor(board, known, log, other, seconds, show)
    finally:
        board.close()
    console().print(str(state), soft_wrap=True, markup=False)
    return 1 if state.error else 0


COMMANDS = (check, collect, monitor)
