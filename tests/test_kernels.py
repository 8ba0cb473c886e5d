"""Each kernel against its twin on every core: extremes, odd lengths, rows that no word boundary begins."""

from __future__ import annotations

import doctest
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.boards import CORES, STRICT, Call, core
from micromlgen.boards.avr import Avr
from micromlgen.cformat import ctype, float32
from micromlgen.render import _environment
from tests.cases import SANITIZE
from tests.kernel_checks import TYPES, Check, assert_checks, extremes, table

Array = NDArray[Any]

INTEGERS = [
    ("dot", "i16"),
    ("dot", "i16w8"),
    ("dot", "i8"),
    ("sqdist", "i16"),
    ("sqdist", "i8"),
    ("sqdist_within", "i16"),
    ("sqdist_within", "i8"),
]
PRODUCTS = [(name, kind) for name in ("dot", "row", "rows") for kind in ("f32", "f32_short")]
FLOATS = [*PRODUCTS, ("sqdist", "f32"), ("sqdist_within", "f32")]
#: Of products of `f32_short`.
LONGEST_SHORT = 126
#: Those of rows that begin with what is added to their products.
LED = ("row", "rows")
#: Around every count by which a kernel unrolls, and beyond what an 8-bit counter holds.
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 64, 127, 128, 129, 255, 256, 257, 510, 511, 513)
FLOAT_LENGTHS = (1, 2, 3, 4, 5, 17, 64, 300)
FEW_LENGTHS = (1, 2, 7, 8, 17, 257)
UNO = Avr("uno", mcu="atmega328p")


def header(functions: Sequence[tuple[str, str]]) -> str:
    """The kernels as a model's header has them."""
    text = (
        '{% import "flash.h.j2" as flash %}{% import "kernels.h.j2" as kernels %}'
        "#include <stdint.h>\n#include <string.h>\n{{ flash.helpers() }}\n"
    )
    for name, kind in functions:
        operation, _, within = name.partition("_")
        operation = "dot" if operation in LED else operation
        text += f'{{{{ kernels.{operation}("{kind}"{", within=True" if within else ""}) }}}}\n'
    return _environment().from_string(text).render()


def loop(name: str, kind: str, start: str, rows: int, n: int, limit: float | None) -> str:
    """C that streams the rows from `start` on past x, and once more past what stands one element behind x."""
    if name == "rows":
        some = f"{start}), {n}, {rows}"
        return " ".join(
            f"mml2_rows_{kind}(x + {o}, MML2_FLASH_START({some}, {o}, y + {o * rows});" for o in (0, 1)
        )
    operation, _, within = name.partition("_")
    function = f"mml2_{operation}_{kind}{'_within' if within else ''}"
    more = "" if limit is None else f", {float32(limit) if kind == 'f32' else f'{limit}u'}"
    each = f"for (r = 0; r < {rows}; ++r) y[k++] = {function}(x + o, &w, {n}{more});"
    return (
        "uint16_t o, r, k = 0; for (o = 0; o < 2; ++o) { "
        f"MML2_FLASH_AT({ctype(np.dtype(TYPES[kind][1]))}) w = MML2_FLASH_START({start}); {each} }}"
    )


def answer(name: str, kind: str) -> str:
    return "float32" if kind.startswith("f32") else "uint32" if name.startswith("sqdist") else "int32"


def call(name: str, kind: str, X: Array, W: Array, limit: float | None = None) -> Call:
    t = f"t_{name}_{kind}_{W.shape[1]}"
    statement = loop(name, kind, t, len(W), W.shape[1] - (name in LED), limit)
    return Call(header([(name, kind)]) + table(t, W), X, statement, answer(name, kind), 2 * len(W))


def shifted(X: Array) -> Array:
    """What a call sees of each row: all but the last element, all but the first."""
    return np.stack([X[:, :-1], X[:, 1:]], 1)


def integer_checks(lengths: Sequence[int]) -> list[Check]:
    rng = np.random.default_rng(0)
    checks = []
    for name, kind in INTEGERS:
        # Distances of larger values may wrap, which is no distance to stop at.
        bits = 11 if name == "sqdist_within" else 16
        twin = kernels.sqdist if name.startswith("sqdist") else kernels.dot
        for n in lengths:
            X, W = (extremes(t, m, bits, rng) for t, m in zip(TYPES[kind], (n + 1, n), strict=True))
            exact = np.hstack([twin(X[:, :-1], W), twin(X[:, 1:], W)])
            limit = int(np.median(exact)) if name == "sqdist_within" else None
            checks.append(Check(call(name, kind, X, W, limit), exact, limit=limit))
    return checks


