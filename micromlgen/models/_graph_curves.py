"""Functions of one element in int8, as tables of what LiteRT's reference kernels give for all 256 of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from micromlgen.errors import UnsupportedError
from micromlgen.models import _graph_scale as scaling
from micromlgen.models._graph_int8 import Lookup, lookup
from micromlgen.models._graph_scale import Rounding
from micromlgen.models._graph_value import Value

Array = NDArray[Any]
_ALL = np.arange(-128, 128, dtype=np.int64)


def _requantized(ins: Value, out: Value) -> Array:
    """Every input, rescaled to the output and offset by its zero, without saturation."""
    assert ins.scale is not None
    assert out.scale is not None
    multiplier, shift = scaling.multipliers(np.float64(ins.scale) / np.float64(out.scale))
    return scaling.scaled(_ALL - ins.zero, multiplier, shift) + out.zero


def identity(ins: Value, out: Value, rounding: Rounding) -> Lookup:
    """Of another scale."""
    return lookup(_requantized(ins, out))


def relu(ins: Value, out: Value, rounding: Rounding) -> Lookup:
    """Not below zero."""
    return lookup(np.maximum(_requantized(ins, out), out.zero))


def relu6(ins: Value, out: Value, rounding: Rounding) -> Lookup:
    """Within 0 and 6."""
    assert out.scale is not None
    six = out.zero + floor(float(np.float32(6) / np.float32(out.scale)) + 0.5)
    if rounding == "double" and (ins.scale, ins.zero) != (out.scale, out.zero):
        raise UnsupportedError("RELU6 of another scale, which TensorFlow Lite Micro takes for the same")
    return lookup(np.clip(_requantized(ins, out), out.zero, min(six, 127)))


def _bounded(ins: Value, function: Callable[[Array], Array], bits: int, low: int, zero: int) -> Lookup:
    """A function that saturates, of an argument with 4 integer bits; `bits` after the point remain."""
    assert ins.scale is not None
    multiplier, shift = scaling.multipliers(np.float64(ins.scale) * 2.0**27)
    radius = floor(15 * 2.0**27 / 2.0 ** int(shift))
    x = _ALL - ins.zero
    argument = scaling.scaled(np.clip(x, -radius, radius), multiplier, shift)
    y = scaling.divided(function(scaling.saturated(argument)), 31 - bits) + zero
    return lookup(np.where(x <= -radius, low, np.where(x >= radius, 127, y)))


def _nearest(ins: Value, out: Value, function: Callable[[Array], Array]) -> Lookup:
    """Answers in float32, to the nearest: as LiteRT fills its tables."""
    x = (_ALL - ins.zero).astype(np.float32) * np.float32(ins.scale)
    y = function(x).astype(np.float32) * (np.float32(1) / np.float32(out.scale))
    return lookup(np.sign(y) * np.floor(np.abs(y) + np.float32(0.5)) + out.zero)


def sigmoid(ins: Value, out: Value, rounding: Rounding) -> Lookup:
    """The logistic function."""
    if rounding == "single" or (out.scale, out.zero) != (1 / 256, -128):
        return _nearest(ins, out, expit)
    return _bounded(ins, scaling.logistic, 8, -128, -128)


def tanh(ins: Value, out: Value, rounding: Rounding) -> Lookup:
    """The hyperbolic tangent."""
    if rounding == "single" or (out.scale, out.zero) != (1 / 128, 0):
        return _nearest(ins, out, np.tanh)
    return _bounded(ins, scaling.tanh, 7, -128, 0)


def _high16(a: Array, b: int) -> Array:
    """``a * b / 2**15`` of int16 values, to the nearest, saturated."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.clip(np.where(nudged >= 0, nudged >> 15, -(-nudged >> 15)), -32768, 32767)


def hardswish(ins: Value, out: Value, rounding: Rounding) -> Lookup:
    """``x * relu6(x + 3) / 6`` in 16 bits."""
    fine = np.float32(1 / 128) * np.float32(ins.scale)
    factors = [np.float64(fine / np.float32(out.scale)), np.float64(fine / np.float32(3.0 / 32768.0))]
    q, shifts = scaling.multipliers(factors)
    narrow = np.minimum((q + (1 << 15)) >> 16, 32767)
    x = (_ALL - ins.zero) << 7
    scaled = _high16(x, int(narrow[0]))
    reluish, shift = x, int(shifts[1])
    if shift > 0:
        reluish = np.clip(reluish << (shift - 1), -32768, 32767)
    reluish = _high16(reluish, int(narrow[1]))
    if shift > 0:
        reluish = np.clip(reluish << 1, -32768, 32767)
    elif shift < 0:
        reluish = scaling.divided(reluish, -shift)
    product = ((reluish + (1 << 15)) >> 1) * scaled
    y = np.where(product >= 0, product >> 15, -(-product >> 15))
    if int(shifts[0]) > 0:
        raise UnsupportedError("HARD_SWISH: the scale of the output is too small")
    return lookup(scaling.divided(y, -int(shifts[0])) + out.zero)


KINDS: Mapping[str, Callable[[Value, Value, Rounding], Lookup]] = {
    "identity": identity,
    "relu": relu,
    "relu6": relu6,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "hardswish": hardswish,
}
