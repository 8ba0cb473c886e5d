"""What a header costs on a board."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris
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


def test_time_is_cycles_at_the_clock_of_the_board() -> None:
    assert SMALL.time_ms == pytest.approx(160 / 16e6 * 1000)


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
    assert str(SMALL) == line + "0.010 ms at 16 MHz"


def test_an_unknown_board_lists_the_known_ones() -> None:
    with pytest.raises(UnsupportedError, match=r"^board 'unoo' is not known: use one of uno, mega, "):
        mm.transpile(TREE).footprint("unoo")


def test_rows_are_checked_before_anything_is_compiled() -> None:
    with pytest.raises(UnsupportedError, match=r"^X has shape \(150, 2\)"):
        mm.transpile(TREE).footprint("uno", IRIS[:, :2])


@pytest.mark.boards
@pytest.mark.parametrize("name", ["uno", "pico", "nano33ble", "esp32c3"])
def test_a_tree_costs_little_and_no_ram(name: str) -> None:
    footprint = mm.transpile(TREE).footprint(name, IRIS[::10])
    assert 50 < footprint.flash < 1500
    assert footprint.ram == 0
    assert footprint.stack < 100
    assert 10 < footprint.cycles_mean <= footprint.cycles_max < 2000
    assert footprint.fits
    assert footprint.unit == ("cycles" if name == "uno" else "instructions")


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
