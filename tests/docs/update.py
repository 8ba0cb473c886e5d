"""Writes into the README and the guide what their snippets print: ``python -m tests.docs.update``.

Where that has changed a reader should know why: look at the difference before it is committed.
"""

from __future__ import annotations

import tempfile
from contextlib import chdir
from pathlib import Path

from tests.docs.pages import GUIDE, README, snippets
from tests.docs.runner import Page, furnish


def update(page: Path) -> None:
    """Replace the outputs of a page, but for those that say ``...``."""
    text, at = page.read_text(encoding="utf-8"), 0
    with tempfile.TemporaryDirectory() as name, chdir(name):
        furnish(Path(name))
        reader = Page(Path(name), boards=True, compares=False)
        for snippet in snippets(page):
            printed = reader.run(snippet)
            at = text.index(snippet.block.text, at) + len(snippet.block.text)
            if printed is None or snippet.output is None or "..." in snippet.output:
                continue
            lines = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
            text = text[:at] + text[at:].replace(snippet.output, f"{lines}\n", 1)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for each in (README, *GUIDE):
        update(each)
