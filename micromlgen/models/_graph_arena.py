"""Where the values of a net lie: one buffer, planned when the header is made.

Buffers that live at different times share bytes: the largest are placed first, each as low as it goes, as
the greedy planner of TensorFlow Lite Micro does. A value takes the place of one that its operator reads
last, where the operator allows that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from micromlgen.models._graph import Graph
from micromlgen.models._graph_int8 import Kernel, Lookup, Products, Same, Softmax, Sum
from micromlgen.models._graph_ops import Addition, Curve, Operator, Reshaping, Softmaxing

#: Buffers start at multiples of this.
_ALIGNED = 4


@dataclass(frozen=True)
class Plan:
    """Offsets in bytes.

    Parameters
    ----------
    values : tuple
        Of each value its offset, or "x" or "y" for what the caller owns.
    scratch : tuple of int
        Of each node's own memory.
    size : int
    """

    values: tuple[int | str, ...]
    scratch: tuple[int, ...]
    size: int


@dataclass
class _Buffer:
    size: int
    first: int
    last: int
    offset: int = -1

    def meets(self, other: _Buffer) -> bool:
        """Whether both live at some step."""
        return self.first <= other.last and other.first <= self.last


def _in_place(kernel: Kernel | Operator) -> bool:
    """Whether the output may lie where the input is."""
    if isinstance(kernel, Products):
        n_in, n_out = kernel.window.image[2], len(kernel.weights)
        # A pixel is copied before its outputs are written.
        return kernel.window.plain and not kernel.depthwise and n_out <= n_in
    return isinstance(kernel, (Lookup, Sum, Softmax, Curve, Addition, Softmaxing))


def planned(
    graph: Graph, kernels: Sequence[Kernel | Operator], scratch: Sequence[int], itemsize: int = 1
) -> Plan:
    """Plan the memory of a net.

    Parameters
    ----------
    graph : Graph
    kernels : sequence of Kernel, or of Operator in float
        Of its nodes; what is reshaped has no memory of its own.
    scratch : sequence of int
        Bytes that each node needs for itself.
    itemsize : int
        Bytes of an element.
    """
    places = _stores(graph, kernels)
    last: dict[int, int] = {}
    for value, step in graph.last_uses().items():
        last[places[value]] = max(last.get(places[value], -1), step)
    buffers: dict[int, _Buffer] = {}
    owned = {places[graph.input]: "x", places[graph.output]: "y"}
    if isinstance(
        kernels[-1], (Softmax, Softmaxing)
    ):  # what goes into it decides alone, where only the class is wanted
        owned.setdefault(places[graph.nodes[-1].inputs[0]], "y")
    for step, (node, kernel) in enumerate(zip(graph.nodes, kernels, strict=True)):
        own = places[node.output]
        if own in owned or own in buffers:
            continue
        size = graph.values[node.output].size * itemsize
        taken = next(
            (b for i in node.inputs if (b := buffers.get(places[i])) is not None and b.last == step), None
        )
        if taken is not None and _in_place(kernel):
            taken.size, taken.last = max(taken.size, size), last.get(own, step)
            buffers[own] = taken
        else:
            buffers[own] = _Buffer(size, step, last.get(own, step))
    own_memory = [_Buffer(size, step, step) for step, size in enumerate(scratch)]
    size = _place([*{id(b): b for b in buffers.values()}.values(), *own_memory])
    values = tuple(
        owned[p] if (p := places[i]) in owned else buffers[p].offset if p in buffers else 0
        for i in range(len(graph.values))
    )
    return Plan(values, tuple(b.offset for b in own_memory), size)


def _stores(graph: Graph, kernels: Sequence[Kernel | Operator]) -> list[int]:
    """Of each value the one whose memory it shares: reshaped values are where they were."""
    store = list(range(len(graph.values)))
    for node, kernel in zip(graph.nodes, kernels, strict=True):
        # What the caller gives is not what the caller is given.
        if isinstance(kernel, (Same, Reshaping)) and (node.output, store[node.inputs[0]]) != (
            graph.output,
            graph.input,
        ):
            store[node.output] = store[node.inputs[0]]
    return store


def _place(buffers: Sequence[_Buffer]) -> int:
    """Give every buffer an offset; returns the size of all."""
    placed: list[_Buffer] = []
    for buffer in sorted(buffers, key=lambda b: -b.size):
        offset = 0
        for other in sorted((b for b in placed if b.meets(buffer)), key=lambda b: b.offset):
            if offset + buffer.size <= other.offset:
                break
            offset = max(offset, -(-(other.offset + other.size) // _ALIGNED) * _ALIGNED)
        buffer.offset = offset
        placed.append(buffer)
    return max((b.offset + b.size for b in placed), default=0)
