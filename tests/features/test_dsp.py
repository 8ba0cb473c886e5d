"""The plain C in dsp/: each file stands alone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from micromlgen.boards import STRICT, Call, core
from micromlgen.features._root import log2_q11, log2_table
from micromlgen.render import _environment, source

KINDS = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
DSP = Path(__file__).parents[2] / "dsp"


@pytest.mark.parametrize(("compiler", "language"), [("gcc", "c"), ("gcc", "c++"), ("clang", "c")])
@pytest.mark.parametrize("stem", [path.stem for path in sorted(DSP.glob("*.h"))])
def test_each_file_compiles_alone(
    monkeypatch: pytest.MonkeyPatch, stem: str, language: str, compiler: str
) -> None:
    monkeypatch.setenv("CC", compiler)
    main = f'#include <stdint.h>\n#include <string.h>\n#include "{stem}.h"\nint main(void) {{ return 0; }}\n'
    core("host").compile({"main.c": main}, language=language, flags=("-O1", f"-I{DSP}", *STRICT))


def test_no_two_files_define_a_function_of_one_name() -> None:
    """Any two of them may meet in a header, or in a sketch with several."""
    defined: dict[str, set[str]] = {}
    for path in (*DSP.iterdir(), *(DSP.parent / "templates").glob("*.j2")):
        for name in re.findall(r"^static\b[^=;)]*?\b(mml2_\w+)\(", path.read_text(), re.MULTILINE):
            defined.setdefault(name, set()).add(path.name)
    assert len(defined) > 100
    assert not {name: files for name, files in defined.items() if len(files) > 1}


def test_a_header_has_each_file_once() -> None:
    text = source("bins")
    assert text.index("MICROMLGEN_LOG2_2") < text.index("MICROMLGEN_BINS_2")
    assert text.count("#ifndef MICROMLGEN_FLASH_AT_2") == 1
    assert "#include" not in text  # flash.h, which includes some, is in every generated header already


@pytest.mark.parametrize("name", ["host", *(pytest.param(n, marks=pytest.mark.boards) for n in KINDS)])
def test_powers_are_exact_up_to_the_largest(name: str) -> None:
    """Which is that of -2^31, whose magnitude 32 bits with a sign do not hold."""
    rng = np.random.default_rng(0)
    extremes = [-(2**31), 2**31 - 1, 1 - 2**31, -(2**30), 65535, 65536, -65535, -65536, -1, 0, 1]
    a = np.concatenate([extremes, rng.integers(-(2**31), 2**31, 100)]).astype(np.int32)
    header = f"#include <stdint.h>\n#include <string.h>\n{source('flash')}\n{source('powers32')}"
    statement = "int32_t z[2] = {0, 0}; memcpy(z, x, 4); (void)mml2_powers32(z, 1, 0x40000000u); y[0] = z[0];"
    call = Call(header, a.view(np.int16).reshape(-1, 2), statement)
    result = core(name).run([call], flags=("-O2", *STRICT), measure=False)[0]
    np.testing.assert_array_equal(result.y[:, 0], a.astype(np.int64) ** 2 >> 32)


def test_logarithms_are_the_twin_up_to_the_largest() -> None:
    """Which rounds up to one more than 16 bits hold."""
    v = np.unique(
        np.concatenate([2 ** np.arange(32), 2 ** np.arange(1, 33) - 1, np.arange(40), [0xFFFFFF00]])
    )
    environment = _environment()
    table = environment.from_string('{% import "flash.h.j2" as flash %}{{ flash.array("logs", t) }}').render(
        t=log2_table()
    )
    header = f"#include <stdint.h>\n#include <string.h>\n{source('flash')}\n{source('log2')}\n{table}"
    halves = np.stack([v >> 16, v & 0xFFFF], axis=1).astype(np.uint16).view(np.int16)
    value = "(uint32_t)(uint16_t)x[0] << 16 | (uint16_t)x[1]"
    call = Call(header, halves, f"y[0] = (int32_t)mml2_log2({value}, MML2_FLASH_START(logs));")
    result = core("host").run([call], flags=("-O1", *STRICT), measure=False)[0]
    np.testing.assert_array_equal(result.y[:, 0], log2_q11(v))
    assert result.y.max() == 1 << 16
    exact = 2048 * np.log2(np.maximum(v, 1))
    assert np.abs(log2_q11(v) - exact).max() <= 1.5
