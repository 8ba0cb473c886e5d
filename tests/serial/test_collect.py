"""Recording: every sample once, none across a gap, none lost that was there, whatever happens."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from micromlgen.boards import arduino
from micromlgen.cli import view
from micromlgen.cli.app import run
from micromlgen.cli.data import read_rows
from micromlgen.errors import OverwriteError, UnsupportedError
from micromlgen.serial.collect import Collected, collect
from micromlgen.serial.port import SerialError, SerialPort
from micromlgen.serial.recording import read_recording, save_recording
from tests.serial.boards import Printer, bit_flips, bursts


def numbered(i: int) -> str:
    return f"{i},{-i / 8},{i % 7}"


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def checked(path: Path, names: str = "c0,c1,c2") -> dict[int, list[int]]:
    """Line numbers of each segment, all of them genuine and without a gap."""
    head, *rows = rows_of(path)
    assert head == ["time", "segment", "label", *names.split(",")]
    segments: dict[int, list[int]] = {}
    for row in rows:
        number = int(row[3])
        assert row[2:] == ["walk", *(f"{float(v):g}" for v in numbered(number).split(","))]
        segments.setdefault(int(row[1]), []).append(number)
    for numbers in segments.values():
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    times = [float(row[0]) for row in rows]
    assert times == sorted(times)
    assert times[0] == 0
    return segments


def test_samples_rate_and_columns(tmp_path: Path) -> None:
    state = collect(Printer(numbered), tmp_path / "new" / "a.csv", "walk", samples=500)
    assert (state.samples, state.segments, state.noise, state.error) == (500, 1, 0, "")
    assert state.rate == pytest.approx(100, rel=0.02)
    assert checked(tmp_path / "new" / "a.csv") == {0: list(range(1, 501))}  # 0: half a line?


@pytest.mark.parametrize("period", [0.0005, 0.02, 3.0])
def test_slow_and_fast_sketches(period: float, tmp_path: Path) -> None:
    state = collect(Printer(lambda i: str(i), period), tmp_path / "a.csv", "walk", samples=100)
    assert state.segments == 1
    assert state.rate == pytest.approx(1 / period, rel=0.05)


def test_seconds(tmp_path: Path) -> None:
    state = collect(Printer(numbered), tmp_path / "a.csv", "walk", seconds=3)
    assert state.samples == pytest.approx(300, abs=30)


def test_names_of_the_sketch(tmp_path: Path) -> None:
    collect(Printer(numbered, greeting=b"hello\r\nax,ay,az\r\n"), tmp_path / "a.csv", "walk", samples=50)
    checked(tmp_path / "a.csv", "ax,ay,az")
    plotted = Printer(lambda i: f"temp:{i},hum:{i / 2}")
    collect(plotted, tmp_path / "b.csv", "walk", samples=50)
    assert rows_of(tmp_path / "b.csv")[0][3:] == ["temp", "hum"]


def test_resets(tmp_path: Path) -> None:
    port = Printer(numbered, greeting=b"ready\r\n", reset_after=(1.0, 4.0))
    state = collect(port, tmp_path / "a.csv", "walk", samples=500)
    segments = checked(tmp_path / "a.csv")
    assert len(segments) == state.segments == 3
    assert sum(map(len, segments.values())) == 500
    assert segments[1][0] <= 1  # the start of the second run is not lost


def test_unplugging(tmp_path: Path) -> None:
    port = Printer(numbered, gone_at=(150, 300))
    state = collect(port, tmp_path / "a.csv", "walk", samples=500)
    assert (state.samples, state.interruptions, state.segments) == (500, 2, 3)
    checked(tmp_path / "a.csv")


def test_a_port_that_does_not_come_back(tmp_path: Path) -> None:
    port = Printer(numbered, gone_at=tuple(range(150, 9999)))
    port.reopen = lambda: setattr(port, "_clock", port._clock + 0.5)  # type: ignore[method-assign,func-returns-value]
    state = collect(port, tmp_path / "a.csv", "walk")
    assert state.error == f"line has gone for good; what it sent is in {tmp_path / 'a.csv'}"
    assert state.samples == len(checked(tmp_path / "a.csv")[0]) > 50


@pytest.mark.parametrize("seed", range(4))
def test_noise_ends_a_segment(seed: int, tmp_path: Path) -> None:
    """Bytes that are no digits, in place of some and between others."""
    spoil = bursts(seed, 0.05)

    def fault(data: bytes) -> bytes:
        return spoil(data).translate(
            bytes(b if b in data else 0xFF if 48 <= b < 58 else b for b in range(256))
        )

    port = Printer(lambda i: numbered(i), fault=fault)
    state = collect(port, tmp_path / "a.csv", "walk", samples=1000)
    assert state.noise > 10
    assert state.segments > 10
    assert port.printed < 1200  # few are given up
    rows = rows_of(tmp_path / "a.csv")[1:]
    genuine = [row for row in rows if row[3].isdigit() and row[4:] == rows_text(int(row[3]))]
    assert len(genuine) > 0.99 * len(rows)


def rows_text(number: int) -> list[str]:
    return [f"{float(v):g}" for v in numbered(number).split(",")][1:]


def test_flipped_bits_leave_a_file_that_can_be_read(tmp_path: Path) -> None:
    state = collect(Printer(numbered, fault=bit_flips(0, 0.01)), tmp_path / "a.csv", "walk", samples=500)
    assert state.samples == len(read_recording(tmp_path / "a.csv").X) == 500
    assert state.noise > 0


def test_what_is_recorded_is_in_the_file_at_once(tmp_path: Path) -> None:
    """Even if the program ends in the middle, without any farewell."""

    def look(state: Collected) -> None:
        assert not state.samples or len(rows_of(tmp_path / "a.csv")) == state.samples + 1
        if state.samples > 200:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        collect(Printer(numbered), tmp_path / "a.csv", "walk", show=look)
    assert len(checked(tmp_path / "a.csv")[0]) > 200


def test_an_interruption_by_the_user_is_the_end(tmp_path: Path) -> None:
    def stop(state: Collected) -> None:
        if state.samples > 100:
            raise KeyboardInterrupt

    state = collect(Printer(numbered), tmp_path / "a.csv", "walk", show=stop)
    assert state.samples == len(checked(tmp_path / "a.csv")[0]) > 100


class TestGrowing:
    def test_a_second_recording_is_added(self, tmp_path: Path) -> None:
        for label in ("walk", "run"):
            collect(Printer(numbered), tmp_path / "a.csv", label, samples=50)
        read = read_recording(tmp_path / "a.csv")
        assert read.y.tolist() == ["walk"] * 50 + ["run"] * 50
        assert [row[1] for row in rows_of(tmp_path / "a.csv")[1:]] == ["0"] * 50 + ["1"] * 50

    def test_a_line_that_was_cut_is_mended(self, tmp_path: Path) -> None:
        collect(Printer(numbered), tmp_path / "a.csv", "walk", samples=50)
        with (tmp_path / "a.csv").open("a") as file:
            file.write("0.77,0,walk,12")  # as a machine leaves it that lost its power
        collect(Printer(numbered), tmp_path / "a.csv", "run", samples=50)
        assert len(read_recording(tmp_path / "a.csv").X) == 100

    def test_other_columns_are_refused_and_nothing_is_changed(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("mine,own\n1,2\n")
        with pytest.raises(
            OverwriteError, match=r"a\.csv has other columns \(mine, own\): choose another file"
        ):
            collect(Printer(numbered), tmp_path / "a.csv", "walk", samples=50)
        assert (tmp_path / "a.csv").read_text() == "mine,own\n1,2\n"


class TestNothingUseful:
    def test_silence(self, tmp_path: Path) -> None:
        with pytest.raises(
            SerialError, match=r"line sends no lines of numbers within 10 s: is this the board's port"
        ):
            collect(Printer(numbered, period=1e9), tmp_path / "a.csv", "walk")
        assert not (tmp_path / "a.csv").exists()

    @pytest.mark.parametrize(
        "line", [lambda i: f"count {i}", lambda i: ",".join("1" * (i % 5 + 1)), lambda i: "\xff"]
    )
    def test_other_texts(self, line: Any, tmp_path: Path) -> None:
        with pytest.raises(SerialError, match=r"line sends no steady lines of numbers: is the"):
            collect(Printer(line), tmp_path / "a.csv", "walk")

    @pytest.mark.parametrize("label", ["", "two\nlines"])
    def test_labels_that_are_none(self, label: str, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedError, match=r"label .* is none"):
            collect(Printer(numbered), tmp_path / "a.csv", label)


class TestRecording:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        collect(Printer(numbered, reset_after=(2.0,)), tmp_path / "a.csv", "walk", samples=300)
        return tmp_path / "a.csv"

    def test_samples(self, path: Path) -> None:
        read = read_recording(path)
        assert (read.X.shape, read.X.dtype, read.names) == ((300, 3), np.float32, ("c0", "c1", "c2"))
        assert read.rate == pytest.approx(100, rel=0.02)
        np.testing.assert_array_equal(read.X[:, 1], -read.X[:, 0] / 8)

    @pytest.mark.parametrize(("window", "step"), [(10, None), (10, 5), (64, 1), (1, 7)])
    def test_windows_lie_within_segments(self, window: int, step: int | None, path: Path) -> None:
        X = read_recording(path, window, step).X
        assert X.shape[1:] == (3, window)
        assert (np.diff(X[:, 0]) == 1).all()
        lengths = [len(numbers) for numbers in checked(path).values()]
        assert len(X) == sum(max(0, (n - window) // (step or window) + 1) for n in lengths)

    def test_the_command_line_reads_it(self, path: Path) -> None:
        rows = read_rows(path, 3, None, ("time", "segment", "label"))
        np.testing.assert_array_equal(rows, read_recording(path).X)

    def test_arrays(self, path: Path, tmp_path: Path) -> None:
        save_recording(tmp_path / "a.npz", read_recording(path, 10), force=False)
        with np.load(tmp_path / "a.npz") as arrays:
            assert arrays["X"].shape == (len(arrays["y"]), 3, 10)
            assert arrays["names"].tolist() == ["c0", "c1", "c2"]
        with pytest.raises(OverwriteError, match=r"a\.npz is there already; --force replaces it"):
            save_recording(tmp_path / "a.npz", read_recording(path), force=False)
        save_recording(tmp_path / "a.npz", read_recording(path), force=True)
        assert {p.name for p in tmp_path.iterdir()} == {"a.csv", "a.npz"}

    def test_what_cannot_be(self, path: Path, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedError, match=r"no 301 samples follow each other without a gap"):
            read_recording(path, 301)
        with pytest.raises(UnsupportedError, match=r"window=0, step=None: whole numbers above 0"):
            read_recording(path, 0)
        (tmp_path / "other.csv").write_text("a,b\n1,2\n")
        with pytest.raises(UnsupportedError, match=r"other\.csv is no recording of `micromlgen collect`"):
            read_recording(tmp_path / "other.csv")


def test_the_live_view(tmp_path: Path) -> None:
    state = collect(Printer(numbered), tmp_path / "a.csv", "walk", samples=50)
    table = view.recording(state, "walk")
    assert str(table.title).startswith("walk: 50 samples, 0.5 s, 100 a second, 1 segments")
    assert [str(cell) for cell in table.columns[1].cells] == ["50", "-6.25", "1"]
    assert view.recording(Collected(), "walk").row_count == 0
    assert view.sparkline([]) == view.sparkline([float("nan")]) == ""
    assert view.sparkline([1, 1]) == "▁▁"


def test_a_terminal_shows_it_now_and_then() -> None:
    text = StringIO()
    console = Console(file=text, force_terminal=True, width=80)
    drawn = []
    with view.Screen(console) as screen:
        for number in range(1000):
            screen.draw(lambda number=number: drawn.append(number) or Table(f"picture {number}"))
    assert drawn[0] == 0
    assert "picture 0" in text.getvalue()
    assert len(drawn) < 100
    with view.Screen(Console(file=text, force_terminal=False)) as screen:
        screen.draw(lambda: pytest.fail("nobody watches"))


class TestPort:
    def test_a_port_that_goes(self) -> None:
        master, slave = os.openpty()
        port = SerialPort(os.ttyname(slave))
        os.write(master, b"1,2\n")
        assert port.read(1) == b"1,2\n"
        assert port.read(0.01) == b""
        os.close(slave)
        os.close(master)
        with pytest.raises(SerialError, match=r"/dev/\S+ has gone"):
            port.read(0.1)
        port.PAUSE = 0.0
        assert not port.reopen()
        with pytest.raises(SerialError, match="has gone"):
            port.read(0.01)
        with pytest.raises(SerialError, match="has gone"):
            port.write(b"x")


SKETCH = """
int n;
void setup() { Serial.begin(115200); Serial.println(F("number,eighth")); }
void loop() { Serial.print(n); Serial.print(','); Serial.println(n++ / 8.0, 3); delay(10); }
"""


@pytest.fixture(scope="module")
def printing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of a simulated Uno that prints samples."""
    folder = tmp_path_factory.mktemp("printing")
    (folder / "printing.ino").write_text(SKETCH)
    with arduino.boot(arduino.build_sketch(folder, "uno", folder / "build").elf, "uno") as path:
        yield path


