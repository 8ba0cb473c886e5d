"""Recordings as arrays: rows for a model, or windows of them."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import OverwriteError, UnsupportedError

_OWN = ["time", "segment", "label"]


class Recording(NamedTuple):
    """What was collected.

    Attributes
    ----------
    X : float32 array of shape (n_samples, n_columns), or of windows (n_windows, n_columns, window)
    y : array of str, shape (n,)
    names : tuple of str
    rate : float
        Samples in a second, the median over segments.
    """

    X: NDArray[np.float32]
    y: NDArray[Any]
    names: tuple[str, ...]
    rate: float


def read_recording(path: str | Path, window: int = 1, step: int | None = None) -> Recording:
    """Samples of a CSV file that `collect` wrote, or windows of them that lie within a segment.

    Parameters
    ----------
    path : str or Path
    window : int
        Samples of a window; 1: samples as they are.
    step : int, optional
        Samples from the start of a window to that of the next; by default the windows do not overlap.

    Raises
    ------
    UnsupportedError
        If the file is no recording, or no segment is as long as a window.
    """
    if window < 1 or (step is not None and step < 1):
        raise UnsupportedError(f"window={window}, step={step}: whole numbers above 0 are needed")
    names, times, segments, labels, values = _read(Path(path))
    starts = np.flatnonzero(np.diff(segments, prepend=segments[:1] - 1))
    ends = np.append(starts[1:], len(segments))
    spans, counts = times[ends - 1] - times[starts], ends - starts - 1
    rate = float(np.median(counts[spans > 0] / spans[spans > 0])) if (spans > 0).any() else 0.0
    if window == 1 and step is None:
        return Recording(values, labels, names, rate)
    first = [i for a, b in zip(starts, ends, strict=True) for i in range(a, b - window + 1, step or window)]
    if not first:
        raise UnsupportedError(f"{path}: no {window} samples follow each other without a gap")
    X = np.stack([values[i : i + window].T for i in first])
    return Recording(X, labels[first], names, rate)


def save_recording(path: Path, recording: Recording, force: bool) -> None:
    """Write a recording as arrays X, y, names and rate, all at once.

    Raises
    ------
    OverwriteError
        If the file is there, and not `force`.
    """
    if path.exists() and not force:
        raise OverwriteError(f"{path} is there already; --force replaces it")
    partial = path.with_name(f"{path.name}.part")
    with partial.open("wb") as file:
        np.savez_compressed(file, X=recording.X, y=recording.y, names=recording.names, rate=recording.rate)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def last_segment(path: Path) -> int:
    """Number of the last segment of a recording; -1 where there is none."""
    if not path.is_file():
        return -1
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        numbers = [row[1] for row in csv.reader(file) if len(row) > len(_OWN)]
    return max((int(number) for number in numbers if number.isdecimal()), default=-1)


def _read(
    path: Path,
) -> tuple[tuple[str, ...], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.float32]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        if head[:3] != _OWN or not rows or {len(row) for row in rows} != {len(head)}:
            raise ValueError("other columns")
        columns: Sequence[Sequence[str]] = list(zip(*rows, strict=True))
        times, segments = np.array(columns[0], float), np.array(columns[1], int)
        values = np.array(columns[3:], np.float32).T
    except (ValueError, UnicodeDecodeError, csv.Error) as error:
        raise UnsupportedError(f"{path} is no recording of `micromlgen collect`: {error}") from None
    return tuple(head[3:]), times, segments, np.array(columns[2]), values
