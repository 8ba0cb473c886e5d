"""The activity example: its features in C and NumPy, the demo as a whole, and its sketch on bad input."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import serial

from micromlgen.boards import Call, arduino, core

ACTIVITY = Path(__file__).parents[2] / "examples" / "activity"
FEATURES_H = (ACTIVITY / "features.h").read_text()
features = runpy.run_path(str(ACTIVITY / "features.py"))["features"]

LOWEST, HIGHEST = np.iinfo(np.int16).min, np.iinfo(np.int16).max


def windows() -> np.ndarray:
    """Extreme and random windows, int16 of shape (n, 6 channels, 100 samples)."""
    draw = np.random.default_rng(0)
    full = draw.integers(LOWEST, HIGHEST, (20, 6, 100), endpoint=True)
    small = draw.integers(-3, 3, (20, 6, 100), endpoint=True)  # means that round towards zero from both sides
    constant = np.array([LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST])[:, None, None] + np.zeros((6, 100), int)
    zigzag = np.where(np.arange(100) % 2, HIGHEST, LOWEST) + np.zeros((1, 6, 1), int)
    return np.concatenate([full, small, constant, zigzag]).astype(np.int16)


@pytest.mark.parametrize("target", ["host", pytest.param("avr", marks=pytest.mark.boards)])
def test_features_are_numpy_bit_for_bit(target):
    cases = windows()
    samples = cases.transpose(0, 2, 1).reshape(len(cases), -1)
    statement = "static window_t w; window_clear(&w); int full = 0;"
    statement += "for (int i = 0; i < WINDOW_SAMPLES; ++i) full += window_push(&w, x + i * WINDOW_CHANNELS);"
    statement += "window_features(&w, y); if (full != 1) y[0] = (int16_t)~y[0];"
    result = core(target).run([Call(FEATURES_H, samples, statement, "int16", 18)])[0]
    np.testing.assert_array_equal(result.y, features(cases))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's folder, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "activity"
    command = [sys.executable, str(ACTIVITY / "demo.py"), "--out", str(folder)]
    return folder, subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.mark.boards
def test_the_demo_agrees_with_scikit_learn(demo):
    folder, printed = demo
    rows = [line.split("│")[1:3] for line in printed.splitlines() if line.startswith("│")]
    told = {name.strip(): value.strip() for name, value in rows}
    assert told["agreement with scikit-learn"] == "1.0000"
    assert float(told["accuracy"]) >= 0.95
    assert (folder / "confusion.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.boards
def test_the_sketch_recovers_from_bad_input(demo):
    elf = demo[0] / "build" / "activity.ino.elf"
    sample, noise = b"100,-200,30,0,-5,6\n", np.random.default_rng(1).bytes(3000)
    window = 100 * sample
    with arduino.boot(elf, "uno") as path, serial.Serial(path, 115_200, timeout=5) as port:
        assert port.readline() == b"ready\r\n"

        def ask(*lines: bytes) -> list[bytes]:
            """Send lines, then a window after an empty line; return the complaints, then the answer."""
            port.write(b"".join(lines) + b"\n\n" + window)
            answers = [port.readline().strip()]
            while answers[-1] == b"?":
                answers.append(port.readline().strip())
            return [*answers[:-1], b" ".join(answers[-1].split()[:2])]

        [right] = ask()
        assert right in (b"0 badminton", b"1 running", b"2 standing", b"3 walking")
        silent = [b"", b"\n" * 50, b"\r\n", sample, 99 * sample, b"-32768,32767,-0,0,00007,1"]
        for before in silent:
            assert ask(before) == [right], before
        wrong = [
            b"1,2,3",  # half a line
            b"1,2,3,4,5,6,7",
            b"1,2,3,4,5,",
            b",,,,,",
            b",",
            b"1,2,3,4,5,32768",
            b"-32769,2,3,4,5,6",
            b"1,2,3,4,5,65536",
            b"1,2,3,4,5," + 5000 * b"9",
            b"1,2,3,4,5,1-",
            b"1,2,3,4,5,--1",
            b"1,2,3,4,5,-",
            b"1,2,3,4,5, 6",
            b"1.5,2,3,4,5,6",
            b"nan,0,0,0,0,0",
            b"\0",
            99 * sample + b"1,2,3",  # the last line of a window
        ]
        for before in wrong:
            assert ask(before) == [b"?", right], before
        assert ask(noise)[-1] == right
        assert ask(window) == [right]
        assert port.readline().startswith(right)
