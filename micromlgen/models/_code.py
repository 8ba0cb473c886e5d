"""Trees as straight code: a test and a jump for each inner node, a return for each leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.inputs import Input
from micromlgen.ir import Layout
from micromlgen.models._trees import Trees

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
    #: As `Trees.kind`.
    kind: int
    missing_left: bool
    #: Where ``x > threshold`` goes.
    right: int
    #: Row of the leaf values, at a leaf.
    row: int
    #: The threshold in raw features, as people write it; empty for categories.
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
    kinds = [0] * (end - i) if trees.kind is None else trees.kind[i:end].tolist()
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
            yield Step(label, -1, True, 0, 0, False, 0, rows[row], "")
            row += 1
        else:
            s = skip[node]
            right = number + 2 * s + 2
            kind, threshold = kinds[node], thresholds[node]
            never = threshold >= top and (missing[node] or not inputs.missing)
            note = "" if kind else f"{notes[node]:.9g}"
            yield Step(label, feature[node], never, threshold, kind, missing[node], right, 0, note)
            node += 1
            todo += [(size - s - 1, True), (s, False)]


def mean_depth(trees: Trees) -> float:
    """Mean number of tests on the way to a leaf, over all leaves, as a stand-in for an average input."""
    size, _ = trees.extents
    # A node is passed on the way to every leaf below it, of which there are one more than inner nodes.
    return float((size + 1).sum() / len(trees.leaf))


#: Cores of which costs were measured.
CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
# Bytes and cycles (Cortex-M, RISC-V: instructions) of one test on each of them, measured with -Os.
_TEST = {
    "float32": ((24, 11), (10, 4.5), (9, 3.1), (10, 4.5)),
    "int16": ((12, 8), (6, 4), (6, 3), (8, 3)),
    "int8": ((8, 5), (6, 4), (6, 3), (8, 3)),
}


def code_layout(
    name: str,
    trees: Trees,
    inputs: Input,
    build: Callable[[], Mapping[str, Any]],
    leaf: Sequence[tuple[float, float]],
    tables: Sequence[Array] = (),
) -> Layout:
    """Straight code.

    Parameters
    ----------
    name, build : see `Layout`
    trees, inputs : of the model
    leaf : for each of `CORES`, bytes of one leaf and cycles of what happens at a tree's leaf
    tables : sequence of arrays
        What lies in flash besides.
    """
    tests = mean_depth(trees)
    unit = _TEST[inputs.dtype]
    more = 30 + sum(t.nbytes for t in tables)
    n_inner, n_leaves, n_trees = len(trees.skip), len(trees.leaf), len(trees.size)
    return Layout(
        name=name,
        flash={c: more + unit[k][0] * n_inner + leaf[k][0] * n_leaves for k, c in enumerate(CORES)},
        cycles={c: 10 + (unit[k][1] * tests + leaf[k][1]) * n_trees for k, c in enumerate(CORES)},
        build=build,
        tables=[t.nbytes for t in tables],
    )
