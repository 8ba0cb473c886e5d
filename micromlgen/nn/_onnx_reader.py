"""From the nodes of an ONNX graph to those of a net: what is known of each name, and helpers to translate by.

ONNX has channels before height and width. Images are stored with the channels last, as the operators of
nets want them; an entry remembers that, and is brought back into its order where something needs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph import Graph, Node
from micromlgen.models._graph_ops import Curve, Operator, Product, Reshaping, Softmaxing, Transposition
from micromlgen.models._graph_value import Value

Array = NDArray[Any]
#: Most elements of a value.
_MOST = 1 << 24


@dataclass(frozen=True, eq=False)
class Entry:
    """What a name stands for: an activation.

    Parameters
    ----------
    index : int
        Of the value.
    shape : tuple of int
        As ONNX has it, without the batch.
    image : tuple of int, or None
        Channels and sides of an image that is stored with the channels last, whatever `shape` makes of it.
    """

    index: int
    shape: tuple[int, ...]
    image: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Constant:
    """What a name stands for: numbers, which may be quantised."""

    data: Array
    scales: NDArray[np.float32] | None = None
    axis: int = 0

    def real(self) -> Array:
        """The numbers in float32."""
        if self.scales is None:
            return self.data.astype(np.float32)
        shape = [1] * self.data.ndim
        if self.scales.size > 1:
            shape[self.axis] = -1
        return self.data.astype(np.float32) * self.scales.reshape(shape)


@dataclass(frozen=True, eq=False)
class Step:
    """A node of the file.

    Parameters
    ----------
    kind : str
        Its operator.
    inputs, outputs : tuples of str
        Names; "" for an input that is left out.
    attributes : mapping
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def get(self, name: str, default: Any) -> Any:
        """An attribute."""
        return self.attributes.get(name, default)


