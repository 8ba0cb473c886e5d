"""Calls of kernels with what they should give, and rows of extremes to call them with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from micromlgen.boards import Call
from micromlgen.boards.core import Core
from micromlgen.cformat import ctype, float32

Array = NDArray[Any]
#: dtypes of x and of w.
TYPES = {
    "i16": ("int16", "int16"),
    "i16w8": ("int16", "int8"),
    "i8": ("int8", "int8"),
    "i8n": ("int8", "int8"),
    "i8p": ("int8", "int8"),
    "f32": ("float32", "float32"),
    "f32_short": ("float32", "float32"),
}
WITH_FPU = ("host", "cortex-m4f", "cortex-m33", "cortex-m7", "cortex-m55")


@dataclass(frozen=True)
class Check:
    """A call and what it should give: exactly, or as near as integers and as an FPU come to it."""

    call: Call
    exact: Array
    error: tuple[Array, Array] | None = None
    limit: float | None = None


def table(name: str, W: Array) -> str:
    values = [float32(v) for v in W.ravel()] if W.dtype == np.float32 else map(str, W.ravel().tolist())
    return f"static const {ctype(W.dtype)} {name}[{W.size}] MML2_FLASH = {{{', '.join(values)}}};\n"


def extremes(dtype: str, n: int, bits: int, rng: np.random.Generator) -> Array:
    """Rows of n values of so many bits: lowest, highest, both in turn, random, few that are not 0."""
    bits = min(bits, 8 * np.dtype(dtype).itemsize)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    turns = np.where(np.arange(n) % 2, low, high)
    random = rng.integers(low, high + 1, (2, n))
    random[1, rng.random(n) < 0.8] = 0
    return np.stack([np.full(n, low), np.full(n, high), turns, *random]).astype(dtype)


def assert_checks(
    where: Core,
    checks: Sequence[Check],
    language: str = "c",
    flags: tuple[str, ...] = ("-Os",),
    rounds_terms: bool = False,
) -> None:
    """Run all calls in one firmware; what reaches a limit may be anything from there on."""
    rounds_terms |= where.name in WITH_FPU
    results = where.run([c.call for c in checks], language=language, flags=flags, measure=False)
    for check, result in zip(checks, results, strict=True):
        got = result.y.astype(np.float64)
        error = check.error[rounds_terms] if check.error else 0.0
        right = np.abs(got - check.exact) <= error
        if check.limit is not None:
            right = np.where(got < check.limit, right, check.exact + error >= check.limit)
        if not right.all():
            pytest.fail(f"{check.call.statement}\n{got[~right]}\n{check.exact[~right]}")
