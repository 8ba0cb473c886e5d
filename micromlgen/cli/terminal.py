"""What the commands print with."""

from __future__ import annotations

import sys

import click
from rich.console import Console

#: Of tables that go into a file or a pipe.
_WIDTH = 160


def console(err: bool = False) -> Console:
    """Standard output or error, wide where nobody watches."""
    stream = sys.stderr if err else sys.stdout
    return Console(stderr=err, width=None if stream.isatty() else _WIDTH, highlight=False)


def complain(message: str) -> None:
    """Say in one line what is wrong."""
    click.echo(f"micromlgen: {' '.join(message.split())}", err=True)
