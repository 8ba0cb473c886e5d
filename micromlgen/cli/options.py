"""Arguments and options that commands share, and the program that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray

from micromlgen.cli.data import read_rows
from micromlgen.cli.models import read_model
from micromlgen.convert import convert
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import DTYPES
from micromlgen.program import Program
from micromlgen.transpile import transpile

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(dir_okay=False, path_type=Path)

_PORTING: tuple[Callable[[Any], Any], ...] = (
    click.argument("model", type=FILE),
    click.option("--name", help="C names: NAME_predict and so on."),
    click.option("--dtype", type=click.Choice((*DTYPES, "auto")), default="float32", show_default=True),
    click.option("--calibration", type=FILE, help="Typical rows: .csv, .npz or .parquet."),
    click.option("--optimize", type=click.Choice(("balanced", "size", "speed")), default="balanced"),
    click.option("--target", metavar="BOARD", help="Plan for this board alone."),
    click.option("--missing", type=click.Choice(("exact", "never")), help="Missing values."),
    click.option("--compress", type=float, metavar="SHARE", help="Give up exactness down to this agreement."),
    click.option("--min-agreement", type=float, default=0.99, show_default=True, metavar="SHARE"),
    click.option("--drop", multiple=True, metavar="COLUMN", help="Leave this column of a data file out."),
    click.option("--trust", is_flag=True, help="Read a pickle, which can run any program, or unknown types."),
)


def porting(command: Command) -> Command:
    """Give a command the argument MODEL and the options of `transpile`; it passes them to `ported`."""
    for decorate in reversed(_PORTING):
        command = decorate(command)
    return command


def ported(
    model: Path,
    calibration: Path | None = None,
    drop: Sequence[str] = (),
    trust: bool = False,
    **options: Any,
) -> Program:
    """The program that the options ask for.

    Raises
    ------
    MicromlgenError
        If it cannot be.
    """
    estimator = read_model(model, trust)
    rows = None
    if calibration is not None:
        rows = rows_of(estimator, calibration, drop)
    return transpile(estimator, calibration=rows, **options)


def rows_of(estimator: Any, path: Path, drop: Sequence[str]) -> Any:
    """Rows of a data file, as the estimator takes them: float32 or int16 of shape (n_rows, n_features)."""
    inputs = convert(estimator).input
    rows = read_rows(path, inputs.n_features, inputs.names, drop)
    return _samples(path, rows, "windows of int16 samples") if inputs.samples else rows


def recording_of(program: Program, path: Path, drop: Sequence[str]) -> NDArray[np.int16]:
    """A recording of a data file, a column for each channel: int16 of shape (n_samples, n_channels)."""
    stream = program.model.streamed()
    assert stream is not None
    n, what = stream.n_channels, "channels of samples" if stream.n_channels > 1 else "channel of samples"
    return _samples(path, read_rows(path, n, None, drop, what), "int16 samples")


def _samples(path: Path, rows: NDArray[np.float32], what: str) -> NDArray[np.int16]:
    if not (np.abs(rows + 0.5) < 32768).all() or (rows != np.rint(rows)).any():
        raise UnsupportedError(f"{path}: the model takes {what}, integers of 16 bits")
    return rows.astype(np.int16)
