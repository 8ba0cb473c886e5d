"""Sparse rows, shared weights, and the kernels that multiply all rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.boards import STRICT, Call, core
from micromlgen.models._blocks import blocks_of
from micromlgen.models._codes import codes_of
from micromlgen.render import _environment
from tests.cases import SANITIZE

IMPORTS = (
    '{% import "flash.h.j2" as flash %}{% import "kernels_rows.h.j2" as rows %}'
    "#include <stdint.h>\n{{ flash.helpers() }}\n"
)


def sparse(n_rows: int, n: int, share: float, rng: Any) -> NDArray[np.int8]:
    """Weights at both ends of int8, some rows without any."""
    W = rng.choice([-128, -127, 1, 127], (n_rows, n)) * (rng.random((n_rows, n)) < share)
    W[:: max(2, n_rows // 2)] = 0
    return W.astype(np.int8)


def unpacked(table: NDArray[np.int8], step: int, n_rows: int, n: int) -> NDArray[np.int8]:
    W = np.zeros((n_rows, n), np.int64)
    at = 0
    for row in W:
        count, at = int(table[at]), at + 1
        for _ in range(count):
            start = int(table[at].view(np.uint8)) * step
            row[start : start + 4] += table[at + 1 : at + 5]
            at += 5
    assert at == len(table)
    return W.astype(np.int8)


@pytest.mark.parametrize("n", [4, 5, 7, 64, 259, 260, 512, 1024])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.9])
def test_blocks_hold_the_weights(n: int, share: float) -> None:
    W = sparse(6, n, min(share, 127 / n), np.random.default_rng(n))
    blocks = blocks_of(W)
    assert blocks is not None
    assert blocks.step == (1 if n <= 259 else 4)
    assert (unpacked(blocks.table, blocks.step, 6, n) == W).all()
    assert len(blocks.table) == 6 + 5 * blocks.n_blocks


def test_few_blocks_are_enough() -> None:
    row = np.zeros((1, 40), np.int8)
    row[0, [3, 6, 20, 39]] = 1
    blocks = blocks_of(row)
    assert blocks is not None
    assert blocks.table.tolist() == [3, 3, 1, 0, 0, 1, 20, 1, 0, 0, 0, 36, 0, 0, 0, 1]


@pytest.mark.parametrize("shape", [(3, 3), (2, 261), (2, 1028), (1, 516), (300, 100)])
def test_what_does_not_fit_stays_dense(shape: tuple[int, int]) -> None:
    assert blocks_of(np.ones(shape, np.int8)) is None
    assert blocks_of(np.ones((2, 8), np.int16)) is None


def sparse_call(n: int, n_rows: int, rng: Any) -> tuple[Call, Any]:
    W, X = sparse(n_rows, n, min(0.4, 100 / n), rng), rng.choice([-128, -1, 127], (4, n)).astype(np.int8)
    blocks = blocks_of(W)
    assert blocks is not None
    text = IMPORTS + "{{ rows.blocks(step) }}\n{{ flash.array('table', table) }}"
    header = _environment().from_string(text).render(step=blocks.step, table=blocks.table)
    first = n_rows // 2  # the second half begins where the first ended
    statement = (
        f"MML2_FLASH_AT(int8_t) w = mml2_blocks_{blocks.step}(x, MML2_FLASH_START(table), {first}, y); "
        f"mml2_blocks_{blocks.step}(x, w, {n_rows - first}, y + {first});"
    )
    return Call(header, X, statement, "int32", n_rows), kernels.dot(X, W)


@pytest.mark.parametrize("shape", [(30, 7), (16, 8), (2, 510)])
def test_codes_stand_for_the_weights(shape: tuple[int, int]) -> None:
    W = np.random.default_rng(0).integers(-8, 8, shape).astype(np.int8)
    codes = codes_of(W)
    assert codes is not None
    rows = codes.table.reshape(len(W), -1)
    read = np.stack([codes.book[rows & 15], codes.book[rows >> 4]], axis=2).reshape(len(W), -1)
    assert (read[:, : shape[1]] == W).all()
    assert codes.nbytes == 16 + len(W) * -(-shape[1] // 2)


def test_what_has_no_codes() -> None:
    many = np.arange(17, dtype=np.int8).repeat(20).reshape(20, 17)
    assert codes_of(many) is None
    assert codes_of(many % 16) is not None
    assert codes_of(np.zeros((5, 17), np.int8)) is None
    assert codes_of(np.zeros((5, 511), np.int8)) is None
    assert codes_of(np.zeros((200, 400), np.int8)) is None


def codes_call(n: int, n_rows: int, rng: Any) -> tuple[Call, Any]:
    W = rng.choice([-127, -5, 3, 127], (n_rows, n)).astype(np.int8)
    X = rng.choice([-128, -1, 127], (4, n)).astype(np.int8)
    X[0], W[-1] = -128, -127
    codes = codes_of(W)
    assert codes is not None
    text = IMPORTS + "{{ rows.codes() }}\n{{ flash.array('table', table) }}{{ flash.array('book', book) }}"
    header = _environment().from_string(text).render(table=codes.table, book=codes.book)
    first = n_rows // 2
    statement = (
        "MML2_FLASH_AT(uint8_t) w = MML2_FLASH_START(table); "
        f"w = mml2_codes(x, w, MML2_FLASH_START(book), {n}, {first}, y); "
        f"mml2_codes(x, w, MML2_FLASH_START(book), {n}, {n_rows - first}, y + {first});"
    )
    return Call(header, X, statement, "int32", n_rows), kernels.dot(X, W)


def rows_call(n: int, n_rows: int, rng: Any) -> tuple[Call, Any]:
    W = rng.choice([-127, -1, 127], (n_rows, n)).astype(np.int8)
    X = rng.choice([-128, -1, 127], (4, n)).astype(np.int8)
    X[0], W[-1] = -128, -127
    text = IMPORTS + "{{ rows.rows() }}\n{{ flash.array('table', table) }}"
    header = _environment().from_string(text).render(table=W)
    statement = f"""
        MML2_FLASH_AT(int8_t) w = MML2_FLASH_START(table);
        #if defined(__AVR_HAVE_MUL__) || defined(MML2_FOURS_)
        mml2_rows_i8(x, w, {n}, {n_rows}, y);
        #else
        int r;
        for (r = 0; r < {n_rows}; ++r) y[r] = mml2_dot_i8(x, &w, {n});
        #endif
        """
    return Call(header, X, statement, "int32", n_rows), kernels.dot(X, W)


def pairs_call(n: int, n_rows: int, rng: Any) -> tuple[Call, Any]:
    """Rows by the DSP extension, less the products of neighbours; one by one where there is none."""
    W = rng.choice([-128, -1, 127], (n_rows, n)).astype(np.int8)
    X = rng.choice([-128, -1, 127], (4, n)).astype(np.int8)
    X[0], W[-1] = -128, -128
    name = f"all_{n}x{n_rows}"
    text = (
        '{% import "kernels.h.j2" as kernels %}' + IMPORTS + '{{ kernels.dot("i8") }}'
        "{{ kernels.pairs(n) }}{{ rows.rows_of_pairs() }}{{ flash.array(name ~ '_weight', table) }}"
        """static inline void {{ name }}(const int8_t *x, int32_t *y)
        {
        #if defined(MML2_TOGETHER_)
            {{ kernels.given("i8p", n, "x") }}
            mml2_rows_i8p(pairs, {{ name }}_weight, {{ n }}, {{ more | length }}, y);
            {% for each in more %} y[{{ loop.index0 }}] -= {{ each }}; {% endfor %}

        #else
            MML2_FLASH_AT(int8_t) w = MML2_FLASH_START({{ name }}_weight);
            int r;
            for (r = 0; r < {{ more | length }}; ++r) y[r] = mml2_dot_i8(x, &w, {{ n }});
        #endif
        }
        """
    )
    more = kernels.neighbors(W).tolist()
    header = _environment().from_string(text).render(name=name, n=n, table=W, more=more)
    return Call(header, X, f"{name}(x, y);", "int32", n_rows), kernels.dot(X, W)


@pytest.mark.boards
@pytest.mark.parametrize(
    ("name", "flags"),
    [("cortex-m4f", ("-Os",)), ("cortex-m33", ("-O0",)), ("cortex-m7", ("-O3", "-fno-omit-frame-pointer"))],
)
def test_rows_of_any_length_by_the_dsp_extension(name: str, flags: tuple[str, ...]) -> None:
    rng = np.random.default_rng(1)
    checks = [pairs_call(n, n_rows, rng) for n in (4, 5, 6, 7, 8, 13, 64, 510) for n_rows in (4, 5, 7, 8)]
    results = core(name).run([call for call, _ in checks], measure=False, flags=(*flags, *STRICT))
    for (call, exact), result in zip(checks, results, strict=True):
        assert (result.y == exact).all(), call.statement


@pytest.mark.boards
@pytest.mark.parametrize("name", ["host", "avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_c_is_the_twin(name: str) -> None:
    rng = np.random.default_rng(0)
    checks = [sparse_call(n, n_rows, rng) for n, n_rows in [(4, 2), (30, 7), (259, 6), (512, 5)]]
    checks += [rows_call(n, n_rows, rng) for n, n_rows in [(1, 4), (3, 7), (16, 10), (33, 5), (510, 6)]]
    checks += [codes_call(n, n_rows, rng) for n, n_rows in [(9, 15), (64, 4), (510, 5)]]
    flags = SANITIZE if name == "host" else ("-O2",)
    for call, exact in checks:
        [result] = core(name).run([call], measure=False, flags=flags)
        assert (result.y == exact).all(), call.statement
