"""Small .tflite files, made with the schema package alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

Array = NDArray[Any]
Options = tuple[int, Callable[[flatbuffers.Builder], int]]
KINDS = {
    "float32": tflite.TensorType.FLOAT32,
    "int8": tflite.TensorType.INT8,
    "uint8": tflite.TensorType.UINT8,
    "int16": tflite.TensorType.INT16,
    "int32": tflite.TensorType.INT32,
    "bool": tflite.TensorType.BOOL,
}


def options(kind: str, **fields: int | float | bool) -> Options:
    """Builtin options: ``options("Pool2D", StrideH=1, ...)``; the table of the schema is `<kind>Options`."""
    name = f"{kind}Options"

    def write(b: flatbuffers.Builder) -> int:
        getattr(tflite, f"{name}Start")(b)
        for field, value in fields.items():
            getattr(tflite, f"{name}Add{field}")(b, value)
        return int(getattr(tflite, f"{name}End")(b))

    return int(getattr(tflite.BuiltinOptions, name)), write


class Flat:
    """A model that grows by tensors and operators."""

    def __init__(self) -> None:
        self.tensors: list[tuple[Any, ...]] = []
        self.operators: list[tuple[Any, ...]] = []

    def tensor(
        self,
        shape: Sequence[int],
        scale: float | Sequence[float] | None = None,
        zero: int | Sequence[int] = 0,
        data: Array | None = None,
        dtype: str = "int8",
        axis: int = 0,
        signature: Sequence[int] | None = None,
    ) -> int:
        """Number of a new tensor: an activation, or with `data` a constant."""
        self.tensors.append((tuple(shape), scale, zero, data, dtype, axis, signature))
        return len(self.tensors) - 1

    def const(self, data: Array, **more: Any) -> int:
        return self.tensor(data.shape, data=data, dtype=data.dtype.name, **more)

    def op(
        self, code: str, inputs: Sequence[int], output: int | Sequence[int], of: Options | None = None
    ) -> int:
        outputs = [output] if isinstance(output, int) else list(output)
        self.operators.append((code, list(inputs), outputs, of))
        return outputs[0]

    def bytes(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        b = flatbuffers.Builder(1024)
        buffers = [self._buffer(b, None)]
        tensors = []
        for each in self.tensors:
            buffers.append(self._buffer(b, each[3]))
            tensors.append(self._tensor(b, each, len(buffers) - 1))
        codes = sorted({code for code, *_ in self.operators})
        operators = [self._operator(b, each, codes) for each in self.operators]
        graph = self._graph(b, tensors, operators, inputs, outputs)
        code_tables = []
        for code in codes:
            number = int(getattr(tflite.BuiltinOperator, code))
            tflite.OperatorCodeStart(b)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
            tflite.OperatorCodeAddBuiltinCode(b, number)
            tflite.OperatorCodeAddVersion(b, 1)
            code_tables.append(tflite.OperatorCodeEnd(b))
        code_vector = _offsets(b, code_tables)
        graphs = _offsets(b, [graph])
        buffer_vector = _offsets(b, buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, code_vector)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, buffer_vector)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    @staticmethod
    def _buffer(b: flatbuffers.Builder, data: Array | None) -> int:
        vector = None
        if data is not None:
            vector = b.CreateNumpyVector(np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8))
        tflite.BufferStart(b)
        if vector is not None:
            tflite.BufferAddData(b, vector)
        return int(tflite.BufferEnd(b))

    @staticmethod
    def _tensor(b: flatbuffers.Builder, each: tuple[Any, ...], buffer: int) -> int:
        shape, scale, zero, _, dtype, axis, signature = each
        dims = b.CreateNumpyVector(np.array(shape, np.int32))
        signed = None if signature is None else b.CreateNumpyVector(np.array(signature, np.int32))
        quantization = None
        if scale is not None:
            scales = np.atleast_1d(np.array(scale, np.float32))
            zeros = np.broadcast_to(np.array(zero, np.int64), scales.shape).copy()
            s, z = b.CreateNumpyVector(scales), b.CreateNumpyVector(zeros)
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, s)
            tflite.QuantizationParametersAddZeroPoint(b, z)
            tflite.QuantizationParametersAddQuantizedDimension(b, axis)
            quantization = tflite.QuantizationParametersEnd(b)
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, dims)
        tflite.TensorAddType(b, KINDS[dtype])
        tflite.TensorAddBuffer(b, buffer)
        if quantization is not None:
            tflite.TensorAddQuantization(b, quantization)
        if signed is not None:
            tflite.TensorAddShapeSignature(b, signed)
        return int(tflite.TensorEnd(b))

    @staticmethod
    def _operator(b: flatbuffers.Builder, each: tuple[Any, ...], codes: list[str]) -> int:
        code, inputs, outputs, of = each
        i = b.CreateNumpyVector(np.array(inputs, np.int32))
        o = b.CreateNumpyVector(np.array(outputs, np.int32))
        table = None if of is None else of[1](b)
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, codes.index(code))
        tflite.OperatorAddInputs(b, i)
        tflite.OperatorAddOutputs(b, o)
        if of is not None:
            tflite.OperatorAddBuiltinOptionsType(b, of[0])
            tflite.OperatorAddBuiltinOptions(b, table)
        return int(tflite.OperatorEnd(b))

    @staticmethod
    def _graph(
        b: flatbuffers.Builder, tensors: list[int], operators: list[int], i: Sequence[int], o: Sequence[int]
    ) -> int:
        t, ops = _offsets(b, tensors), _offsets(b, operators)
        ins = b.CreateNumpyVector(np.array(i, np.int32))
        outs = b.CreateNumpyVector(np.array(o, np.int32))
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, t)
        tflite.SubGraphAddInputs(b, ins)
        tflite.SubGraphAddOutputs(b, outs)
        tflite.SubGraphAddOperators(b, ops)
        return int(tflite.SubGraphEnd(b))


def _offsets(b: flatbuffers.Builder, items: Sequence[int]) -> int:
    b.StartVector(4, len(items), 4)
    for item in reversed(items):
        b.PrependUOffsetTRelative(item)
    return int(b.EndVector())
