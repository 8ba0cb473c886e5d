"""Rows of features from files: CSV, NPZ, Parquet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError

_SEPARATORS = "\t;,"


class Table(NamedTuple):
    """Columns of a file, with their names where it has some."""

    path: Path
    columns: Sequence[Sequence[Any]]
    names: tuple[str, ...] | None


def read_rows(
    path: Path, n_features: int, names: Sequence[str] | None, drop: Sequence[str], what: str = "features"
) -> NDArray[np.float32]:
    """Rows of a file as a model takes them, float32 of shape (n_rows, n_features).

    Parameters
    ----------
    path : Path
        ``.csv`` (or ``.tsv``, ``.txt``) with or without a line of names, ``.npz`` with an array X,
        ``.parquet``.
    n_features : int
    names : sequence of str, or None
        Names that the model knows its features by: columns are found by them where the file has them all.
    drop : sequence of str
        Names of columns to leave out.
    what : str
        What columns are to the model, for the error.

    Raises
    ------
    UnsupportedError
        If the file is no such, or its columns are not these features.
    """
    if not path.is_file():
        raise UnsupportedError(f"{path}: no such file")
    if path.suffix == ".npz":
        table = _read_npz(path)
    elif path.suffix == ".parquet":
        table = _read_parquet(path)
    elif path.suffix in (".csv", ".tsv", ".txt"):
        table = _read_csv(path)
    else:
        raise UnsupportedError(f"{path}: rows are read from .csv, .npz and .parquet")
    chosen = _chosen(table, names, drop)
    if len(chosen) != n_features:
        raise UnsupportedError(
            f"{path} has {len(chosen)} columns{_listed(table, chosen)}, the model takes {n_features} {what}"
            + ("; leave others out with --drop NAME" if len(chosen) > n_features and table.names else "")
        )
    rows = np.stack([_numbers(table, i) for i in chosen], axis=1)
    if not len(rows):
        raise UnsupportedError(f"{path} has no rows")
    return rows


def _chosen(table: Table, names: Sequence[str] | None, drop: Sequence[str]) -> list[int]:
    known = table.names or ()
    for name in drop:
        if name not in known:
            raise UnsupportedError(f"{table.path} has no column {name!r} to drop")
    if names and set(names) <= set(known):
        return [known.index(name) for name in names]
    return [i for i in range(len(table.columns)) if not known or known[i] not in drop]


def _listed(table: Table, chosen: Sequence[int]) -> str:
    if table.names is None or len(chosen) > 12:
        return ""
    return f" ({', '.join(table.names[i] for i in chosen)})"


def _numbers(table: Table, i: int) -> NDArray[np.float32]:
    column = table.columns[i]
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiub":
        with np.errstate(over="ignore"):
            return column.astype(np.float32)
    return np.array([_number(table, i, row, cell) for row, cell in enumerate(column)], np.float32)


def _number(table: Table, i: int, row: int, cell: Any) -> float:
    if cell is None or cell == "":
        return float("nan")
    try:
        return float(cell)
    except (TypeError, ValueError):
        name = table.names[i] if table.names else i + 1
        raise UnsupportedError(
            f"{table.path}, row {row + 1}, column {name}: {str(cell)[:40]!r} is no number"
        ) from None


def _read_csv(path: Path) -> Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = max(_SEPARATORS, key=file.readline().count)
            file.seek(0)
            lines = [line for line in csv.reader(file, delimiter=separator) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnsupportedError(f"{path} is no text of numbers: {error}") from None
    if not lines:
        raise UnsupportedError(f"{path} is empty")
    names = None if any(map(_is_number, lines[0])) else tuple(name.strip() for name in lines[0])
    rows = lines if names is None else lines[1:]
    for number, row in enumerate(rows):
        if len(row) != len(lines[0]):
            raise UnsupportedError(
                f"{path}, row {number + 1} has {len(row)} columns, the first line {len(lines[0])}"
            )
    columns = list(zip(*rows, strict=True)) or [()] * len(lines[0])
    return Table(path, columns, names)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_npz(path: Path) -> Table:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            key = "X" if "X" in arrays.files else arrays.files[0] if len(arrays.files) == 1 else None
            if key is None:
                raise UnsupportedError(f"{path} has no array X, but {', '.join(arrays.files) or 'nothing'}")
            X = arrays[key]
    except UnsupportedError:
        raise
    except Exception as error:  # whatever the bytes of a spoilt file make it do
        raise UnsupportedError(f"{path} cannot be read as arrays of NumPy: {error}") from None
    if X.ndim != 2 or X.dtype.kind not in "fiub":
        raise UnsupportedError(f"{path}: X is {X.dtype} of shape {X.shape}; numbers in rows are needed")
    return Table(path, list(X.T), None)


def _read_parquet(path: Path) -> Table:
    try:
        from pyarrow import parquet
    except ImportError:
        raise UnsupportedError(f"{path}: Parquet needs pyarrow: pip install pyarrow") from None
    try:
        table = parquet.read_table(path)
        columns = [column.to_pylist() for column in table.columns]
    except Exception as error:  # as above
        raise UnsupportedError(f"{path} cannot be read as Parquet: {error}") from None
    return Table(path, columns, tuple(table.column_names))
