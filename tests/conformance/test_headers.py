"""What every header promises beyond its predictions: it compiles wherever it is included."""

from __future__ import annotations

import re

import numpy as np
import pytest

from micromlgen.boards import STRICT, Call, board, core
from micromlgen.boards.arduino import include_flags
from micromlgen.calls import predict_call, quantize_call, twin_calls
from tests.cases import all_cases, all_programs, representatives

SOFT_FLOAT = re.compile(
    r"__(add|sub|mul|div|cmp|eq|ne|lt|le|gt|ge|fix|fixuns|float|floatun)[sd]f|__aeabi_[fd]|__fp_|sf[23]$|df[23]$"
)


def test_rendering_again_gives_the_same_bytes() -> None:
    for case in all_cases():
        assert case.transpile().header == case.transpile().header


def test_headers_are_plain_text() -> None:
    for _, program, _ in all_programs():
        assert program.header.isascii()
        assert program.header.endswith("#endif\n")
        assert "\t" not in program.header
        assert not re.search(r"[ ]\n|\n\n\n", program.header)


def sources(first: int = 0, end: int | None = None) -> dict[str, str]:
    """Two files that include a header of every kind, one twice; each calls every second prediction."""
    programs = [program for _, program, _ in representatives()][first:end]
    uses = ["", ""]
    for i, p in enumerate(programs):
        n, N = p.name.snake, p.name.macro
        one = p.model.n_outputs == 1
        result = "int" if p.model.kind == "classifier" else f"{n}_output_t"
        transforms = p.model.kind == "transformer"
        several = f"{result} y[{N}_N_OUTPUTS]; {n}_{'transform' if transforms else 'predict'}(x, y);"
        call = f"total += (int){n}_predict(x);" if one and not transforms else several
        uses[i % 2] += f"    {{ static {n}_input_t x[{N}_N_FEATURES]; {call} }}\n"
    function = "int {0}(void);\nint {0}(void)\n{{\n    int total = 0;\n{1}    return total;\n}}\n"
    return {
        **{f"{p.name.snake}.h": p.header for p in programs},
        "all.h": "".join(f'#include "{p.name.snake}.h"\n' for p in programs),
        "main.c": '#include "all.h"\n#include "all.h"\n'
        + function.format("first", uses[0])
        + "int second(void);\nint main(void) { return first() - second(); }\n",
        "other.c": '#include "all.h"\n' + function.format("second", uses[1]),
    }


@pytest.mark.compiled
@pytest.mark.parametrize("language", ["c", "c++"])
def test_headers_may_be_included_twice_and_in_two_files(language: str) -> None:
    core("host").compile(sources(), language=language, flags=("-O0", *STRICT))


@pytest.mark.boards
def test_headers_compile_after_the_real_arduino_h() -> None:
    flags = ("-Os", *include_flags("mega"), *ARDUINO_STRICT)
    for first in range(0, len(representatives()), _ON_A_MEGA):
        files = sources(first, first + _ON_A_MEGA)
        files |= {k: f"#include <Arduino.h>\n{t}" for k, t in files.items() if k.endswith(".c")}
        board("mega").core.compile(files, language="c++", flags=flags)


#: How many models are linked into one program, which must fit 256 KB.
_ON_A_MEGA = 24
# Arduino.h's own inline functions leave parameters unused and convert without casts.
ARDUINO_STRICT = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter")


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus"])
def test_integer_modes_link_no_float_routine(name: str) -> None:
    for case_name, program, X in representatives(every_layout=False):
        if program.model.input.is_integer:
            model, header, c = program.model, program.header, program.name
            answers = [each.call for each in twin_calls(model, header, c, program.quantize(X[:1]))]
            if model.input.quantizes and model.input.center is None and model.input.gain is None:
                answers.append(quantize_call(model, header, c, X[:1]))
            for call in answers:
                used = {s for s in core(name).symbols(call) if SOFT_FLOAT.search(s)}
                assert not used, case_name


@pytest.mark.boards
def test_the_search_for_float_routines_finds_some() -> None:
    """A product of floats needs them: the pattern above would see them."""
    header = next(p.header for _, p, _ in all_programs() if not p.model.input.is_integer)
    call = Call(header, np.ones((1, 1), np.float32), "y[0] = (int32_t)(x[0] * 1.5f);")
    for name in ("avr", "cortex-m0plus"):
        assert any(SOFT_FLOAT.search(s) for s in core(name).symbols(call))


@pytest.mark.boards
def test_no_static_ram_is_used() -> None:
    for case_name, program, X in representatives(every_layout=False):
        call = predict_call(program.model, program.header, program.name, program.quantize(X[:1]))
        assert core("avr").size(call).ram == 0, case_name


@pytest.mark.boards
def test_labels_cost_ram_on_avr_only_where_asked_for() -> None:
    program = next(p for name, p, _ in all_programs() if name.startswith("dt_strings"))
    x = np.full((1, 4), 2, np.float32)
    label = f"{program.name.snake}_label"
    in_flash = Call(program.header, x, f"y[0] = (int32_t)pgm_read_byte({label}_P((int)x[0]));")
    in_ram = Call(program.header, x, f"y[0] = (int32_t){label}((int)x[0])[0];")
    assert [r.y.item() for r in core("avr").run([in_flash, in_ram])] == [ord("c")] * 2
    assert core("avr").size(in_flash).ram == 0 < core("avr").size(in_ram).ram


@pytest.mark.boards
def test_flash_is_read_rightly_beyond_64_kb() -> None:
    """Tables that lie behind 90 KB of other constants."""
    filler = "".join(
        f"static const uint8_t filler{i}[30000] MML2_FLASH = {{1}};\n"
        f"static inline int use{i}(uint16_t at) {{ return MML2_FLASH_U8(filler{i}, at); }}\n"
        for i in range(3)
    )
    calls, twins = [], []
    for name, program, X in all_programs():
        if "table" in program.layout and name.startswith(
            ("dt_iris", "rf_iris", "rfr_outputs", "dtr_outputs")
        ):
            helpers_end = program.header.index("#endif\n#endif\n") + len("#endif\n#endif\n")
            header = (
                program.header[:helpers_end]
                + "#ifndef FILLER\n#define FILLER\n"
                + filler
                + "#endif\n"
                + program.header[helpers_end:]
            )
            pairs = twin_calls(program.model, header, program.name, program.quantize(X))
            calls += [each.call for each in pairs]
            twins += [each.y for each in pairs]
    uses = "".join(f"y[0] += use{i}((uint16_t)x[0]);" for i in range(3))
    calls.append(Call(calls[0].header, np.zeros((1, 1), np.int16), f"y[0] = 0; {uses}"))
    twins.append(np.array([[3]]))
    for result, twin in zip(core("avr").run(calls), twins, strict=True):
        np.testing.assert_array_equal(result.y, twin)
