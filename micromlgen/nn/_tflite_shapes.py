"""Operators of TensorFlow Lite on each element, and those that move or average elements."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph_ops import (
    Addition,
    Averaging,
    Curve,
    CurveKind,
    Joining,
    Padding,
    Reshaping,
    Softmaxing,
    Transposition,
    averaged_axes,
)
from micromlgen.models._graph_value import Value
from micromlgen.nn._flat import FlatOperator
from micromlgen.nn._tflite_reader import Reader, Translated, Translator, expect, fused

_CURVES: dict[str, CurveKind] = {
    "RELU": "relu",
    "RELU6": "relu6",
    "LOGISTIC": "sigmoid",
    "TANH": "tanh",
    "HARD_SWISH": "hardswish",
    "QUANTIZE": "identity",
}


def _addition(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    a, b = reader.input(op, 0), reader.input(op, 1)
    if a.shape != b.shape:
        raise UnsupportedError(
            f"ADD of the shapes {list(a.shape)} and {list(b.shape)}: they must be the same"
        )
    expect(op, a.shape, out)
    low, high = fused(op)
    return Addition(low, high), op.inputs[:2]


def _joining(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    shapes = [reader.input(op, i).shape for i in range(len(op.inputs))]
    axis = op.option("Axis")
    axis = axis + len(out.shape) if axis < 0 else axis - 1
    if fused(op) != (-inf, inf) or not 0 <= axis < len(out.shape):
        raise UnsupportedError("CONCATENATION with an activation, or along the batch, cannot be ported")
    rest = {s[:axis] + s[axis + 1 :] for s in shapes}
    if len(rest) != 1 or any(len(s) != len(out.shape) for s in shapes):
        raise UnsupportedError(f"CONCATENATION of the shapes {shapes}")
    expect(op, (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :]), out)
    return Joining(int(np.prod(shapes[0][:axis]))), op.inputs


def _padding(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    shape = reader.input(op).shape
    widths = reader.constant(op, 1, ["int32", "int64"]).data
    assert widths is not None
    if widths.shape != (len(shape) + 1, 2) or widths[0].any() or widths.min() < 0:
        raise UnsupportedError(f"PAD by {widths.tolist()} of the shape {list(shape)}")
    before, after = (tuple(int(w) for w in column) for column in widths[1:].T)
    expect(op, tuple(a + n + b for a, n, b in zip(before, shape, after, strict=True)), out)
    return Padding(shape, before, after), op.inputs[:1]


def _reshaping(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    if reader.input(op).size != out.size:
        raise UnsupportedError(f"{op.code} of {list(reader.input(op).shape)} to {list(out.shape)}")
    return Reshaping(), op.inputs[:1]


def _transposition(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    shape, order = reader.input(op).shape, reader.constant(op, 1, ["int32", "int64"]).data
    assert order is not None
    axes = [int(a) for a in order.reshape(-1)]
    if sorted(axes) != list(range(len(shape) + 1)) or axes[0] != 0:
        raise UnsupportedError(f"TRANSPOSE by {axes}: the batch must stay first")
    moved = tuple(a - 1 for a in axes[1:])
    expect(op, tuple(shape[a] for a in moved), out)
    return Transposition(shape, moved), op.inputs[:1]


def _averaging(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    shape, axes = reader.input(op).shape, reader.constant(op, 1, ["int32"]).data
    assert axes is not None
    rank = len(shape) + 1
    over = [int(a) % rank - 1 for a in axes.reshape(-1) if -rank <= a < rank]
    if len(over) != axes.size or min(over, default=-1) < 0:
        raise UnsupportedError(f"MEAN over the axes {axes.reshape(-1).tolist()} of {rank}")
    operator = Averaging(averaged_axes(shape, over))
    if operator.shape[0] * operator.shape[2] != out.size:
        raise UnsupportedError(f"MEAN gives another shape than {list(out.shape)}")
    return operator, op.inputs[:1]


def _curve(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    expect(op, reader.input(op).shape, out)
    return Curve(_CURVES[op.code]), op.inputs[:1]


def _softmax(reader: Reader, op: FlatOperator, out: Value) -> Translated:
    shape = reader.input(op).shape
    expect(op, shape, out)
    beta = float(op.option("Beta"))
    if not 0 < beta < 1e6:
        raise UnsupportedError(f"SOFTMAX with beta={beta}")
    return Softmaxing(shape[-1], beta), op.inputs[:1]


TRANSLATORS: Mapping[str, Translator] = {
    "ADD": _addition,
    "CONCATENATION": _joining,
    "PAD": _padding,
    "RESHAPE": _reshaping,
    "SQUEEZE": _reshaping,
    "EXPAND_DIMS": _reshaping,
    "TRANSPOSE": _transposition,
    "MEAN": _averaging,
    **dict.fromkeys(_CURVES, _curve),
    "SOFTMAX": _softmax,
}
