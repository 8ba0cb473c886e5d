"""From a net in float to one in int8: scales from what rows of features make of every value.

A value's range is the widest, or a narrower one where saturating the rest costs less than coarser steps do
(least squares). Weights are symmetric, with a scale for each output; their rounding moves the mean of an
output, which the bias takes back (Nagel and others, arXiv 1906.04721).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph import Graph, Node
from micromlgen.models._graph_input import NetInput
from micromlgen.models._graph_ops import (
    Curve,
    Joining,
    Operator,
    Padding,
    Pooling,
    Product,
    Reshaping,
    Softmaxing,
    Transposition,
)
from micromlgen.models._graph_value import Value

Array = NDArray[Any]
#: Ranges that are tried, as a share of the widest.
_SHARES = (1.0, 0.95, 0.9, 0.8, 0.7)
#: Rows that are looked at, at most, and values of them.
_MOST_ROWS, _MOST_VALUES = 512, 1 << 22
#: Scales and zeros of outputs that operators have by themselves.
_OWN: Mapping[str, tuple[float, int]] = {
    "softmax": (1 / 256, -128),
    "sigmoid": (1 / 256, -128),
    "tanh": (1 / 128, 0),
}
#: Limits of scales and of values.
_SMALLEST, _LARGEST = 1e-11, 1e12


def scale_of(x: Array) -> tuple[float, int]:
    """Scale and zero with which int8 holds these numbers with the least squared error."""
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    some = x.reshape(-1)[:: max(1, x.size >> 16)]
    best, least = (1.0, 0), np.inf
    for share in _SHARES:
        scale = max(float(np.float32((high - low) * share / 255)), _SMALLEST)
        zero = int(np.clip(np.rint(-128 - low * share / scale), -128, 127))
        value = Value((), scale, zero)
        error = float(((value.real(value.integers(some)) - some) ** 2).sum())
        if error < least:
            best, least = (scale, zero), error
    return best


def input_of(rows: Array) -> NetInput:
    """What a net in int8 takes, for rows like these."""
    scale, zero = scale_of(rows.astype(np.float64))
    return NetInput.of(rows.shape[1], scale, zero)


def _own_scale(operator: Operator) -> tuple[float, int] | None:
    if isinstance(operator, Softmaxing):
        return _OWN["softmax"]
    return _OWN.get(operator.kind) if isinstance(operator, Curve) else None


def _keeps(operator: Operator) -> bool:
    """Whether inputs and output must have one scale."""
    return isinstance(operator, (Joining, Padding, Pooling, Reshaping, Transposition))


def calibrated(graph: Graph, inputs: NetInput, rows: Array) -> Graph:
    """The net in int8.

    Parameters
    ----------
    graph : Graph
        In float.
    inputs : NetInput
    rows : array of shape (n, n_features)
        Typical raw rows.
    """
    most = max(1, min(_MOST_ROWS, _MOST_VALUES // max(v.size for v in graph.values)))
    with np.errstate(all="ignore"):
        seen = graph.floats(rows[:: -(-len(rows) // most)])
    if not all(a is None or (np.abs(a) < _LARGEST).all() for a in seen):
        raise UnsupportedError("the net's values on the calibration rows are too large, or not finite")
    graph = _with_requantising(graph)
    seen = [*seen, *(None for _ in range(len(graph.values) - len(seen)))]
    for node in graph.nodes:  # what was put in between is what went in
        if seen[node.output] is None:
            seen[node.output] = seen[node.inputs[0]]
    scales = _scales(graph, inputs, seen)
    values = tuple(
        replace(v, scale=scales[i][0], zero=scales[i][1]) if i in scales else v
        for i, v in enumerate(graph.values)
    )
    nodes = []
    for node in graph.nodes:
        operator = node.operator
        if isinstance(operator, Product):
            given = seen[node.inputs[0]]
            assert given is not None
            operator = _quantized(operator, values[node.inputs[0]], given)
        nodes.append(replace(node, operator=operator))
    return Graph(values, tuple(nodes), graph.input, graph.output)


def _with_requantising(graph: Graph) -> Graph:
    """The graph, in which what has a scale of its own is rescaled before it is joined with others."""
    own = {n.output for n in graph.nodes if _own_scale(n.operator) is not None}
    for node in graph.nodes:
        if _keeps(node.operator) and not isinstance(node.operator, Joining) and node.inputs[0] in own:
            own.add(node.output)
    values, nodes = list(graph.values), []
    for node in graph.nodes:
        inputs = list(node.inputs)
        for k, i in enumerate(inputs):
            if isinstance(node.operator, Joining) and (i in own or i == graph.input):
                values.append(graph.values[i])
                nodes.append(Node(Curve("identity"), (i,), len(values) - 1))
                inputs[k] = len(values) - 1
        nodes.append(replace(node, inputs=tuple(inputs)))
    return Graph(tuple(values), tuple(nodes), graph.input, graph.output)


def _scales(graph: Graph, inputs: NetInput, seen: list[Array | None]) -> dict[int, tuple[float, int]]:
    """Of each value that is used; those that operators keep alike have one."""
    group = list(range(len(graph.values)))
    for node in graph.nodes:
        if _keeps(node.operator):
            old = {group[i] for i in (*node.inputs, node.output)}
            group = [min(old) if g in old else g for g in group]
    fixed = {group[graph.input]: (inputs.scale, inputs.zero)}
    for node in graph.nodes:
        own = _own_scale(node.operator)
        if own is not None:
            fixed[group[node.output]] = own
    used = [graph.input, *(n.output for n in graph.nodes)]
    out = {}
    for g in {group[i] for i in used}:
        numbers = [a.reshape(-1) for i in used if group[i] == g and (a := seen[i]) is not None]
        found = fixed[g] if g in fixed else scale_of(np.concatenate(numbers))
        out.update({i: found for i in used if group[i] == g})
    return out


def _quantized(operator: Product, given: Value, seen: Array) -> Product:
    """A product in int8, of what goes into it."""
    assert given.scale is not None
    weights, bias = operator.weights.astype(np.float64), operator.bias.astype(np.float64)
    flat = np.abs(weights).reshape(len(weights), -1).max(axis=1)
    # Biases stay far within 32 bits, zero rows have some scale.
    least = np.maximum(np.abs(bias) / given.scale / 2.0**29, _SMALLEST)
    scales = np.maximum(flat / 127, least).astype(np.float32)
    shaped = scales.astype(np.float64).reshape(-1, *(1,) * (weights.ndim - 1))
    integers = np.clip(np.rint(weights / shaped), -127, 127)
    lost = replace(operator, weights=weights - integers * shaped, bias=np.zeros(len(bias)))
    lost = replace(lost, low=-np.inf, high=np.inf)
    rounded = given.real(given.integers(seen))
    moved = lost.floats(rounded).mean(axis=(0, 1, 2))
    units = np.float64(given.scale) * scales
    return replace(
        operator,
        weights=integers.astype(np.int8),
        bias=np.rint((bias + moved) / units).astype(np.int32),
        scales=scales,
    )
