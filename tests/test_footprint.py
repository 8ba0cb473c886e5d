"""What a header costs on a board."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.boards import board
from micromlgen.errors import UnsupportedError
from micromlgen.footprint import Footprint

IRIS, SPECIES = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0).fit(IRIS, SPECIES)
SMALL = Footprint(
    board("uno"), flash=500, ram=0, stack=20, cycles_mean=160.0, cycles_max=200.0, unit="cycles"
)


PICO = replace(SMALL, board=board("pico"), unit="instructions")
ALL = {"flash", "ram", "stack", "cycles", "time", "energy"}


def test_time_is_cycles_at_the_clock_of_the_board() -> None:
    assert SMALL.time_ms == pytest.approx(160 / 16e6 * 1000)
    assert SMALL.time_max_ms == pytest.approx(200 / 16e6 * 1000)


def test_an_instruction_takes_the_cycles_that_its_core_needs() -> None:
    assert PICO.time_ms == pytest.approx(160 * 1.6 / 133e6 * 1000)
    assert replace(PICO, board=board("esp32c6")).time_ms == pytest.approx(160 * 1.7 / 160e6 * 1000)


def test_energy_is_power_times_time_or_not_known() -> None:
    assert SMALL.energy_uj == pytest.approx(5.0 * 10.4 * SMALL.time_ms)
    assert PICO.energy_uj is None


@pytest.mark.parametrize(
    ("footprint", "estimated"),
    [
        (SMALL, {"energy"}),
        (PICO, {"time", "energy"}),
        (replace(PICO, board=board("esp8266"), substituted=True), {"stack", "cycles", "time", "energy"}),
        (replace(PICO, board=board("esp32")), ALL),
        (replace(SMALL, board=board("nanoevery")), ALL),
    ],
    ids=["uno", "pico", "esp8266", "esp32", "nanoevery"],
)
def test_figures_are_labelled(footprint: Footprint, estimated: set[str]) -> None:
    assert set(footprint.how) == ALL
    assert {figure for figure, how in footprint.how.items() if how == "estimated"} == estimated


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"flash": 32256}, True),
        ({"flash": 32257}, False),
        ({"ram": 2028}, True),
        ({"ram": 2029}, False),
    ],
    ids=str,
)
def test_a_model_fits_with_its_flash_and_with_its_ram_and_stack(change: dict[str, int], fits: bool) -> None:
    footprint = replace(SMALL, **change)
    assert footprint.fits == fits
    assert str(footprint).endswith("DOES NOT FIT") != fits


def test_a_footprint_reads_as_one_line() -> None:
    line = (
        "Arduino Uno Rev3 (ATmega328P): flash 500 B of 32256, RAM 0 B, stack 20 B, 160 cycles (at most 200), "
    )
    assert str(SMALL) == line + "10 µs at 16 MHz, about 0.52 µJ"
    assert str(replace(SMALL, cycles_mean=3200)).endswith(
        "3200 cycles (at most 200), 0.2 ms at 16 MHz, about 10.4 µJ"
    )


def test_what_is_estimated_reads_so() -> None:
    assert str(PICO).endswith("RAM 0 B, stack 20 B, 160 instructions (at most 200), about 1.92 µs at 133 MHz")
    stand_in = str(replace(PICO, board=board("esp32")))
    assert "flash about 500 B of 1310720, RAM about 0 B, stack about 20 B, about 160 instructions" in stand_in
    assert stand_in.endswith(" at 240 MHz, about 0.389 µJ - run as cortex-m4f")


def test_an_unknown_board_lists_the_known_ones() -> None:
    with pytest.raises(UnsupportedError, match=r"^board 'unoo' is not known: use one of uno, mega, "):
        mm.transpile(TREE).footprint("unoo")


def test_rows_are_checked_before_anything_is_compiled() -> None:
    with pytest.raises(UnsupportedError, match=r"^X has shape \(150, 2\)"):
        mm.transpile(TREE).footprint("uno", IRIS[:, :2])


@pytest.mark.boards
@pytest.mark.parametrize(
    ("name", "time", "energy"),
    [
        ("uno", "measured", True),
        ("leonardo", "measured", True),
        ("nanoevery", "estimated", True),
        ("pico", "estimated", False),
        ("pico2", "estimated", False),
        ("nano33ble", "estimated", True),
        ("microbit", "estimated", True),
        ("teensy40", "estimated", True),
        ("esp32c3", "estimated", True),
        ("esp32s3", "estimated", True),
        ("esp8266", "estimated", True),
        ("ch32v003", "estimated", False),
    ],
)
def test_a_tree_costs_little_and_no_ram(name: str, time: str, energy: bool) -> None:
    footprint = mm.transpile(TREE).footprint(name, IRIS[::10])
    it = footprint.board
    assert 30 < footprint.flash < 1500
    assert footprint.ram == 0
    assert footprint.stack < 100
    assert 10 < footprint.cycles_mean <= footprint.cycles_max < 2000
    assert footprint.fits
    assert footprint.unit == ("cycles" if it.core.name == "avr" else "instructions")
    assert footprint.how["cycles"] == it.how
    assert footprint.how["time"] == time
    assert 0 < footprint.time_ms <= footprint.time_max_ms < 0.1
    assert (footprint.energy_uj is not None) == energy
    if footprint.energy_uj is not None and it.voltage is not None and it.current_ma is not None:
        assert footprint.energy_uj == pytest.approx(it.voltage * it.current_ma * footprint.time_ms)


@pytest.mark.boards
def test_float_arithmetic_of_an_esp8266_is_an_estimate() -> None:
    """A regression forest adds floats, which is done in the ROM there, and here by routines in its place."""
    forest = RandomForestRegressor(3, max_depth=3, random_state=0).fit(IRIS, IRIS[:, 0])
    program = mm.transpile(forest)
    adds, tree = program.footprint("esp8266", IRIS[:2]), mm.transpile(TREE).footprint("esp8266", IRIS[:2])
    assert (adds.how["flash"], adds.how["cycles"]) == ("measured", "estimated")
    assert tree.how["cycles"] == "measured"


@pytest.mark.boards
def test_deeper_rows_cost_more() -> None:
    chain = DecisionTreeRegressor().fit(np.arange(30.0)[:, None], 2.0 ** np.arange(30))
    program = mm.transpile(chain, optimize="size")
    near, far = program.footprint("uno", [[29.0]]), program.footprint("uno", [[0.0]])
    assert far.cycles_mean > 3 * near.cycles_mean
    assert far.flash == near.flash


@pytest.mark.boards
def test_without_rows_the_calibration_rows_are_measured() -> None:
    program = mm.transpile(TREE, dtype="int16", calibration=IRIS[:1])
    assert program.footprint("uno").cycles_mean == program.footprint("uno", IRIS[:1]).cycles_mean
    assert mm.transpile(TREE).footprint("uno").cycles_max > 0


@pytest.mark.boards
def test_size_and_speed_are_what_they_say() -> None:
    X = np.random.default_rng(0).random((600, 3))
    tree = DecisionTreeRegressor(random_state=0).fit(X, X[:, 0])
    size, speed = (mm.transpile(tree, optimize=o).footprint("uno", X[:20]) for o in ("size", "speed"))
    assert size.flash < speed.flash
    assert speed.cycles_mean < size.cycles_mean
