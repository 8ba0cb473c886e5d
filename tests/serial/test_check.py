"""Checking a board: its answers are compared, faults are overcome or named, nothing is made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from skops import io

import micromlgen as mm
from micromlgen.boards import STRICT, arduino, core
from micromlgen.cli.app import run
from micromlgen.features import FFT
from micromlgen.layouts import project_files
from micromlgen.program import Program
from micromlgen.serial.check import check
from micromlgen.serial.frames import PREDICT, PREDICT_REPLY, Decoder, Frame
from micromlgen.serial.port import SerialError, SerialPort
from tests.serial import boards
from tests.serial.boards import CheckBoard, Line

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = IRIS.astype(np.float32)
INTEGER = {"dtype": "int16", "calibration": IRIS, "min_agreement": 0.9}
PITCH = np.arange(60) % 3
TONES = np.rint(9000 * np.sin(np.outer(PITCH * 0.4 + 0.3, np.arange(32)))).astype(np.int16)
OUTPUTS = np.stack([SPECIES, SPECIES == 1], axis=1)
MODELS = {
    "classifier": (DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES), {}),
    "int16": (RandomForestClassifier(5, random_state=0).fit(IRIS, SPECIES), INTEGER),
    "int8": (RandomForestClassifier(5, random_state=0).fit(IRIS, SPECIES), {**INTEGER, "dtype": "int8"}),
    "outputs": (RandomForestClassifier(3, random_state=0).fit(IRIS, OUTPUTS), {}),
    "regressor": (RandomForestRegressor(5, random_state=0).fit(IRIS, IRIS[:, 0]), {}),
    "scaled": (RandomForestRegressor(5, random_state=0).fit(IRIS, IRIS[:, 0]), INTEGER),
    "projection": (PCA(2).fit(IRIS), {}),
    "samples": (make_pipeline(FFT(32), DecisionTreeClassifier(random_state=0)).fit(TONES, PITCH), {}),
    "spectrum": (FFT(32).fit(TONES), {}),
    "rounded": (GaussianNB().fit(IRIS, SPECIES), {}),
}


def program(kind: str = "classifier") -> Program:
    estimator, options = MODELS[kind]
    return mm.transpile(estimator, name="gesture", **options)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> CheckBoard:
    return CheckBoard(program(), tmp_path_factory.mktemp("board"))


def line(board: CheckBoard, **faults: Any) -> Line:
    return Line(board.receive, board.restart, **faults)


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_answer(kind: str, tmp_path: Path) -> None:
    it = program(kind)
    X = TONES if it.model.input.samples else IRIS
    report = check(it, X, line(CheckBoard(it, tmp_path)))
    assert report, str(report)
    assert report.n_rows == report.n_answered == report.n_twin == len(X)
    assert report.n_estimator >= (0.93 if it.model.input.quantizes else 1) * len(X)
    assert (report.retries, report.resets, report.spoilt, report.unit) == (0, 0, 0, "")


@pytest.mark.parametrize("name", ["check", "sketch_check", "reply", "row"])
def test_names_that_the_sketch_has_itself(name: str, tmp_path: Path) -> None:
    it = mm.transpile(MODELS["outputs"][0], name=name)
    assert check(it, IRIS[:5], line(CheckBoard(it, tmp_path)))


FAULTS = {
    "bit flips": boards.bit_flips,
    "dropped bytes": boards.losses,
    "repeated bytes": boards.repeats,
    "bursts": boards.bursts,
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("seed", range(5))
def test_faults_are_overcome(name: str, seed: int, board: CheckBoard) -> None:
    report = check(program(), IRIS, line(board, fault=FAULTS[name](seed)))
    assert report, str(report)
    assert report.retries > 0
    assert report.n_estimator == 150


@pytest.mark.parametrize(
    ("resets", "heard"),
    [
        ((2,), 1),
        ((1, 5, 90), 2),
        ((5, 6), 1),
        (tuple(range(3, 60, 7)), 9),
    ],  # one start of two resets at once
)
def test_resets_are_overcome_and_counted(resets: tuple[int, ...], heard: int, board: CheckBoard) -> None:
    report = check(program(), IRIS, line(board, reset_at=resets))
    assert report, str(report)
    assert report.resets == heard


def test_a_port_that_goes_for_a_while(board: CheckBoard) -> None:
    report = check(program(), IRIS, line(board, gone_at=(1, 30, 31, 80)))
    assert report, str(report)


def test_all_at_once(board: CheckBoard) -> None:
    flips, drops = boards.bit_flips(1), boards.losses(2)
    port = line(board, fault=lambda data: flips(drops(data)), reset_at=(20, 40), gone_at=(50,))
    assert check(program(), IRIS, port)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_a_hopeless_line_is_never_agreement(share: float, seed: int, board: CheckBoard) -> None:
    """Where it gives up it counts what it saw, and where it does not, every row was answered."""
    try:
        report = check(program(), IRIS, line(board, fault=boards.bit_flips(seed, share)))
    except SerialError:
        return
    assert bool(report) == (report.n_answered == 150)
    assert report.n_twin == report.n_answered
    if not report:
        assert "answers, then none to 8 tries" in report.error
        assert "INCOMPLETE" in str(report)


class TestDiagnosis:
    def told(self, port: Line) -> str:
        with pytest.raises(SerialError) as error:
            check(program(), IRIS, port)
        assert port.now() < 20  # simulated seconds: it does not wait for ever
        return str(error.value)

    def test_silence(self) -> None:
        assert self.told(Line(lambda data: b"")) == (
            "line is silent: is this the port of a board that runs the check sketch?"
        )

    def test_a_port_that_stays_away(self) -> None:
        assert "silent" in self.told(Line(lambda data: b"", gone_at=tuple(range(99))))

    @pytest.mark.parametrize("ratio", [0.5, 2.0, 9600 / 115200, 57600 / 9600])
    def test_another_baud_rate(self, ratio: float, board: CheckBoard) -> None:
        to_board, from_board = boards.other_baud(1 / ratio), boards.other_baud(ratio)
        port = Line(lambda data: from_board(board.receive(to_board(data))), board.restart)
        port.say(from_board(board.restart() * 9))
        assert (
            self.told(port)
            == "line sends bytes that are no frames: is the baud rate right, and the sketch check?"
        )

    def test_another_sketch(self) -> None:
        port = Line(lambda data: b"x0,x1,answer\r\n1.0,2.0,0\r\n")
        assert self.told(port) == "line sends text and no frames: it runs another sketch than check"

    def test_an_echo(self) -> None:
        assert "frames, but no answer" in self.told(Line(lambda data: data))

    def test_another_model(self, board: CheckBoard) -> None:
        it = mm.transpile(MODELS["classifier"][0], name="other")
        with pytest.raises(
            SerialError, match=r"line runs the check sketch of another model, or of the same with"
        ):
            check(it, IRIS, line(board))

    def test_a_board_that_falls_silent(self, board: CheckBoard) -> None:
        count = iter(range(10**6))
        port = Line(lambda data: board.receive(data) if next(count) < 30 else b"")
        report = check(program(), IRIS, port)
        assert not report
        assert (report.n_answered, report.n_twin, report.n_rows) == (29, 29, 150)
        assert report.error == "line: 30 answers, then none to 8 tries: is the board still there?"


def rewritten(board: CheckBoard, change: Any) -> Line:
    """A line whose board's replies to rows are changed, with frames that are whole."""
    decoder = Decoder()

    def receive(data: bytes) -> bytes:
        return b"".join(change(frame).encode() for frame in decoder.feed(board.receive(data)))

    return Line(receive, board.restart)


