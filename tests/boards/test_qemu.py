import numpy as np
import pytest

from micromlgen.boards import CORES, Call, core
from micromlgen.errors import ToolchainError

pytestmark = pytest.mark.boards

ONE = np.zeros((1, 1), np.int16)


@pytest.mark.parametrize("name", ["cortex-m0plus", "cortex-m23", "lx106"])
def test_small_cores_refuse_unaligned_access(name: str) -> None:
    """Through an address that the compiler cannot know."""
    read = 'const char *p = (const char *)x + 1; __asm__("" : "+r"(p)); y[0] = *(const int16_t *)p;'
    call = Call("", np.array([[0x1234, 0x5678]], np.int16), read)
    assert core("cortex-m3").run([call])[0].y.item() == 0x7812
    with pytest.raises(ToolchainError, match="the processor took a fault"):
        core(name).run([call])


@pytest.mark.parametrize("name", ["cortex-m3", "rv32imc", "lx106"])
def test_more_stack_than_can_be_measured(name: str) -> None:
    statement = "volatile char room[{0}]; for (int i = 0; i < {0}; i++) room[i] = 1; y[0] = room[5];"
    assert core(name).run([Call("", ONE, statement.format(32000))])[0].stack >= 32000
    call = Call("", ONE, statement.format(40000))
    with pytest.raises(ToolchainError, match="more stack than can be measured"):
        core(name).run([call])
    assert core(name).run([call], measure=False)[0].y.item() == 1


@pytest.mark.parametrize("name", [name for name in CORES if name not in {"host", "avr"}])
def test_mathematics_and_long_statements(name: str) -> None:
    """The library's errno works, and a cost of millions is as exact as a small one."""
    overflow = Call(
        "#include <math.h>\n", np.array([[1], [1000]], np.float32), "y[0] = expf(x[0]);", "float32"
    )
    turns = 'for (int32_t i = 0; i < {}; i++) __asm__ volatile("");'
    calls = [overflow, *(Call("", ONE, turns.format(n)) for n in (1_000_000, 2_000_000, 3_000_000))]
    result, *loops = core(name).run(calls)
    assert result.y.ravel().tolist() == pytest.approx([np.e, np.inf])
    costs = [loop.cost.item() for loop in loops]
    assert costs[1] - costs[0] == costs[2] - costs[1] >= 1_000_000


@pytest.mark.parametrize("name", ["cortex-m3", "cortex-m55", "rv32imc", "lx106"])
def test_constructors_run(name: str) -> None:
    header = "static int make(void) { return 42; }\nstatic volatile int made = make();\n"
    [result] = core(name).run([Call(header, ONE, "y[0] = made;")], language="c++", flags=("-O0",))
    assert result.y.item() == 42
