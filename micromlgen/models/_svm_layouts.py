"""How support vectors and their coefficients are stored, and what that takes on each core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from micromlgen import kernels
from micromlgen.ir import Layout
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_duals import Duals
from micromlgen.models._svm_fixed import Fixed
from micromlgen.models._svm_float import FloatExpansion
from micromlgen.models._svm_integer import IntegerExpansion, IntegerRbf, Norms, WithExponential
from micromlgen.tables import narrow

Sums = Matrix | FloatExpansion | IntegerExpansion
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Cores with an FPU.
_HARD = frozenset({"cortex-m4f"})
#: So many coefficients of a vector meet its kernel one by one.
_FEW = 3
#: Pairs from which on a third of them tells the winner.
_KNOCKOUT = 10
_PARTS: Mapping[str, Any] = {
    "index": None,
    "form": "products",
    "duals": "",
    "knockout": False,
    "fixed": None,
    "together": 1,
    "kernel_ahead": None,
    "all_ahead": False,
}

# All below is measured with -Os on each of `_CORES`. Cycles of a feature of a vector, by what is added up:
_FEATURE = {
    "products i16": (32.5, 5.0, 2.0, 4.8),
    "products i16w8": (20.5, 6.0, 2.7, 4.8),
    "products i8": (12.5, 5.0, 2.5, 4.8),
    "products f32": (120.0, 47.0, 2.0, 34.0),
    "differences i16": (30.5, 6.0, 2.8, 5.8),
    "differences i8": (15.5, 6.0, 2.5, 5.8),
    "differences f32": (170.0, 90.0, 3.2, 60.0),
    "steps": (59.5, 25.3, 12.2, 19.2),
}
#: Cycles of a vector beside its features, and bytes of code of a machine with one sum.
_VECTOR = {
    "linear": ((150, 43, 36, 32), (460, 180, 240, 215)),
    "linear f32": ((430, 220, 33, 135), (690, 690, 245, 560)),
    "rbf": ((300, 48, 33, 38), (620, 220, 270, 290)),
    "poly": ((280, 40, 28, 24), (490, 160, 205, 185)),
    "sigmoid": ((980, 160, 45, 48), (770, 540, 310, 330)),
    "rbf f32": ((2100, 577, 81, 512), (2250, 3120, 370, 4570)),
    "poly f32": ((880, 700, 16, 560), (1330, 1880, 160, 2800)),
    "sigmoid f32": ((2770, 1425, 93, 920), (2550, 4390, 380, 4570)),
    "steps": ((1500, 157, 98, 120), (1500, 480, 430, 610)),
}
#: The same beyond, of norms, of fine exponentials, of several sums and of features that are gathered.
_NORMS = ((75, 17, 4, 6), (130, 70, 30, 40))
_FINE = ((600, 120, 60, 100), (350, 150, 120, 200))
_SEVERAL = {"direct": (600, 430, 480, 500), "masked": (700, 450, 560, 500), "waiting": (1070, 430, 520, 550)}
_GATHER = ((20, 9, 9, 8), (60, 40, 40, 40))
_KNOCKOUT_CODE = (80, 44, 40, 60)
#: So many products of rows are known at once where several rows are multiplied together: the stack has them.
_FEW_ROWS = 64
#: Bytes of code that keeps products known ahead.
_AHEAD_CODE = 55
#: Of wide kernels, and of each coefficient that meets one.
_WIDE = ((140, 12, 7, 5), (200, 60, 60, 60))
_WIDE_DUAL = (100, 4, 5, 1)
#: Cycles of a coefficient, and of one that is zero.
_DUAL = {
    "": ((0, 0, 0, 0), (0, 0, 0, 0)),
    "direct": ((65, 9, 5, 8), (65, 9, 5, 8)),
    "masked": ((90, 20, 18, 15), (24, 11, 0, 6)),
    "waiting": ((28, 8, 5, 8), (28, 8, 5, 8)),
    "steps": ((260, 35, 12, 15), (15, 6, 2, 6)),
}


def layouts(sums: Sums, kernel: str) -> Sequence[Layout]:
    """The layouts.

    `parts` has ``rows``, whose features are those of ``index`` if there is one; the ``form`` of distances,
    "products" or "differences"; how ``duals`` meet kernels; whether classes meet in a ``knockout``; and on
    which cores sums are ``fixed``: "all", "soft" ones that have no FPU, or None. With these are ``triples``.
    Some cores multiply so many rows ``together``, of each table first those before ``whole_groups``, by
    another ``kernel_ahead``, whose products meet the norms, or the constants of rows, in ``ahead``.
    """
    rows = sums if isinstance(sums, Matrix) else sums.vectors
    used = np.flatnonzero((rows.weights != 0).any(axis=0))
    knockouts = [False, True] if isinstance(sums, Matrix) and len(rows.bias) >= _KNOCKOUT else [False]
    out = []
    for form, how, knockout in product(_forms(sums, kernel), _ways(sums), knockouts):
        parts = {**_PARTS, "form": form, "duals": how, "knockout": knockout, "rows": rows}
        name = f"{how} ".lstrip() + "knockout " * knockout + form
        out += _with_together(name, sums, kernel, parts)
        if form == "products" and 0 < used.size < rows.weights.shape[1]:
            chosen = replace(rows, weights=np.ascontiguousarray(rows.weights[:, used]))
            more = {"rows": chosen, "index": narrow(used)}
            out += _with_together(f"gathered {name}", sums, kernel, parts | more)
    if isinstance(sums, FloatExpansion) and sums.fixed is not None:
        ways = (
            [""] if sums.duals.is_single else ["direct"] if sums.duals.mask is None else ["masked", "direct"]
        )
        for how in ways:
            parts = {**_PARTS, "form": sums.form, "duals": how, "rows": rows}
            out += _in_steps(f"{how} ".lstrip(), sums, sums.fixed, kernel, parts)
    return out


def _forms(sums: Sums, kernel: str) -> list[str]:
    if isinstance(sums, FloatExpansion):
        return [sums.form]
    # There are no differences of numbers of two types.
    alike = isinstance(sums, IntegerRbf) and not sums.shift and kernel != "i16w8"
    return ["products", "differences"] if alike else ["products"]


def _ways(sums: Sums) -> list[str]:
    """How coefficients of several sums meet kernels: one by one, behind a mask, or many at once."""
    if isinstance(sums, Matrix) or sums.duals.is_single:
        return [""]
    if sums.duals.n_rows <= _FEW:
        return ["direct"]
    if isinstance(sums, IntegerExpansion) and sums.wide:  # whose kernels no loop multiplies
        return ["direct"] if sums.duals.mask is None else ["masked", "direct"]
    return ["waiting"] if sums.duals.mask is None else ["waiting", "masked"]


def _coefficients(duals: Duals, how: str) -> list[Any]:
    """Their tables."""
    if how == "waiting":
        return [table for _, table in duals.tables()]
    rest = [] if duals.is_single else [duals.ends, duals.constant]
    return [*([duals.stored, duals.mask] if how == "masked" else [duals.dense]), *rest]


def _with_together(name: str, sums: Sums, kernel: str, parts: dict[str, Any]) -> list[Layout]:
    """Rows one by one, and where that pays several at a time."""
    out, rows = [_layout(name, sums, kernel, parts)], parts["rows"]
    if rows.is_integer and parts["form"] == "products" and not parts["knockout"]:
        sizes = [len(table) for table in rows.tables]
        for other, ahead in _ahead(sums, rows, kernel):
            at_once = kernels.together(other, rows.weights.shape[1], sizes)
            if at_once == 1:
                continue
            first = [(size - 1) % at_once + 1 for size in sizes]
            more = {"together": at_once, "first_groups": first, "whole_groups": set(first) == {at_once}}
            more |= {"kernel_ahead": other, "ahead": ahead, "all_ahead": at_once <= sum(sizes) <= _FEW_ROWS}
            out.append(_layout(f"{name} together", sums, kernel, parts | more))
    return out


def _ahead(sums: Sums, rows: Matrix, kernel: str) -> list[tuple[str, Any]]:
    """Kernels that multiply several rows at a time, with the norms or constants that meet the products."""
    if isinstance(sums, Matrix):
        other, matrix = rows.known_ahead(kernel, "i8p")
        return [(other, matrix.constants)]
    if not isinstance(sums, IntegerRbf):
        return [(kernel, None)]
    if kernel != "i8" or sums.shift or rows.weights.shape[1] > kernels.MOST_PAIRED:
        return [(kernel, sums.norms)]
    n, sizes = rows.weights.shape[1], [len(table) for table in rows.tables]
    if not kernels.quicker("i8p", kernel, n, sizes):
        return [(kernel, sums.norms)]
    # The products are those with -x - 1.
    weights = rows.weights.astype(np.int64)
    norms = Norms.of(sums.norms.values - 2 * kernels.neighbors(weights) + 2 * weights.sum(axis=1))
    # Wider norms have to be worth their bytes.
    wider = norms.above.itemsize > sums.norms.above.itemsize
    return [*([(kernel, sums.norms)] if wider else []), ("i8p", norms)]


def _layout(name: str, sums: Sums, kernel: str, parts: dict[str, Any]) -> Layout:
    tables, norms = [*parts["rows"].tables], False
    if isinstance(sums, Matrix):
        tables += [sums.constants]
    else:
        norms = sums.kernel == "rbf" and parts["form"] == "products"
        tables += _coefficients(sums.duals, parts["duals"])
        tables += [sums.norms] if isinstance(sums, FloatExpansion) and norms else []
        tables += [sums.norms.above] if isinstance(sums, IntegerRbf) and norms else []
        tables += [sums.center] if isinstance(sums, FloatExpansion) and sums.center is not None else []
    if parts["index"] is not None:
        tables.append(parts["index"])
    title = "linear" if isinstance(sums, Matrix) else sums.kernel
    vector, code = _VECTOR[title + (" f32" if kernel == "f32" else "")]
    feature = _FEATURE[f"{parts['form']} {kernel}"]
    n_vectors, n_features = parts["rows"].weights.shape
    if parts["knockout"]:
        n_vectors = round(2.8 * np.sqrt(n_vectors / 2))
    fine = isinstance(sums, WithExponential) and sums.scale is not None
    wide = isinstance(sums, IntegerExpansion) and sums.wide
    flash, cycles = {}, {}
    for c, core in enumerate(_CORES):
        flash[core] = float(sum(t.nbytes for t in tables) + code[c])
        each = feature[c]
        if parts["together"] > 1 and core in kernels.TOGETHER:
            each = kernels.element_together(parts["kernel_ahead"], parts["together"])
            flash[core] += kernels.bytes_together(parts["kernel_ahead"], n_features, parts["together"])
            flash[core] += _AHEAD_CODE
            if isinstance(sums, IntegerRbf):
                flash[core] += parts["ahead"].above.nbytes - sums.norms.above.nbytes
        cycles[core] = n_vectors * (each * n_features + vector[c])
        extra = [(norms, _NORMS), (fine, _FINE), (wide, _WIDE)]
        for there, (time, size) in extra:
            flash[core] += there * size[c]
            cycles[core] += there * n_vectors * time[c]
        if parts["index"] is not None:
            flash[core] += _GATHER[1][c]
            cycles[core] += _GATHER[0][c] * n_features
        flash[core] += parts["knockout"] * _KNOCKOUT_CODE[c]
        if not isinstance(sums, Matrix) and parts["duals"]:
            flash[core] += _SEVERAL[parts["duals"]][c]
            cycles[core] += _meeting(sums.duals, parts["duals"], c)
            cycles[core] += wide * np.count_nonzero(sums.duals.values) * _WIDE_DUAL[c]
    return Layout(name, flash, cycles, lambda: parts, [t.nbytes for t in tables])


def _meeting(duals: Duals, how: str, c: int) -> float:
    """Cycles of the coefficients on the c-th core."""
    used = np.count_nonzero(duals.values)
    return float(used * _DUAL[how][0][c] + (duals.values.size - used) * _DUAL[how][1][c])


def _in_steps(
    prefix: str, sums: FloatExpansion, fixed: Fixed, kernel: str, parts: dict[str, Any]
) -> list[Layout]:
    """In steps on all cores, or only on those without an FPU, whose floats are as if there were no steps."""
    triples = Matrix(fixed.triples, np.zeros(len(fixed.vectors)))
    tables = [*triples.tables, *_coefficients(fixed.duals, parts["duals"])]
    tables += [fixed.center] if fixed.center is not None else []
    floats = _layout("", sums, kernel, parts)
    vector, code = _VECTOR["steps"]
    flash, cycles = {}, {}
    for c, core in enumerate(_CORES):
        flash[core] = float(sum(t.nbytes for t in tables) + code[c])
        cycles[core] = fixed.vectors.size * _FEATURE["steps"][c] + len(fixed.vectors) * vector[c]
        if parts["duals"]:
            flash[core] += _SEVERAL[parts["duals"]][c]
            cycles[core] += _meeting(fixed.duals, "steps", c)
    hard = {core: core in _HARD for core in _CORES}
    given = {**parts, "triples": triples}
    sizes = [t.nbytes for t in tables]
    return [
        Layout(f"{prefix}steps", flash, cycles, lambda: {**given, "fixed": "all"}, sizes),
        Layout(
            f"{prefix}steps or {sums.form}",
            {c: floats.flash[c] if hard[c] else flash[c] for c in _CORES},
            {c: floats.cycles[c] if hard[c] else cycles[c] for c in _CORES},
            lambda: {**given, "fixed": "soft"},
            sizes,
        ),
    ]