@pytest.mark.boards
class TestOnAnArduino:
    def test_with_a_reset(self, printing: str, tmp_path: Path) -> None:
        reset = iter([True])

        def show(state: Collected) -> None:
            if state.samples > 60 and next(reset, False):
                SerialPort(printing).close()  # opening it resets the board

        port = SerialPort(printing)
        state = collect(port, tmp_path / "a.csv", "walk", samples=150, show=show)
        port.close()
        assert (state.samples, state.segments, state.error) == (150, 2, "")
        read = read_recording(tmp_path / "a.csv")
        assert read.names == ("number", "eighth")
        assert 5 < read.rate < 110  # late on a busy machine, but never early
        np.testing.assert_allclose(read.X[:, 1], read.X[:, 0] / 8, atol=1e-3)
        assert (np.diff(read_recording(tmp_path / "a.csv", 20).X[:, 0]) == 1).all()

    def test_on_the_command_line(
        self,
        printing: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        line = f"collect -o moves.npz --label walk --samples 40 --window 10 --port {printing}"
        assert run(line.split()) == 0
        assert "walk: 40 samples" in capsys.readouterr().err
        with np.load("moves.npz") as arrays:
            assert arrays["X"].shape == (4, 2, 10)
        assert {p.name for p in tmp_path.iterdir()} == {"moves.csv", "moves.npz"}
        for wrong, told in (
            (line, "moves.npz is there already; --force replaces it"),
            (line.replace(".npz", ".txt"), "moves.txt: recordings are .csv or .npz files"),
            (line.replace(printing, "/dev/none"), "--force"),
        ):
            assert run(wrong.split()) == 1
            shown = capsys.readouterr().err
            assert told in shown
            assert shown.count("\n") == 1
