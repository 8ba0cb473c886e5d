"""Kernels that give no sums but an answer: the largest of several rows, whether one is above 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from micromlgen.boards import STRICT, Call, core
from micromlgen.boards.avr import Avr
from micromlgen.boards.core import Core
from micromlgen.cformat import float32
from micromlgen.render import _environment
from tests.kernel_checks import WITH_FPU, table
from tests.test_kernels import FLOAT_LENGTHS, LONGEST_SHORT, UNO, float_rows

Array = NDArray[Any]
#: With the longest row whose sums are short, and the next.
LENGTHS = (*FLOAT_LENGTHS, LONGEST_SHORT, LONGEST_SHORT + 1)
#: What is added to the single sum that is above 0 or not.
START = -0.25


def header(n: int) -> str:
    """The kernels for rows of n features as a model's header has them."""
    text = """{% import "flash.h.j2" as flash %}{% import "kernels.h.j2" as kernels %}
        {% import "types.h.j2" as types %}
        #include <stdint.h>\n#include <string.h>\n{{ flash.helpers() }}\n{{ types.bits() }}
        {{ kernels.best(n) }}{{ kernels.positive(n) }}
        #define BEST_{{ n }}(w, rows) {{ kernels.best_of("x", "w", n, "rows") }}
        #define POSITIVE_{{ n }}(w) {{ kernels.is_positive("x", "w", n, start) }}
        """
    return _environment().from_string(text).render(n=n, start=float32(START))


def answers(where: Core, X: Array, W: Array, flags: tuple[str, ...] = ("-Os",), language: str = "c") -> Array:
    """The best of the rows of W, which begin with their start, and whether the last is above 0."""
    n = X.shape[1]
    text = header(n) + table(f"w{n}", W) + table(f"one{n}", W[-1, 1:])
    best = f"y[0] = BEST_{n}(MML2_FLASH_START(w{n}), {len(W)});"
    statement = f"{best} y[1] = POSITIVE_{n}(MML2_FLASH_START(one{n}));"
    return where.run(
        [Call(text, X, statement, "int32", 2)], language=language, flags=(*flags, *STRICT), measure=False
    )[0].y


def assert_right(where: Core, n: int, flags: tuple[str, ...] = ("-Os",), language: str = "c") -> None:
    rng = np.random.default_rng(n)
    X = np.vstack([float_rows(n, rng), np.zeros(n)]).astype(np.float32)
    W = np.hstack([rng.normal(size=(9, 1)), np.vstack([float_rows(n, rng), np.zeros(n)])]).astype(np.float32)
    W = np.vstack([W[1 + rng.permutation(8)], W[:1] + 1])
    X[0] = W[-1, 1:]
    got = answers(where, X, W, flags, language)
    terms = np.concatenate(
        [np.broadcast_to(W[:, :1], (9, 9, 1)), X[:, None].astype(np.float64) * W[:, 1:]], axis=-1
    )
    sums, sizes = terms.sum(-1), np.abs(terms)
    lost = 2.0**-126 * (1 + np.abs(X).sum(-1)[:, None] + np.abs(W).sum(-1))
    off = 3 * n * 2.0**-30 * sizes.max(-1) + 2.0**-24 * np.abs(sums) + lost
    if where.name in WITH_FPU:
        off = (n + 2) * 2.0**-23 * sizes.sum(-1) + lost
    best = got[:, 0]
    assert ((best >= 0) & (best < len(W))).all()
    chosen = np.take_along_axis(sums, best[:, None], 1)[:, 0]
    assert (chosen >= sums.max(1) - 2 * off.max(1)).all()
    single = sums[:, -1] - W[-1, 0] + START
    assert (((single > 0) == got[:, 1]) | (np.abs(single) <= off[:, -1] + 2.0**-24)).all()
    assert got[[0, -1], 1].tolist() == [1, 0]


@pytest.mark.parametrize("n", LENGTHS)
def test_on_the_host(n: int) -> None:
    assert_right(core("host"), n)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_on_boards(name: str) -> None:
    assert_right(core(name), 17)


@pytest.mark.boards
@pytest.mark.parametrize("n", LENGTHS)
def test_in_assembler(n: int) -> None:
    assert_right(core("avr"), n)


@pytest.mark.boards
@pytest.mark.parametrize("n", [5, 300])
@pytest.mark.parametrize(
    ("language", "flags"), [("c++", ("-O0",)), ("c", ("-O3",)), ("c++", ("-Os", "-fno-lto"))]
)
def test_registers_suffice(n: int, language: str, flags: tuple[str, ...]) -> None:
    assert_right(core("avr"), n, flags, language)


@pytest.mark.boards
@pytest.mark.parametrize("n", [5, 300])
def test_where_near_addresses_reach_all_flash(n: int) -> None:
    assert_right(UNO, n)


@pytest.mark.boards
def test_they_compile_for_an_attiny() -> None:
    text = header(5) + header(300) + "int main(void) { return 0; }"
    Avr("tiny", mcu="attiny85").compile({"main.c": text}, flags=STRICT)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["host", "avr"])
@pytest.mark.parametrize("n", [3, 200])
def test_small_integers_are_exact(name: str, n: int) -> None:
    """Of equal sums the first is the best, and 0 is not above 0."""
    rng = np.random.default_rng(0)
    X = rng.integers(-8, 9, (40, n)).astype(np.float32)
    W = rng.integers(-3, 4, (12, n + 1)).astype(np.float32)
    W[6:] = W[rng.permutation(6)]
    W[-1] = 0
    W[-1, 1], X[::4, 0] = 0.25, 1
    got = answers(core(name), X, W)
    np.testing.assert_array_equal(got[:, 0], (X @ W[:, 1:].T + W[:, 0]).argmax(1))
    np.testing.assert_array_equal(got[:, 1], X[:, 0] > 1)


@pytest.mark.boards
@pytest.mark.parametrize("n", [8, 150])
def test_as_many_rows_as_a_byte_counts(n: int) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3, n)).astype(np.float32)
    X[0] = 0
    W = (rng.normal(size=(255 if n == 8 else 50, n + 1)) - 20).astype(np.float32)
    W[-1, 0] = 30
    got = answers(core("avr"), X, W)
    np.testing.assert_array_equal(got[:, 0], (X @ W[:, 1:].T + W[:, 0]).argmax(1))


@pytest.mark.boards
@pytest.mark.parametrize("name", ["host", "avr"])
def test_any_float_gives_a_row(name: str) -> None:
    special = [np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45, -0.0, 0.0, 1.0]
    X = np.array([np.roll(special, i) for i in range(len(special))], np.float32)[:, :8]
    W = np.vstack([np.nan_to_num(X), np.zeros((1, 8)), np.full((1, 8), -3e38)]).astype(np.float32)
    got = answers(core(name), X, np.hstack([W, W[:, :1]]))
    assert ((got[:, 0] >= 0) & (got[:, 0] < len(W)) & np.isin(got[:, 1], [0, 1])).all()


@pytest.mark.boards
@pytest.mark.parametrize("name", ["host", "avr"])
def test_infinities_order(name: str) -> None:
    X = np.array([[np.inf, 0], [-np.inf, 0], [0, np.inf], [0, -np.inf]], np.float32)
    W = np.array([[9, 1, 0], [9, -1, 1], [9, 0, -1], [0, 0, 1]], np.float32)
    got = answers(core(name), X, W)
    np.testing.assert_array_equal(got[:, 1], [0, 0, 1, 0])
    np.testing.assert_array_equal(got[2:, 0], [1, 2])
