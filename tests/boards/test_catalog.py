import pytest

from micromlgen.boards import CORES, Board, Core, board, boards, core
from micromlgen.boards.avr import Avr
from micromlgen.errors import UnsupportedError

each_board = pytest.mark.parametrize("each", boards(), ids=lambda each: each.name)

WITH_FPU = {"cortex-m4f", "cortex-m33", "cortex-m7", "cortex-m55"}
STAND_INS = {"nanoevery": "atmega644p", "esp32": "cortex-m4f", "esp32s3": "cortex-m4f", "himax": "cortex-m4f"}


def test_cores() -> None:
    arm = ["m0plus", "m23", "m3", "m4f", "m33", "m7", "m55"]
    names = ["host", "avr", *(f"cortex-{name}" for name in arm), "rv32imc", "rv32ec", "lx106"]
    assert list(CORES) == names
    assert all(core(name).name == name for name in names)


@pytest.mark.parametrize("each", CORES.values(), ids=CORES)
def test_instructions_take_cycles_and_cycles_are_cycles(each: Core) -> None:
    assert each.unit == ("cycles" if each.name == "avr" else "instructions")
    assert (each.cpi == 1) if each.name in {"host", "avr"} else (1 < each.cpi < 3)


def test_every_core_plans_like_one_that_has_estimates() -> None:
    like = {name: core.plans_like for name, core in CORES.items() if name != "host"}
    assert set(like.values()) == {"avr", "cortex-m0plus", "cortex-m4f", "rv32imc"}
    assert like["avr"] == "avr"
    assert like["cortex-m23"] == "cortex-m0plus"
    assert like["cortex-m33"] == like["cortex-m7"] == "cortex-m4f"
    assert like["lx106"] == "rv32imc"


def test_boards_have_names_of_their_own() -> None:
    assert len({each.title for each in boards()}) == len(boards()) == 34
    assert all(each.name.isalnum() and each.name.islower() for each in boards())


@each_board
def test_figures_are_those_of_a_microcontroller(each: Board) -> None:
    assert board(each.name) is each
    assert each.core.unit == CORES[each.core.name].unit
    assert each.ram <= each.flash < 1 << 24
    assert 16e6 <= each.clock_hz <= 600e6
    assert each.fpu == (each.core.name in WITH_FPU)  # stand-ins are chosen by it, too
    assert 1 <= each.cpi < 3


@each_board
def test_every_figure_has_a_source(each: Board) -> None:
    own_cpi = each.cpi != each.core.cpi or each.name == "himax"
    assert set(each.source) == {"memory", "clock", "power"} | ({"cycles"} if own_cpi else set())
    assert all(len(text) > 10 for text in each.source.values())


@each_board
def test_a_current_comes_with_its_voltage_and_its_source(each: Board) -> None:
    known = each.current_ma is not None
    assert (each.voltage is not None) == known
    assert ("no figure" in each.source["power"] or "only" in each.source["power"]) != known
    if each.voltage is not None and each.current_ma is not None:
        assert 3 <= each.voltage <= 5
        assert 0.2 < each.current_ma < 200
        assert each.current_ma / (each.clock_hz / 1e6) < 1.5  # mA/MHz; an ATmega2560 takes most


def test_a_board_says_what_it_is_measured_on_and_whether_that_is_a_stand_in() -> None:
    stand_ins = {each.name: each.measured_on for each in boards() if each.stand_in}
    assert stand_ins == STAND_INS
    assert all(each.how == ("estimated" if each.name in STAND_INS else "measured") for each in boards())
    assert board("uno").measured_on == "atmega328p"
    assert board("esp8266").measured_on == "lx106"
    assert board("pico2").measured_on == "cortex-m33"


def test_avr_boards_have_a_core_of_their_own_mcu() -> None:
    assert board("uno").core == Avr("avr", mcu="atmega328p")
    assert board("mega").core == core("avr") == Avr("avr", mcu="atmega2560")


def test_a_chip_may_take_other_cycles_than_its_core() -> None:
    assert board("esp32c3").cpi == core("rv32imc").cpi > board("esp32c6").cpi


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UnsupportedError, match="core 'z80' is not known: use one of host, avr, "):
        core("z80")
    with pytest.raises(UnsupportedError, match="board 'zx81' is not known: use one of uno, mega, "):
        board("zx81")
