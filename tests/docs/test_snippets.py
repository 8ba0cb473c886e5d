"""Every snippet of the README and of the guide is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from click import NoSuchOption

from tests.docs.pages import DOCS, GUIDE, README, ROOT, Block, Snippet, blocks, snippets
from tests.docs.runner import Page, alike, furnish
from tests.docs.update import update

PAGES = [README, *(page for page in GUIDE if snippets(page))]
#: On the oldest scikit-learn the README alone is run.
MARKED = [README, *(pytest.param(page, marks=pytest.mark.boards) for page in PAGES[1:])]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def snippet_of(kind: str, text: str, output: str | None = None) -> Snippet:
    return Snippet(Block(ROOT / "README.md", 1, kind, text, False), output)


@pytest.mark.parametrize("page", MARKED, ids=named)
def test_page(page: Path, folder: Path) -> None:
    reader = Page(folder, boards=True)
    for snippet in snippets(page):
        reader.run(snippet)
    assert reader.ran
    if page == README:
        assert (folder / "iris.h").read_text() == reader.names["port"](reader.names["clf"], name="iris")
        assert (folder / "sketch" / "iris.h").exists()
        assert (folder / "Check" / "Check.ino").exists()
        assert "int activity_predict(const activity_input_t *x)" in str(reader.names["header"])


def test_every_kind_of_page_is_found() -> None:
    assert {"README.md", "docs/quickstart.md", "docs/models/trees.md"} <= {named(page) for page in PAGES}
    kinds = {snippet.block.kind for page in PAGES for snippet in snippets(page)}
    assert kinds >= {"python", "sh", "cpp", "c", "cmake"}


def test_what_is_not_run_is_little() -> None:
    """Trees of files and messages, not code."""
    for page in GUIDE:
        for block in blocks(page):
            if block.kind == "none":
                assert "import " not in block.text, block.where
                assert "micromlgen " not in block.text, block.where


@pytest.mark.parametrize(
    ("kind", "text", "output"),
    [
        ("python", "print(1 + 1)", "4\n"),
        ("python", "raise ValueError('no')", None),
        ("sh", "micromlgen port nothing.skops -o x.h", None),
        ("sh", "micromlgen monitor train.csv --bort /dev/ttyACM0 --port x", None),
        ("sh", "pip install 'micromlgen[nothing]'", None),
        ("sh", "make nothing", None),
        ("sh", "python -m nothing", None),
        ("sh", "rm -r /", None),
        ("c", "int f(void) { return x; }", None),
        ("c", "int main(void) { return 1; }", None),
        ("rust", "", None),
    ],
)
def test_what_is_wrong_fails(kind: str, text: str, output: str | None, folder: Path) -> None:
    with pytest.raises((AssertionError, ValueError, NoSuchOption)):
        Page(folder, boards=True).run(snippet_of(kind, text, output))


@pytest.mark.boards
@pytest.mark.parametrize(
    ("kind", "text", "output"),
    [
        ("cpp", "void loop() { nothing(); }", None),
        ("cpp", 'void loop() { Serial.println("a"); }', "b\n"),
        ("cmake", "nothing()", None),
    ],
)
def test_what_is_wrong_on_a_board_fails(kind: str, text: str, output: str | None, folder: Path) -> None:
    with pytest.raises(Exception, match=r"nothing|rather than"):
        Page(folder, boards=True).run(snippet_of(kind, text, output))


def test_outputs_belong_to_what_is_above(monkeypatch: pytest.MonkeyPatch) -> None:
    page = DOCS / "index.md"
    text = "```python\nprint(1)\n```\n\n```text\n1\n```\n\n````none\n```\n````\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **_: text)
    assert [(s.block.kind, s.block.line, s.output) for s in snippets(page)] == [("python", 1, "1\n")]
    text = "```python\nprint(1)\n```\nprose\n```text\n1\n```\n"
    with pytest.raises(AssertionError, match=r"index.md:5: no snippet above prints this"):
        snippets(page)


def test_outputs_are_alike() -> None:
    assert alike("flash 1200 B,\n  RAM 0 B", "flash 1000 B, RAM 0 B")
    assert not alike("flash 1400 B, RAM 0 B", "flash 1000 B, RAM 0 B")
    assert not alike("flash 1000 B, RAM 1 B", "flash 1000 B, RAM 0 B")
    assert not alike("agreement 0.9 of 10", "agreement 1.0 of 10")
    assert not alike("setosa", "virginica")
    assert alike("a (b) c", "a ... c")
    assert not alike("a (b) d", "a ... c")


def test_update_writes_outputs(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "```python\nprint(1)\n```\n\n```text\n{0}\n```\n```python\nprint(3)\n```\n```text\n...\n```\n"
    page.write_text(text.format(2))
    update(page)
    assert page.read_text() == text.format(1)
