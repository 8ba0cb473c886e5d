"""Operators of ONNX that quantise, or compute with what is quantised already."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.nn._flat import plausible
from micromlgen.nn._onnx_elements import added
from micromlgen.nn._onnx_products import connected, convolved
from micromlgen.nn._onnx_reader import Constant, Entry, Reader, Step, Translator
from micromlgen.nn._onnx_windows import globally_averaged


def _scale(reader: Reader, step: Step, number: int) -> tuple[float, int]:
    """Scale and zero of an activation, from the inputs `number` and the next, as int8 has them."""
    scale = reader.constant(step, number).data.reshape(-1)
    zero = reader.maybe(step, number + 1)
    offset = np.zeros(1, np.uint8) if zero is None else zero.data.reshape(-1)
    if scale.size != 1 or offset.size != 1 or not plausible(scale):
        raise UnsupportedError(f"{step.kind} of an activation with {scale.size} scales; one is needed")
    if offset.dtype not in (np.int8, np.uint8):
        raise UnsupportedError(f"{step.kind} to {offset.dtype}; int8 and uint8 can be ported")
    return float(np.float32(scale[0])), int(offset[0]) - (128 if offset.dtype == np.uint8 else 0)


def _weights(reader: Reader, step: Step, number: int, rank: int, axis: int) -> Constant:
    """Quantised weights from the inputs `number`, its scales and its zeros."""
    data = reader.constant(step, number).data
    scales = reader.constant(step, number + 1).data.reshape(-1).astype(np.float32)
    zeros = reader.maybe(step, number + 2)
    offset = np.zeros(1, data.dtype) if zeros is None else zeros.data.reshape(-1)
    if data.ndim != rank or not plausible(scales):
        raise UnsupportedError(f"{step.kind} with weights of the shape {list(data.shape)}")
    if data.dtype == np.uint8 and (offset == 128).all():
        data, offset = (data.astype(np.int16) - 128).astype(np.int8), np.zeros(1)
    if data.dtype not in (np.int8, np.int32) or offset.any():
        raise UnsupportedError(f"{step.kind} with weights of {data.dtype} whose zero is not 0")
    return Constant(data, scales, axis)


def _quantized(reader: Reader, step: Step) -> Entry | Constant:
    found = reader.known.get(step.inputs[0])
    scale, zero = _scale(reader, step, 1)
    if isinstance(found, Constant):
        raise UnsupportedError("QuantizeLinear of a constant; store weights quantised")
    return reader.quantize(step, reader.entry(step), scale, zero)


def _dequantized(reader: Reader, step: Step) -> Entry | Constant:
    found = reader.known.get(step.inputs[0])
    if isinstance(found, Constant):
        axis = int(step.get("axis", 1))
        return _weights(reader, step, 0, found.data.ndim, axis % max(found.data.ndim, 1))
    return reader.quantize(step, reader.entry(step), *_scale(reader, step, 1))


def _convolution(reader: Reader, step: Step) -> Entry:
    entry = reader.quantize(step, reader.entry(step), *_scale(reader, step, 1))
    weights = _weights(reader, step, 3, reader.constant(step, 3).data.ndim, 0)
    out = convolved(reader, step, entry, weights, reader.maybe(step, 8))
    return reader.quantize(step, out, *_scale(reader, step, 6))


def _matmul(reader: Reader, step: Step) -> Entry:
    entry = reader.quantize(step, reader.entry(step), *_scale(reader, step, 1))
    out = connected(reader, step, entry, _weights(reader, step, 3, 2, 1), None)
    return reader.quantize(step, out, *_scale(reader, step, 6))


def _addition(reader: Reader, step: Step) -> Entry:
    pair = [reader.quantize(step, reader.entry(step, n), *_scale(reader, step, n + 1)) for n in (0, 3)]
    return reader.quantize(step, added(reader, step, *pair), *_scale(reader, step, 6))


def _global_mean(reader: Reader, step: Step) -> Entry:
    if step.get("channels_last", 0):
        raise UnsupportedError("QLinearGlobalAveragePool with channels_last=1 cannot be ported")
    entry = reader.quantize(step, reader.entry(step), *_scale(reader, step, 1))
    return reader.quantize(step, globally_averaged(reader, step, entry), *_scale(reader, step, 3))


TRANSLATORS: Mapping[str, Translator] = {
    "QuantizeLinear": _quantized,
    "DequantizeLinear": _dequantized,
    "QLinearConv": _convolution,
    "QLinearMatMul": _matmul,
    "QLinearAdd": _addition,
    "QLinearGlobalAveragePool": _global_mean,
}
