"""A net as a graph: values with shapes and scales, and operators between them, in the order of execution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._graph_ops import Operator
from micromlgen.models._graph_value import Value

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Node:
    """One operator with the numbers of its inputs and of its output among the graph's values."""

    operator: Operator
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True, eq=False)
class Graph:
    """Operators in the order of execution, with one input and one output."""

    values: tuple[Value, ...]
    nodes: tuple[Node, ...]
    input: int
    output: int

    @property
    def quantized(self) -> bool:
        """Whether the values are int8."""
        return self.values[self.input].scale is not None

    def floats(self, X: Array) -> list[Array | None]:
        """All values in float64, of rows of shape (n, size of the input); None of those that are not used."""
        found: list[Array | None] = [None] * len(self.values)
        found[self.input] = X.astype(np.float64).reshape(len(X), *self.values[self.input].shape)
        for node in self.nodes:
            y = node.operator.floats(*(a for i in node.inputs if (a := found[i]) is not None))
            found[node.output] = y.reshape(len(X), *self.values[node.output].shape)
        return found

    def last_uses(self) -> dict[int, int]:
        """For each value the number of the last node that reads it; the output outlives them all."""
        last = {i: step for step, node in enumerate(self.nodes) for i in node.inputs}
        return {**last, self.output: len(self.nodes)}


def in_chunks(function: Any, X: Array, at_once: int) -> Array:
    """Rows by `function`, so many at once, for the sake of memory."""
    parts: Sequence[Array] = [function(X[i : i + at_once]) for i in range(0, len(X), at_once)]
    return np.concatenate(parts)
