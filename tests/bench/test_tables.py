"""The README's table, and the one with everything."""

from __future__ import annotations

from bench.tables import comparison, everything, others
from tests.bench.small import entry, figures, small


def test_comparison_has_a_row_for_each_core_and_names_the_peers() -> None:
    lines = comparison(small()).splitlines()
    assert lines[0] == "| model | core | size | smallest peer | speed | fastest peer | balanced | best peer |"
    assert lines[2] == (
        "| tree, digits | ATmega2560 | 700 / 600 | 2000 / 900 (emlearn inline float†) | 3000 / 100 "
        "| 4000 / 400 (m2cgen, 16 B RAM) | 1000 / 200 | 4000 / 400 (m2cgen, 16 B RAM) |"
    )
    assert lines[3].startswith("|  | Cortex-M0+ | – | none is right |")
    assert (
        len([line for line in lines if line.startswith("|")]) == 2 + 3
    )  # not the model that is not ported yet


def test_others_are_not_trees_and_integers_tell_their_share_of_all_rows() -> None:
    results = small()
    results.models["dt_digits"]["family"] = "svm"
    results.entries.append(
        entry("micromlgen", "int8", {"avr": figures(300, 50, agreement=0.9375)}, agreement=0.993)
    )
    line = (
        "| tree, digits | ATmega2560 | 1000 / 200 | – | 300 / 50 (0.9930) | 4000 / 400 (m2cgen, 16 B RAM) |"
    )
    assert line in others(results).splitlines()
    assert "tree, digits" not in comparison(results)
    assert "tree, digits" not in others(small())


def test_everything_leaves_nobody_out() -> None:
    text = everything(small())
    assert "- sklearn-porter: cannot be imported: no module" in text
    assert "- m2cgen on Cortex-M4F: does not fit" in text
    assert "Not yet: MLPClassifier is not supported" in text
    assert "| emlearn inline int16 | 1 | 1 | 100 / 0 / 8 / 10 / 11 wrong |" in text
    assert "| embml fxp16 Q7.8 | 0.9900 |" in text
    assert "- ATmega2560: avr-gcc 5.4.0; 1.6" in text