def float_rows(n: int, rng: np.random.Generator) -> Array:
    """Rows of n values: plain, of any magnitude, few, denormal between others, almost the negative of one."""
    plain = rng.normal(size=(3, n))
    wild = rng.normal(size=(2, n)) * 10.0 ** rng.uniform(-17, 17, (2, n))
    few = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 17, n))
    denormal = np.where(np.arange(n) % 3 == 1, rng.normal(size=n), 1e-40)
    return np.vstack([plain, wild, few, denormal, wild[0] * -(1 + 1e-6)]).astype(np.float32)


def float_checks(lengths: Sequence[int]) -> list[Check]:
    rng = np.random.default_rng(1)
    checks = []
    for n in lengths:
        X, W = float_rows(n + 1, rng), float_rows(n, rng)
        W[1] = X[0, 1:] + W[1] * np.float32(1e-6)  # close neighbours
        x = shifted(X)[:, :, None].astype(np.float64)
        for name, kind in FLOATS:
            if kind == "f32_short" and n > 17:  # there is no room for all
                continue
            terms = (x - W) ** 2 if name.startswith("sqdist") else x * W
            rows = W
            if name in LED:
                rows = np.hstack([W[::-1, :1], W])
                terms = np.concatenate([np.broadcast_to(rows[:, :1], (*terms.shape[:-1], 1)), terms], axis=-1)
            exact, sizes = terms.sum(-1), np.abs(terms)
            lost = 2.0**-126 * (1 + np.abs(x) + np.abs(W)).sum(-1)  # denormals
            last = (6 if name.startswith("sqdist") else 1) * 2.0**-24 * np.abs(exact)
            error = 3 * n * 2.0**-30 * sizes.max(-1) + last + lost, (n + 2) * 2.0**-23 * sizes.sum(-1) + lost
            limit = float(np.float32(np.median(exact))) if name == "sqdist_within" else None
            if name == "rows":
                negative = np.array([False, True])[:, None] & (
                    exact < 0
                )  # and the second of both is rectified
                exact = np.where(negative, 0.0, exact)
            flat = [a.reshape(len(X), -1) for a in (exact, *error)]
            checks.append(Check(call(name, kind, X, rows, limit), flat[0], (flat[1], flat[2]), limit))
    return checks


