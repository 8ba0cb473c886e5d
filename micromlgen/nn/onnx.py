"""Nets from .onnx files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph_scale import Rounding
from micromlgen.nn import _onnx_elements, _onnx_products, _onnx_quantized, _onnx_shapes, _onnx_windows
from micromlgen.nn._flat import file_bytes
from micromlgen.nn._onnx_reader import Constant, Entry, Reader, Step, Translator
from micromlgen.nn.net import Net

#: Most nodes of a file, dimensions of a tensor.
_MOST, _MOST_AXES = 4096, 6
#: Domains of operators that are known.
_DOMAINS = ("", "ai.onnx", "com.microsoft")
_TRANSLATORS: Mapping[str, Translator] = {
    **_onnx_products.TRANSLATORS,
    **_onnx_windows.TRANSLATORS,
    **_onnx_elements.TRANSLATORS,
    **_onnx_shapes.TRANSLATORS,
    **_onnx_quantized.TRANSLATORS,
}


def load_onnx(
    path: str | Path | bytes, *, classes: Sequence[Any] | None = None, rounding: Rounding = "single"
) -> Net:
    """A net from an ONNX file, for `micromlgen.port` and `transpile`.

    Parameters
    ----------
    path : str, Path or bytes
        A net in float32, or in int8 or uint8 by QuantizeLinear and DequantizeLinear or by the QLinear
        operators: a file or its contents. Features are in its own order, channels before height and width.
    classes : sequence, optional
        As of `load_tflite`.
    rounding : {"single", "double"}
        As of `load_tflite`; ONNX has no definition of its own to the bit.

    Raises
    ------
    UnsupportedError
        If the file is damaged, or holds an operator, an attribute, a type or a shape that cannot be ported.
    """
    what = "load_onnx" if isinstance(path, bytes) else f"load_onnx({str(path)!r})"
    onnx = _package()
    contents = file_bytes(path, what)
    try:
        graph = onnx.load_model_from_string(contents).graph
        with np.errstate(all="ignore"):  # what is not finite is refused
            return Net(_graph(graph, onnx), "OnnxNet", classes, rounding)
    except UnsupportedError as error:
        raise UnsupportedError(f"{what}: {error}") from error
    except _astray() as error:
        raise UnsupportedError(f"{what} is damaged or no .onnx file ({error}); export it again") from error


def _package() -> ModuleType:
    try:
        import onnx
        import onnx.numpy_helper
    except ImportError:
        raise UnsupportedError("load_onnx needs onnx: pip install 'micromlgen[onnx]'") from None
    return onnx


def _astray() -> tuple[type[Exception], ...]:
    """What is raised where a file is not well-formed."""
    from google.protobuf.message import DecodeError

    return (
        DecodeError,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        AttributeError,
        OverflowError,
        RuntimeError,
    )


def _graph(graph: Any, onnx: ModuleType) -> Any:
    if not 0 < len(graph.node) <= _MOST:
        raise UnsupportedError(f"a file with {len(graph.node)} nodes; 1 to {_MOST} can be read")
    steps = [_step(node, onnx) for node in graph.node]
    reader = Reader(Counter([i for s in steps for i in s.inputs] + [o.name for o in graph.output]))
    for tensor in graph.initializer:
        reader.known[tensor.name] = Constant(_numbers(tensor, onnx))
    given = _input(graph, reader, onnx)
    for step in steps:
        if step.kind not in _TRANSLATORS:
            known = ", ".join(sorted(_TRANSLATORS))
            raise UnsupportedError(f"the operator {step.kind} cannot be ported; these can: {known}")
        if not step.outputs or (not step.inputs and step.kind != "Constant"):
            raise UnsupportedError(f"{step.kind} without inputs or outputs")
        reader.known[step.outputs[0]] = _TRANSLATORS[step.kind](reader, step)
    if len(graph.output) != 1:
        raise UnsupportedError(f"the net has {len(graph.output)} outputs; exactly one can be ported")
    wanted = reader.known.get(graph.output[0].name)
    if not isinstance(wanted, Entry):
        raise UnsupportedError("the output is not computed from the input")
    return reader.graph(given, wanted)


def _input(graph: Any, reader: Reader, onnx: ModuleType) -> int:
    """Number of the value of the only input."""
    inputs = [i for i in graph.input if i.name not in reader.known]
    if len(inputs) != 1:
        raise UnsupportedError(f"the net has {len(inputs)} inputs; exactly one can be ported")
    kind = inputs[0].type.tensor_type
    if kind.elem_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.INT8, onnx.TensorProto.UINT8):
        raise UnsupportedError("the input is not of float32, int8 or uint8")
    sizes = [int(d.dim_value) for d in kind.shape.dim]
    if not 2 <= len(sizes) <= _MOST_AXES or sizes[0] > 1:
        raise UnsupportedError(f"the input has the shape {sizes}; a batch of 1 comes first")
    if min(sizes[1:]) < 1:
        raise UnsupportedError(f"the input has the dynamic shape {sizes}; export it with fixed sides")
    index = reader.new(tuple(sizes[1:]))
    reader.known[inputs[0].name] = Entry(index, tuple(sizes[1:]))
    return index


def _step(node: Any, onnx: ModuleType) -> Step:
    if node.domain not in _DOMAINS:
        raise UnsupportedError(f"the operator {node.domain}.{node.op_type} cannot be ported")
    attributes = {a.name: _attribute(a, onnx) for a in node.attribute}
    return Step(node.op_type, tuple(node.input), tuple(node.output), attributes)


def _attribute(attribute: Any, onnx: ModuleType) -> Any:
    if attribute.type == onnx.AttributeProto.TENSOR:
        return _numbers(attribute.t, onnx)
    if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
        raise UnsupportedError("operators with graphs inside cannot be ported")
    value = onnx.helper.get_attribute_value(attribute)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _numbers(tensor: Any, onnx: ModuleType) -> Any:
    """A tensor of the file as an array."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise UnsupportedError(f"tensor {tensor.name!r} is stored in another file; save the net as one")
    if len(tensor.dims) > _MOST_AXES or any(d < 0 for d in tensor.dims):
        raise UnsupportedError(f"tensor {tensor.name!r} has the shape {list(tensor.dims)}")
    return np.asarray(onnx.numpy_helper.to_array(tensor))
