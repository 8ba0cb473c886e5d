"""Ways to store rows of weights: all, those of the features that are used, those that are not zero.

None changes a score: what is left out is multiplied with zero. The C is in templates/products.h.j2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.ir import Layout
from micromlgen.models._matrix import Matrix
from micromlgen.tables import narrow

Array = NDArray[Any]
CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Rows begin and end at multiples of so many features, as the kernels are unrolled.
_STEP = 4
#: Measured with -Os on each of `CORES`: bytes of code with the loop over rows, by kernel.
_CODE = {
    "f32": (450, 450, 155, 440),
    "i16": (295, 115, 150, 120),
    "i16w8": (275, 115, 160, 120),
    "i8": (235, 115, 155, 120),
}
#: Cycles of one product, and of a row beyond its products.
_PRODUCT = {
    "f32": (115, 47, 2.0, 33),
    "i16": (32.5, 5, 1.5, 4.75),
    "i16w8": (20.5, 6, 2.25, 4.75),
    "i8": (12.5, 5, 1.9, 4.75),
}
_ROW = {
    "f32": (240, 232, 22, 120),
    "i16": (100, 23, 19, 12),
    "i16w8": (110, 25, 19, 12),
    "i8": (97, 23, 19, 12),
}
#: Cycles of a row of several at a time, beyond its products.
_ROW_TOGETHER = 14
#: Features are gathered where no more than this share of them is used.
_WORTH = 0.9
#: So many rows leave their products on the stack where cores multiply several rows at once.
_MOST_PRODUCTS = 32
#: Bytes of code, and cycles of each feature that is gathered; the same of each row that gathers its own.
_GATHER = ((100, 36, 50, 60), (32, 10, 8, 9))
_SCATTER = ((100, 40, 30, 60), (50, 20, 20, 25))


@dataclass(frozen=True, eq=False)
class Scattered:
    """Weights that are not zero, row after row.

    Parameters
    ----------
    value : array of shape (n_values,)
        In float each row begins with its constant.
    count : unsigned array of shape (n_rows,)
        How many each row has, at least one.
    """

    value: Array
    count: Array


def layouts(matrix: Matrix, kernel: str) -> Sequence[Layout]:
    """The layouts of quantised rows: `parts` has ``rows``, ``first``, ``index``, ``most`` and ``scattered``.

    ``rows`` is the matrix that kernels multiply with the features from number ``first`` on, or with those
    that ``index`` lists, ``most`` of them; with ``scattered``, each row lists its own, up to ``most``.
    Some cores multiply so many rows ``together`` with the features, by another ``kernel_ahead``, and add the
    biases of ``ahead``.
    """
    used = np.flatnonzero((matrix.weights != 0).any(axis=0))
    n_rows, n_features = matrix.weights.shape
    first = int(used[0]) // _STEP * _STEP if used.size else 0
    last = min(-(-int(used[-1] + 1) // _STEP) * _STEP, n_features) if used.size else 1
    rows = replace(matrix, weights=matrix.weights[:, first:last])
    out = _with_together("rows", rows, kernel, first=first)
    if 0 < used.size < _WORTH * (last - first):
        chosen = replace(matrix, weights=matrix.weights[:, used])
        out += _with_together("gathered", chosen, kernel, index=narrow(used), most=len(used))
    if n_rows > 1 and np.count_nonzero(matrix.weights) < n_rows * used.size / 2:
        out.append(_scattered(matrix, kernel))
    return out


def _with_together(name: str, matrix: Matrix, kernel: str, **given: Any) -> list[Layout]:
    """Rows one by one, and where that pays several at a time."""
    n_rows, n_features = matrix.weights.shape
    out = [_layout(name, matrix, kernel, **given)]
    if matrix.is_integer and n_rows <= _MOST_PRODUCTS and len(matrix.starts) == 1:
        other, ahead = matrix.known_ahead(kernel, "i8n")
        if not kernels.quicker(other, kernel, n_features, [n_rows]):
            other, ahead = kernel, matrix
        at_once = kernels.together(other, n_features, [n_rows])
        if at_once > 1:
            more = {"together": at_once, "kernel_ahead": other, "ahead": ahead, **given}
            out.append(_layout(f"{name} together", matrix, kernel, **more))
    return out


def _scattered(matrix: Matrix, kernel: str) -> Layout:
    kept = matrix.weights != 0
    kept[~kept.any(axis=1), 0] = True
    row, feature = np.nonzero(kept)
    count = narrow(np.bincount(row))
    value = matrix.weights[row, feature]
    if not matrix.is_integer:
        value = np.insert(value, np.searchsorted(row, np.arange(len(matrix.bias))), matrix.bias)
    values = Scattered(value, count)
    return _layout(
        "scattered", matrix, kernel, index=narrow(feature), most=int(count.max()), scattered=values
    )


def _layout(name: str, matrix: Matrix, kernel: str, **given: Any) -> Layout:
    parts = {
        "rows": matrix,
        "first": 0,
        "index": None,
        "most": 0,
        "scattered": None,
        "together": 1,
        "kernel_ahead": kernel,
        "ahead": matrix,
        **given,
    }
    index, scattered, at_once = parts["index"], parts["scattered"], parts["together"]
    own = matrix.stored.tables if scattered is None else [scattered.value, scattered.count]
    constants = [matrix.constants] if matrix.stored is matrix else []
    tables = [*own, *constants, *([] if index is None else [index])]
    n_rows = len(matrix.bias)
    products = matrix.weights.size if scattered is None else int(scattered.count.sum())
    flash, cycles = {}, {}
    for k, core in enumerate(CORES):
        flash[core] = float(sum(t.nbytes for t in tables) + _CODE[kernel][k])
        each, row = _PRODUCT[kernel][k], _ROW[kernel][k]
        if at_once > 1 and core in kernels.TOGETHER:
            other, n_features = parts["kernel_ahead"], matrix.weights.shape[1]
            flash[core] += kernels.bytes_together(other, n_features, at_once)
            flash[core] += parts["ahead"].constants.nbytes - matrix.constants.nbytes
            each, row = kernels.element_together(other, at_once), _ROW_TOGETHER
        cycles[core] = float(products * each + n_rows * row)
        if index is not None:
            flash[core] += _GATHER[0][k]
            cycles[core] += _GATHER[1][k] * len(index)
        if scattered is not None:
            flash[core] += _SCATTER[0][k]
            cycles[core] += _SCATTER[1][k] * n_rows
    return Layout(name, flash, cycles, lambda: parts, [t.nbytes for t in tables])
