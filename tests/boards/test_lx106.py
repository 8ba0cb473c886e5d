"""An ESP8266's processor: constants in RAM, and arithmetic in a ROM."""

from pathlib import Path

import numpy as np
import pytest

from micromlgen.boards import CORES, Call, lx106
from micromlgen.errors import ToolchainError

LX106 = CORES["lx106"]
HOST = CORES["host"]

SPECIAL = np.float32(
    [0, -0.0, 1, -1, 0.5, 1e-45, -1.1754944e-38, 3.4e38, 2**24, 2**31, np.inf, -np.inf, np.nan]
)
ROUNDS = ("-O2", "-ffp-contract=off")


def pairs(n: int) -> np.ndarray:
    """Floats of any bits, of common sizes, near each other, and the special ones."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 1 << 32, (n, 2), dtype=np.uint32).view(np.float32)
    common = (rng.standard_normal((n, 2)) * 10.0 ** rng.integers(-3, 4, (n, 2))).astype(np.float32)
    close = np.column_stack([common[:, 0], -common[:, 0] * np.float32(1 + 2**-20)])
    tiny = common * np.float32(1e-38)
    special = rng.choice(SPECIAL, (4 * len(SPECIAL), 2))
    return np.concatenate([bits, common, close, tiny, special])


def assert_same(call: Call) -> None:
    """As the host computes it; one NaN is as good as another."""
    [ours], [expected] = LX106.run([call], flags=ROUNDS, measure=False), HOST.run([call], flags=ROUNDS)
    differ = ours.y.view(np.uint32) != expected.y.view(np.uint32)
    if call.y_dtype == "float32":
        differ &= ~(np.isnan(ours.y) & np.isnan(expected.y))
    assert not differ.any(), call.rows[differ.any(axis=1)][:5]


@pytest.mark.boards
@pytest.mark.parametrize("operator", ["+", "-", "*", "/"])
def test_float_arithmetic_of_the_rom(operator: str) -> None:
    assert_same(Call("", pairs(2000), f"y[0] = x[0] {operator} x[1];", "float32"))


@pytest.mark.boards
@pytest.mark.parametrize(
    "expression",
    [
        "a * 1.0000001234567 + b * 1e-9",
        "a - b * 1.000001",
        "(a * 1.0000001234567) * b",
        "(a * 1.0000001234567) / b",
        "(a * 1e-300) * (b * 1e-10)",
        "(a * 1e-300) / (b * 1e10)",
    ],
)
def test_double_arithmetic_of_the_rom(expression: str) -> None:
    """libm computes in it; all 64 bits are compared, and their rounding to a float."""
    rows = pairs(1000)
    rows = rows[~np.isnan(rows).any(axis=1)]
    statement = (
        "const double a = x[0], b = x[1], r = EXPRESSION; const float f = (float)r; uint32_t w[3];"
        "memcpy(w, &r, 8); memcpy(&w[2], &f, 4);"
        "for (int i = 0; i < 3; i++) y[i] = r != r ? 0 : (int32_t)w[i];"
    ).replace("EXPRESSION", expression)
    assert_same(Call("#include <string.h>\n", rows, statement, "int32", 3))


@pytest.mark.boards
def test_integers_of_the_rom() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(-(1 << 15), 1 << 15, (2000, 4)).astype(np.int16)
    rows[::2, 2] = 0  # small divisors
    rows[:, 3] |= 1  # never 0
    statement = (
        "const uint32_t a = (uint32_t)(uint16_t)x[0] << 16 | (uint16_t)x[1];"
        "const uint32_t b = (uint32_t)(uint16_t)x[2] << 16 | (uint16_t)x[3];"
        "const uint64_t c = (uint64_t)a << 32 | b, d = (uint64_t)b << 3 | 1;"
        "y[0] = (int32_t)(a / b); y[1] = (int32_t)(a % b);"
        "y[2] = (int32_t)((int64_t)(int32_t)a / (int32_t)b);"
        "y[3] = (int32_t)(((uint64_t)a * b) >> 32); y[4] = (int32_t)(c / d); y[5] = (int32_t)(c % d);"
        "y[6] = (int32_t)(((int64_t)c / ((int32_t)b | 1)) >> 7);"
    )
    assert_same(Call("", rows, statement, "int32", 7))


@pytest.mark.boards
def test_conversions_of_the_rom() -> None:
    rows = pairs(2000)
    rows = rows[(np.abs(rows) < 1e9).all(axis=1)]
    statement = (
        "const float p = x[0] < 0 ? -x[0] : x[0]; const int32_t i = (int32_t)x[0];"
        "const float u = (float)(uint32_t)i, s = (float)i; const double t = (double)(uint32_t)i - (double)i;"
        "memcpy(y, &u, 4); memcpy(y + 1, &s, 4); y[2] = t > 1.0; y[3] = (int32_t)(uint32_t)p; y[4] = i;"
        "y[5] = (int32_t)((double)x[0] * 1.5); y[6] = (int32_t)(uint32_t)((double)p * 1.5);"
    )
    assert_same(Call("#include <string.h>\n", rows, statement, "int32", 7))


@pytest.mark.boards
def test_the_rom_costs_no_flash_and_is_known_to_be_a_substitute() -> None:
    rows = np.ones((1, 2), np.float32)
    product, none = Call("", rows, "y[0] = x[0] * x[1];", "float32"), Call("", rows, "y[0] = 1;")
    assert LX106.size(product).flash < 60
    assert LX106.symbols(product) & LX106.substitutes == {"__mulsf3"}
    assert not LX106.symbols(none) & LX106.substitutes
    assert CORES["cortex-m0plus"].substitutes == frozenset()


@pytest.mark.boards
def test_constants_take_ram_unless_they_are_in_progmem() -> None:
    header = "static const unsigned char t[200] PROGMEM = {1, 2, 3};\n"
    progmem = '#define PROGMEM __attribute__((section(".irom.text.t")))\n'
    sizes = [
        LX106.size(Call(define + header, np.zeros((1, 1), np.int16), "y[0] = t[x[0]];"))
        for define in ("#define PROGMEM\n", progmem)
    ]
    assert [size.ram for size in sizes] == [200, 0]
    assert all(200 < size.flash < 260 for size in sizes)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lx106, "_PICOLIBC", tmp_path / "picolibc.specs")
    with pytest.raises(ToolchainError, match=r"picolibc.specs not found: apt-get install picolibc-xtensa"):
        LX106.run([Call("", np.zeros((1, 1), np.int16), "")])
