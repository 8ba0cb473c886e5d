"""How training rows are stored: as they are, in as few bits as they need, or by the number of their value."""

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
#: Measured with -Os on each of `_CORES`: bytes of code, cycles of a row, of a feature. Squares of rows as
#: they are have kernels; "other" is what computes integers without one.
_COSTS = {
    "float32": ((1180, 1060, 340, 1140), (440, 260, 15, 190), (220, 113, 5.4, 73)),
    "int16": ((690, 290, 375, 360), (40, 22, 29, 10), (41, 6.5, 2.7, 5.8)),
    "int8": ((520, 255, 320, 290), (85, 16, 25, 5), (16, 6.6, 2.4, 5.9)),
    "other float32": ((1480, 3150, 350, 4370), (100, 50, 5, 36), (386, 250, 8.5, 244)),
    "other int16": ((1000, 370, 400, 425), (100, 5, 5, 5), (111, 18, 11, 11.5)),
    "other int8": ((670, 270, 290, 290), (52, 5, 5, 5), (36, 11, 5.8, 6.7)),
}


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
    """Numbers of float values among the distinct ones; None where those are many, or nothing is saved."""
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
    squares = rows.metric.p == 2 and rows.metric.weights is None
    kind = rows.values.dtype.name
    found = [_layout("rows", plain(rows), rows, kind if squares else f"other {kind}", others)]
    for name, stored in (("packed", packed(rows)), ("pooled", pooled(rows))):
        if stored is not None:
            found.append(_layout(name, stored, rows, f"other {kind}", others))
    return found


def _layout(name: str, stored: Stored, rows: Rows, kind: str, others: Sequence[Array]) -> Layout:
    def build() -> Mapping[str, Any]:
        return {"stored": stored}

    arrays = [*stored.all, *others, *([] if rows.features is None else [narrow(rows.features)])]
    tables = [t.nbytes for t in arrays]
    code, row, feature = _COSTS[kind]
    return Layout(
        name=name,
        flash={c: sum(tables) + code[i] for i, c in enumerate(_CORES)},
        cycles={c: len(rows.values) * (row[i] + rows.read * feature[i]) for i, c in enumerate(_CORES)},
        build=build,
        tables=tables,
    )