class Reader:
    """Collects values and nodes while steps are translated."""

    def __init__(self, uses: Counter[str]) -> None:
        self.uses = uses
        self.known: dict[str, Entry | Constant] = {}
        self.values: list[Value] = []
        self.nodes: list[Node] = []

    def new(self, shape: tuple[int, ...], like: int | None = None) -> int:
        """Number of a new value, with the scale of the value `like` if that is given.

        Raises
        ------
        UnsupportedError
            If the shape is empty or too large.
        """
        if prod(shape) > _MOST or min(shape, default=1) < 1:
            raise UnsupportedError(f"a value of the shape {list(shape)} cannot be ported")
        value = Value(shape)
        if like is not None:
            value = replace(value, scale=self.values[like].scale, zero=self.values[like].zero)
        self.values.append(value)
        return len(self.values) - 1

    def add(
        self, operator: Operator, inputs: Sequence[int], shape: tuple[int, ...], like: int | None = None
    ) -> int:
        """Add a node; returns the number of its output."""
        output = self.new(shape, like)
        self.nodes.append(Node(operator, tuple(inputs), output))
        return output

    def entry(self, step: Step, number: int = 0) -> Entry:
        """The activation that is the input `number` of a node.

        Raises
        ------
        UnsupportedError
            If it is none.
        """
        name = step.inputs[number] if number < len(step.inputs) else ""
        found = self.known.get(name)
        if not isinstance(found, Entry):
            what = "a constant" if isinstance(found, Constant) else "nothing that is computed before it"
            raise UnsupportedError(f"{step.kind} whose input {number} is {what}")
        return found

    def constant(self, step: Step, number: int) -> Constant:
        """The constant that is the input `number` of a node.

        Raises
        ------
        UnsupportedError
            If it is none.
        """
        found = self.maybe(step, number)
        if found is None:
            raise UnsupportedError(f"{step.kind} whose input {number} is not constant")
        return found

    def maybe(self, step: Step, number: int) -> Constant | None:
        """The constant that is the input `number` of a node, or None where that is left out.

        Raises
        ------
        UnsupportedError
            If it is an activation.
        """
        name = step.inputs[number] if number < len(step.inputs) else ""
        found = self.known.get(name)
        if name and not isinstance(found, Constant):
            raise UnsupportedError(f"{step.kind} whose input {number} is not constant")
        return found if isinstance(found, Constant) else None

    def integers(self, step: Step, number: int, attribute: str) -> list[int] | None:
        """Integers of an attribute or, in later versions of ONNX, of a constant input."""
        if attribute in step.attributes:
            return [int(i) for i in np.ravel(step.attributes[attribute])]
        found = self.maybe(step, number)
        return None if found is None else [int(i) for i in found.data.reshape(-1)]

    def plain(self, entry: Entry) -> Entry:
        """The same in ONNX's order."""
        if entry.image is None:
            return entry
        stored = (*entry.image[1:], entry.image[0])
        order = (len(stored) - 1, *range(len(stored) - 1))
        index = self._moved(entry.index, stored, order, entry.shape)
        return Entry(index, entry.shape)

    def last(self, step: Step, entry: Entry) -> Entry:
        """The same with the channels last, as an image of height, width and channels.

        Raises
        ------
        UnsupportedError
            If it has neither one side nor two.
        """
        if entry.image is not None and entry.image == entry.shape:
            return entry
        entry = self.plain(entry)
        if len(entry.shape) not in (2, 3):
            raise UnsupportedError(
                f"{step.kind} of the shape {list(entry.shape)}; one or two sides are needed"
            )
        order = (*range(1, len(entry.shape)), 0)
        stored = tuple(entry.shape[a] for a in order)
        return Entry(self._moved(entry.index, entry.shape, order, stored), entry.shape, entry.shape)

    def _moved(
        self, index: int, shape: tuple[int, ...], order: tuple[int, ...], stored: tuple[int, ...]
    ) -> int:
        """A value with its axes in another order, which moves nothing where all but one are 1."""
        long = [a for a in order if shape[a] > 1]
        operator = Reshaping() if long == sorted(long) else Transposition(shape, order)
        return self.add(operator, [index], stored, like=index)

    def image(self, step: Step, entry: Entry) -> tuple[Entry, tuple[int, int, int]]:
        """An entry with the channels last, with its height, width and channels."""
        entry = self.last(step, entry)
        sides = entry.shape[1:] if len(entry.shape) == 3 else (1, *entry.shape[1:])
        return entry, (sides[0], sides[1], entry.shape[0])

    def producer(self, step: Step, entry: Entry) -> Node | None:
        """The node that gives what goes in, if nothing else reads that and it has no scale yet."""
        if self.uses[step.inputs[0]] != 1 or self.values[entry.index].scale is not None:
            return None
        if sum(entry.index in node.inputs for node in self.nodes):
            return None
        return next((n for n in self.nodes if n.output == entry.index), None)

    def replace(self, node: Node, operator: Operator) -> None:
        """Put another operator into a node."""
        at = next(i for i, n in enumerate(self.nodes) if n is node)
        self.nodes[at] = replace(node, operator=operator)

    def quantize(self, step: Step, entry: Entry, scale: float, zero: int) -> Entry:
        """An activation in int8 of this scale."""
        value = self.values[entry.index]
        node = next((n for n in self.nodes if n.output == entry.index), None)
        if node is not None and isinstance(node.operator, Softmaxing):
            scale, zero = 1 / 256, -128  # its own; classes are the same
        if value.scale is None:
            self.values[entry.index] = replace(value, scale=scale, zero=zero)
            return entry
        if (value.scale, value.zero) == (scale, zero):
            return entry
        index = self.add(Curve("identity"), [entry.index], value.shape)
        self.values[index] = replace(self.values[index], scale=scale, zero=zero)
        return replace(entry, index=index)

    def graph(self, given: int, wanted: Entry) -> Graph:
        """The net between two values, without what it does not need.

        Raises
        ------
        UnsupportedError
            If some of it is quantised, and some is not.
        """
        output = self.plain(wanted).index
        needed, nodes = {output}, []
        for node in reversed(self.nodes):
            if node.output in needed:
                needed.update(node.inputs)
                nodes.append(node)
        nodes.reverse()
        self._inherit(nodes)
        kept = sorted(needed | {given})
        if len({self.values[i].scale is None for i in kept}) > 1:
            plain = next((n for n in nodes if self.values[n.output].scale is None), None)
            what = "the input" if plain is None else f"what {type(plain.operator).__name__.lower()} gives"
            raise UnsupportedError(f"{what} is not quantised, and other values are; quantise them all")
        for node in nodes:
            if isinstance(node.operator, Product) and (node.operator.scales is None) != (
                self.values[node.output].scale is None
            ):
                raise UnsupportedError(
                    "weights in float beside values in int8, or the reverse; quantise both"
                )
        number = {index: i for i, index in enumerate(kept)}
        renumbered = [Node(n.operator, tuple(number[i] for i in n.inputs), number[n.output]) for n in nodes]
        if given not in needed:
            raise UnsupportedError("the output is not computed from the input")
        return Graph(tuple(self.values[i] for i in kept), tuple(renumbered), number[given], number[output])

    def _inherit(self, nodes: Sequence[Node]) -> None:
        """What only moves numbers has their scale, before and after."""
        for node in (*nodes, *reversed(nodes)):
            ends = (*node.inputs, node.output)
            scaled = next((i for i in ends if self.values[i].scale is not None), None)
            if isinstance(node.operator, (Reshaping, Transposition)) and scaled is not None:
                for i in ends:
                    if self.values[i].scale is None:
                        value = self.values[scaled]
                        self.values[i] = replace(self.values[i], scale=value.scale, zero=value.zero)


#: Makes of a node what its name stands for.
Translator = Callable[[Reader, Step], Entry | Constant]
