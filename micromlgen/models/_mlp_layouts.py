"""What networks cost, and the arrays that their templates print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.ir import Layout
from micromlgen.models._blocks import Blocks, blocks_of
from micromlgen.models._codes import Codes, codes_of
from micromlgen.models._matrix import Matrix
from micromlgen.models._mlp_ahead import ahead, signed
from micromlgen.models._mlp_integer import IntegerLayers
from micromlgen.models._products import CORES
from micromlgen.tables import narrow

Array = NDArray[Any]
#: Measured with -Os on each of `CORES`: bytes of code, cycles of a product and of a neuron; what curves add.
_CODE, _CURVE_CODE = (630, 510, 240, 570), (830, 320, 200, 430)
_PRODUCT = (112, 47, 2.0, 33)
_NEURON, _CURVE = (315, 250, 32, 140), (2800, 525, 82, 400)
#: Code in int16; in int8 that of all layers, what they add as rows, and blocks.
_CODE_16 = (600, 300, 400, 330)
_CODE_8, _CODE_ROWS, _CODE_BLOCKS = (500, 280, 300, 300), (330, 140, 20, 100), (200, 230, 120, 230)
_CODE_CODES = (600, 270, 110, 210)
#: A product in integers, by kernel.
_INTEGER_PRODUCT = {
    "i16": (32.5, 5, 1.5, 4.75),
    "i16w8": (20.5, 6, 2.25, 4.75),
    "i8": (11.75, 3.65, 1.9, 4.3),
}
#: A neuron in int16 and in int8.
_INTEGER_NEURON = ((200, 45, 35, 30), (100, 35, 20, 25))
#: A block of a sparse layer, and a row of them.
#: What four rows at a time cost and save on Cortex-M0+; RISC-V, with two, follows.
_CODE_FOURS, _FOURS_SAVE = 190, 1.35
#: A weight that a code stands for.
_CODE_PRODUCT = (22, 12, 8, 9.5)
_BLOCK, _SPARSE_ROW = (53, 21, 10, 24), (30, 16, 9, 12)
#: So many products of int8 AVR adds up in three bytes.
_MOST_IN_24_BITS = 510
#: So many products of a layer are kept at a time.
_SOME = 8


def float_layouts(layers: tuple[Matrix, ...], activation: str) -> Sequence[Layout]:
    """Layers in float32: in `parts` ``layers`` of rows that begin with their biases, up to ``longest``."""
    # tanh(s) is a quotient of exponentials of 2 s: weights are printed doubled.
    doubled = np.float32(1 + (activation == "tanh"))
    led = [replace(layer.led, weights=layer.led.weights * doubled) for layer in layers[:-1]]
    parts = {"layers": [*led, layers[-1].led], "longest": max(layer.weights.shape[1] for layer in layers)}
    tables = [t for layer in parts["layers"] for t in layer.tables]
    products = sum(layer.weights.size for layer in layers)
    n_hidden = sum(len(layer.bias) for layer in layers[:-1])
    curved = n_hidden > 0 and activation in ("logistic", "tanh")
    size = sum(t.nbytes for t in tables)
    flash, cycles = {}, {}
    for k, core in enumerate(CORES):
        flash[core] = float(size + _CODE[k] + curved * _CURVE_CODE[k])
        cycles[core] = products * _PRODUCT[k] + (n_hidden + len(layers[-1].bias)) * float(_NEURON[k])
        cycles[core] += curved * n_hidden * _CURVE[k]
    return [Layout("layers", flash, cycles, lambda: parts, [t.nbytes for t in tables])]


def integer_layouts(integers: IntegerLayers, kernel: str) -> Sequence[Layout]:
    """All layers as rows; where that pays on a core, some as blocks of weights that are not 0; and in as few
    bytes as can be, some as codes of values that weights share.
    """
    matrices = [*(layer.rows for layer in integers.hidden), integers.last]
    found = [blocks_of(rows.weights) if kernel == "i8" else None for rows in matrices]
    codes = [codes_of(rows.weights) if kernel == "i8" else None for rows in matrices]
    ways: list[tuple[Blocks | Codes | None, ...]] = [(None,) * len(matrices)]
    for k in range(len(CORES)):
        ways.append(tuple(_paying(*each, kernel, k) for each in zip(matrices, found, strict=True)))
    if any(codes):
        ways.append(tuple(_smallest(*each) for each in zip(matrices, found, codes, strict=True)))
    out = [_layout(integers, kernel, way, True) for way in dict.fromkeys(ways)]
    if kernel == "i8":
        out.insert(1, _layout(integers, kernel, ways[0], False))
    return out


def _smallest(rows: Matrix, blocks: Blocks | None, codes: Codes | None) -> Blocks | Codes | None:
    """What takes the fewest bytes."""
    size = rows.weights.nbytes
    if blocks is not None and blocks.nbytes < size and (codes is None or blocks.nbytes <= codes.nbytes):
        return blocks
    return codes if codes is not None and codes.nbytes < size else None


def _paying(rows: Matrix, blocks: Blocks | None, kernel: str, k: int) -> Blocks | None:
    """The blocks, if they take less time on a core for no more bytes, or the other way round."""
    if blocks is None:
        return None
    bytes_, cycles = blocks.nbytes, _sparse_cycles(blocks, len(rows.bias), k)
    dense = sum(t.nbytes for t in rows.tables), rows.weights.size * float(_INTEGER_PRODUCT[kernel][k])
    return blocks if bytes_**1.5 * cycles < dense[0] ** 1.5 * dense[1] else None


def _sparse_cycles(blocks: Blocks, n_rows: int, k: int) -> float:
    return float(blocks.n_blocks * _BLOCK[k] + n_rows * _SPARSE_ROW[k])


def _code(kernel: str, stored: Sequence[Blocks | Codes | None], k: int) -> float:
    """Bytes on one of `CORES`."""
    if kernel != "i8":
        return _CODE_16[k]
    rows = sum(each is None for each in stored) / len(stored)
    blocks, codes = (any(isinstance(each, kind) for each in stored) for kind in (Blocks, Codes))
    return _CODE_8[k] + rows * _CODE_ROWS[k] + blocks * _CODE_BLOCKS[k] + codes * _CODE_CODES[k]


def _layout(
    integers: IntegerLayers, kernel: str, stored: Sequence[Blocks | Codes | None], one: bool
) -> Layout:
    """Layers in integers, stored as rows but where `stored` has something else."""
    matrices = [*(layer.rows for layer in integers.hidden), integers.last]
    parts = _parts(integers, kernel, stored, one)
    tables = [
        t
        for rows, each in zip(matrices, stored, strict=True)
        for t in ([each.table] if each else rows.tables)
    ]
    tables += [each.book for each in stored if isinstance(each, Codes)]
    tables += [integers.last.constants, *(parts[name] for name in ("bias", "multiplier") if name in parts)]
    tables += [layer.curve.table for layer in integers.hidden[:1] if layer.curve is not None]
    size = sum(t.nbytes for t in tables)
    flash, cycles = {}, {}
    for k, core in enumerate(CORES):
        code, cycles[core] = _cost(matrices, kernel, stored, parts, k)
        flash[core] = size + code
    _fours_or_not(matrices, parts, flash, cycles)
    kinds = [name for name in ("codes", "blocks") if any(parts[name])]
    name = kinds[0] if kinds else "layers" if one else "layers by length"
    return Layout(name, flash, cycles, lambda: parts, [t.nbytes for t in tables])


def _parts(
    integers: IntegerLayers, kernel: str, stored: Sequence[Blocks | Codes | None], one: bool
) -> dict[str, Any]:
    """What the template prints: ``bias`` and ``multiplier`` of all hidden neurons in one table each.

    Some cores multiply several rows at a time as ``ahead`` says, and add ``bias_ahead``; others multiply
    ``fours``, AVR the ``whole`` layer. Layers that have ``blocks`` or ``codes`` are stored as these; ``some``
    of their products are kept.
    """
    hidden = integers.hidden
    matrices = [*(layer.rows for layer in hidden), integers.last]
    known = ahead(integers, kernel, [each is None for each in stored], one)
    whole = kernel == "i8" and max(rows.weights.shape[1] for rows in matrices) <= _MOST_IN_24_BITS
    fours = [
        whole and not each and min(len(t) for t in rows.tables) >= 4
        for rows, each in zip(matrices, stored, strict=True)
    ]
    parts: dict[str, Any] = {"ahead": known, "whole": whole, "fours": fours}
    parts["some"] = min(max((len(layer.rows.bias) for layer in hidden), default=0), _SOME)
    parts["blocks"] = [each if isinstance(each, Blocks) else None for each in stored]
    parts["codes"] = [each if isinstance(each, Codes) else None for each in stored]
    if hidden:
        parts["bias"] = signed(np.concatenate([layer.rows.bias for layer in hidden]))
        parts["bias_ahead"] = known.biases(hidden)
        parts["multiplier"] = narrow(np.concatenate([layer.multiplier for layer in hidden]))
        if hidden[0].short:
            parts["bias"], parts["bias_ahead"] = (parts[b].astype(np.int32) for b in ("bias", "bias_ahead"))
            both = np.rec.fromarrays([parts["multiplier"].astype("<u2"), parts["bias"].astype("<i4")])
            parts["neurons"] = np.frombuffer(both.tobytes(), np.uint8)
    return parts


def _cost(
    matrices: Sequence[Matrix],
    kernel: str,
    stored: Sequence[Blocks | Codes | None],
    parts: dict[str, Any],
    k: int,
) -> tuple[float, float]:
    """Bytes of code and cycles on one of `CORES`."""
    known, dsp = parts["ahead"], CORES[k] == "cortex-m4f"
    code = _code(kernel, stored, k) + (known.code(matrices) if dsp else 0)
    cycles = sum(len(rows.bias) for rows in matrices) * float(_INTEGER_NEURON[kernel == "i8"][k])
    for rows, at_once, kind, how in zip(matrices, known.together, known.kinds, stored, strict=True):
        if isinstance(how, Blocks):
            cycles += _sparse_cycles(how, len(rows.bias), k)
        elif dsp and kind:
            cycles += known.cycles(rows, kind, at_once)
        else:
            cycles += rows.weights.size * float(_CODE_PRODUCT[k] if how else _INTEGER_PRODUCT[kernel][k])
    return code, cycles


def _fours_or_not(
    matrices: Sequence[Matrix], parts: dict[str, Any], flash: dict[str, float], cycles: dict[str, float]
) -> None:
    """Rows one by one on Thumb-1, where they are so few that the code for four at a time does not pay."""
    core = "cortex-m0plus"
    products = sum(rows.weights.size for rows, four in zip(matrices, parts["fours"], strict=True) if four)
    small, slow = flash[core] - _CODE_FOURS, cycles[core] + products * _FOURS_SAVE
    if any(parts["fours"]) and small**1.5 * slow < flash[core] ** 1.5 * cycles[core]:
        parts["fours"] = [False] * len(matrices)
        flash[core], cycles[core] = small, slow
