"""What the guide's tables are written from, and its directives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import zoo
from micromlgen import transpile
from micromlgen.boards import boards
from tests.docs.pages import DOCS

sys.path.insert(0, str(DOCS / "_extensions"))

import cost_tables
import estimator_tables
import feature_tables

PAGE = """# Page

```{refused}
KMeans(1)
SVC(); dtype="int8"
```

```{table-of} boards
```
"""


def rows_of(text: str) -> list[list[str]]:
    """Cells of a table, without its head."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:] if line]


def test_accuracies_are_those_of_the_data() -> None:
    measured = cost_tables.measured()["accuracy"]
    assert {name.partition("_")[2] for name in measured} >= {"digits", "cancer", "wine"}
    [specimen] = zoo.select(["logreg_digits"])
    fitted = zoo.fit(specimen)
    program = transpile(fitted.estimator, name="m", dtype="int8", calibration=fitted.training)
    accuracy = (program.predict(fitted.rows) == zoo.truth(specimen)).mean()
    assert accuracy == pytest.approx(measured["logreg_digits"]["int8"], abs=0.01)


def test_costs() -> None:
    rows = rows_of(cost_tables.digits())
    assert {len(row) for row in rows} == {3 + 5}
    assert {row[1] for row in rows} == {"float32", "int16", "int8"}
    cells = [cell for row in rows for cell in row[3:]]
    assert any("does not fit" in cell for cell in cells)
    assert any(cell.endswith("µs") for cell in cells)
    assert any(cell.endswith("ms") for cell in cells)
    assert "cancer" in cost_tables.families()
    assert cost_tables.conversion().count("\n") > 10
    assert "trees, `speed`" in cost_tables.gaps()
    assert "| m2cgen | 0.10.0 |" in cost_tables.versions()


def test_boards_are_all_there() -> None:
    assert [row[0] for row in rows_of(cost_tables.boards())] == [f"`{known.name}`" for known in boards()]


def test_estimators_and_commands() -> None:
    assert "`RandomForestClassifier`" in estimator_tables.estimators()
    assert "use GaussianMixture" in estimator_tables.refused()
    assert "## monitor\n" in estimator_tables.commands()
    assert "Usage: micromlgen monitor" in estimator_tables.commands()


def test_features_are_measured_on_every_core() -> None:
    for found in json.loads((DOCS / "measured.json").read_text())["features"]:
        assert {c["ram"] for by_flag in found["cores"].values() for c in by_flag.values()} == {0}
        assert found["rms_error"] < 0.5
    assert "`FFT(256)`" in feature_tables.costs()
    assert "`FFT(256)`" in feature_tables.errors()


def test_the_build_fails_at_what_is_wrong_and_writes_the_rest(tmp_path: Path) -> None:
    """In a process of its own, as Sphinx keeps globals; by the configuration of the real guide."""
    pytest.importorskip("sphinx")
    wrong = {
        "ported": ("```{refused}\nSVC()\n```\n", "SVC() is ported, not refused"),
        "typo": ("```{refused}\nSVC(3\n```\n", "never closed"),
        "unknown": ("```{table-of} nothing\n```\n", "no table 'nothing'; there are boards"),
        "page": ("[broken](nowhere.md)\n", "target not found: 'nowhere.md'"),
        "heading": ("[broken](#elsewhere)\n", "target not found: 'elsewhere'"),
        "lonely": ("", "isn't included in any toctree"),
    }
    contents = "\n".join(name for name in wrong if name != "lonely")
    source = tmp_path / "docs"
    source.mkdir()
    for name, (text, _) in wrong.items():
        (source / f"{name}.md").write_text(f"# Page\n\n{text}")
    (source / "index.md").write_text(f"{PAGE}\n```{{toctree}}\n{contents}\n```\n")
    argv = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", DOCS, source, tmp_path / "out"]
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if ".md:" in line]
    for name, (_, message) in wrong.items():
        assert any(f"{name}.md:" in line and message in line for line in lines), (message, lines)
    assert not any("index.md:" in line for line in lines)
    html = (tmp_path / "out" / "index.html").read_text()
    assert html.count("<table") == 2
    assert "fit it with n_clusters=2 or more" in html
    assert "needs calibration=X" in html
    assert "Teensy 4.0" in html
