"""What the peers' modules share, the process that runs them, and their environments; no peer is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import joblib
import pytest

from bench import environments, peers
from bench.worker import reason

COMMON = "scikit-learn=="


@pytest.mark.parametrize("tool", environments.peers())
def test_every_peer_has_pins_with_the_common_scikit_learn(tool: str) -> None:
    distribution, version = environments.release(tool)
    assert distribution
    assert version
    assert COMMON in environments._pins(tool)
    assert all("==" in line for line in environments._pins(tool).splitlines() if not line.startswith("#"))


def test_no_requirements_without_a_peer() -> None:
    files = {path.stem for path in (environments.HERE / "requirements").glob("*.txt")}
    assert files == {*environments.peers(), "common", "bench"}


@pytest.mark.parametrize("tool", environments.peers())
def test_a_peer_that_is_not_there_is_reported(tool: str, tmp_path: Path) -> None:
    model, out = tmp_path / "model.joblib", tmp_path / "texts.json"
    joblib.dump("no model", model)
    # Without site-packages of its own the worker finds the standard library and joblib, and no tool.
    blocker = tmp_path / "blocked"
    blocker.mkdir()
    distribution = {"micromlgen1": "micromlgen"}.get(tool, tool)
    (blocker / f"{distribution}.py").write_text("raise ImportError('not installed')")
    for helper in ("skl2onnx", "treelite"):
        (blocker / f"{helper}.py").write_text("raise ImportError('not installed')")
    worker = environments.HERE / "worker.py"
    subprocess.run(
        [sys.executable, "-P", worker, tool, model, out],
        env={"PYTHONPATH": str(blocker)},
        cwd=tmp_path,
        check=True,
    )
    assert json.loads(out.read_text()) == {"": {"error": "cannot be imported: ImportError: not installed"}}


def test_reason_has_no_path_and_no_address() -> None:
    error = ValueError("in /home/me/lib/thing.py: <object at 0x7f001122>\nsecond line")
    assert reason(error) == "ValueError: in thing.py: <object at 0x…>"
    assert reason(SystemExit()) == "SystemExit"


def test_entries() -> None:
    classifier = type("TreeClassifier", (), {"classes_": [0, 1, 2], "n_features_in_": 4})()
    regressor = type("TreeRegressor", (), {"n_features_in_": 4})()
    assert peers.n_classes(classifier) == 3
    assert peers.n_classes(regressor) == 0
    assert "static int entry(const float *x)" in peers.entry(classifier, "return 0;")
    assert "static float entry(const float *x)" in peers.entry(regressor, "return 0;")
    assert peers.converted(SimpleNamespace(n_features_in_=4), "double", "d") == (
        "static double d[4]; for (int i = 0; i < 4; ++i) d[i] = (double)x[i];"
    )
    assert "i < 3" in peers.argmax("scores", 3)
