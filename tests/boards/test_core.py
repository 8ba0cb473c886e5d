"""What every core must do, on all of them."""

import numpy as np
import pytest

from micromlgen.boards import CORES, STRICT, Call, Core, toolchain
from micromlgen.errors import ToolchainError, UnsupportedError

pytestmark = pytest.mark.boards

every_core = pytest.mark.parametrize("core", CORES.values(), ids=CORES)
measuring = [core for core in CORES.values() if core.measures]
every_measuring_core = pytest.mark.parametrize("core", measuring, ids=[core.name for core in measuring])

BITS = np.array([0x7FC12345, 0xFFC00001, 0x7F800001, 0x00000001, 0x80000000, 0xFF800000], np.uint32)
FLOATS = BITS.view(np.float32).reshape(3, 2)
ONE = np.zeros((1, 1), np.int16)


@every_core
def test_identity_is_bit_for_bit(core: Core) -> None:
    shorts = np.array([[-32768], [32767], [-1], [0]], np.int16)
    bytes_ = np.arange(-128, 128, dtype=np.int8).reshape(-1, 4)
    calls = [
        # A float register may quieten a NaN on its way: copied as integers.
        Call("#include <string.h>\n", FLOATS, "memcpy(y, x, 8);", "float32", 2),
        Call("", shorts, "y[0] = x[0];", "int16"),
        Call("", bytes_, "y[0] = x[0]; y[1] = x[1]; y[2] = x[2]; y[3] = x[3];", "int8", 4),
        Call("", shorts, "y[0] = x[0];", "int32"),
    ]
    for measure in (True, False):
        results = core.run(calls, measure=measure)
        assert [result.y.tobytes() for result in results[:3]] == [call.rows.tobytes() for call in calls[:3]]
        assert results[3].y.tolist() == shorts.tolist()


@every_core
def test_every_row_once_and_in_order(core: Core) -> None:
    """A stream's state depends on it."""
    header = "#include <stdint.h>\nstatic int32_t seen;\n"
    rows = np.zeros((300, 1), np.int8)
    first, second = core.run([Call(header, rows, "y[0] = seen++;"), Call(header, rows, "y[0] = seen++;")])
    assert np.concatenate([first.y, second.y]).ravel().tolist() == list(range(600))


@every_core
@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("optimise", ["-O0", "-Os"])
def test_the_firmware_itself_is_free_of_warnings(core: Core, language: str, optimise: str) -> None:
    call = Call("", FLOATS, "y[0] = x[0] < x[1];", "uint16")
    [result] = core.run([call], language=language, flags=(optimise, *STRICT))
    assert result.y.ravel().tolist() == (FLOATS[:, 0] < FLOATS[:, 1]).tolist()
    core.run([call], language=language, flags=(optimise, *STRICT), measure=False)


@every_measuring_core
@pytest.mark.parametrize("flags", [("-Os",), ("-O0",), ("-O3",)])
def test_costs_are_exact(core: Core, flags: tuple[str, ...]) -> None:
    """An empty statement costs the call and the return, and a nop one unit more, at any optimisation."""
    statements = ["", "", *(f'__asm__ volatile(".rept {n}\\n\\tnop\\n\\t.endr");' for n in (1, 99))]
    calls = [Call("", np.zeros((5, 3), np.float32), statement) for statement in statements]
    costs = [set(result.cost) for result in core.run(calls, flags=flags)]
    assert costs == [{core.call_cost + n} for n in (0, 0, 1, 99)]


@every_core
def test_nothing_is_measured_unless_wanted(core: Core) -> None:
    [result] = core.run([Call("", FLOATS, "y[0] = 1;")], measure=False)
    assert np.isnan(result.cost).all()
    assert result.cost.shape == (3,)
    assert result.stack == 0


@every_measuring_core
def test_stack_of_the_deepest_row(core: Core) -> None:
    header = (
        "static __attribute__((noinline)) int deep(int n)\n"
        "{ volatile char room[100]; room[0] = 1; return room[0] + n; }\n"
    )
    rows = np.array([[0], [1], [0]], np.int16)
    shallow, deep = core.run(
        [Call(header, rows, "y[0] = x[0];"), Call(header, rows, "if (x[0]) y[0] = deep(2);")]
    )
    assert shallow.stack <= 4
    assert 100 <= deep.stack <= 132


