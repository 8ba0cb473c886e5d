"""The C that scales sums to int8, on every kind of core, at its limits."""

from __future__ import annotations

import numpy as np
import pytest

from micromlgen.boards import STRICT, Call, core
from micromlgen.models import _graph_scale as scaling
from micromlgen.render import source

_HEADER = "#include <stdint.h>\n#include <string.h>\n" + source("flash") + "\n" + source("nn")
_SUM = (
    "const int32_t sum = (int32_t)(x[0] * 256L + (x[1] & 255));"
    "const int32_t m = (int32_t)((uint32_t)(uint16_t)x[2] << 16 | (uint16_t)x[3]);"
)


def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums within 24 bits, multipliers below 2**31, and bits to shift: random, extreme, and about ties."""
    rng = np.random.default_rng(0)
    sums = np.concatenate([rng.integers(-(2**23) + 1, 2**23, 300), rng.integers(-300, 300, 100)])
    sums[:4] = 2**23 - 1, 1 - 2**23, 0, -1
    m = rng.integers(2**30, 2**31, 400)
    m[::7], m[::11], m[::13] = 2**31 - 1, 2**30, 0
    bits = rng.integers(0, 24, 400)
    return sums, m, bits


@pytest.mark.parametrize(
    "name",
    ["host", *(pytest.param(n, marks=pytest.mark.boards) for n in ("avr", "cortex-m0plus", "cortex-m4f"))],
)
def test_scaling_is_that_of_the_runtimes(name: str) -> None:
    sums, m, bits = inputs()
    low = (m & 0xFFFF).astype(np.uint16).view(np.int16)
    rows = np.stack([sums >> 8, sums & 255, m >> 16, low, bits], axis=1).astype(np.int16)
    function = "{ %s y[0] = mml2_nn_whole(mml2_nn_%s(sum, m, (uint8_t)x[4], 1)); }"
    calls = [Call(_HEADER, rows, function % (_SUM, kind), "int8") for kind in ("twice", "once")]
    expected = [scaling.scaled(sums, m, -1 - bits), scaling.rounded_once(sums, m, 6 - bits)]
    for result, y in zip(core(name).run(calls, flags=("-Os", *STRICT), measure=False), expected, strict=True):
        np.testing.assert_array_equal(result.y[:, 0], np.clip(y, -128, 127))
