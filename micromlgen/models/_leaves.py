"""What the leaves of trees hold in flash: small codes, and what a code adds to several columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._orders import Ordered, by_tree
from micromlgen.tables import Column, column, narrow, unsigned_for

Array = NDArray[Any]
#: The flag of `Votes.last_flag` takes the highest of 16 bits.
_MOST_COLUMNS = 0x8000


@dataclass(frozen=True, eq=False)
class Codes:
    """Small non-negative integers, one a leaf, in a few bits each.

    A code that does not fit is kept in a list of exceptions, and the highest value of those bits says so.

    Parameters
    ----------
    bits : {1, 2, 4, 8, 16, 32}
    data : unsigned array
        Below 8 bits several in a byte, the first one lowest.
    limit : int
        Largest code.
    leaf, code : unsigned arrays, or None where there are no exceptions
        Number of the leaf within its tree, and its code; in the order of the leaves.
    start : unsigned array of shape (n_trees,), or None
        First exception of each tree; None also for a single tree.
    """

    bits: int
    data: Array
    limit: int
    leaf: Array | None
    code: Array | None
    start: Array | None

    @property
    def mask(self) -> int:
        """The highest value of a field."""
        return (1 << self.bits) - 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a code."""
        return unsigned_for(self.limit)

    @property
    def tables(self) -> list[Array]:
        """The arrays in flash."""
        return [t for t in (self.data, self.leaf, self.code, self.start) if t is not None]


def pack_codes(codes: Array, first: Array) -> Codes:
    """The codes in the fewest bytes.

    Parameters
    ----------
    codes : non-negative integer array of shape (n_leaves,)
    first : integer array of shape (n_trees,)
        First leaf of each tree.
    """
    codes = codes.astype(np.int64)
    limit = int(codes.max())
    enough = next(bits for bits in (1, 2, 4, 8, 16, 32) if limit < 1 << bits)
    candidates = [_pack(codes, first, bits, limit) for bits in (1, 2, 4, 8, 16) if bits < enough]
    candidates = [c for c in candidates if c is not None]
    candidates.append(_pack(codes, first, enough, limit, exceptions=False))
    return min((c for c in candidates if c), key=lambda c: sum(t.nbytes for t in c.tables))


def _pack(codes: Array, first: Array, bits: int, limit: int, exceptions: bool = True) -> Codes | None:
    mask = (1 << bits) - 1
    at = np.flatnonzero(codes >= mask) if exceptions else np.empty(0, np.int64)
    if len(at) > len(codes) // 3:
        return None
    fields = np.minimum(codes, mask)
    if bits < 8:
        per_byte = 8 // bits
        padded = np.zeros(-(-len(codes) // per_byte) * per_byte, np.int64)
        padded[: len(codes)] = fields
        data = (padded.reshape(-1, per_byte) << np.arange(0, 8, bits)).sum(axis=1).astype(np.uint8)
    else:
        data = fields.astype(f"u{bits // 8}")
    if not len(at):
        return Codes(bits, data, limit, None, None, None)
    leaf, start = by_tree(at, first)
    return Codes(bits, data, limit, leaf, narrow(codes[at]), start)


@dataclass(frozen=True, eq=False)
class LeafTable:
    """What each leaf has, in the order of a table of nodes: an amount, or a code."""

    amount: Column | None
    codes: Codes | None

    @property
    def tables(self) -> list[Array]:
        """The arrays in flash."""
        part = self.amount or self.codes
        return part.tables if part else []


def coded(rows: Array, ordered: Ordered) -> LeafTable:
    """A small non-negative integer for each leaf: `rows` has them by row of the leaf values."""
    return LeafTable(None, pack_codes(rows[ordered.leaf], ordered.first))


def amounts(values: Array, ordered: Ordered) -> LeafTable:
    """An integer for each leaf, in few bits where small: `values` has them by row of the leaf values."""
    of_leaves = values[ordered.leaf]
    amount = column(of_leaves)
    if of_leaves.min() >= 0 and of_leaves.max() < 1 << 16:
        codes = pack_codes(of_leaves, ordered.first)
        if sum(t.nbytes for t in codes.tables) < amount.nbytes:
            return LeafTable(None, codes)
    return LeafTable(amount, None)


@dataclass(frozen=True, eq=False)
class Votes:
    """What leaves add to several columns, as codes and tables in flash.

    The code of a leaf that gives everything it has to one column is the number of that column; any other
    code is ``n_columns`` + an offset into the pairs `column` and `amount`, whose last one of a leaf is
    flagged in `column` by `last_flag`.
    """

    #: Code of each row of the leaf values.
    code: Array
    #: What a leaf gives to its only column, where it gives all to one.
    whole: int
    #: None where every leaf does so.
    column: Array | None
    amount: Column | None
    last_flag: int

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """Type of a code."""
        return self.code.dtype

    @property
    def tables(self) -> list[Array]:
        """The arrays of pairs in flash."""
        return [] if self.column is None or self.amount is None else [self.column, *self.amount.tables]


def pack_votes(values: Array) -> Votes:
    """Pack the integers that leaves add, shape (n_distinct, n_columns), n_columns > 1.

    Raises
    ------
    UnsupportedError
        If there are too many columns.
    """
    n_columns = values.shape[1]
    if n_columns >= _MOST_COLUMNS:
        raise UnsupportedError(
            f"{n_columns} classes and outputs in all; fewer than {_MOST_COLUMNS} can be ported"
        )
    whole = int(values.max())
    pure = (np.count_nonzero(values, axis=1) == 1) & (values.max(axis=1) == whole) & (whole > 0)
    code = values.argmax(axis=1)
    last = 0x80 if n_columns <= 0x80 else _MOST_COLUMNS
    columns: list[int] = []
    amounts: list[int] = []
    for i in np.flatnonzero(~pure):
        code[i] = n_columns + len(columns)
        filled = np.flatnonzero(values[i]).tolist() or [0]
        columns += [*filled[:-1], filled[-1] | last]
        amounts += values[i, filled].tolist()
    return Votes(
        code=narrow(code),
        whole=whole,
        column=narrow(np.array(columns)) if columns else None,
        amount=column(np.array(amounts)) if columns else None,
        last_flag=last,
    )
