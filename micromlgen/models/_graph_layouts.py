"""What nets cost, and what their template prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from micromlgen.ir import Layout
from micromlgen.models._graph import Graph
from micromlgen.models._graph_arena import planned
from micromlgen.models._graph_int8 import Kernel, Lookup, Products, Softmax
from micromlgen.models._graph_ops import Operator, Product
from micromlgen.models._graph_pack import Packed, packed

CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Bytes of code of a net and of each operator; cycles of a product and of any other element.
_CODE, _EACH = (1500, 900, 900, 900), (500, 350, 350, 350)
_PRODUCT, _ELEMENT = (30.0, 3.7, 1.0, 5.0), (150.0, 40.0, 12.0, 25.0)


#: The same in float32.
_FLOAT_CODE, _FLOAT_PRODUCT, _FLOAT_ELEMENT = (2500, 1500, 900, 1500), (124.0, 47.0, 4.0, 33.0), 400.0


def net_layouts(graph: Graph, kernels: Sequence[Kernel]) -> Sequence[Layout]:
    """The only layout: operators one after another; without kernels in float32."""
    return _in_int8(graph, kernels) if kernels else _in_float(graph)


def _in_float(graph: Graph) -> Sequence[Layout]:
    tables: list[int] = []
    products = 0
    for node in graph.nodes:
        if isinstance(node.operator, Product):
            products += graph.values[node.output].size * node.operator.weights[0].size
            tables += [node.operator.weights.nbytes, node.operator.bias.nbytes]
    elements = sum(graph.values[n.output].size for n in graph.nodes)
    flash = {
        c: float(sum(tables) + _FLOAT_CODE[k] + len(graph.nodes) * _EACH[k]) for k, c in enumerate(CORES)
    }
    cycles = {c: 100 + products * _FLOAT_PRODUCT[k] + elements * _FLOAT_ELEMENT for k, c in enumerate(CORES)}
    return [Layout("operators", flash, cycles, cache(lambda: _float_parts(graph)), tables)]


def _float_parts(graph: Graph) -> Mapping[str, Any]:
    """As `_parts`, of operators in real numbers."""
    operators = [n.operator for n in graph.nodes]
    scratch = [4 * _gathered(o) for o in operators]
    plan = planned(graph, operators, scratch, 4)
    steps = [
        {
            "number": i,
            "operator": n.operator,
            "kind": type(n.operator).__name__,
            "inputs": n.inputs,
            "output": n.output,
        }
        for i, n in enumerate(graph.nodes)
    ]
    return {"steps": steps, "plans": [plan, plan], "sizes": [v.size for v in graph.values]}


def _gathered(operator: Operator) -> int:
    """Floats that a node needs for itself: what a window sees."""
    if not isinstance(operator, Product) or operator.depthwise or operator.window.plain:
        return 0
    return int(operator.weights[0].size)


def _in_int8(graph: Graph, kernels: Sequence[Kernel]) -> Sequence[Layout]:
    tables: list[int] = []
    products = elements = 0
    for node, kernel in zip(graph.nodes, kernels, strict=True):
        size = graph.values[node.output].size
        elements += size
        if isinstance(kernel, Products):
            each = kernel.weights[0].size
            products += size * each
            tables += [kernel.weights.size, 4 * len(kernel.bias), 4 * len(kernel.bias), len(kernel.bias)]
        elif isinstance(kernel, Lookup):
            tables.append(256)
        elif isinstance(kernel, Softmax):
            tables.append(4 * len(kernel.exps))
    flash = {c: float(sum(tables) + _CODE[k] + len(kernels) * _EACH[k]) for k, c in enumerate(CORES)}
    cycles = {c: 100 + products * _PRODUCT[k] + elements * _ELEMENT[k] for k, c in enumerate(CORES)}
    return [Layout("operators", flash, cycles, cache(lambda: _parts(graph, kernels)), tables)]


def _parts(graph: Graph, kernels: Sequence[Kernel]) -> Mapping[str, Any]:
    """What the template prints.

    Of each node its number, kernel, packed weights, inputs and output; plans of memory without and with the
    DSP extension.
    """
    laid_out = [packed(k) if isinstance(k, Products) else None for k in kernels]
    plans = [
        planned(graph, kernels, [_scratch(k, p, dsp) for k, p in zip(kernels, laid_out, strict=True)])
        for dsp in (False, True)
    ]
    steps = [
        {"number": i, "kernel": k, "packed": p, "inputs": n.inputs, "output": n.output}
        for i, (n, k, p) in enumerate(zip(graph.nodes, kernels, laid_out, strict=True))
    ]
    sizes = [v.size for v in graph.values]
    return {"steps": steps, "plans": plans, "sizes": sizes, "variants": _variants(steps)}


def _scratch(kernel: Kernel, laid_out: Packed | None, dsp: bool) -> int:
    """Bytes that a node needs for itself."""
    if laid_out is None or not isinstance(kernel, Products):
        return 0
    channels: int = kernel.window.image[2]
    if kernel.depthwise:
        return channels if any(kernel.window.pad) else 0
    blocks = -(-int(kernel.weights[0].size) // 4)
    if dsp and laid_out.pairs:
        return 8 * blocks + (0 if kernel.window.plain and channels % 4 == 0 else 4 * blocks)
    return 4 * blocks


def _variants(steps: Sequence[Mapping[str, Any]]) -> Sequence[tuple[Any, ...]]:
    """The kinds of products that there are, each once."""
    found: dict[tuple[Any, ...], None] = {}
    for step in steps:
        if step["packed"] is not None and not step["kernel"].depthwise:
            found.setdefault(step["packed"].variant(step["kernel"]))
    return list(found)
