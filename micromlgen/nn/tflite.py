"""Nets from .tflite files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph import Graph, Node
from micromlgen.models._graph_scale import Rounding
from micromlgen.nn import _tflite_products, _tflite_shapes
from micromlgen.nn._flat import FlatModel, FlatOperator, file_bytes, parse, reading
from micromlgen.nn._tflite_reader import Reader, Translator
from micromlgen.nn.net import Net

#: What computes the shape for a RESHAPE, where the batch was open.
_OF_SHAPES = ("SHAPE", "STRIDED_SLICE", "PACK")
_TRANSLATORS: Mapping[str, Translator] = {**_tflite_products.TRANSLATORS, **_tflite_shapes.TRANSLATORS}


def load_tflite(
    path: str | Path | bytes, *, classes: Sequence[Any] | None = None, rounding: Rounding = "single"
) -> Net:
    """A net from a .tflite file, for `micromlgen.port` and `transpile`.

    Parameters
    ----------
    path : str, Path or bytes
        A net in int8, or in float32: a file or its contents.
    classes : sequence, optional
        Labels of the outputs: the largest output decides. A net that ends in a softmax is a classifier
        without them too, of 0, 1, …; any other gives numbers.
    rounding : {"single", "double"}
        In int8: as LiteRT's reference kernels, or as those of TensorFlow Lite Micro.

    Raises
    ------
    UnsupportedError
        If the file is damaged, or holds an operator, an option, a type or a shape that cannot be ported.
    """
    what = "load_tflite" if isinstance(path, bytes) else f"load_tflite({str(path)!r})"
    flat = parse(file_bytes(path, what), what)
    with reading(what):
        try:
            graph = _graph(flat)
        except UnsupportedError as error:
            raise UnsupportedError(f"{what}: {error}") from error
    return Net(graph, "TfliteNet", classes, rounding)


def _graph(flat: FlatModel) -> Graph:
    """The net."""
    reader = Reader(flat)
    for what, ends in (("input", flat.inputs), ("output", flat.outputs)):
        if len(ends) != 1:
            raise UnsupportedError(f"the net has {len(ends)} {what}s; exactly one can be ported")
    given, wanted, operators = flat.inputs[0], flat.outputs[0], list(flat.operators)
    if operators and operators[0].code == "QUANTIZE" and flat.tensors[given].kind == "float32":
        given = operators.pop(0).outputs[0]
    if operators and operators[-1].code == "DEQUANTIZE" and operators[-1].outputs == (wanted,):
        wanted = operators.pop().inputs[0]
    reader.value(given)
    for op in operators:
        _translate(reader, op)
    if wanted not in reader.values:
        raise UnsupportedError("the output is not computed from the input")
    used = sorted(reader.values)
    number = {index: i for i, index in enumerate(used)}
    nodes = tuple(
        Node(n.operator, tuple(number[i] for i in n.inputs), number[n.output]) for n in reader.nodes
    )
    return Graph(tuple(reader.values[i] for i in used), nodes, number[given], number[wanted])


def _translate(reader: Reader, op: FlatOperator) -> None:
    """Add what an operator is to the net."""
    if op.code in _OF_SHAPES and all(reader.flat.tensors[o].kind == "int32" for o in op.outputs):
        return  # the file tells the shapes that these compute
    if op.code not in _TRANSLATORS:
        raise UnsupportedError(
            f"the operator {op.code} cannot be ported; these can: {', '.join(sorted(_TRANSLATORS))}"
        )
    if len(op.outputs) != 1 or not op.inputs:
        raise UnsupportedError(f"{op.code} with {len(op.outputs)} outputs")
    out = reader.value(op.outputs[0])
    operator, inputs = _TRANSLATORS[op.code](reader, op, out)
    for i in inputs:
        if i not in reader.values:
            raise UnsupportedError(f"{op.code} of a constant or of what is not computed before it")
    if any(node.output == op.outputs[0] for node in reader.nodes) or op.outputs[0] in inputs:
        raise UnsupportedError(f"{op.code} writes a tensor that is written already")
    reader.nodes.append(Node(operator, inputs, op.outputs[0]))
