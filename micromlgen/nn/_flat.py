"""Reading .tflite files: flatbuffers that are not to be trusted, as plain tensors and operators.

Everything that a file counts is held against what a small net can have before it is walked through, so that
no file makes the reader slow or large.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError

Array = NDArray[Any]
#: Most tensors and operators, dimensions of a tensor, inputs and outputs of an operator.
_MOST, _MOST_AXES, _MOST_INPUTS = 4096, 6, 64
#: Most elements of an activation, most bytes of a file.
MOST_ELEMENTS, MOST_BYTES = 1 << 24, 1 << 28
#: What is raised where offsets lead astray.
_ASTRAY = (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError, UnicodeError)


@dataclass(frozen=True, eq=False)
class FlatTensor:
    """A tensor of a file.

    Parameters
    ----------
    name : str
    shape : tuple of int
        With the batch, -1 where the file leaves it open.
    kind : str
        NumPy's name of its type, or the schema's where NumPy has none.
    scales, zeros : arrays of shape (1,) or (shape[axis],), or None
    axis : int
    data : array of this shape, or None
        Of constants.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    scales: NDArray[np.float32] | None
    zeros: NDArray[np.int64] | None
    axis: int
    data: Array | None


@dataclass(frozen=True, eq=False)
class FlatOperator:
    """An operator of a file: -1 stands for an input that is left out."""

    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    #: Field of the operator's options by name.
    option: Callable[[str], Any]


