"""The README's Python, run as a reader would."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_snippets_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for snippet in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        exec(compile(snippet, "README.md", "exec"), names)
    assert (tmp_path / "iris.h").read_text() == names["port"](names["clf"], name="iris")
    assert (tmp_path / "sketch" / "iris.h").exists()
    assert "static inline int activity_predict(const activity_input_t *x)" in str(names["header"])
    assert "typedef int16_t activity_input_t;" in str(names["header"])
    shown = capsys.readouterr().out
    assert "iris (RandomForestClassifier, int16): ok" in shown
    assert "Arduino Uno" in shown
