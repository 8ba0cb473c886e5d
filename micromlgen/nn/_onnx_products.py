"""Operators of ONNX that are products with weights: convolutions, and what is fully connected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph_ops import Product
from micromlgen.models._graph_window import Window
from micromlgen.nn._onnx_reader import Constant, Entry, Reader, Step, Translator
from micromlgen.nn._onnx_windows import window_of


def _weighted(
    step: Step, constant: Constant, bias: Constant | None, order: Sequence[int], by_channel: int
) -> dict[str, Any]:
    """Weights, biases and scales of a `Product`.

    Parameters
    ----------
    step : Step
    constant, bias : Constant
        In float, or int8 weights with an int32 bias.
    order : sequence of int
        Brings the axes of the weights into (n_out, height, width, n_in).
    by_channel : int
        The axis along which int8 weights may have scales of their own.

    Raises
    ------
    UnsupportedError
        If types or sizes are others, or a number is not finite.
    """
    weights = np.ascontiguousarray(constant.data.transpose(order))
    scales = constant.scales
    if scales is not None and (weights.dtype != np.int8 or (scales.size > 1 and constant.axis != by_channel)):
        raise UnsupportedError(f"{step.kind} whose weights are not int8 with scales by output")
    n_out = len(weights)
    offset = np.zeros(n_out) if bias is None else bias.data.reshape(-1)
    if offset.size != n_out or (scales is not None and scales.size not in (1, n_out)):
        raise UnsupportedError(f"{step.kind} with {offset.size} biases of {n_out} outputs")
    if scales is None:
        offset = offset if bias is None else bias.real().reshape(-1)
        weights, offset = weights.astype(np.float32), offset.astype(np.float32)
        if not (np.isfinite(weights).all() and np.isfinite(offset).all()):
            raise UnsupportedError(f"{step.kind} has weights that are not finite")
    elif bias is not None and offset.dtype != np.int32:
        raise UnsupportedError(f"{step.kind} in int8 with a bias of {offset.dtype}; int32 is needed")
    return {
        "weights": weights,
        "bias": offset if scales is None else offset.astype(np.int32),
        "scales": scales,
    }


def convolved(reader: Reader, step: Step, entry: Entry, weights: Constant, bias: Constant | None) -> Entry:
    """A convolution by weights of shape (n_out, n_in, *sides), depthwise of n_in = 1.

    Raises
    ------
    UnsupportedError
        If shapes do not fit, or its groups or window cannot be ported.
    """
    entry, image = reader.image(step, entry)
    data, sides = weights.data, len(entry.shape) - 1
    if data.ndim != sides + 2 or data.shape[0] < 1:
        raise UnsupportedError(f"{step.kind} with weights {list(data.shape)} of {list(entry.shape)}")
    groups, n_out = int(step.get("group", 1)), data.shape[0]
    depthwise = groups > 1 and groups == image[2] and data.shape[1] == 1 and n_out % groups == 0
    if not depthwise and (groups != 1 or data.shape[1] != image[2]):
        raise UnsupportedError(f"{step.kind} in {groups} groups of {image[2]} channels cannot be ported")
    if sides == 1:
        weights = replace(weights, data=data.reshape(*data.shape[:2], 1, data.shape[2]))
    window = window_of(step, image, data.shape[2:])
    operator = Product(window, **_weighted(step, weights, bias, (0, 2, 3, 1), 0), depthwise=depthwise)
    sizes = window.places if sides == 2 else window.places[1:]
    index = reader.add(operator, [entry.index], (*sizes, n_out))
    return Entry(index, (n_out, *sizes), (n_out, *sizes))


def _convolution(reader: Reader, step: Step) -> Entry:
    return convolved(reader, step, reader.entry(step), reader.constant(step, 1), reader.maybe(step, 2))


def connected(reader: Reader, step: Step, entry: Entry, weights: Constant, bias: Constant | None) -> Entry:
    """What is fully connected, by weights of shape (n_in, n_out).

    Raises
    ------
    UnsupportedError
        If shapes do not fit.
    """
    n_in, n_out = weights.data.shape[-2:] if weights.data.ndim == 2 else (0, 0)
    if n_in == 0 or entry.shape[-1] != n_in:
        raise UnsupportedError(
            f"{step.kind} of {list(entry.shape)} with weights of the shape {list(weights.data.shape)}"
        )
    if entry.image is not None and entry.shape == (prod(entry.image),):
        # Flattened: weights are put into the order of what is stored.
        order = np.arange(n_in).reshape(entry.image).transpose(*range(1, len(entry.image)), 0).reshape(-1)
        weights = replace(weights, data=weights.data[order])
    else:
        entry = reader.plain(entry)
    shaped = replace(weights, data=weights.data[None, None])
    window = Window((prod(entry.shape[:-1]), 1, n_in))
    parts = _weighted(step, replace(shaped, axis=weights.axis + 2), bias, (3, 0, 1, 2), 3)
    shape = (*entry.shape[:-1], n_out)
    return Entry(reader.add(Product(window, **parts, connected=True), [entry.index], shape), shape)


def _gemm(reader: Reader, step: Step) -> Entry:
    weights, bias = reader.constant(step, 1), reader.maybe(step, 2)
    if step.get("transA", 0) or weights.data.ndim != 2:
        raise UnsupportedError("Gemm with transA=1, or with weights of other than two axes, cannot be ported")
    alpha, beta = float(step.get("alpha", 1.0)), float(step.get("beta", 1.0))
    if step.get("transB", 0):
        weights = replace(weights, data=weights.data.T, axis=1 - weights.axis)
    if (alpha, beta) != (1.0, 1.0):
        weights = Constant(weights.real() * np.float32(alpha))
        bias = None if bias is None else Constant(bias.real() * np.float32(beta))
    return connected(reader, step, reader.entry(step), weights, bias)


def _matmul(reader: Reader, step: Step) -> Entry:
    return connected(reader, step, reader.entry(step), reader.constant(step, 1), None)


TRANSLATORS: Mapping[str, Translator] = {
    "Conv": _convolution,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
