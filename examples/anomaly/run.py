"""Anomalies of a spacecraft's radiators: nine sensors, read together, and an isolation forest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

import micromlgen as mm
from examples.common import plots
from examples.common.data import package_file
from examples.common.outcome import Outcome, evenly, share
from examples.common.sketch import prepare, replay

HERE = Path(__file__).parent
BOARDS = ("mega",)

FALSE_ALARMS = 0.01
"""Share of normal readings that may be called anomalies: the threshold, set on the training rows."""


def rows() -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Readings, int16 of shape (49097, 9), and which of them are anomalies."""
    file = package_file("river", "datasets/shuttle.csv.gz")
    table = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64)
    return table[:, :9].astype(np.int16), table[:, 9] == 1


def rates(says: NDArray[np.int32], anomalies: NDArray[np.bool_]) -> dict[str, float]:
    """Share of anomalies that are detected, and of normal readings that are called one."""
    alarms = says < 0
    return {"detected": float(alarms[anomalies].mean()), "false alarms": float(alarms[~anomalies].mean())}


def run(board: str, out: Path, quick: bool) -> Outcome:
    """Train on normal readings of the first half, and let the board judge readings of the second."""
    readings, anomalies = rows()
    half = len(readings) // 2
    train = readings[:half][~anomalies[:half]]
    test, truth = readings[half:], anomalies[half:]
    forest = IsolationForest(n_estimators=25, contamination=FALSE_ALARMS, random_state=0).fit(train)
    program = mm.transpile(forest, name="anomaly", dtype="int16", calibration=train, target=board)

    folder = prepare(HERE, [program], out)
    said, asked = program.predict(test), evenly(len(test), 100 if quick else 1000)
    answers = replay(folder, board, test[asked])
    words = np.where(said[asked] < 0, "ANOMALY", "normal")
    scores = program.score_samples(test[asked])
    thousandths = np.floor(scores * 2.0**20).astype(np.int64) * 1000 >> 20  # as the sketch rounds

    draw(scores, forest.offset_, truth[asked], out / "anomaly.png")
    return Outcome(
        title=f"{len(test)} readings that the forest has not seen, {truth.sum()} anomalies",
        answers=answers,
        expected=[f"{word} {score}" for word, score in zip(words, thousandths, strict=True)],
        agreement=share(said, forest.predict(test)),
        floats=rates(forest.predict(test), truth),
        integers=rates(said, truth),
        model=program.footprint(board, test[asked][:100]),
        plot=out / "anomaly.png",
    )


def draw(scores: NDArray[np.float64], offset: float, truth: NDArray[np.bool_], path: Path) -> None:
    """Draw what the board's scores are of normal readings and of anomalies."""
    with plots.figure(path, 8, 3) as axes:
        number = np.arange(len(scores))
        axes.plot(number[~truth], scores[~truth], ".", ms=3, color="tab:blue", label="normal")
        axes.plot(number[truth], scores[truth], "x", ms=5, color="tab:red", label="anomaly")
        axes.axhline(offset, color="black", lw=1, label="threshold")
        axes.set(xlabel="reading", ylabel="score", title="the lower, the stranger")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
