"""The Markdown that readers see: its snippets, its links and its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
GUIDE = sorted(DOCS.rglob("*.md"))

_FENCE = re.compile(r"^( *)(`{3,}|~{3,}|:{3,})(.*)$")


class Block(NamedTuple):
    """A fenced block.

    Parameters
    ----------
    page : Path
    line : int
        Where it begins, from 1 on.
    kind : str
        What stands behind the fence: a language, or a directive in braces.
    text : str
    follows : bool
        Whether nothing stands between it and the block before.
    """

    page: Path
    line: int
    kind: str
    text: str
    follows: bool

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


class Snippet(NamedTuple):
    """A block that is run, and the output that is printed below it, if it is."""

    block: Block
    output: str | None


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    closing, start, body, follows = "", 0, [], False
    kind = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if not closing:
            if fence:
                closing, kind, start, body = fence[2], fence[3].strip(), number, []
            elif line.strip():
                follows = False
        elif fence and fence[2].startswith(closing) and not fence[3].strip():
            yield Block(page, start, kind, "\n".join(body) + "\n", follows)
            closing, follows = "", True
        else:
            body.append(line)
    assert not closing, f"{page}:{start}: a block without an end"


def snippets(page: Path) -> list[Snippet]:
    """What is run of a page; a block of ``text`` right below another is what that one prints."""
    found: list[Snippet] = []
    for block in blocks(page):
        if block.kind.startswith("{"):
            continue
        if block.kind == "text":
            assert block.follows, f"{block.where}: no snippet above prints this; use 'none'"
            found[-1] = Snippet(found[-1].block, block.text)
        elif block.kind != "none":
            found.append(Snippet(block, None))
    return found
