from pathlib import Path

import numpy as np
import pytest

from micromlgen.boards import Call, Core, board
from micromlgen.errors import ToolchainError

pytestmark = pytest.mark.boards

UNO = board("uno").core
MEGA = board("mega").core
ONE = np.zeros((1, 1), np.int16)


@pytest.mark.parametrize(("core", "call_and_return"), [(UNO, 4 + 4), (MEGA, 5 + 5)], ids=["uno", "mega"])
def test_cycles_of_a_loop(core: Core, call_and_return: int) -> None:
    """avr-libc's loop takes 3 cycles a turn, less one at the end, after one to load its counter."""
    header = "#include <util/delay_basic.h>\n"
    calls = [Call(header, ONE, f"_delay_loop_1({n});") for n in (10, 200)]
    costs = [result.cost.item() for result in core.run(calls)]
    assert costs == [call_and_return + 3 * n for n in (10, 200)]


@pytest.mark.parametrize(
    ("name", "end"), [("uno", 0x8FF), ("mega", 0x21FF), ("leonardo", 0xAFF), ("nanoevery", 0x10FF)]
)
def test_each_mcu_is_built_for_itself(name: str, end: int) -> None:
    """The ATmega644P, which stands in for a Nano Every's, has 4 of its 6 KB."""
    [result] = board(name).core.run([Call("#include <avr/io.h>\n", ONE, "y[0] = RAMEND;", "uint16")])
    assert result.y.item() == end


def test_tables_beyond_128_kb() -> None:
    """The code lies behind them, where an address in words needs more than 16 bits."""
    header = "#include <avr/pgmspace.h>\n" + "".join(
        f"static const unsigned char t{i}[32000] PROGMEM = {{{i + 1}}};\n" for i in range(6)
    )
    read = " ".join(f"y[0] += pgm_read_byte_far(pgm_get_far_address(t{i}));" for i in range(6))
    [result, empty] = MEGA.run([Call(header, ONE, "y[0] = 0; " + read), Call(header, ONE, "")])
    assert result.y.item() == 1 + 2 + 3 + 4 + 5 + 6
    assert empty.cost.item() == MEGA.call_cost
    assert MEGA.size(Call(header, ONE, read)).flash > 6 * 32000


def test_variables_that_do_not_fit() -> None:
    fill = Call("static volatile char fill[8100];\n", ONE, "y[0] = fill[x[0]];")
    MEGA.run([fill])
    with pytest.raises(ToolchainError, match=r"section `\.bss' is not within region `data'"):
        MEGA.run([Call(fill.header.replace("8100", "9000"), ONE, fill.statement)])


def test_stack_that_runs_into_the_variables() -> None:
    statement = "volatile char room[{}]; room[0] = 1; y[0] = room[0];"
    assert MEGA.run([Call("", ONE, statement.format(8000))])[0].stack > 8000
    with pytest.raises(ToolchainError, match="the stack ran into the variables"):
        MEGA.run([Call("", ONE, statement.format(8200))])


def test_jump_to_the_reset_vector() -> None:
    with pytest.raises(ToolchainError, match="the firmware restarted"):
        UNO.run([Call("", ONE, "((void (*)(void))0)();")])


def test_simulator_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    call = Call("", ONE, "y[0] = 1;")
    UNO.run([call])
    [runner] = (tmp_path / "micromlgen").glob("*-avr-runner")
    before = runner.stat()
    UNO.run([call])
    [again] = (tmp_path / "micromlgen").glob("*-avr-runner")
    assert again.stat().st_ino == before.st_ino


def test_simulator_that_cannot_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "false")
    with pytest.raises(ToolchainError, match="building the AVR simulator failed"):
        UNO.run([Call("", ONE, "")])
    with pytest.raises(ToolchainError, match="apt-get install libsimavr-dev libelf-dev"):
        UNO.run([Call("", ONE, "")])
    assert [path.name for path in (tmp_path / "micromlgen").iterdir()] == ["lock"]
