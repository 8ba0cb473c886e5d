"""What networks cost, and the arrays that their templates print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.ir import Layout
from micromlgen.models._matrix import Matrix
from micromlgen.models._mlp_integer import IntegerLayers
from micromlgen.models._products import CORES
from micromlgen.tables import narrow

Array = NDArray[Any]
#: Measured with -Os on each of `CORES`: bytes of code, cycles of a product and of a neuron; what curves add.
_CODE, _CURVE_CODE = (980, 570, 250, 600), (1050, 380, 210, 470)
_PRODUCT = (124, 47, 2.0, 33)
_NEURON, _CURVE = (315, 250, 32, 140), (2800, 525, 82, 400)
#: The same in integers, by kernel.
_INTEGER_CODE = (600, 300, 400, 330)
_INTEGER_PRODUCT = {
    "i16": (32.5, 5, 1.5, 4.75),
    "i16w8": (20.5, 6, 2.25, 4.75),
    "i8": (12.5, 5, 1.9, 4.75),
}
_INTEGER_NEURON = (200, 45, 35, 30)


def float_layouts(layers: tuple[Matrix, ...], activation: str) -> Sequence[Layout]:
    """Layers in float32, the biases of all in one table ``bias``."""
    tables = [t for layer in layers for t in (*layer.tables, layer.bias)]
    products = sum(layer.weights.size for layer in layers)
    n_hidden = sum(len(layer.bias) for layer in layers[:-1])
    curved = n_hidden > 0 and activation in ("logistic", "tanh")
    size = sum(t.nbytes for t in tables)
    flash, cycles = {}, {}
    for k, core in enumerate(CORES):
        flash[core] = float(size + _CODE[k] + curved * _CURVE_CODE[k])
        cycles[core] = products * _PRODUCT[k] + (n_hidden + len(layers[-1].bias)) * float(_NEURON[k])
        cycles[core] += curved * n_hidden * _CURVE[k]
    # tanh(s) is a quotient of exponentials of 2 s: weights are printed doubled.
    hidden = [layer.bias * np.float32(1 + (activation == "tanh")) for layer in layers[:-1]]
    parts = {"bias": np.concatenate([*hidden, layers[-1].bias])}
    return [Layout("layers", flash, cycles, lambda: parts, [t.nbytes for t in tables])]


def integer_layouts(integers: IntegerLayers, kernel: str) -> Sequence[Layout]:
    """Layers in integers: ``bias`` and ``multiplier`` of all hidden neurons in one table each.

    Some cores multiply so many rows of each layer ``together`` with what it is given.
    """
    last, hidden = integers.last, integers.hidden
    matrices = [*(layer.rows for layer in hidden), last]
    together = [
        kernels.together(kernel, rows.weights.shape[1], [len(t) for t in rows.tables]) for rows in matrices
    ]
    parts: dict[str, Any] = {"together": together}
    tables = [t for rows in matrices for t in rows.tables] + [last.constants]
    if hidden:
        parts["bias"] = narrow(np.concatenate([layer.rows.bias for layer in hidden]))
        parts["multiplier"] = narrow(np.concatenate([layer.multiplier for layer in hidden]))
        curves = [layer.curve.table for layer in hidden[:1] if layer.curve is not None]
        tables += [parts["bias"], parts["multiplier"], *curves]
    n_neurons = sum(len(rows.bias) for rows in matrices)
    size = sum(t.nbytes for t in tables)
    flash, cycles = {}, {}
    for k, core in enumerate(CORES):
        flash[core] = float(size + _INTEGER_CODE[k])
        cycles[core] = float(n_neurons * _INTEGER_NEURON[k])
        for rows, at_once in zip(matrices, together, strict=True):
            each = float(_INTEGER_PRODUCT[kernel][k])
            if core == "cortex-m4f" and at_once > 1:
                flash[core] += kernels.bytes_together(rows.weights.shape[1], at_once)
                each = kernels.element_together(kernel, at_once)
            cycles[core] += rows.weights.size * each
    return [Layout("layers", flash, cycles, lambda: parts, [t.nbytes for t in tables])]
