import pytest

from micromlgen.boards import CORES, board, boards, core
from micromlgen.boards.avr import Avr
from micromlgen.errors import UnsupportedError


def test_cores() -> None:
    names = ["host", "avr", "cortex-m0plus", "cortex-m3", "cortex-m4f", "cortex-m7", "rv32imc"]
    assert list(CORES) == names
    assert all(core(name).name == name for name in names)
    assert {core.unit for core in CORES.values()} == {"cycles", "instructions"}


def test_boards() -> None:
    assert [board.name for board in boards()] == ["uno", "mega", "nano33ble", "pico", "blackpill", "esp32c3"]
    for each in boards():
        assert board(each.name) is each
        assert each.ram < each.flash < 1 << 24
        assert 16e6 <= each.clock_hz <= 200e6
        assert each.fpu == (each.core.name in {"cortex-m4f", "cortex-m7"})
        assert each.title
        assert each.source


def test_avr_boards_have_a_core_of_their_own_mcu() -> None:
    assert board("uno").core == Avr("avr", mcu="atmega328p")
    assert board("mega").core == core("avr") == Avr("avr", mcu="atmega2560")


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UnsupportedError, match="core 'z80' is not known: use one of host, avr, "):
        core("z80")
    with pytest.raises(UnsupportedError, match="board 'due' is not known: use one of uno, mega, "):
        board("due")
