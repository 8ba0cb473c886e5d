"""Links between files: each leads to a file, and to a heading where it names one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_OUTSIDE = ("http://", "https://", "mailto:")


def pages() -> list[Path]:
    """All Markdown of the checkout."""
    folders = ("docs", "bench", "examples", "tools", "tests")
    inside = (path for folder in folders for path in (ROOT / folder).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *(path for path in inside if ".cache" not in path.parts)])


def headings(page: Path) -> set[str]:
    """Anchors of a page, as GitHub and the guide name them."""
    titles = re.findall(r"^#+ +(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower().replace("`", "")).strip() for title in titles)
    return {title.replace(" ", "-") for title in plain}


def links(page: Path) -> list[str]:
    """Targets of links outside of code."""
    text = page.read_text(encoding="utf-8")
    for block in blocks(page):
        text = text.replace(block.text, "")
    text = re.sub(r"`[^`\n]*`", "", text)
    return [link for link in _LINK.findall(text) if not link.startswith(_OUTSIDE)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links(page: Path) -> None:
    for link in links(page):
        target, _, heading = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.is_relative_to(ROOT), link
        assert path.exists(), link
        if heading:
            assert heading in headings(path), link


def test_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b`: c\n[x](y.md#z) `[no](code)`\n```none\n[no](code)\n```\n[out](https://x.org)\n")
    assert links(page) == ["y.md#z"]
    assert headings(page) == {"a-b-c"}


def test_the_readme_leads_to_the_guide() -> None:
    found = [link for link in links(ROOT / "README.md") if link.startswith("docs/")]
    assert len(found) >= 3
    ignored = subprocess.run(["git", "check-ignore", *found], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout == ""
