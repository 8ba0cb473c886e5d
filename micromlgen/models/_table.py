"""Trees as tables in flash: every order and packing of them as a layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.inputs import Input
from micromlgen.ir import Layout
from micromlgen.models._code import CORES, mean_depth
from micromlgen.models._leaves import LeafTable
from micromlgen.models._orders import Ordered, heap, oblivious, preorder
from micromlgen.models._packing import Packed, Tests
from micromlgen.models._trees import Trees

Array = NDArray[Any]
# Costs on AVR, Cortex-M0+, Cortex-M4F and RV32, measured with -Os.
#: Cycles (Cortex-M, RISC-V: instructions) of one test of float32 and of integers, in each order.
_TEST = {
    "preorder": ((90, 27, 20, 19), (60, 21, 16, 15)),
    "heap": ((80, 20, 13, 14), (52, 16, 11, 11)),
    "oblivious": ((80, 20, 13, 14), (52, 16, 11, 11)),
}
#: What addressing adds to it, against a table of thresholds beside the nodes.
_ADDRESSING = {"own": (0, 0, 0, 0), "pool": (3, 3, 1, 2), "pair": (8, 3, 1, 3)}
#: What fields add that are not made of whole bytes, in records of up to 16 bits and in wider ones, and what
#: records of three bytes add.
_FIELDS = (15, 2, 2, 1)
_WIDE_FIELDS = (180, 3, 3, 2)
_TRIPLE = (0, 9, 5, 8)
#: What a skip in the list adds, and the bytes of looking for it.
_FAR = (50, 25, 20, 20)
_FAR_BYTES = (70, 50, 45, 60)
#: Bytes of the loop.
_LOOP = (240, 130, 130, 145)


def table_layouts(
    trees: Trees,
    inputs: Input,
    leaves: Callable[[Ordered], LeafTable],
    context: Mapping[str, Any],
    leaf_cost: Sequence[tuple[float, float]],
    more: Sequence[Array] = (),
) -> Iterator[Layout]:
    """All tables that `trees` can be kept in.

    Parameters
    ----------
    trees : Trees
        Quantised, with at least one inner node: C has no empty tables.
    inputs : Input
    leaves : callable
        Packs what the leaves hold, in the order given.
    context : mapping
        What the template prints besides ``nodes`` and ``leaves``.
    leaf_cost : for each of `CORES`, bytes of code and cycles of what happens at a tree's leaf
    more : sequence of arrays
        What lies in flash besides.
    """
    n_tests = mean_depth(trees)
    for ordered in (preorder(trees), heap(trees), oblivious(trees)):
        if ordered is None:
            continue
        stored = leaves(ordered)
        n_trees = len(ordered.extent)
        passed = n_tests if ordered.order == "preorder" else float(np.mean(ordered.extent))
        for packed in Tests(ordered, inputs).packings():
            tables = [*packed.sizes, *(t.nbytes for t in (*stored.tables, *more))]
            is_far = packed.far is not None
            walk = _walk_cycles(packed, inputs, passed)
            yield Layout(
                name="table" if ordered.order == "preorder" else f"{ordered.order} table",
                flash={
                    c: _LOOP[k] + is_far * _FAR_BYTES[k] + leaf_cost[k][0] + sum(tables)
                    for k, c in enumerate(CORES)
                },
                cycles={c: 20 + (walk[k] + leaf_cost[k][1]) * n_trees for k, c in enumerate(CORES)},
                build=_builder(packed, stored, context),
                tables=tables,
            )


def _walk_cycles(packed: Packed, inputs: Input, tests: float) -> list[float]:
    """Cycles of the walk through one tree, on each of `CORES`."""
    test = _TEST[packed.ordered.order][inputs.is_integer]
    # Skips in the list belong to the nodes near the roots, of which a walk passes one a level.
    far = 0.0 if packed.far is None else np.log2(1 + len(packed.far.node) / len(packed.ordered.extent))
    return [
        tests
        * (
            test[k]
            + _ADDRESSING[packed.addressing][k]
            + (0 if packed.whole else (_FIELDS if packed.width <= 16 else _WIDE_FIELDS)[k])
            + (_TRIPLE[k] if packed.width == 24 else 0)
        )
        + far * _FAR[k]
        for k in range(len(CORES))
    ]


def _builder(
    packed: Packed, stored: LeafTable, context: Mapping[str, Any]
) -> Callable[[], Mapping[str, Any]]:
    return lambda: {**context, "nodes": packed, "leaves": stored}
