"""Kernels that multiply several rows at a time, by the DSP extension, against their twin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.boards import STRICT, Call, core
from micromlgen.cformat import ctype
from micromlgen.render import _environment
from tests.kernel_checks import TYPES, Check, assert_checks, extremes, table

Array = NDArray[Any]


def all_rows(kind: str, n: int, together: int, W: Array) -> str:
    """C with a function `all_<kind>_<n>x<together>_<rows>`: several rows at a time where the core can."""
    x, w = (ctype(np.dtype(t)) for t in TYPES[kind])
    plain = "i8" if kind in ("i8n", "i8p") else kind
    less = ""
    if plain != kind:
        common = f"mml2_neighbors(x, {n})" if kind == "i8n" else "0"
        each = enumerate(kernels.neighbors(W).tolist())
        less = " ".join(f"y[{r}] -= {more} + {common};" for r, more in each)
    start = (
        '{% import "flash.h.j2" as flash %}{% import "kernels.h.j2" as kernels %}'
        "#include <stdint.h>\n{{ flash.helpers() }}\n"
    )
    text = f"""{start}{{{{ kernels.dots("{kind}", {n}, {together}) }}}}
        static inline void all_{kind}_{n}x{together}_{len(W)}(const {x} *x, MML2_FLASH_AT({w}) w, int32_t *y)
        {{
            int rows = {len(W)};
        #if defined(MML2_TOGETHER_)
        {{{{ kernels.given("{kind}", {n}, "x") }}}}
            mml2_dots_{kind}_{n}x{together}({{{{ kernels.taken("{kind}", "x") }}}}, w, (uint32_t)rows, y);
            {less}
        #else
            for (; rows; --rows) *y++ = mml2_dot_{plain}(x, &w, {n});
        #endif
        }}
        """
    return _environment().from_string(text).render()


def together_checks(lengths: Sequence[int]) -> list[Check]:
    """Up to the most rows at a time, in whole groups and with some left."""
    rng = np.random.default_rng(5)
    checks = []
    for kind in ("i16", "i16w8", "i8", "i8n", "i8p"):
        for together, n_rows in [(2, 5), (3, 3), (4, 6), (5, 10), (6, 11)]:
            for n in lengths:
                X, W = (extremes(t, m, 16, rng) for t, m in zip(TYPES[kind], (n + 1, n), strict=True))
                W = W[rng.integers(0, len(W), n_rows)]
                exact = np.hstack([kernels.dot(X[:, :-1], W), kernels.dot(X[:, 1:], W)])
                both = f"{kind}_{n}x{together}_{n_rows}"
                calls = [f"all_{both}(x + {o}, at, &y[{o * n_rows}]);" for o in (0, 1)]
                at = f"MML2_FLASH_AT({ctype(W.dtype)}) at = MML2_FLASH_START(t_{both});"
                t, statement = f"t_{both}", " ".join([at, *calls])
                c = Call(all_rows(kind, n, together, W) + table(t, W), X, statement, "int32", 2 * n_rows)
                checks.append(Check(c, exact))
    return checks


@pytest.mark.boards
@pytest.mark.parametrize("name", ["cortex-m4f", "cortex-m55"])
@pytest.mark.parametrize(
    ("language", "flags"),
    [("c", ("-Os",)), ("c++", ("-O0",)), ("c", ("-O3",)), ("c++", ("-Os", "-fno-omit-frame-pointer"))],
    ids=["Os", "O0", "O3", "frame pointer"],
)
def test_several_rows_at_a_time(name: str, language: str, flags: tuple[str, ...]) -> None:
    assert_checks(core(name), together_checks((4, 5, 6, 7, 8, 13, 15, 30, 64)), language, (*flags, *STRICT))


@pytest.mark.boards
@pytest.mark.parametrize("kind", ["i16", "i16w8", "i8", "i8n", "i8p"])
def test_rows_at_a_time_are_in_reach(kind: str) -> None:
    """Rows as long as instructions reach, and longer ones, which are multiplied one by one."""
    size = 2 if kind == "i16" else 1
    longest = max(n for n in range(4, 3000) if kernels.together(kind, n, [9]) > 1)
    assert 4080 // 2 // size == longest
    rng = np.random.default_rng(6)
    for n in (longest, 4080 // 6 // size):
        together = kernels.together(kind, n, [9])
        X, W = (rng.integers(-100, 100, (m, n)).astype(t) for t, m in zip(TYPES[kind], (2, 9), strict=True))
        header = all_rows(kind, n, together, W) + table("rows", W)
        c = Call(header, X, f"all_{kind}_{n}x{together}_9(x, MML2_FLASH_START(rows), y);", "int32", 9)
        assert_checks(core("cortex-m4f"), [Check(c, kernels.dot(X, W))])


@pytest.mark.parametrize("n", range(4, 14))
def test_sums_of_neighbors_are_products(n: int) -> None:
    """What the kernels of several rows add up, (x1 + w0) (x0 + w1), is the product and two constants."""
    rng = np.random.default_rng(n)
    x, W = rng.integers(-128, 128, n), rng.integers(-128, 128, (5, n))
    # The last four behind a rest once more, with the elements of x before it taken as 0.
    at = np.r_[: n // 4 * 4, n - 4 : n] if n % 4 else np.arange(n)
    given = np.where(np.arange(len(at)) < n // 4 * 4, x[at], 0)
    given[len(given) - n % 4 :] = x[n - n % 4 :]
    sums = ((given[1::2] + W[:, at[::2]]) * (given[::2] + W[:, at[1::2]])).sum(axis=1)
    own = (given[::2] * given[1::2]).sum()
    np.testing.assert_array_equal(sums - own - kernels.neighbors(W), W @ x)
