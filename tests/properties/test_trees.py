"""Laws of the structure of trees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from micromlgen.inputs import Input
from micromlgen.models._code import steps
from micromlgen.models._nodes import Nodes, preorder
from micromlgen.models._trees import Trees
from tests.properties import examples


class Leaf(NamedTuple):
    row: int


class Inner(NamedTuple):
    feature: int
    threshold: int
    missing_left: bool
    left: Any
    right: Any


def nodes_of(n_features: int = 3) -> st.SearchStrategy[Any]:
    leaf = st.builds(Leaf, st.integers(0, 3))

    def grow(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        keys = st.integers(-5, 5)
        return st.builds(Inner, st.integers(0, n_features - 1), keys, st.booleans(), children, children)

    return st.recursive(leaf, grow, max_leaves=25)


forests = st.lists(nodes_of(), min_size=1, max_size=5)


def inner_of(node: Any) -> list[Inner]:
    """In preorder."""
    return [] if isinstance(node, Leaf) else [node, *inner_of(node.left), *inner_of(node.right)]


def rows_of(node: Any) -> list[int]:
    """From left to right."""
    return [node.row] if isinstance(node, Leaf) else rows_of(node.left) + rows_of(node.right)


def as_trees(roots: list[Any]) -> Trees:
    inner = [node for root in roots for node in inner_of(root)]
    return Trees(
        feature=np.array([node.feature for node in inner], np.int32),
        threshold=np.array([node.threshold for node in inner], np.int32),
        skip=np.array([len(inner_of(node.left)) for node in inner], np.int32),
        missing_left=np.array([node.missing_left for node in inner], bool),
        size=np.array([len(inner_of(root)) for root in roots], np.int64),
        leaf=np.array([row for root in roots for row in rows_of(root)], np.int32),
    )


def same(a: Trees, b: Trees) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in Trees.__dataclass_fields__)


def reached(node: Any, x: list[int], missing: int | None) -> int:
    while isinstance(node, Inner):
        value = x[node.feature]
        left = node.missing_left if value == missing else value <= node.threshold
        node = node.left if left else node.right
    return node.row


def collapsed(node: Any, answer: list[int]) -> Any:
    """Without tests between equal answers."""
    if isinstance(node, Inner):
        node = node._replace(left=collapsed(node.left, answer), right=collapsed(node.right, answer))
        if len({answer[row] for row in rows_of(node)}) == 1:
            return Leaf(rows_of(node)[0])
    return node


@given(forests, st.randoms(use_true_random=False))
@examples(200)
def test_preorder_of_nodes_in_any_order(roots: list[Any], random: Any) -> None:
    everything: list[Any] = []

    def collect(node: Any) -> None:
        everything.append(node)
        if isinstance(node, Inner):
            collect(node.left)
            collect(node.right)

    for root in roots:
        collect(root)
    ids = list(range(len(everything)))
    random.shuffle(ids)
    left, right = np.full(len(ids), -1), np.full(len(ids), -1)
    next_id = iter(ids)
    inner, leaves, starts = [], [], []

    def number(node: Any) -> int:
        me = next(next_id)
        if isinstance(node, Inner):
            inner.append(me)
            left[me] = number(node.left)
            right[me] = number(node.right)
        else:
            leaves.append(me)
        return me

    starts = [number(root) for root in roots]
    got = preorder(Nodes(left, right, np.array(starts)))
    expected = as_trees(roots)
    for a, b in zip(got, (inner, leaves, expected.skip, expected.size), strict=True):
        np.testing.assert_array_equal(a, b)


@given(forests)
@examples(100)
def test_extents(roots: list[Any]) -> None:
    size, leaf = as_trees(roots).extents
    inner = [node for root in roots for node in inner_of(root)]
    assert size.tolist() == [len(inner_of(node)) for node in inner]
    before, at = 0, []
    for root in roots:
        all_rows = rows_of(root)

        def leftmost(node: Any, first: int) -> Iterator[int]:
            if isinstance(node, Inner):
                yield first
                yield from leftmost(node.left, first)
                yield from leftmost(node.right, first + len(rows_of(node.left)))

        at += [before + first for first in leftmost(root, 0)]
        before += len(all_rows)
    assert leaf.tolist() == at


@given(forests, st.lists(st.integers(0, 1), min_size=4, max_size=4))
@examples(300)
def test_merged_trees_are_those_without_tests_between_equal_answers(
    roots: list[Any], answer: list[int]
) -> None:
    got = as_trees(roots).merged(np.array(answer))
    assert same(got, as_trees([collapsed(root, answer) for root in roots]))


@given(forests, st.lists(st.lists(st.integers(-6, 6), min_size=3, max_size=3), min_size=1, max_size=6))
@examples(200)
def test_apply_walks_as_a_pointer_would(roots: list[Any], rows: list[list[int]]) -> None:
    trees = as_trees(roots)
    for missing in (None, 6, -6):
        got = trees.apply(np.array(rows, np.int32), missing)
        assert got.tolist() == [[reached(root, x, missing) for root in roots] for x in rows]


@given(forests, st.lists(st.integers(-6, 6), min_size=3, max_size=3))
@examples(200)
def test_straight_code_leads_where_the_walk_does(roots: list[Any], x: list[int]) -> None:
    trees = as_trees(roots)
    inputs = Input(3, "int8", np.zeros(3, np.int32))
    for t, root in enumerate(roots):
        code = list(steps(trees, inputs, t))
        labels = {step.label: i for i, step in enumerate(code) if step.label is not None}
        at = 0
        while code[at].feature >= 0:
            at = labels[code[at].right] if x[code[at].feature] > code[at].threshold else at + 1
        assert code[at].row == reached(root, x, None)
        jumped_to = {step.right for step in code if step.feature >= 0}
        assert jumped_to == set(labels), "no label is unused, which a compiler would warn of"
