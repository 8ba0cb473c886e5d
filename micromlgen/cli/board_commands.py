"""Commands that talk to a board: check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress

from micromlgen.cli.options import FILE, ported, porting, rows_of
from micromlgen.cli.terminal import console
from micromlgen.errors import UnsupportedError

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


COMMANDS = (check,)
