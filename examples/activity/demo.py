"""Recognise movements on an Arduino: train, port, build, boot, and stream windows over its serial port.

The board is simulated here, and runs the sketch as the Arduino IDE would build it; with ``--port`` it is a
real one. Each answer is compared with scikit-learn's.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import serial
from aeon.datasets import load_basic_motions
from features import exact_features, features, to_wire
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import ConfusionMatrixDisplay

import micromlgen as mm
from micromlgen.boards import arduino
from micromlgen.footprint import Footprint

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Answer:
    """What the board says to one window."""

    index: int
    label: str
    microseconds: int


@dataclass(frozen=True)
class Result:
    """What a run of the demo shows."""

    answers: list[Answer]
    agreement: float
    accuracy: float
    accuracy_of_floats: float
    sketch: arduino.Sketch
    model: Footprint


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo from the command line; 0 if the board agrees with scikit-learn on every window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", choices=("uno", "mega"), default="uno")
    parser.add_argument("--port", help="serial port of a real board that runs the sketch")
    parser.add_argument("--out", type=Path, default=Path("build/activity"), help="folder for the sketch")
    options = parser.parse_args(arguments)

    console = Console()
    result = run(options.board, options.out, options.port, console)
    console.print(table(result))
    return 0 if result.agreement == 1.0 else 1


def run(board: str, folder: Path, real_port: str | None, console: Console) -> Result:
    """Train, port, build, and let the board answer every held-out window."""
    train, y_train = load_basic_motions(split="train")
    test, y_test = load_basic_motions(split="test")
    x_train, x_test = features(to_wire(train)), features(to_wire(test))
    forest = new_forest().fit(x_train, y_train)
    console.print(f"trained on {len(train)} windows of {train.shape[2]} samples, {train.shape[1]} channels")

    program = mm.transpile(forest, name="activity", dtype="int16", calibration=x_train)
    folder.mkdir(parents=True, exist_ok=True)
    program.save(folder / "activity.h", force=True)
    for name in ("activity.ino", "features.h"):
        shutil.copy(HERE / name, folder)
    sketch = arduino.build_sketch(folder, board, folder / "build")
    console.print(f"built the sketch in {folder} for the {board}")

    with ExitStack() as stack:
        path = real_port or stack.enter_context(arduino.boot(sketch.elf, board))
        port = stack.enter_context(connect(path))
        answers = [ask(port, window) for window in track(to_wire(test), f"asking {path}", console=console)]

    forest_of_floats = new_forest().fit(exact_features(train), y_train)
    expected = forest.predict(x_test)
    said = np.array([answer.label for answer in answers])
    named = forest.classes_[[answer.index for answer in answers]]
    console.print(f"confusion matrix: {plot(y_test, said, folder / 'confusion.png')}")
    return Result(
        answers=answers,
        agreement=float(np.mean((said == expected) & (named == expected))),
        accuracy=float(np.mean(said == y_test)),
        accuracy_of_floats=forest_of_floats.score(exact_features(test), y_test),
        sketch=sketch,
        model=program.footprint(board, x_test),
    )


def new_forest() -> RandomForestClassifier:
    """Make the estimator; twenty trees are enough for four movements."""
    return RandomForestClassifier(20, random_state=0)


def connect(path: str) -> serial.Serial:
    """Open a board's serial port, which resets it, and wait for the sketch to say that it is ready."""
    port = serial.Serial(path, 115_200, timeout=5)
    if port.readline().strip() != b"ready":
        port.close()
        raise SystemExit(f"{path}: no answer from activity.ino")
    return port


def ask(port: serial.Serial, window: NDArray[np.int16]) -> Answer:
    """Send a window of shape (n_channels, n_samples) and read the answer to it."""
    samples = [",".join(map(str, sample)) + "\n" for sample in window.T]
    # The first newline ends what noise may have begun, the second makes the board forget it.
    port.write("".join(["\n\n", *samples]).encode())
    while line := port.readline():
        if len(words := line.decode("ascii", "replace").split()) == 3:
            return Answer(int(words[0]), words[1], int(words[2]))
    raise SystemExit(f"{port.port}: no answer within {port.timeout} s")


def plot(truth: NDArray[Any], said: NDArray[Any], path: Path) -> Path:
    """Draw what the board said against what the movement was."""
    figure = Figure(figsize=(5, 4.5), layout="constrained")
    axes = figure.subplots()
    ConfusionMatrixDisplay.from_predictions(truth, said, ax=axes, cmap="Blues", colorbar=False)
    axes.set(xlabel="the board's answer", ylabel="movement", title="Held-out windows")
    figure.savefig(path, dpi=120)
    return path


def table(result: Result) -> Table:
    """Lay the result out for a terminal."""
    model, sketch = result.model, result.sketch
    times = [answer.microseconds for answer in result.answers]
    rows = Table(title=f"{len(times)} windows that the forest has not seen", show_header=False)
    rows.add_row("board", model.board.title)
    rows.add_row("agreement with scikit-learn", f"{result.agreement:.4f}")
    rows.add_row("accuracy", f"{result.accuracy:.4f}")
    rows.add_row("accuracy with floats throughout", f"{result.accuracy_of_floats:.4f}")
    rows.add_section()
    rows.add_row("flash", f"sketch {sketch.flash} B, the model alone {model.flash} B")
    rows.add_row("RAM", f"sketch {sketch.ram} B, the model alone {model.ram} B")
    rows.add_row("stack of a prediction", f"{model.stack} B")
    cycles = f"mean {model.cycles_mean:.0f}, most {model.cycles_max:.0f}"
    rows.add_row(f"{model.unit} of a prediction", cycles)
    rows.add_row(f"time at {model.board.clock_hz / 1e6:g} MHz", f"{model.time_ms:.3f} ms")
    rows.add_row("time by the board's own clock", f"{np.mean(times) / 1000:.3f} ms")
    return rows


if __name__ == "__main__":
    sys.exit(main())
