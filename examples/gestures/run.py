"""Shoulder exercises by a smartwatch's accelerometer and gyroscope: statistics of windows, and an SVM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import micromlgen as mm
from examples.common import plots
from examples.common.data import package_file, to_int16
from examples.common.outcome import Outcome, evenly, share
from examples.common.sketch import prepare, replay
from micromlgen.features import Statistics

HERE = Path(__file__).parent
BOARDS = ("nano33ble", "mega")

SAMPLES = 100
"""Of a window: 4 seconds, as every second reading of 50 in a second is used."""
STATISTICS = ["mean", "std", "min", "max", "mean_crossings"]
#: Steps of a g, and of a rad/s.
UNITS = np.repeat([4096.0, 1000.0], 3)
#: People whose exercises the model has not seen.
HELD_OUT = (8, 9, 10)


Windows = tuple[NDArray[np.int16], NDArray[np.str_], NDArray[np.int64]]


def windows(step: int) -> Windows:
    """Windows that begin `step` samples apart, their exercises, and whose they are.

    Returns
    -------
    int16 array of shape (n, SAMPLES * 6), channels interleaved, in steps of `UNITS`; arrays of shape (n,)
    """
    data = np.load(package_file("seglearn", "data/watch_dataset.npy"), allow_pickle=True).item()
    names = np.array(data["y_labels"])
    cut, exercises, people = [], [], []
    for series, exercise, person in zip(data["X"], data["y"], data["subject"], strict=True):
        halved = to_int16(series[::2] * UNITS)
        for start in range(0, len(halved) - SAMPLES + 1, step):
            cut.append(halved[start : start + SAMPLES].ravel())
            exercises.append(names[int(exercise)])
            people.append(int(person))
    return np.array(cut), np.array(exercises), np.array(people)


def of_people(all_windows: Windows, seen: bool) -> tuple[NDArray[np.int16], NDArray[np.str_]]:
    """Windows and exercises of those people whom the model may see, or of the others."""
    cut, exercises, people = all_windows
    chosen = np.isin(people, HELD_OUT) != seen
    return cut[chosen], exercises[chosen]


def new_svm() -> Pipeline:
    """Make the model of features; of C = 1, 3 and 10 the first is best in cross-validation by person."""
    return make_pipeline(StandardScaler(), SVC())


def run(board: str, out: Path, quick: bool) -> Outcome:
    """Train, port, and let the board answer windows of people that it has not seen."""
    train, y_train = of_people(windows(SAMPLES // 2), seen=True)
    test, y_test = of_people(windows(SAMPLES), seen=False)
    statistics = Statistics(STATISTICS, n_channels=6)
    chain = make_pipeline(statistics, *new_svm()).fit(train, y_train)
    of_floats = new_svm().fit(statistics.reference(train), y_train)
    program = mm.transpile(chain, name="gestures", dtype="int16", calibration=train, target=board)

    folder = prepare(HERE, [program], out)
    said, asked = program.predict(test), evenly(len(test), 40 if quick else None)
    answers = replay(folder, board, test[asked])

    plot = out / "gestures.png"
    with plots.figure(plot, 4.5, 4.2) as axes:
        plots.confusion(axes, y_test, said, sorted(set(y_test)))
        axes.set_title("exercises of three people never seen")
    return Outcome(
        title=f"{len(test)} windows of {len(HELD_OUT)} people that the model has not seen",
        answers=answers,
        expected=said[asked],
        agreement=share(said, chain.predict(test)),
        floats={"accuracy": share(of_floats.predict(statistics.reference(test)), y_test)},
        integers={"accuracy": share(said, y_test)},
        model=program.footprint(board, test[:20]),
        plot=plot,
    )
