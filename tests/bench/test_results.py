"""Who is right, who is best, and files that are the same for the same results."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench import results
from bench.results import cycles, exact, flash, geometric_mean, load, nearly, product, right
from tests.bench.small import entry, figures, small


@pytest.mark.parametrize(
    ("on_core", "on_host", "thresholds", "is_right", "is_exact"),
    [
        (1.0, 1.0, 1.0, True, True),
        (1.0, 1.0, None, True, True),
        (1.0, 1.0, 0.999, True, False),
        (1.0, 0.999, 1.0, False, False),
        (0.999, 1.0, 1.0, False, False),
        (1.0, None, None, False, False),  # nothing is known of the host
    ],
)
def test_right(
    on_core: float, on_host: float | None, thresholds: float | None, is_right: bool, is_exact: bool
) -> None:
    found = small()
    made = entry(
        "m2cgen",
        "",
        {"avr": figures(1, 1, agreement=on_core)},
        agreement=on_host,
        thresholds=thresholds,
    )
    found.replace("dt_digits", "m2cgen", [made])
    (cell,) = [cell for cell in found.cells("dt_digits", "avr", ours=False) if cell.tool == "m2cgen"]
    assert (right(cell), exact(cell)) == (is_right, is_exact)


def test_best_peer_is_the_best_of_those_that_are_right() -> None:
    found = small()
    assert found.best_peer("dt_digits", "avr", flash).label == "emlearn inline float"
    assert found.best_peer("dt_digits", "avr", cycles).label == "m2cgen"
    assert found.best_peer("dt_digits", "avr", product).label == "m2cgen"
    assert found.best_peer("dt_digits", "avr", flash, exact).label == "m2cgen"
    assert found.best_peer("dt_digits", "avr", flash, nearly).label == "embml fxp16 Q7.8"
    assert found.best_peer("dt_digits", "cortex-m4f", flash) is None


def test_a_new_measurement_replaces_the_old_one_of_its_model_and_tool() -> None:
    found = small()
    found.replace("dt_digits", "emlearn", [entry("emlearn", "loadable", {"avr": figures(1, 1)})])
    kept = {(e["tool"], e["configuration"]) for e in found.entries}
    assert ("emlearn", "loadable") in kept
    assert ("emlearn", "inline float") not in kept
    assert ("m2cgen", "") in kept


def test_the_file_does_not_depend_on_the_order_of_measuring(tmp_path: Path) -> None:
    a, b = small(), small()
    random.Random(0).shuffle(b.entries)
    b.entries = [dict(reversed(e.items())) for e in b.entries]
    a.save(tmp_path / "a.json")
    b.save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert list(load(tmp_path / "a.json").models) == ["dt_digits", "mlp_cancer"]  # the zoo's order


def test_nothing_measured_yet(tmp_path: Path) -> None:
    assert load(tmp_path / "none.json").entries == []


def test_geometric_mean() -> None:
    assert geometric_mean([0.25, 1.0]) == pytest.approx(0.5)
    assert results.math.isnan(geometric_mean([]))
