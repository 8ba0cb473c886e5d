"""Two ways to walk `Trees` in C, and what they cost: straight code, and a compact table in flash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Input, Layout
from micromlgen.models._trees import Trees
from micromlgen.tables import Column, column, index_for, narrow

Array = NDArray[Any]


class Step(NamedTuple):
    """One line of straight code: a test that falls through to the left child, or a leaf."""

    #: Number of this node where a jump leads here, else None: left children are fallen into.
    label: int | None
    #: -1 at a leaf.
    feature: int
    #: No x goes right: at a leaf, and where an integer threshold is the highest of its type.
    never: bool
    threshold: int
    missing_left: bool
    #: Where ``x > threshold`` goes.
    right: int
    #: Row of the leaf values, at a leaf.
    row: int
    #: The threshold in raw features, as people write it.
    note: str


def steps(trees: Trees, inputs: Input, t: int) -> Iterator[Step]:
    """Tree t as straight code, in preorder of inner nodes and leaves together."""
    i = int(trees.start[t])
    end, leaf = i + int(trees.size[t]), i + t
    feature, skip = trees.feature[i:end].tolist(), trees.skip[i:end].tolist()
    keys, missing = trees.threshold[i:end], trees.missing_left[i:end].tolist()
    if inputs.exponents is None:
        notes = fixedpoint.unordered(keys).tolist()
    else:
        notes = np.ldexp(keys.astype(np.float64), -inputs.exponents[trees.feature[i:end]]).tolist()
    rows = trees.leaf[leaf : leaf + end - i + 1].tolist()
    thresholds = keys.tolist()
    top = np.iinfo(inputs.dtype if inputs.is_integer else np.int32).max
    # Of each open node, its subtree's size and whether a jump leads to it. Its number is the count of nodes
    # before it, inner nodes and leaves, which is also how a right child is numbered in advance.
    node = row = 0
    todo = [(end - i, False)]
    while todo:
        size, jumped_to = todo.pop()
        number = node + row
        label = number if jumped_to else None
        if size == 0:
            yield Step(label, -1, True, 0, False, 0, rows[row], "")
            row += 1
        else:
            s = skip[node]
            right = number + 2 * s + 2
            never = thresholds[node] >= top and (missing[node] or not inputs.missing)
            note = f"{notes[node]:.9g}"
            yield Step(label, feature[node], never, thresholds[node], missing[node], right, 0, note)
            node += 1
            todo += [(size - s - 1, True), (s, False)]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of the compact table, each at the width that it needs."""

    #: Feature of each node, or ``2 * feature + missing_left`` where missing values are followed.
    feature: Array
    skip: Array
    threshold: Column
    #: Low bits that are zero in every threshold and left out, e.g. half of a float32 that is a small multiple
    #: of one half.
    shift: int
    #: Inner nodes of each tree.
    size: Array
    #: Index type of nodes and leaves.
    index: np.dtype[Any]
    #: Every threshold is at least +0: float bits compare as signed integers without mapping negatives.
    nonnegative: bool

    @property
    def tables(self) -> list[Array]:
        """The arrays in flash."""
        return [self.feature, self.skip, *self.threshold.tables, self.size]


def pack(trees: Trees, inputs: Input) -> Table:
    """Pack `trees` into the narrowest columns."""
    feature = 2 * trees.feature + trees.missing_left if inputs.missing else trees.feature
    shift = 16 if not inputs.is_integer and not (trees.threshold & 0xFFFF).any() else 0
    return Table(
        feature=narrow(feature),
        skip=narrow(trees.skip),
        threshold=column(trees.threshold >> shift),
        shift=shift,
        size=narrow(trees.size),
        index=index_for(len(trees.leaf)),
        nonnegative=bool((trees.threshold >= 0).all()),
    )


def mean_depth(trees: Trees) -> float:
    """Mean number of tests on the way to a leaf, over all leaves, as a stand-in for an average input."""
    size, _ = trees.extents
    # A node is passed on the way to every leaf below it, of which there are one more than inner nodes.
    return float((size + 1).sum() / len(trees.leaf))


