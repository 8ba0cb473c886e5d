"""Choosing the encoding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.boards import CORES, boards
from micromlgen.errors import UnsupportedError
from micromlgen.plan import GROUPS, Layout, plan

DIGITS, DIGIT = load_digits(return_X_y=True)
CORES_OF_GROUPS = [core for _, cores, _ in GROUPS for core in cores]


def layout(name: str, flash: float, cycles: float, **other: tuple[float, float]) -> Layout:
    """A layout of the same cost on every core, but for those in `other`."""
    costs: dict[str, tuple[float, float]] = {
        core: other.get(core.replace("-", "_"), (flash, cycles)) for core in CORES_OF_GROUPS
    }

    def build() -> Mapping[str, Any]:
        raise AssertionError("planning builds nothing")

    return Layout(name, {c: f for c, (f, _) in costs.items()}, {c: n for c, (_, n) in costs.items()}, build)


SMALL, FAST, MIDDLE = layout("small", 100, 1000), layout("fast", 1000, 100), layout("middle", 200, 200)


@pytest.mark.parametrize(("optimize", "chosen"), [("size", SMALL), ("speed", FAST), ("balanced", MIDDLE)])
def test_what_is_asked_for_is_chosen(optimize: str, chosen: Layout) -> None:
    assert plan([FAST, MIDDLE, SMALL], optimize) == [("", chosen)]
    assert plan([SMALL, FAST, MIDDLE], optimize, "avr", 10_000) == [("", chosen)]


@pytest.mark.parametrize("optimize", ["fast", "", None, "SIZE", 2, ["size"]])
def test_unknown_optimize(optimize: object) -> None:
    with pytest.raises(UnsupportedError, match=r"^optimize=.*: use one of balanced, size, speed"):
        plan([SMALL], optimize)


def test_groups_of_cores_may_differ() -> None:
    slow_on_avr = layout("a", 100, 100, avr=(100, 900))
    other = layout("b", 200, 200)
    assert plan([slow_on_avr, other], "speed") == [("defined(__AVR__)", other), ("", slow_on_avr)]


def test_of_equals_groups_choose_the_same() -> None:
    one, other = layout("one", 9, 9, cortex_m4f=(10, 9)), layout("other", 9, 9)
    assert plan([one, other], "size") == [("", other)]


def test_several_cores_count_as_their_geometric_mean() -> None:
    one = layout("one", 1, 1, cortex_m0plus=(1, 10), cortex_m4f=(1, 10), rv32imc=(1, 10), avr=(1, 1))
    extreme = layout("extreme", 1, 1, cortex_m0plus=(1, 1), cortex_m4f=(1, 1), rv32imc=(1, 999), avr=(1, 1))
    assert plan([one, extreme], "speed")[-1] == ("", extreme)


def test_what_does_not_fit_the_target_is_not_chosen() -> None:
    assert plan([SMALL, FAST], "speed", "avr", 500) == [("", SMALL)]


def test_nothing_fits() -> None:
    message = "the model needs about 100 bytes of flash, the target has 99; fit a smaller model or choose a l"
    with pytest.raises(UnsupportedError, match=message):
        plan([SMALL, FAST], "balanced", "avr", 99)


def test_what_fits_no_avr_is_still_compiled_for_the_others() -> None:
    huge = layout("huge", 1e6, 1e3)
    assert plan([huge], "size") == [("", huge)]


def test_without_a_target_an_avr_gets_what_fits_one() -> None:
    small_on_avr = layout("table", 200_000, 900)
    fast = layout("code", 300_000, 100)
    assert plan([fast, small_on_avr], "speed") == [("defined(__AVR__)", small_on_avr), ("", fast)]


@pytest.mark.parametrize("core", [name for name in CORES if name != "host"])
def test_every_core_can_be_planned_for(core: str) -> None:
    assert plan([SMALL, FAST], "size", core, 1000) == [("", SMALL)]


@pytest.mark.parametrize("board", boards(), ids=lambda board: board.name)
def test_every_board_is_a_target(board: Any) -> None:
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(DIGITS, DIGIT)
    program = mm.transpile(tree, target=board.name)
    assert f"Planned for {board.title}" in program.header
    assert "__AVR__) &&" not in program.header


@pytest.mark.parametrize("target", ["arduino", "Uno", "", 3, ["uno"]], ids=str)
def test_an_unknown_target_lists_the_boards(target: object) -> None:
    tree = DecisionTreeClassifier(max_depth=1).fit(DIGITS, DIGIT)
    with pytest.raises(UnsupportedError, match=r"^board .* is not known: use one of uno, mega, "):
        mm.port(tree, target=target)


def test_a_forest_that_exceeds_an_uno_is_refused_for_it_and_ported_for_a_pico() -> None:
    forest = RandomForestClassifier(150, random_state=0).fit(DIGITS, DIGIT)
    with pytest.raises(UnsupportedError, match=r"needs about \d+ bytes of flash, the target has 32256"):
        mm.port(forest, target="uno")
    assert "Planned for Raspberry Pi Pico" in mm.port(forest, target="pico", optimize="size")


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_layouts_differ_and_predict_the_same(dtype: str) -> None:
    forest = RandomForestClassifier(5, max_depth=6, random_state=0).fit(DIGITS, DIGIT)
    programs = {o: mm.transpile(forest, dtype=dtype, optimize=o) for o in ("size", "speed", "balanced")}
    assert programs["size"].layout == "table"
    assert programs["speed"].layout.startswith("code")
    predictions = [program.predict(DIGITS).tolist() for program in programs.values()]
    assert predictions[0] == predictions[1] == predictions[2]
