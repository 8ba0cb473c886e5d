"""Ratios to the best right peer, and whether the targets are met."""

from __future__ import annotations

import pytest

from bench.results import exact
from bench.targets import TARGETS, families, ratios, summary
from tests.bench.small import entry, figures, small

SPEED, SIZE, BALANCED = TARGETS


def test_ratios() -> None:
    found = small()
    assert [r.value for r in ratios(found, SPEED, "trees")] == [pytest.approx(100 / 400)]
    assert [r.value for r in ratios(found, SIZE, "trees")] == [pytest.approx(700 / 2000)]
    assert [r.value for r in ratios(found, SIZE, "trees", exact)] == [pytest.approx(700 / 4000)]
    assert [r.value for r in ratios(found, BALANCED, "trees")] == [pytest.approx(200_000 / 1_600_000)]


def test_only_families_with_a_ported_model() -> None:
    assert families(small()) == ["trees"]


def test_integers_count_where_they_take_floats_and_are_right() -> None:
    found = small()
    cells = {"int16": 1.0, "int16 from float": 1.0, "int8 from float": 0.99}
    for (configuration, agreement), size in zip(cells.items(), (10, 500, 20), strict=True):
        found.entries.append(
            entry("micromlgen", configuration, {"avr": figures(size, 700)}, agreement=agreement)
        )
    assert [r.value for r in ratios(found, SIZE, "trees")] == [pytest.approx(500 / 2000)]
    assert [r.value for r in ratios(found, SPEED, "trees")] == [pytest.approx(100 / 400)]


def test_summary_says_what_is_met() -> None:
    verdicts = [line for line in summary(small()) if line.startswith("-")]
    assert len(verdicts) == len(TARGETS)
    assert verdicts[0].startswith(
        "- trees, `speed`: cycles, 0.25 of the best right peer's (target 0.33, none above"
    )
    assert all(" met; 1 cells" in line for line in verdicts)
    assert "; 0.25 of the best that is right at thresholds too; 20.00 of the best with 85%" in verdicts[0]


def test_summary_names_each_cell_that_is_worse_than_a_peer() -> None:
    found = small()
    found.replace("dt_digits", "everywhereml", [entry("everywhereml", "", {"avr": figures(9000, 50)})])
    verdict, above, nearly, *_ = summary(found)
    assert "**missed**" in verdict
    assert above == "  - above 1: dt_digits on avr: 3000 B, 100 against 9000 B, 50 (everywhereml): 2.00"
    assert nearly == (
        "  - above 1, against a peer with 99.0% of the rows: "
        "dt_digits on avr: 3000 B, 100 against 50 B, 5 (embml fxp16 Q7.8): 20.00"
    )
