"""Watching a board: its answers, drift, another model beside it, and a log that can be trained on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from skops import io

import micromlgen as mm
from micromlgen.boards import arduino
from micromlgen.cli import view
from micromlgen.cli.app import run
from micromlgen.cli.data import read_rows
from micromlgen.companion import Companion, companion
from micromlgen.errors import OverwriteError, UnsupportedError
from micromlgen.features import FFT
from micromlgen.program import Program
from micromlgen.serial.monitor import Watched, monitor
from micromlgen.serial.port import SerialError, SerialPort
from tests.serial.boards import Printer

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = IRIS.astype(np.float32)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
TREE = DecisionTreeClassifier(max_depth=1, random_state=0).fit(IRIS, NAMES)
FOREST = RandomForestClassifier(20, random_state=0).fit(IRIS, NAMES)
PROGRAM = mm.transpile(TREE, name="iris", calibration=IRIS)


def described(program: Program = PROGRAM) -> Companion:
    return companion("iris", program.model, IRIS)


def board(program: Program = PROGRAM, X: np.ndarray = IRIS, **faults: Any) -> Printer:
    """Prints what the sketch prints, of shuffled rows."""
    order = np.random.default_rng(0).permutation(len(X))
    answers = np.asarray(program.model.predict(program.quantize(X))).reshape(len(X), -1)
    proba = program.predict_proba(X).max(axis=1) if "probability" in described(program).columns else None

    def line(i: int) -> str:
        row = order[i % len(X)]
        sure = [] if proba is None else [f"{proba[row]:.4f}"]
        cells = [*(f"{v:.6f}" for v in X[row]), *(f"{a:g}" for a in answers[row]), *sure, str(40 + i % 5)]
        return ",".join(cells)

    return Printer(line, **faults)


def test_answers_probabilities_and_latency() -> None:
    state = monitor(board(), described(), seconds=8)
    assert state.predictions == pytest.approx(800, abs=40)
    assert set(state.answers) == set(PROGRAM.predict(IRIS))
    assert sum(state.answers.values()) == state.predictions
    assert (min(state.latency), max(state.latency)) == (40, 44)
    assert state.last is not None
    assert 0.4 < state.last.probability <= 1
    assert len(state.drift) == 4
    assert state.drifting() == []
    assert "drift (PSI): none" in str(state)


def test_drift_is_told_of_the_right_features() -> None:
    moved = IRIS.copy()
    moved[:, 2] += 2
    state = monitor(board(X=moved), described(), seconds=5)
    assert [name.split()[0] for name in state.drifting()] == ["x2"]
    assert re.search(r"drift \(PSI\): x2 \(\d+\.\d\d\)", str(state))


def test_drift_needs_rows() -> None:
    state = monitor(board(), described(), seconds=0.5)
    assert state.drift == []
    assert "drift: too few rows to tell" in str(state)


def test_another_model_on_the_same_features() -> None:
    other = mm.transpile(FOREST)
    state = monitor(board(), described(), other=other, seconds=6)
    assert state.compared == state.predictions
    share = np.mean(other.predict(IRIS) == PROGRAM.predict(IRIS))
    assert state.same / state.compared == pytest.approx(share, abs=0.03)
    assert set(state.differences) == {("versicolor", "virginica")}
    assert "board versicolor, other virginica: " in str(state)


def test_the_other_model_may_refuse_features() -> None:
    missing = IRIS.copy()
    missing[::2, 0] = np.nan
    printer = board(mm.transpile(TREE, name="iris", missing="exact"), missing)
    state = monitor(printer, described(), other=mm.transpile(FOREST, missing="never"), seconds=5)
    assert 0.4 < state.compared / state.predictions < 0.6


def test_windows_of_samples() -> None:
    pitch = np.arange(120) % 3
    phases = np.random.default_rng(0).uniform(0, 6, (120, 1))
    tones = np.rint(9000 * np.sin((pitch[:, None] * 0.4 + 0.3) * np.arange(32) + phases)).astype(np.int16)
    tree = make_pipeline(FFT(32), DecisionTreeClassifier(random_state=0)).fit(tones, pitch)
    program = mm.transpile(tree, name="tones", calibration=tones)
    known = companion("tones", program.model, tones)
    state = monitor(board(program, tones), known, other=program, seconds=5)
    assert state.same == state.compared == state.predictions > 100
    assert state.drifting() == []
    louder = np.rint(tones * 1.5).astype(np.int16)
    assert len(monitor(board(program, louder), known, seconds=5).drifting()) > 10


def test_numbers_of_regressors() -> None:
    program = mm.transpile(RandomForestRegressor(3, random_state=0).fit(IRIS, IRIS[:, :2] * 2), name="iris")
    state = monitor(board(program), described(program), other=program, seconds=2)
    assert (dict(state.answers), state.last.probability) == ({}, None)
    assert len(state.last.answer.split()) == 2
    assert state.same > 0.9 * state.compared > 0


class TestLog:
    def test_it_is_what_was_seen_and_can_be_trained_on(self, tmp_path: Path) -> None:
        path = tmp_path / "log.csv"
        state = monitor(board(), described(), path, mm.transpile(FOREST), seconds=4)
        head, *rows = [line.split(",") for line in path.read_text().splitlines()]
        assert head == ["time", "x0", "x1", "x2", "x3", "answer", "probability", "us", "label", "other"]
        assert len(rows) == state.predictions
        X = read_rows(path, 4, ["x0", "x1", "x2", "x3"], ())
        assert PROGRAM.predict(X).tolist() == [row[8] for row in rows]
        assert FOREST.predict(X).tolist() == [row[9] for row in rows]
        DecisionTreeClassifier().fit(X, [row[8] for row in rows])

    def test_it_grows(self, tmp_path: Path) -> None:
        path = tmp_path / "log.csv"
        counts = [monitor(board(), described(), path, seconds=1).predictions for _ in range(2)]
        assert len(path.read_text().splitlines()) == sum(counts) + 1
        with pytest.raises(OverwriteError, match=r"log\.csv has other columns"):
            monitor(board(), described(), path, mm.transpile(FOREST), seconds=1)

    def test_it_has_everything_when_the_program_is_stopped(self, tmp_path: Path) -> None:
        def stop(state: Watched) -> None:
            if state.predictions > 50:
                raise KeyboardInterrupt

        state = monitor(board(), described(), tmp_path / "log.csv", show=stop)
        assert len((tmp_path / "log.csv").read_text().splitlines()) == state.predictions + 1 > 50


def test_resets_and_unplugging() -> None:
    greeting = b"x0,x1,x2,x3,answer,probability,us\r\n"
    port = board(reset_after=(1.0,), gone_at=(200,), greeting=greeting)
    state = monitor(port, described(), seconds=10)
    assert state.interruptions == 1
    assert state.predictions > 600
    assert set(state.answers) == set(PROGRAM.predict(IRIS))


def test_a_port_that_does_not_come_back() -> None:
    port = board(gone_at=tuple(range(100, 9999)))
    port.reopen = lambda: setattr(port, "_clock", port._clock + 0.5)  # type: ignore[method-assign,func-returns-value]
    state = monitor(port, described())
    assert state.error == "line has gone for good"
    assert str(state).endswith("line has gone for good")


def test_another_sketch(tmp_path: Path) -> None:
    told = r"line sends no lines of 7 numbers within 10 s: does a sketch of iris run there, .* x3, answer"
    with pytest.raises(SerialError, match=told):
        monitor(Printer(lambda i: "1,2"), described(), tmp_path / "log.csv")
    with pytest.raises(SerialError, match=r"line sends no lines of numbers within 10 s"):
        monitor(Printer(lambda i: "", period=1e9), described())
    assert not list(tmp_path.iterdir())


def test_another_model_of_other_features() -> None:
    other = mm.transpile(DecisionTreeClassifier().fit(IRIS[:, :3], SPECIES))
    with pytest.raises(UnsupportedError, match="the other model takes 3 features, the board's 4"):
        monitor(board(), described(), other=other)


def test_the_live_view() -> None:
    table = view.watching(monitor(board(), described(), seconds=4))
    assert [str(cell) for cell in table.columns[0].cells] != []
    assert re.search(r"probability \d\.\d{3}, 4\d us", str(table.caption))
    assert view.watching(Watched(("x0",))).row_count == 0


@pytest.mark.boards
def test_a_sketch_on_a_simulated_uno(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    io.dump(FOREST, "forest.skops")
    io.dump(TREE, "tree.skops")
    np.savetxt("iris.csv", IRIS, fmt="%.9g", delimiter=",")
    assert run("new Garden forest.skops --name iris --dtype int16 --calibration iris.csv".split()) == 0
    sketch = tmp_path / "Garden" / "Garden.ino"
    # A sensor that has something to tell: the simulated one does not.
    text = sketch.read_text().replace("analogRead(A0)", "(millis() / 7 % 60 + i * 13 % 40) / 10.0f")
    sketch.write_text(text.replace("delay(100)", "delay(10)"))
    elf = arduino.build_sketch(sketch, "uno", tmp_path / "build").elf
    capsys.readouterr()
    with arduino.boot(elf, "uno") as path:
        line = f"monitor Garden/iris.json --port {path} --log log.csv --against tree.skops --seconds 4"
        assert run(line.split()) == 0
        told = capsys.readouterr().out
        port = SerialPort(path)
        state = monitor(port, described(mm.transpile(FOREST, calibration=IRIS)), seconds=1)
        port.close()
    X = read_rows(tmp_path / "log.csv", 4, ["x0", "x1", "x2", "x3"], ())
    rows = [row.split(",") for row in Path("log.csv").read_text().splitlines()[1:]]
    program = mm.transpile(FOREST, dtype="int16", calibration=IRIS)
    assert len(rows) > 50
    assert [row[8] for row in rows] == program.predict(X).tolist()
    assert [row[9] for row in rows] == TREE.predict(X).tolist()
    np.testing.assert_allclose(
        [float(row[6]) for row in rows], program.predict_proba(X).max(axis=1), atol=1e-3
    )
    assert f"{len(rows)} predictions" in told
    assert "the other model agrees on" in told
    assert re.search(r"drift \(PSI\): x\d", told) or len(rows) < 100
    assert state.predictions > 10


def test_errors_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    PROGRAM.save("iris/")
    for line, told in (
        ("monitor none.json --port x", "none.json: no such file"),
        ("monitor iris/iris.h --port x", "no companion file of a header"),
        ("monitor iris/iris.json", "name the board's port with --port"),
        ("monitor iris/iris.json --port /dev/none", "/dev/none cannot be opened"),
        ("monitor iris/iris.json --port /dev/none --against none.skops", "none.skops: no such file"),
    ):
        assert run(line.split()) == 1
        shown = capsys.readouterr().err
        assert told in shown
        assert shown.count("\n") == 1
