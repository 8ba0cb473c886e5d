"""How far float32 may be from the exact numbers of a net, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._graph import Graph
from micromlgen.models._graph_ops import Addition, Averaging, Curve, Operator, Pooling, Product, Softmaxing

Array = NDArray[Any]
#: Rounding of one float32 operation; of fixed-point exponentials and their quotients.
_ULP, _EXP = 2.0**-24, 2e-6
#: Denormals may count as nothing.
_TINY = 2.0**-120
#: Largest slope of each function of one element.
_SLOPES = {"identity": 1.0, "relu": 1.0, "relu6": 1.0, "sigmoid": 0.25, "tanh": 1.0, "hardswish": 1.5}


def off(graph: Graph, found: Sequence[Array | None]) -> list[Array | None]:
    """Most by which each value that `Graph.floats` found may differ in the C, of the same shapes.

    However sums are added up, with or without fused multiplications.
    """
    out: list[Array | None] = [None] * len(found)
    given = found[graph.input]
    assert given is not None
    out[graph.input] = np.zeros_like(given)
    for node in graph.nodes:
        xs = [a for i in node.inputs if (a := found[i]) is not None]
        offs = [a for i in node.inputs if (a := out[i]) is not None]
        y = found[node.output]
        assert y is not None
        out[node.output] = _behind(node.operator, xs, offs, y).reshape(y.shape) + _TINY
    return out


def _behind(operator: Operator, xs: Sequence[Array], offs: Sequence[Array], y: Array) -> Array:
    if isinstance(operator, Product):
        terms = operator.weights[0].size + 3
        linear = replace(
            operator,
            weights=np.abs(operator.weights.astype(np.float64)),
            bias=np.abs(operator.bias.astype(np.float64)) * terms * _ULP,
            low=-inf,
            high=inf,
        )
        return linear.floats(offs[0] + np.abs(xs[0]) * (terms * _ULP) + _TINY)
    if isinstance(operator, Pooling) and operator.kind == "mean":
        terms = operator.window.size[0] * operator.window.size[1] + 3
        return replace(operator, low=-inf, high=inf).floats(offs[0] + np.abs(xs[0]) * (terms * _ULP))
    if isinstance(operator, Averaging):
        return operator.floats(offs[0] + np.abs(xs[0]) * ((operator.shape[1] + 3) * _ULP))
    if isinstance(operator, Addition):
        return np.asarray(offs[0] + offs[1] + (np.abs(xs[0]) + np.abs(xs[1])) * 2 * _ULP)
    if isinstance(operator, Curve):
        bent = _EXP if operator.kind in ("sigmoid", "tanh") else 0.0
        return np.asarray(offs[0] * _SLOPES[operator.kind] + bent + np.abs(y) * 8 * _ULP)
    if isinstance(operator, Softmaxing):
        worst = offs[0].reshape(len(y), -1, operator.depth).max(axis=2, keepdims=True) * operator.beta
        reach = np.abs(xs[0]).reshape(len(y), -1, operator.depth).max(axis=2, keepdims=True) * operator.beta
        moved = np.minimum(2 * worst + reach * 8 * _ULP, 30.0)
        shares = y.reshape(len(y), -1, operator.depth)
        return np.asarray(np.minimum(shares * np.expm1(2 * moved) + _EXP * operator.depth, 1.0))
    return operator.floats(*offs)