@dataclass(frozen=True, eq=False)
class FlatModel:
    """The only subgraph of a file."""

    tensors: tuple[FlatTensor, ...]
    operators: tuple[FlatOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def schema() -> ModuleType:
    """The package with the schema of .tflite files.

    Raises
    ------
    UnsupportedError
        If it is not installed.
    """
    try:
        import tflite
    except ImportError:
        raise UnsupportedError(
            "load_tflite needs the schema of these files: pip install 'micromlgen[tflite]'"
        ) from None
    return tflite  # type: ignore[no-any-return]


def plausible(scales: Array) -> bool:
    """Whether these can be scales: products of three of them stay in float32."""
    return bool(((scales > 1e-12) & (scales < 1e12)).all())


def file_bytes(path: str | Path | bytes, what: str) -> bytes:
    """Contents of a file, or what was read already.

    Raises
    ------
    UnsupportedError
        If it cannot be read, or is too large.
    """
    if isinstance(path, bytes):
        return path
    try:
        size = Path(path).stat().st_size
        if size > MOST_BYTES:
            raise UnsupportedError(f"{what}: {path} has {size} bytes; no board holds such a net")
        return Path(path).read_bytes()
    except OSError as error:
        raise UnsupportedError(f"{what}: {path} cannot be read: {error.strerror}") from error


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Say of a file that is not well-formed that it is not.

    Raises
    ------
    UnsupportedError
        Instead of what reading such a file raises within.
    """
    try:
        yield
    except UnsupportedError:
        raise
    except _ASTRAY as error:
        raise UnsupportedError(f"{what} is damaged or no .tflite file ({error}); export it again") from error


def _names(kind: type) -> dict[int, str]:
    """Names of an enumeration of the schema by number."""
    return {v: k for k, v in vars(kind).items() if isinstance(v, int) and not k.startswith("_")}


def _count(n: int, what: str, most: int = _MOST) -> int:
    if not 0 <= n <= most:
        raise UnsupportedError(f"a file with {n} {what} is damaged or too large; up to {most} can be read")
    return n


def _vector(numbers: Any, what: str, most: int) -> tuple[int, ...]:
    """A vector of numbers; flatbuffers gives 0 where there is none."""
    if isinstance(numbers, int):
        return ()
    _count(len(numbers), what, most)
    return tuple(int(n) for n in numbers)


def parse(contents: bytes, what: str) -> FlatModel:
    """The tensors and operators of a file.

    Raises
    ------
    UnsupportedError
        If it is damaged, or has more than one subgraph.
    """
    tfl = schema()
    if len(contents) < 16 or contents[4:8] != b"TFL3":
        raise UnsupportedError(f"{what} is no .tflite file: it does not say TFL3")
    with reading(what):
        model = tfl.Model.GetRootAsModel(contents, 0)
        if model.SubgraphsLength() != 1:
            raise UnsupportedError(f"{what} has {model.SubgraphsLength()} subgraphs; only one can be ported")
        graph = model.Subgraphs(0)
        codes = _codes(model, tfl)
        buffers = _count(model.BuffersLength(), "buffers", 2 * _MOST)
        tensors = tuple(
            _tensor(model, graph.Tensors(i), buffers, tfl)
            for i in range(_count(graph.TensorsLength(), "tensors"))
        )
        operators = tuple(
            _operator(graph.Operators(i), codes, tfl)
            for i in range(_count(graph.OperatorsLength(), "operators"))
        )
        inputs = _vector(graph.InputsAsNumpy(), "inputs", _MOST_INPUTS)
        outputs = _vector(graph.OutputsAsNumpy(), "outputs", _MOST_INPUTS)
        used = [*inputs, *outputs, *(i for op in operators for i in op.outputs)]
        if not all(0 <= i < len(tensors) for i in used) or not all(
            -1 <= i < len(tensors) for op in operators for i in op.inputs
        ):
            raise UnsupportedError(f"{what} is damaged: an operator names a tensor that is not there")
    return FlatModel(tensors, operators, inputs, outputs)


def _codes(model: Any, tfl: ModuleType) -> list[str]:
    names, out = _names(tfl.BuiltinOperator), []
    for i in range(_count(model.OperatorCodesLength(), "operator codes")):
        code = model.OperatorCodes(i)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        out.append(names.get(number, f"number {number}"))
    return out


def _tensor(model: Any, tensor: Any, buffers: int, tfl: ModuleType) -> FlatTensor:
    name = (tensor.Name() or b"").decode("utf-8", "replace")
    shape = _vector(tensor.ShapeAsNumpy(), "dimensions", _MOST_AXES)
    signature = _vector(tensor.ShapeSignatureAsNumpy(), "dimensions", _MOST_AXES)
    if len(signature) == len(shape):
        shape = tuple(-1 if s == -1 else n for n, s in zip(shape, signature, strict=True))
    size = prod(abs(n) for n in shape)
    if any(n == 0 or n < -1 for n in shape) or size > MOST_ELEMENTS:
        raise UnsupportedError(f"tensor {name!r} has the shape {list(shape)}, which cannot be ported")
    kind = _names(tfl.TensorType).get(tensor.Type(), "unknown").lower()
    scales, zeros, axis = _quantization(tensor.Quantization(), name)
    if tensor.Sparsity() is not None:
        raise UnsupportedError(f"tensor {name!r} is sparse; export the net with dense weights")
    return FlatTensor(
        name, shape, kind, scales, zeros, axis, _data(model, tensor, buffers, shape, kind, name)
    )


def _quantization(of: Any, name: str) -> tuple[NDArray[np.float32] | None, NDArray[np.int64] | None, int]:
    if of is None or isinstance(of.ScaleAsNumpy(), int) or len(of.ScaleAsNumpy()) == 0:
        return None, None, 0
    scales = np.array(of.ScaleAsNumpy(), np.float32)
    given = of.ZeroPointAsNumpy()
    zeros = np.zeros(len(scales), np.int64) if isinstance(given, int) else np.array(given, np.int64)
    if zeros.shape != scales.shape or not plausible(scales):
        raise UnsupportedError(f"tensor {name!r} has scales or zero points that are none")
    return scales, zeros, int(of.QuantizedDimension())


def _data(
    model: Any, tensor: Any, buffers: int, shape: tuple[int, ...], kind: str, name: str
) -> Array | None:
    if not 0 <= tensor.Buffer() < buffers:
        raise UnsupportedError(f"tensor {name!r} names a buffer that is not there")
    buffer = model.Buffers(tensor.Buffer())
    stored = buffer.DataAsNumpy()
    if isinstance(stored, int) or len(stored) == 0:
        if buffer.Size():
            raise UnsupportedError(f"tensor {name!r} lies beyond the flatbuffer; export a smaller net")
        return None
    try:
        dtype = np.dtype(kind)
    except TypeError:
        return None  # its type is refused where it is used
    if len(stored) != dtype.itemsize * prod(shape):
        raise UnsupportedError(f"tensor {name!r} of the shape {list(shape)} has {len(stored)} bytes of data")
    return np.frombuffer(stored.tobytes(), dtype.newbyteorder("<")).astype(dtype).reshape(shape)


def _operator(op: Any, codes: list[str], tfl: ModuleType) -> FlatOperator:
    if not 0 <= op.OpcodeIndex() < len(codes):
        raise UnsupportedError("an operator has a code that is not there; the file is damaged")
    code, table = codes[op.OpcodeIndex()], op.BuiltinOptions()
    kind = _names(tfl.BuiltinOptions).get(op.BuiltinOptionsType(), "NONE")
    options = None
    if table is not None and kind != "NONE":
        options = getattr(tfl, kind)()
        options.Init(table.Bytes, table.Pos)

    def option(field: str) -> Any:
        if options is None or not hasattr(options, field):
            raise UnsupportedError(f"{code} has no option {field}; the file is damaged")
        return getattr(options, field)()

    inputs = _vector(op.InputsAsNumpy(), "inputs of an operator", _MOST_INPUTS)
    return FlatOperator(
        code, inputs, _vector(op.OutputsAsNumpy(), "outputs of an operator", _MOST_INPUTS), option
    )
