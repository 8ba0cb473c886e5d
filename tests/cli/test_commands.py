"""The commands as typed: what they write and print, exit codes, and one line for each error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from skops import io

import micromlgen as mm
from micromlgen.boards import boards
from micromlgen.cli.app import cli, run
from micromlgen.features import FFT, BandPower, Windower

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = IRIS.astype(np.float32)
FOREST = RandomForestClassifier(5, random_state=0).fit(IRIS, SPECIES)
SAMPLES = np.random.default_rng(0).integers(-2000, 2000, (160, 2)).astype(np.int16)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a model and rows in it."""
    io.dump(FOREST, tmp_path / "forest.skops")
    np.savez(tmp_path / "iris.npz", X=IRIS)
    np.savetxt(tmp_path / "iris.csv", IRIS, fmt="%.9g", delimiter=",")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def micromlgen(line: str) -> int:
    return run(line.split())


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("", *cli.commands):
        assert micromlgen(f"{name} --help") == 0
        told = capsys.readouterr().out
        assert f"Example:\n    micromlgen {name}".rstrip() in told


def test_port(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert micromlgen("port forest.skops -o gesture.h") == 0
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("gesture.h: RandomForestClassifier, ")
    assert (folder / "gesture.h").read_text() == mm.port(FOREST, name="gesture")
    assert micromlgen("port forest.skops --name gesture") == 0
    assert capsys.readouterr().out == mm.port(FOREST, name="gesture")


def test_options_are_those_of_transpile(folder: Path) -> None:
    line = "--name g --dtype int16 --calibration iris.csv --optimize size --target uno --min-agreement 0.9"
    assert micromlgen(f"port forest.skops -o out.h {line}") == 0
    options = {"dtype": "int16", "calibration": IRIS, "optimize": "size", "target": "uno"}
    assert (folder / "out.h").read_text() == mm.port(FOREST, name="g", min_agreement=0.9, **options)
    assert (folder / "out.json").is_file()
    assert (
        micromlgen("port forest.skops -o lossy.h --compress 0.9 --calibration iris.npz --missing never") == 0
    )
    assert "compressed to agree" in (folder / "lossy.h").read_text()


def test_layouts(folder: Path) -> None:
    before = set(folder.iterdir())
    assert micromlgen("port forest.skops -o Gesture --layout arduino") == 0
    assert set(folder.iterdir()) - before == {folder / "Gesture"}
    assert (folder / "Gesture" / "src" / "gesture.c").is_file()


def test_the_name_is_that_of_the_file_or_library(folder: Path) -> None:
    for line, written in (
        ("-o wrist-2.h", "wrist_2.h"),
        ("-o sketch/", "sketch/random_forest.h"),
        ("-o sketch --force", "sketch/random_forest.h"),
        ("-o 2nd.h", None),
        ("-o Wrist --layout cmake", "Wrist/wrist.c"),
        ("-o Wrist --layout cmake --force --optimize size", "Wrist/wrist.c"),
    ):
        assert micromlgen(f"port forest.skops {line}") == 0
        assert written is None or (folder / written.replace("wrist_2", "wrist-2")).is_file()
    assert "int wrist_2_predict(" in (folder / "wrist-2.h").read_text()
    assert "int random_forest_predict(" in (folder / "2nd.h").read_text()
    assert {p.name for p in (folder / "Wrist").iterdir()} == {"CMakeLists.txt", "wrist.c", "wrist.h"}


def test_nothing_is_replaced_unless_forced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gesture.h").write_text("mine")
    assert micromlgen("port forest.skops -o gesture.h") == 1
    assert (folder / "gesture.h").read_text() == "mine"
    assert "force" in capsys.readouterr().err
    assert micromlgen("port forest.skops -o gesture.h --force") == 0
    assert (folder / "gesture.h").read_text() != "mine"


def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert micromlgen("verify forest.skops iris.csv") == 0
    assert "C = twin on all but 0 rows" in capsys.readouterr().out


def test_verify_tells_by_its_exit_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = RandomForestClassifier.predict
    monkeypatch.setattr(RandomForestClassifier, "predict", lambda self, X: 2 - original(self, X))
    assert micromlgen("verify forest.skops iris.csv") == 1


@pytest.mark.boards
def test_footprint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert micromlgen("footprint forest.skops --board uno --board nano33ble --data iris.csv") == 0
    told = capsys.readouterr().out
    for name in ("uno", "nano33ble"):
        it = mm.transpile(FOREST).footprint(name, IRIS)
        [line] = [line for line in told.splitlines() if it.board.title in line]
        assert f"{it.flash} B of {it.board.flash}" in line
        assert f" {it.cycles_mean:.0f} {it.unit}" in line
        assert "yes" in line


@pytest.mark.boards
def test_footprint_of_every_board(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert micromlgen("footprint forest.skops --board all --data iris.csv") == 0
    told = capsys.readouterr().out
    assert told.count(" yes ") == len(boards())


def of_bands() -> Any:
    """Of windows of 64 samples of two channels, every 32."""
    return make_pipeline(
        Windower(64, 32, n_channels=2), BandPower([(0, 20), (20, 50)], 100, 32, n_channels=2)
    ).fit(SAMPLES[:64].reshape(1, -1))


@pytest.mark.boards
def test_footprint_of_a_stream(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    io.dump(of_bands(), folder / "bands.skops")
    np.savetxt(folder / "samples.csv", SAMPLES, fmt="%d", delimiter=",", header="left,right", comments="")
    assert micromlgen("footprint bands.skops --board pico --stream --data samples.csv") == 0
    told = capsys.readouterr().out
    it = mm.transpile(of_bands()).stream_footprint("pico", SAMPLES)
    assert all(column in told for column in ("a hop", "a sample", "an answer"))
    assert f" {it.ram} B " in told
    assert f" {it.cycles_mean:.0f} " in told
    assert f" {it.push_mean:.0f}, at " in told
    assert f" {it.push_max:.0f} " in told
    assert f" {it.answer_mean:.0f} " in told
    assert micromlgen("footprint bands.skops --board pico --stream") == 0  # of boundary inputs


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("forest.skops --stream", "RandomForestClassifier takes features, not samples: leave out --stream"),
        ("bands.skops --stream --data iris.csv", "iris.csv has 4 columns, the model takes 2 channels of"),
        ("bands.skops --stream --data floats.csv", "floats.csv: the model takes int16 samples, integers"),
        ("bands.skops --stream --data short.csv", "recording has 2 samples of a channel; a window has 64"),
        (
            "one.skops --stream --data short.csv",
            "short.csv has 2 columns, the model takes 1 channel of",
        ),
    ],
)
def test_a_recording_that_does_not_suit(
    line: str, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    io.dump(of_bands(), folder / "bands.skops")
    io.dump(FFT(8).fit(SAMPLES[:8].T), folder / "one.skops")
    np.savetxt(folder / "floats.csv", SAMPLES / 7, delimiter=",")
    np.savetxt(folder / "short.csv", SAMPLES[:2], fmt="%d", delimiter=",")
    assert micromlgen(f"footprint {line}") == 1
    assert told in capsys.readouterr().err


@pytest.mark.boards
def test_a_model_that_does_not_fit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(2000, 5))
    io.dump(RandomForestRegressor(20, random_state=0).fit(X, draw.normal(size=2000)), folder / "big.skops")
    assert micromlgen("footprint big.skops --board uno") == 1
    told = capsys.readouterr()
    [line] = [line for line in told.out.splitlines() if "Arduino Uno" in line]
    assert " no " in line
    assert told.err.startswith("micromlgen: uno: ")
    assert told.err.count("\n") == 1


def test_boards(capsys: pytest.CaptureFixture[str]) -> None:
    assert micromlgen("boards") == 0
    told = capsys.readouterr().out
    assert all(f" {it.name} " in told and it.title in told for it in boards())


@pytest.mark.parametrize(
    ("kind", "main"),
    [
        ("arduino", "wrist.ino"),
        ("platformio", "platformio.ini"),
        ("zephyr", "prj.conf"),
        ("cmake", "CMakeLists.txt"),
    ],
)
def test_new(kind: str, main: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(folder.iterdir())
    assert micromlgen(f"new wrist forest.skops --name gesture --kind {kind}") == 0
    assert set(folder.iterdir()) - before == {folder / "wrist"}
    assert (folder / "wrist" / main).is_file()
    written = {Path(line) for line in capsys.readouterr().err.split()}
    assert written == {p.relative_to(folder) for p in (folder / "wrist").rglob("*") if p.is_file()}
    (folder / "wrist" / main).write_text("mine")
    assert micromlgen(f"new wrist forest.skops --name gesture --kind {kind}") == 1
    assert micromlgen(f"new wrist forest.skops --name gesture --kind {kind} --force") == 0


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("port", 2, "Missing argument 'MODEL'."),
        ("port none.skops", 1, "none.skops: no such file"),
        ("port cut.skops", 1, "cut.skops is no file of skops, or cut short"),
        ("port forest.joblib", 1, "can run any program as it is read"),
        ("port scaler.skops --trust --name 1x", 1, "name '1x' is not a C identifier"),
        ("port text.skops", 1, "ndarray cannot be ported; these can: "),
        ("port unfitted.skops", 1, "RandomForestClassifier is not fitted"),
        ("port forest.skops --dtype int9", 2, "'int9' is not one of 'float32', 'int16'"),
        ("port forest.skops --dtype int16", 1, "dtype='int16' needs calibration=X"),
        ("port forest.skops --compress much", 2, "'much' is not a valid float"),
        ("port forest.skops --target unu", 1, "board 'unu' is not known: use one of uno, mega"),
        ("port forest.skops --layout cmake", 2, "--layout cmake writes a folder: name it with -o"),
        ("port forest.skops -o forest.skops/x.h", 1, "forest.skops"),
        ("verify forest.skops", 2, "Missing argument 'DATA'."),
        ("verify forest.skops text.csv", 1, "text.csv, row 1, column b: 'y' is no number"),
        ("verify forest.skops narrow.csv", 1, "narrow.csv has 2 columns, the model takes 4 features"),
        ("verify forest.skops iris.csv --calibration narrow.csv", 1, "narrow.csv has 2 columns"),
        ("footprint forest.skops --board toaster", 1, "board 'toaster' is not known"),
        ("new bad.name forest.skops", 1, "'bad.name' is no name for a sketch"),
        ("new x forest.skops --kind mbed", 2, "'mbed' is not one of 'arduino'"),
        ("nonsense", 2, "No such command 'nonsense'."),
        ("--nonsense", 2, "--nonsense"),
    ],
)
def test_errors_are_one_line(
    line: str, code: int, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cut.skops").write_bytes((folder / "forest.skops").read_bytes()[:900])
    joblib.dump(FOREST, folder / "forest.joblib")
    joblib.dump(FOREST, folder / "scaler.skops")
    (folder / "scaler.skops").rename(folder / "x")
    (folder / "scaler.skops").write_bytes((folder / "forest.skops").read_bytes())
    io.dump(np.zeros(3), folder / "text.skops")
    io.dump(RandomForestClassifier(), folder / "unfitted.skops")
    (folder / "text.csv").write_text("a,b,c,d\n1,y,3,4\n")
    (folder / "narrow.csv").write_text("1,2\n3,4\n")
    before = sorted(folder.rglob("*"))
    assert micromlgen(line) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("micromlgen: ")
    assert shown.err.count("\n") == 1
    assert told in shown.err
    assert sorted(folder.rglob("*")) == before


def test_the_library_alone_imports_nothing_of_the_command_line() -> None:
    foreign = {"click", "rich", "serial", "cobs", "skops"}
    script = f"import micromlgen, sys; print(sorted({foreign} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_click_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['click'] = None; from micromlgen.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "micromlgen: click is missing: pip install 'micromlgen[cli]'\n"