def test_wrong_answers_are_told(board: CheckBoard) -> None:
    rows = iter(range(10**6))

    def change(frame: Frame) -> Frame:
        if frame.type != PREDICT_REPLY or next(rows) % 10:
            return frame
        return replace(frame, body=frame.body[:8] + bytes([(frame.body[8] + 1) % 3]) + frame.body[9:])

    report = check(program(), IRIS, rewritten(board, change))
    assert not report
    assert report.n_answered - report.n_twin == report.n_answered - report.n_estimator == 15
    assert len(report.differs) == 5
    assert "WRONG" in str(report)
    x, said, twin = report.differs[0]
    np.testing.assert_array_equal(x, IRIS[0])
    assert (said.tolist(), twin.tolist()) == ([1], [0])


def test_answers_to_other_rows_are_not_taken(board: CheckBoard) -> None:
    """Even if they have the right number."""
    [first] = Decoder().feed(board.receive(Frame(PREDICT, 1, IRIS[0].tobytes()).encode()))
    port = rewritten(
        board, lambda frame: frame if frame.type != PREDICT_REPLY else replace(first, sequence=frame.sequence)
    )
    report = check(program(), IRIS, port)
    assert not report
    assert report.n_answered == 0


CLOCK = """
#include <stdint.h>
static uint32_t mml2_time;
static inline unsigned long micros(void) { return ++mml2_time; }
"""
#: 64000 n², so that each prediction takes 256000 more than calling nothing.
SQUARES = """
static uint32_t mml2_reads;
#define MML2_CHECK_CYCLES() (++mml2_reads, 64000u * mml2_reads * mml2_reads)
"""
STILL = "#define MML2_CHECK_CYCLES() 7u\n"


@pytest.mark.parametrize(
    ("counter", "unit", "cost"), [(SQUARES, "cycles", 256_000), (STILL, "us", 0), ("", "us", 0)]
)
def test_cycles_are_counted_where_a_counter_runs(counter: str, unit: str, cost: int, tmp_path: Path) -> None:
    it = CheckBoard(program(), tmp_path, CLOCK + counter)
    report = check(program(), IRIS[:3], Line(it.receive, it.restart))
    assert report, str(report)
    assert report.unit == unit
    assert report.costs.tolist() == [cost] * 3


BUILDS = (("uno", "classifier"), ("mega", "int16"), ("uno", "regressor"))