@every_measuring_core
def test_size_of_a_table(core: Core) -> None:
    values = ", ".join(str(i % 251) for i in range(1000))
    header = (
        "#include <stdint.h>\n"
        "#ifdef __AVR__\n#include <avr/pgmspace.h>\n#else\n"
        "#ifdef __XTENSA_CALL0_ABI__\n"
        '#define PROGMEM __attribute__((section(".irom.text.table")))\n'
        "#else\n#define PROGMEM\n#endif\n#define pgm_read_byte(p) (*(p))\n#endif\n"
        f"static const uint8_t table[1000] PROGMEM = {{{values}}};\n"
        "static uint8_t last[10];\n"
    )
    read = Call(header, np.array([[999]], np.int16), "y[0] = pgm_read_byte(&table[x[0]]);")
    assert core.run([read])[0].y.item() == 999 % 251
    size = core.size(read)
    assert 1000 < size.flash < 1060
    assert size.ram == 0
    written = core.size(Call(header, ONE, "last[x[0]]++; y[0] = last[1];"))
    assert written.flash < 100
    assert 10 <= written.ram <= 16


@every_measuring_core
def test_nothing_is_charged_for_an_empty_statement(core: Core) -> None:
    call = Call("#include <math.h>\nstatic inline float f(float v) { return expf(v); }\n", ONE, "")
    size = core.size(call)
    assert (size.flash, size.ram) == (0, 0)
    assert core.symbols(call) == set()


@every_measuring_core
def test_symbols_tell_whether_float_is_pulled_in(core: Core) -> None:
    float_routines = {"__mulsf3", "__aeabi_fmul"}
    product = Call("", np.ones((1, 1), np.float32), "y[0] = x[0] * x[0];", "float32")
    with_fpu = {"cortex-m4f", "cortex-m33", "cortex-m7", "cortex-m55"}
    assert bool(core.symbols(product) & float_routines) == (core.name not in with_fpu)
    assert not core.symbols(Call("", ONE, "y[0] = x[0] * x[0];")) & float_routines


@every_core
def test_two_translation_units(core: Core) -> None:
    unit = '#include "f.h"\n#include "f.h"\n'
    files = {"a.c": unit + "int g(void);\nint main(void) { return f() + g(); }\n"}
    files["b.c"] = unit + "int g(void);\nint g(void) { return f(); }\n"
    good = "#ifndef F_H\n#define F_H\nstatic inline int f(void) { return 0; }\n#endif\n"
    for language in ("c", "c++"):
        core.compile({**files, "f.h": good}, language=language, flags=("-Os", *STRICT))
        with pytest.raises(ToolchainError, match="multiple definition of"):
            core.compile(
                {**files, "f.h": good.replace("static inline ", "")}, language=language, flags=("-O0",)
            )


@every_core
def test_error_of_the_compiler(core: Core) -> None:
    with pytest.raises(ToolchainError, match=f"compiling for {core.name} failed .*:\nfirmware.c:.*nothing"):
        core.run([Call("", ONE, "y[0] = nothing;")])


@every_core
def test_hanging_statement(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "TIMEOUT", 1)
    with pytest.raises(ToolchainError, match=f"the firmware on {core.name} did not finish within 1 s"):
        core.run([Call("", ONE, 'for (;;) { __asm__ volatile(""); }')])


@every_core
def test_crashing_statement(core: Core) -> None:
    nowhere = "volatile uintptr_t address = (uintptr_t)0xFFFFFFF0u; ((void (*)(void))address)();"
    with pytest.raises(ToolchainError, match=f"the firmware on {core.name} failed"):
        core.run([Call("", ONE, nowhere)])


def test_unknown_language() -> None:
    with pytest.raises(UnsupportedError, match=r"language 'rust' is not known: use one of c, c\+\+"):
        CORES["host"].run([Call("", ONE, "")], language="rust")
