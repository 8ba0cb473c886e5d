"""How layers of a network in integers are multiplied where cores multiply several rows at a time.

int8 has the choice of one function for rows of any length, or of one for each length, which is quicker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.models._matrix import Matrix
from micromlgen.models._mlp_integer import Hidden, IntegerLayers
from micromlgen.tables import narrow


def signed(biases: NDArray[np.integer]) -> NDArray[np.integer]:
    """The same in the narrowest type, which of 32 bits is signed, as the sums are."""
    narrowed = narrow(biases)
    return narrowed.astype(np.int32) if narrowed.itemsize == 4 else narrowed


#: Bytes of code of each kernel behind the first, beside those of its loop.
_CODE_ANOTHER = 74
#: Bytes of code of the one for any length beside those of its loop.
_CODE_ROWS = 40
#: Instructions of a group of rows beside its loop.
_GROUP = 24


@dataclass(frozen=True, eq=False)
class Ahead:
    """The kernels of all layers, the last one included.

    Parameters
    ----------
    kinds : tuple of str or None
        A kind of templates/kernels.h.j2, or "rows": ``mml2_rows_i8p``; None for layers whose rows are
        multiplied one by one, or not stored as rows.
    together : tuple of int
        So many rows at a time.
    last : Matrix
        The last layer, with the biases that its products meet.
    """

    kinds: tuple[str | None, ...]
    together: tuple[int, ...]
    last: Matrix

    def biases(self, hidden: Sequence[Hidden]) -> NDArray[np.integer]:
        """Biases of all hidden neurons behind their multiplication, or before where they are not short."""
        out = []
        for layer, kind in zip(hidden, self.kinds, strict=False):
            bias = layer.rows.bias.astype(np.int64)
            if kind in ("rows", "i8p"):
                bias = bias - kernels.neighbors(layer.rows.weights) * layer.multiplier
            out.append((bias + 2**31) % 2**32 - 2**31)  # which the sum takes back
        return signed(np.concatenate(out))

    def code(self, matrices: Sequence[Matrix]) -> float:
        """Bytes of code."""
        used = {
            (kind, 0 if kind == "rows" else rows.weights.shape[1], at_once)
            for kind, rows, at_once in zip(self.kinds, matrices, self.together, strict=True)
            if kind
        }
        each = [kernels.bytes_together("i8p" if kind == "rows" else kind, n, k) for kind, n, k in used]
        return sum(each) + _CODE_ROWS * ("rows" in self.kinds) + _CODE_ANOTHER * max(0, len(used) - 1)

    def cycles(self, rows: Matrix, kind: str, at_once: int) -> float:
        """Cycles of a layer's products."""
        kind, n = "i8p" if kind == "rows" else kind, rows.weights.shape[1]
        groups = sum(-(-len(table) // at_once) for table in rows.tables)
        each = at_once * n * kernels.element_together(kind, at_once) + _GROUP
        return float(kernels.given(kind, n) + groups * each)


def ahead(integers: IntegerLayers, kernel: str, as_rows: Sequence[bool], one: bool) -> Ahead:
    """Choose kernels.

    Parameters
    ----------
    integers : IntegerLayers
    kernel : {"i16", "i16w8", "i8"}
        The kernel that multiplies one row.
    as_rows : sequence of bool
        Which layers are stored as rows.
    one : bool
        Whether int8 has one function for rows of any length.
    """
    matrices = [*(layer.rows for layer in integers.hidden), integers.last]
    kinds: list[str | None] = []
    together = []
    for rows, stored in zip(matrices, as_rows, strict=True):
        kind, sizes, n = kernel, [len(table) for table in rows.tables], rows.weights.shape[1]
        if rows is integers.last or integers.hidden[0].short:
            kind = rows.known_ahead(kernel, "i8p")[0]
        if one and kind == "i8p" and min(*sizes, n) >= kernels.FOUR:
            kind, at_once = "rows", kernels.FOUR
        else:
            kind = kind if kernels.quicker(kind, kernel, n, sizes) else kernel
            at_once = kernels.together(kind, n, sizes)
        known = stored and at_once > 1
        kinds.append(kind if known else None)
        together.append(at_once if known else 1)
    last = integers.last
    if kinds[-1] in ("rows", "i8p"):
        last = last.known_ahead(kernel, "i8p")[1]
    return Ahead(tuple(kinds), tuple(together), last)