@pytest.fixture(scope="module", params=BUILDS, ids=str)
def booted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Program, str, str]]:
    """The program, the board's name and the port of a board that runs the check sketch."""
    name, kind = request.param
    folder = tmp_path_factory.mktemp("check") / "sketch"
    it = program(kind)
    it.new(folder, check=True)
    built = arduino.build_sketch(folder, name, folder / "build")
    with arduino.boot(built.elf, name) as path:
        yield it, name, path


@pytest.mark.boards
class TestOnAnArduino:
    """The sketch built with the real Arduino core, on a simulated board, over its serial port."""

    def test_every_answer_is_the_twins(self, booted: tuple[Program, str, str]) -> None:
        it, name, path = booted
        port = SerialPort(path)
        report = check(it, IRIS, port)
        port.close()
        assert report, str(report)
        assert report.n_estimator == 150
        assert report.unit == "cycles"
        measured = it.footprint(name, IRIS)
        # The board's own count has no call in it, and passing x through memory.
        assert report.costs.mean() == pytest.approx(measured.cycles_mean, rel=0.05, abs=40)

    def test_faults_on_the_real_line(self, booted: tuple[Program, str, str]) -> None:
        it, _, path = booted
        flips, drops = boards.bit_flips(3), boards.losses(4)

        class Noisy(SerialPort):
            def read(self, timeout: float) -> bytes:
                return flips(super().read(timeout))

            def write(self, data: bytes) -> None:
                super().write(drops(data))

        def reset(done: int) -> None:
            if done == 20:
                SerialPort(path).close()  # opening it resets the board

        port = Noisy(path)
        report = check(it, IRIS[:40], port, reset)
        port.close()
        assert report, str(report)
        assert report.resets == 1
        assert report.retries > 0


MAIN = """
#include "mml2_check.h"
static void mml2_check_write(const uint8_t *bytes, uint8_t length) { (void)bytes; (void)length; }
int main(void)
{
    mml2_check_ready();
    mml2_check_receive(0);
    return 0;
}
"""


@pytest.mark.boards
@pytest.mark.parametrize("kind", ["int8", "outputs", "regressor"])
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus"])
@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_protocol_is_plain_c(kind: str, name: str, language: str) -> None:
    it = program(kind)
    files = project_files("arduino", "sketch", it.model, it.header, it.name, None, check=True)
    kept = {path: text for path, text in files.items() if not path.endswith(".ino")}
    core(name).compile({**kept, "main.c": MAIN}, language=language, flags=("-Os", *STRICT))


@pytest.mark.boards
@pytest.mark.parametrize(
    ("name", "has"),
    [("cortex-m3", True), ("cortex-m4f", True), ("cortex-m33", True), ("cortex-m0plus", False)],
)
def test_the_counter_of_a_cortex_m(name: str, has: bool) -> None:
    """DWT_CYCCNT where the architecture has it: Armv6-M has none."""
    it = program()
    files = project_files("arduino", "sketch", it.model, it.header, it.name, None, check=True)
    kept = {path: text for path, text in files.items() if not path.endswith(".ino")}
    clock = "static unsigned long ticks;\nstatic unsigned long micros(void) { return ++ticks; }\n"
    check = f"#if {'!' if has else ''}defined(MML2_CHECK_DWT)\n#error\n#endif\n"
    flags = ("-Os", "-DARDUINO=1", *STRICT)
    core(name).compile({**kept, "main.c": clock + MAIN + check}, flags=flags)


@pytest.mark.boards
def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    io.dump(MODELS["classifier"][0], "tree.skops")
    np.savetxt("rows.csv", IRIS[::5], fmt="%.9g", delimiter=",")
    assert run(["new", "sketch", "tree.skops", "--check"]) == 0
    elf = arduino.build_sketch(tmp_path / "sketch", "uno", tmp_path / "build").elf
    with arduino.boot(elf, "uno") as path:
        assert run(["check", "tree.skops", "rows.csv", "--port", path]) == 0
        assert "as scikit-learn: 30 of 30" in capsys.readouterr().out
        assert run(["check", "tree.skops", "rows.csv", "--port", path, "--name", "other"]) == 1
        told = capsys.readouterr().err
        assert told.startswith(f"micromlgen: {path} runs the check sketch of another model")
        assert told.count("\n") == 1


def test_errors_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    io.dump(MODELS["classifier"][0], "tree.skops")
    np.savetxt("rows.csv", IRIS, delimiter=",")
    for line, told in (
        ("check tree.skops rows.csv", "name the board's port with --port; ports of this machine: "),
        ("check tree.skops rows.csv --port /dev/none", "/dev/none cannot be opened: "),
        ("check tree.skops rows.csv --port /dev/none --baud 0", "0 is not in the range x>=1"),
        (
            "new sketch tree.skops --check --kind cmake",
            "'cmake' has no check sketch: use arduino",
        ),
    ):
        assert run(line.split()) > 0
        shown = capsys.readouterr().err
        assert told in shown
        assert shown.count("\n") == 1


def test_a_port_that_is_none() -> None:
    with pytest.raises(SerialError, match=r"^/dev/none cannot be opened: .*No such file"):
        SerialPort("/dev/none")
