"""How the tables of naive Bayes are rendered: in how many bytes, in how many arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from micromlgen.ir import Layout
from micromlgen.tables import Column, narrow, plain

Array = NDArray[Any]
#: Bytes of the largest object that avr-gcc takes.
_LARGEST_OBJECT = 32_767
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -Os on these: bytes of code; cycles of a feature, and of a number to add, by its bytes.
_CODE = (300.0, 140.0, 130.0, 130.0)
_FEATURE = (35.0, 12.0, 10.0, 10.0)
_NUMBER = {
    1: (19.0, 6.0, 4.0, 6.0),
    2: (21.0, 6.0, 4.0, 6.0),
    3: (33.0, 16.0, 10.0, 11.0),
    4: (32.0, 6.0, 4.0, 6.0),
}
#: Features that are not in their first category.
_SHARE = 0.5


class Tables(Protocol):
    """What a model has that is rendered."""

    @property
    def feature(self) -> NDArray[np.int64]:
        """Feature of x that each used one is."""

    @property
    def first(self) -> NDArray[np.int64]:
        """First row of each, and the number of rows."""

    @property
    def rows(self) -> Array:
        """Rows of integers."""

    @property
    def start(self) -> Array:
        """What sums start with."""


class Chunk(NamedTuple):
    """Rows of some features in an array of their own."""

    begin: int
    end: int
    rows: Column


def layouts(model: Tables) -> Sequence[Layout]:
    """As `Model.layouts`: numbers of 24 bits in three bytes or in four."""
    packed = plain(model.rows.ravel())
    if packed.triple is None:
        return [_layout(model, "table", packed.dtype.itemsize)]
    return [_layout(model, "bytes", 3), _layout(model, "words", 4)]


def _layout(model: Tables, name: str, each: int) -> Layout:
    chunks = _chunks(model, each)
    numbers = _SHARE * len(model.feature) * len(model.start)
    tables = [chunk.rows.nbytes for chunk in chunks]
    size = sum(tables) + model.start.nbytes + len(model.first)
    return Layout(
        name=name,
        flash={c: size + _CODE[k] for k, c in enumerate(_CORES)},
        cycles={
            c: len(model.feature) * _FEATURE[k] + numbers * _NUMBER[each][k] for k, c in enumerate(_CORES)
        },
        build=lambda: {"chunks": chunks, "first": narrow(model.first[:-1]), "feature": _feature(model)},
        tables=tables,
    )


def _feature(model: Tables) -> Array | None:
    """Table of the features of x; None where they are all of them."""
    return None if np.array_equal(model.feature, np.arange(len(model.feature))) else narrow(model.feature)


def _chunks(model: Tables, each: int) -> list[Chunk]:
    """Arrays of numbers of so many bytes, no longer than AVR's largest object where features allow."""
    out, begin, ends = [], 0, model.first[1:]
    while begin < len(ends):
        sizes = (ends - model.first[begin]) * each * len(model.start)
        end = max(int(np.searchsorted(sizes, _LARGEST_OBJECT, side="right")), begin + 1)
        part = model.rows[model.first[begin] : ends[end - 1]].ravel()
        out.append(Chunk(begin, end, Column(part.astype(np.int32), None) if each == 4 else plain(part)))
        begin = end
    return out
