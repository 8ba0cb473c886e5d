"""Limits of port's seconds and memory."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import pytest

from bench import scale


def rows(seconds: float = 5.0, megabytes: int = 500, tenth: float = 0.5) -> list[dict]:
    return [
        {"nodes": nodes, "optimize": optimize, "seconds": s, "megabytes": mb, "header": 1.0}
        for optimize in ("size", "speed")
        for nodes, s, mb in ((100_000, tenth, 50), (1_000_000, seconds, megabytes))
    ]


def test_within_limits() -> None:
    assert scale.passed(rows()) == []
    assert scale.exponent(rows(), "seconds") == pytest.approx(1)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (rows(seconds=10.5, tenth=1.0), "size, 1000000 nodes: 10.5 s, 10 s allowed"),
        (rows(megabytes=1001), "size, 1000000 nodes: 1001 MB, 1000 MB allowed"),
        (rows(tenth=0.05), "size: seconds grow with nodes to the power of 2.00"),
    ],
)
def test_beyond_limits(found: list[dict], expected: str) -> None:
    failures = scale.passed(found)
    assert failures[0] == expected
    assert len(failures) == 2  # each optimisation is judged


def test_a_forest_has_the_nodes_that_it_says(tmp_path: Path) -> None:
    nodes = scale._fit(2, 50, tmp_path / "model.joblib")
    assert nodes == 2 * 99
    assert len(joblib.load(tmp_path / "model.joblib").estimators_) == 2


def test_one_measurement(tmp_path: Path) -> None:
    scale._fit(2, 10, tmp_path / "model.joblib")
    row = scale._port(tmp_path / "model.joblib", "size", tmp_path / "big.h")
    assert row["seconds"] >= 0
    assert row["megabytes"] >= 0
    assert "big_predict" in (tmp_path / "big.h").read_text()


def test_table() -> None:
    found = rows()
    found[0]["compile"] = {"host": 1.5, "cortex-m4f": "does not fit"}
    lines = scale.table(json.loads(json.dumps(found))).splitlines()
    assert lines[2] == "| 100,000 | size | 0.5 | 50 | 1.0 | 1.5 | does not fit |"
    assert lines[3] == "| 1,000,000 | size | 5.0 | 500 | 1.0 | – | – |"
