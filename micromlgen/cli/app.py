"""The group of commands, and what becomes of errors: one line on standard error, and an exit code."""

from __future__ import annotations

from collections.abc import Sequence

import click

from micromlgen.cli import board_commands, commands
from micromlgen.cli.terminal import complain
from micromlgen.errors import MicromlgenError

INTERRUPTED = 130  # as shells have it


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="micromlgen")
def cli() -> None:
    """scikit-learn on a microcontroller: a fitted model as one C/C++ header.

    \b
    Example:
      micromlgen port forest.skops -o gesture.h
      micromlgen verify forest.skops test.csv
    """  # noqa: D301 (\b keeps the lines)


for command in (*commands.COMMANDS, *board_commands.COMMANDS):
    cli.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code: 1 for what failed, 2 for what was typed wrongly."""
    try:
        return int(cli.main(list(arguments), prog_name="micromlgen", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        complain(error.format_message())
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain("stopped")
        return INTERRUPTED
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
        return 1
    except MicromlgenError as error:
        complain(str(error))
        return 1
