"""Plots: the same bytes for the same results."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.small import small
from tests.bench.test_scale import rows

pytest.importorskip("matplotlib")

from bench import plots


def test_same_results_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        plots.draw(small(), tmp_path / folder)
        plots.draw_scale(rows(), tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["avr.svg", "scale.svg"]  # no figure of a core without any of our cells
    for name in names:
        text = (tmp_path / "a" / name).read_text()
        assert text == (tmp_path / "b" / name).read_text()
        assert "dc:date" not in text


def test_tools_are_told_apart() -> None:
    styles = plots._styles()
    assert len(set(styles.values())) == len(styles)
    assert plots._OUR_COLOUR not in {colour for colour, _ in styles.values()}