#: The flag of `Leaves.last_flag` takes the highest of 16 bits.
_MOST_COLUMNS = 0x8000


@dataclass(frozen=True, eq=False)
class Leaves:
    """What leaves add to several columns, as numbers and tables in flash.

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
    #: Codes of all leaves, in their order, for the table layout.
    leaf: Column

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """Type of a code."""
        return self.code.dtype

    @property
    def pairs(self) -> list[Array]:
        """The arrays of pairs in flash."""
        return [] if self.column is None or self.amount is None else [self.column, *self.amount.tables]


def pack_leaves(values: Array, rows: NDArray[np.int32]) -> Leaves:
    """Pack the integers that leaves add.

    Parameters
    ----------
    values : integer array of shape (n_distinct, n_columns), n_columns > 1
    rows : int32 array of shape (n_leaves,), into `values`
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
    return Leaves(
        code=narrow(code),
        whole=whole,
        column=narrow(np.array(columns)) if columns else None,
        amount=column(np.array(amounts)) if columns else None,
        last_flag=last,
        leaf=column(code[rows]),
    )


# Unit costs, measured with -Os: bytes and cycles (Cortex-M, RISC-V: instructions) of one test.
_CODE_TEST = {
    "float32": {"avr": (24, 15), "cortex-m0plus": (10, 4), "cortex-m4f": (9, 4), "rv32imc": (10, 4)},
    "int16": {"avr": (12, 8), "cortex-m0plus": (6, 4), "cortex-m4f": (6, 3), "rv32imc": (8, 3)},
    "int8": {"avr": (8, 5), "cortex-m0plus": (6, 4), "cortex-m4f": (6, 3), "rv32imc": (8, 3)},
}
_TABLE_TEST = {"avr": 75, "cortex-m0plus": 30, "cortex-m4f": 20, "rv32imc": 20}
_TABLE_LOOP = {"avr": 210, "cortex-m0plus": 130, "cortex-m4f": 130, "rv32imc": 140}


def code_layout(
    name: str,
    trees: Trees,
    inputs: Input,
    build: Callable[[], Mapping[str, Any]],
    leaf: Mapping[str, tuple[float, float]],
    tables: Sequence[Array] = (),
) -> Layout:
    """Straight code.

    Parameters
    ----------
    name, build : see `Layout`
    trees, inputs : of the model
    leaf : mapping of core name to (bytes of one leaf, cycles of what happens at a tree's leaf)
    tables : sequence of arrays
        What lies in flash besides.
    """
    tests = mean_depth(trees)
    unit = _CODE_TEST[inputs.dtype]
    more = sum(t.nbytes for t in tables)
    return Layout(
        name=name,
        flash={
            c: 30 + more + b * len(trees.skip) + leaf[c][0] * len(trees.leaf) for c, (b, _) in unit.items()
        },
        cycles={c: 10 + (cycles * tests + leaf[c][1]) * len(trees.size) for c, (_, cycles) in unit.items()},
        build=build,
        tables=[t.nbytes for t in tables],
    )


def table_layout(
    trees: Trees,
    packed: Table,
    build: Callable[[], Mapping[str, Any]],
    leaf: Mapping[str, tuple[float, float]],
    tables: Sequence[Array],
) -> Layout:
    """The compact table that `pack` gave; parameters as of `code_layout`, a leaf's bytes being its loop's."""
    all_tables = [*packed.tables, *tables]
    nbytes = sum(t.nbytes for t in all_tables)
    tests = mean_depth(trees)
    return Layout(
        name="table",
        flash={c: b + nbytes + leaf[c][0] for c, b in _TABLE_LOOP.items()},
        cycles={c: 20 + (cycles * tests + leaf[c][1]) * len(trees.size) for c, cycles in _TABLE_TEST.items()},
        build=build,
        tables=[t.nbytes for t in all_tables],
    )
