"""How training rows are stored: as they are, with as few bits as they need, or by the number of their value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.ir import Layout
from micromlgen.models._neighbors_rows import Rows
from micromlgen.tables import narrow

Array = NDArray[Any]
#: Bytes of the largest object that avr-gcc takes.
_LARGEST_OBJECT = 32_767
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -Os on each of `_CORES`: bytes of code, cycles of a row, cycles of a feature.
_CODE = {"float": (900, 1300, 200, 1300), "int16": (330, 200, 200, 190), "int8": (300, 190, 190, 180)}
_ROW = {"float": (150, 60, 25, 60), "int16": (60, 25, 25, 25), "int8": (55, 25, 25, 25)}
_FEATURE = {"float": (330, 220, 6, 230), "int16": (36, 9, 9, 9), "int8": (22, 9, 9, 9)}
#: More, of a feature, where values are unpacked or looked up.
_UNPACKED = (8, 4, 3, 4)
_LOOKED_UP = (25, 3, 3, 3)


@dataclass(frozen=True, eq=False)
class Stored:
    """Rows in flash, for the macros of templates/neighbors_distance.h.j2.

    Parameters
    ----------
    tables : list of array
        Of equal rows, each small enough for an AVR.
    starts : list of int
        The first row of each.
    bits : int
        Where it is not 0, so many bits hold a value: the first of a unit the lowest.
    size, count : int
        Bytes of a unit, and how many values it holds; three bytes stand lowest first.
    low : int
        What is added to an integer that was packed.
    pool : float32 array or None
        The values, where numbers of them are packed.
    """

    tables: Sequence[Array]
    starts: Sequence[int]
    bits: int = 0
    size: int = 1
    count: int = 1
    low: int = 0
    pool: Array | None = None

    @property
    def row(self) -> int:
        """Elements of a row."""
        return int(self.tables[0].shape[1])

    @property
    def turn(self) -> int:
        """Units between two looks at the limit: about four values."""
        return max(1, round(4 / self.count))

    @property
    def all(self) -> list[Array]:
        """The arrays in flash."""
        return [*self.tables, *([] if self.pool is None else [self.pool])]


def _cut(values: Array) -> tuple[list[Array], list[int]]:
    per_table = max(1, _LARGEST_OBJECT // (values.shape[1] * values.itemsize))
    starts = list(range(0, len(values), per_table))
    return np.split(values, starts[1:]), starts


def _unit(bits: int) -> tuple[int, int]:
    """Bytes of the smallest unit that wastes least of its bits, and how many values of `bits` bits it holds.

    >>> _unit(5), _unit(12), _unit(7)
    ((2, 3), (3, 2), (1, 1))
    """
    return max(((size, size * 8 // bits) for size in (1, 2, 3, 4)), key=lambda u: (u[1] / u[0], -u[0]))


def plain(rows: Rows) -> Stored:
    """Rows as they are."""
    return Stored(*_cut(rows.values))


def pooled(rows: Rows) -> Stored | None:
    """Numbers of float values among the distinct ones; None where a byte does not count them, or saves none."""
    if rows.is_integer:
        return None
    pool, index = np.unique(rows.values, return_inverse=True)
    if len(pool) > 256:
        return None
    stored = _packed(index.reshape(rows.values.shape).astype(np.int64), len(pool) - 1, 0, pool)
    return stored if sum(t.nbytes for t in stored.all) < rows.values.nbytes else None


def packed(rows: Rows) -> Stored | None:
    """Integers in as few bits as their range needs; None where that saves nothing."""
    if not rows.is_integer:
        return None
    low, high = int(rows.values.min()), int(rows.values.max())
    stored = _packed(rows.values.astype(np.int64) - low, high - low, low, None)
    return stored if sum(t.nbytes for t in stored.tables) < rows.values.nbytes else None


def _packed(values: NDArray[np.int64], highest: int, low: int, pool: Array | None) -> Stored:
    bits = max(highest.bit_length(), 1)
    size, count = _unit(bits)
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % count)))
    units = (padded.reshape(len(values), -1, count) << (bits * np.arange(count))).sum(axis=2)
    if size == 3:
        low_first = np.ascontiguousarray(units, "<u4").view(np.uint8).reshape(len(values), -1, 4)[:, :, :3]
        table = np.ascontiguousarray(low_first).reshape(len(values), -1)
    else:
        table = units.astype(f"u{size}")
    return Stored(*_cut(table), bits=bits, size=size, count=count, low=low, pool=pool)


def layouts(rows: Rows, others: Sequence[Array]) -> list[Layout]:
    """The ways to store rows; `others` are tables that all have."""
    kind = rows.values.dtype.name if rows.is_integer else "float"
    found = [
        _layout("rows", plain(rows), rows, kind, others, (0, 0, 0, 0)),
        _layout("packed", packed(rows), rows, kind, others, _UNPACKED),
        _layout("pooled", pooled(rows), rows, kind, others, _LOOKED_UP),
    ]
    return [x for x in found if x is not None]


def _layout(
    name: str, stored: Stored | None, rows: Rows, kind: str, others: Sequence[Array], more: Sequence[int]
) -> Layout | None:
    if stored is None:
        return None

    def build() -> Mapping[str, Any]:
        return {"stored": stored}

    more_tables = [*others]
    if rows.features is not None:
        more_tables.append(narrow(rows.features))
    tables = [t.nbytes for t in (*stored.all, *more_tables)]
    n = len(rows.values)
    return Layout(
        name=name,
        flash={c: sum(tables) + _CODE[kind][i] for i, c in enumerate(_CORES)},
        cycles={
            c: n * (_ROW[kind][i] + rows.read * (_FEATURE[kind][i] + more[i])) for i, c in enumerate(_CORES)
        },
        build=build,
        tables=tables,
    )
