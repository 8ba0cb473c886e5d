"""Writing between markers: again and again, and never into a file that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report
from bench.report import MarkerError, replace_between, rewrite

TEXT = "before\n<!-- bench:table -->\nold\n<!-- /bench:table -->\nafter\n"


def test_replacing_twice_is_replacing_once() -> None:
    once = replace_between(TEXT, "table", "new\n")
    assert once == TEXT.replace("old", "new")
    assert replace_between(once, "table", "new\n") == once


@pytest.mark.parametrize(
    "text",
    [
        "no marker at all\n",
        "<!-- bench:table -->\nno end\n",
        "no begin\n<!-- /bench:table -->\n",
        "<!-- /bench:table -->\n<!-- bench:table -->\n",
        TEXT + TEXT,
    ],
)
def test_missing_markers(text: str, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(
        MarkerError, match=r"README\.md: needed are one line '<!-- bench:table -->' and one line"
    ):
        rewrite(path, "table", "new\n")
    assert path.read_text() == text


def test_the_readmes_have_their_markers() -> None:
    replace_between(report.README.read_text(), "table", "")
    replace_between(report.BENCH_README.read_text(), "scale", "")