@pytest.mark.parametrize(
    ("compiler", "language", "flags"),
    [
        ("gcc", "c", ("-O0",)),
        ("gcc", "c++", ("-Os",)),
        ("gcc", "c", ("-O3", "-march=native", "-ffp-contract=fast")),
        ("gcc", "c", SANITIZE),
        ("clang", "c", ("-Os",)),
        ("clang", "c++", ("-O1", "-Wno-unused-command-line-argument")),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_on_the_host(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    checks = integer_checks(LENGTHS) + float_checks(FLOAT_LENGTHS)
    assert_checks(core("host"), checks, language, (*flags, *STRICT))


@pytest.mark.boards
@pytest.mark.parametrize("name", [name for name in CORES if name != "host"])
def test_on_boards(name: str) -> None:
    checks = integer_checks(LENGTHS) + float_checks(FLOAT_LENGTHS)
    assert_checks(core(name), checks, flags=("-Os", *STRICT))


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f"])
@pytest.mark.parametrize(
    ("language", "flags"),
    [("c++", ("-O0",)), ("c", ("-O3",)), ("c++", ("-Os", "-fno-lto"))],
    ids=["O0", "O3", "no lto"],
)
def test_registers_suffice(name: str, language: str, flags: tuple[str, ...]) -> None:
    """Of which the inline assembler takes nearly all."""
    checks = integer_checks(FEW_LENGTHS) + float_checks(FEW_LENGTHS[:-1])
    assert_checks(core(name), checks, language, (*flags, *STRICT))


@pytest.mark.boards
def test_where_near_addresses_reach_all_flash() -> None:
    assert_checks(UNO, integer_checks((1, 2, 3, 9, 17)), flags=("-Os", *STRICT))
    assert_checks(UNO, float_checks((1, 2, 17)), flags=("-Os", *STRICT))


@pytest.mark.boards
def test_without_a_multiplier() -> None:
    """As on an ATtiny, which is not simulated."""
    before = "#include <avr/pgmspace.h>\n#undef __AVR_HAVE_MUL__\n"
    checks = [
        replace(c, call=replace(c.call, header=before + c.call.header))
        for c in integer_checks((1, 2, 9)) + float_checks((1, 17))
    ]
    assert_checks(UNO, checks, flags=("-Os", *STRICT), rounds_terms=True)


@pytest.mark.boards
def test_kernels_compile_for_an_attiny() -> None:
    text = header(INTEGERS + FLOATS) + "int main(void) { return 0; }"
    Avr("tiny", mcu="attiny85").compile({"main.c": text}, flags=STRICT)


@pytest.mark.boards
def test_rows_may_lie_anywhere_in_far_flash() -> None:
    """The same bytes in four tables of 30000 as rows of every kernel: one table lies across 64 KB."""
    rng = np.random.default_rng(2)
    W = rng.normal(size=(75, 100)).astype(np.float32)
    tables = "".join(table(f"t{i}", W.view(np.uint32) ^ np.uint32(i)) for i in range(4))
    text = header(INTEGERS + FLOATS) + tables
    checks = []
    for i in range(4):
        stored = W.view(np.uint32) ^ np.uint32(i)
        for name, kind in [("dot", "i16"), ("dot", "i16w8"), ("dot", "i8"), ("sqdist", "i8"), ("dot", "f32")]:
            X = rng.integers(-100, 100, (1, 101)).astype(TYPES[kind][0])
            rows = stored.view(TYPES[kind][1]).reshape(-1, 100)
            x = shifted(X)[0]
            if kind == "f32":
                exact = x.astype(np.float64) @ rows.T.astype(np.float64)
                error = np.full((1, exact.size), 1e-3)
            else:
                exact = (kernels.sqdist if name.startswith("sqdist") else kernels.dot)(x, rows)
                error = np.zeros((1, exact.size))
            statement = loop(name, kind, f"t{i}", *rows.shape, None)
            c = Call(text, X, statement, answer(name, kind), exact.size)
            checks.append(Check(c, exact.reshape(1, -1), (error, error)))
    addresses = " ".join(f"y[{i}] = MML2_FLASH_START(t{i});" for i in range(4))
    where = Call(text, np.zeros((1, 1), np.int8), addresses, "uint32", 4)
    starts = core("avr").run([where], measure=False)[0].y
    assert ((starts < 65536) & (starts + W.nbytes > 65536)).any()
    assert_checks(core("avr"), checks)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "rv32imc", "host"])
def test_no_float_hangs(name: str) -> None:
    """Whatever they give: products beyond float32 do not come back finite."""
    special = [np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45, -0.0, 0.0, 1.0]
    X = np.array([np.roll(special, i) for i in range(len(special))], np.float32)
    W = np.vstack([np.nan_to_num(X), np.full(9, 3e38), np.full(9, 1e-38)]).astype(np.float32)[:, :8]
    calls = [call(name, kind, X, W, 1.0 if "within" in name else None) for name, kind in FLOATS]
    for result in core(name).run(calls, flags=("-Os", *STRICT), measure=False):
        assert result.y.shape == (9, 22)
    huge = [call(f, "f32", np.full((1, 9), 3e38, np.float32), W[9:10]) for f in ("dot", "rows")]
    assert all(np.isinf(result.y).all() for result in core(name).run(huge, measure=False))


@pytest.mark.boards
def test_short_sums_have_room() -> None:
    largest = np.nextafter(np.float32(2), np.float32(0))
    X = np.full((1, LONGEST_SHORT + 1), largest)
    W = np.vstack([X, -X])
    checks = []
    for name in ("dot", "row", "rows"):
        rows = W if name in LED else W[:, 1:]
        exact = rows[:, 0] * (name in LED) + LONGEST_SHORT * np.float64(largest) * rows[:, -1]
        exact = np.concatenate([exact, np.maximum(exact, 0) if name == "rows" else exact])[None]
        error = 2.0**-24 * np.abs(exact)
        checks.append(Check(call(name, "f32_short", X, rows), exact, (error, error)))
    assert_checks(core("avr"), checks)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["host", "cortex-m0plus", "cortex-m4f"])
def test_the_longest_rows(name: str) -> None:
    rng = np.random.default_rng(3)
    checks = []
    for function, kind in INTEGERS[:5]:
        X, W = (extremes(t, m, 16, rng)[1:] for t, m in zip(TYPES[kind], (65536, 65535), strict=True))
        twin = kernels.sqdist if function.startswith("sqdist") else kernels.dot
        exact = np.hstack([twin(X[:, :-1], W), twin(X[:, 1:], W)])
        checks.append(Check(call(function, kind, X, W), exact))
    assert_checks(core(name), checks)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_twins_wrap_like_32_bits(dtype: str) -> None:
    rng = np.random.default_rng(4)
    X, W = extremes(dtype, 40_000, 16, rng), extremes(dtype, 40_000, 16, rng)
    x, w = X[:, None].astype(np.int64), W[None].astype(np.int64)
    np.testing.assert_array_equal(kernels.dot(X, W), (x * w).sum(-1).astype(np.int32))
    np.testing.assert_array_equal(kernels.sqdist(X, W), ((x - w) ** 2).sum(-1).astype(np.uint32))


def test_text_is_plain() -> None:
    """But for double blank lines, which `render` takes out."""
    text = header(INTEGERS + FLOATS)
    assert text.isascii()
    assert not re.search(r"\t|[ ]\n", text)
    inside = re.findall(r"^\{\n(.*?)^\}", text, re.DOTALL | re.MULTILINE)
    assert len(inside) > 20
    assert not any("\n\n" in function for function in inside)


def test_examples() -> None:
    result = doctest.testmod(kernels)
    assert result.attempted >= 2
    assert not result.failed
