"""The examples of examples/common: each end to end on its simulated board, quickly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import serial

from examples.common.sketch import C_FOLDER, inlined
from micromlgen.boards import Call, arduino, core

ROOT = Path(__file__).parents[2]
# Of matrices this small the threads of BLAS only wait for one another.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
LIBRARIES = Path(__file__).parent / "libraries"
STUBS = LIBRARIES / "src"


@dataclass(frozen=True)
class Bounds:
    """What a run must reach; `least` and `most` are of the chain in integers.

    Parameters
    ----------
    loss : float
        Most by which a measure of integers may be worse than that of floats.
    flash : int
        Most bytes.
    """

    agreement: float
    loss: float
    flash: int
    least: dict[str, float]
    most: dict[str, float] = field(default_factory=dict)


BOUNDS = {
    "anomaly": Bounds(1.0, 0.0, 9_000, {"detected": 0.96}, {"false alarms": 0.015}),
    "classify": Bounds(1.0, 0.0, 400, {"accuracy": 0.94}),
    "colour": Bounds(0.99, 0.01, 3_200, {"accuracy": 0.96}),
    "fusion": Bounds(0.99, 0.01, 300, {"accuracy": 0.92, "found": 0.86}, {"false alarms": 0.07}),
    "gestures": Bounds(0.99, 0.01, 52_000, {"accuracy": 0.81}),
    "keywords": Bounds(0.96, 0.03, 16_000, {"accuracy": 0.75}),
    "vibration": Bounds(
        0.99,
        0.03,
        19_000,
        {"imbalance, severe": 0.95, "misalignment, clear": 0.98, "outer race, slight": 0.88},
        {"false alarms": 0.01},
    ),
}


def test_every_example_has_bounds() -> None:
    assert set(BOUNDS) == {path.parent.name for path in ROOT.glob("examples/*/run.py")}


@pytest.mark.boards
@pytest.mark.parametrize("name", BOUNDS)
def test_example_runs_within_its_bounds(name: str, tmp_path: Path) -> None:
    bounds = BOUNDS[name]
    command = [sys.executable, "-m", "examples", name]
    options = ["--quick", "--out", str(tmp_path)]
    done = subprocess.run([*command, *options], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads((tmp_path / name / "outcome.json").read_text())
    assert told["answers"] >= 30
    assert told["wrong"] == 0
    assert told["agreement"] >= bounds.agreement
    assert told["flash"] <= bounds.flash
    for measure, least in bounds.least.items():
        assert told["integers"][measure] >= max(least, told["floats"][measure] - bounds.loss), measure
    for measure, most in bounds.most.items():
        assert told["integers"][measure] <= min(most, told["floats"][measure] + bounds.loss), measure
    assert (tmp_path / name / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    sketch = tmp_path / name / name
    _compile_with_sensor(sketch, told["board"], tmp_path / "sensor")
    if name in ALIVE:
        ALIVE[name](sketch, tmp_path / "alive")


def _compile_with_sensor(sketch: Path, board: str, out: Path) -> None:
    """Compile the branch of the sketch that reads the sensor, against the interface of its library."""
    if board in ("uno", "mega"):
        arduino.build_sketch(sketch, board, out, [LIBRARIES])
        return
    files = [
        *sketch.glob("*.h"),
        ROOT / "examples" / "common" / "c" / "Arduino.h",
        *LIBRARIES.glob("src/*.h"),
    ]
    texts = {file.name: file.read_text() for file in files}
    ino = (sketch / f"{sketch.name}.ino").read_text()
    main = "#include <Arduino.h>\n" + ino + "\nint main() { setup(); for (;;) loop(); }\n"
    kind = "rv32imc" if board.startswith("esp32c") else "cortex-m4f"
    core(kind).compile({**texts, "main.cpp": main}, language="c++", flags=("-Os", "-I.", "-Wall", "-Werror"))


def _flowers_can_be_typed(sketch: Path, out: Path) -> None:
    built = arduino.build_sketch(sketch, "uno", out)
    with arduino.boot(built.elf, "uno") as path, serial.Serial(path, 115_200, timeout=5) as port:
        assert port.readline() == b"ready\r\n"
        for typed, name in ((b"51 35 14 2\n", b"setosa\r\n"), (b"63 29 56 18\n", b"virginica\r\n")):
            port.write(typed)
            assert port.readline() == name


#: What the sketch does with a microphone that hears two seconds; `y` has room for 64 bytes.
_LISTEN = """
static bool started = false;
memset(y, 0, 64);
Serial.play(NULL, 0, (char *)y, 64);
if (!started) setup();
started = true;
Serial.play(NULL, 0, (char *)y, 64);
memset(y, 0, 64);
for (int i = 0; i + 512 <= 32000; i += 512) {
    PDM.deliver(x + i, 1024);
    for (int block = 0; block < 30; ++block) loop();
}
"""


def _words_are_found_in_a_stream(sketch: Path, out: Path) -> None:
    """The branch with the microphone, as the board has it: a word within two seconds is answered once."""
    from examples.keywords.voices import HELD_OUT, KEYWORDS, VOICES, spoken

    voices = VOICES[::3]
    words = spoken(voices, sketch.parent / f"spoken_{len(voices)}.npz")
    asked = [pair for pair in words if pair[0] in HELD_OUT and pair[1] in KEYWORDS]
    rng = np.random.default_rng(0)
    streams = rng.normal(0, 60, (len(asked), 32_000))
    for stream, pair in zip(streams, asked, strict=True):
        start = rng.integers(12_000, 18_000)
        stream[start : start + len(words[pair])] += 8000 * words[pair]
    text = inlined(
        f"#include <Arduino.h>\n{(sketch / 'keywords.ino').read_text()}", (sketch, C_FOLDER, STUBS)
    )
    call = Call(text, np.rint(streams).astype(np.int16), _LISTEN, "int8", 64)
    said = core("cortex-m4f").run([call], language="c++", measure=False)[0].y
    answers = [row.tobytes().rstrip(b"\0").decode().split() for row in said]
    assert np.mean([len(answer) == 1 for answer in answers]) >= 0.9
    assert np.mean([answer == [word] for answer, (_, word) in zip(answers, asked, strict=True)]) >= 0.6


#: Of sketches whose own branch can be tried further.
ALIVE = {"classify": _flowers_can_be_typed, "keywords": _words_are_found_in_a_stream}


def test_unknown_example_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples", "nothing"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "nothing: no such example; there are " in done.stderr
