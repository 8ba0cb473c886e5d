"""Coloured cards before a colour sensor: their nearest neighbours on an Uno."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

import micromlgen as mm
from examples.colour.cards import TEST_CHART, TRAIN_CHART, counts
from examples.common import plots
from examples.common.data import to_int16
from examples.common.outcome import Outcome, evenly, share
from examples.common.sketch import prepare, replay

HERE = Path(__file__).parent
BOARDS = ("uno", "mega")


def run(board: str, out: Path, quick: bool) -> Outcome:
    """Train on one chart, port, and let the board name the cards of another."""
    exact_train, y_train = counts(TRAIN_CHART, 10, seed=0)
    exact_test, y_test = counts(TEST_CHART, 20, seed=1)
    train, test = to_int16(exact_train), to_int16(exact_test)
    neighbors = KNeighborsClassifier(3).fit(train, y_train)
    of_floats = KNeighborsClassifier(3).fit(exact_train, y_train)
    program = mm.transpile(neighbors, name="colour", dtype="int16", calibration=train, target=board)

    folder = prepare(HERE, [program], out)
    said, asked = program.predict(test), evenly(len(test), 60 if quick else None)
    answers = replay(folder, board, test[asked])

    draw(exact_train, exact_test, said == y_test, out / "colour.png")
    return Outcome(
        title=f"{len(test)} readings of a chart that the board has not seen",
        answers=answers,
        expected=said[asked],
        agreement=share(said, neighbors.predict(test)),
        floats={"accuracy": share(of_floats.predict(exact_test), y_test)},
        integers={"accuracy": share(said, y_test)},
        model=program.footprint(board, test[asked][:60]),
        plot=out / "colour.png",
    )


def draw(train: NDArray[np.float64], test: NDArray[np.float64], right: NDArray[np.bool_], path: Path) -> None:
    """Draw the readings by the share of red and of blue, in about their colours."""
    brightest = train[:, :3].max(axis=0)
    with plots.figure(path, 7, 4.5) as axes:
        for rows, marker, label in ((train, "o", "training"), (test, "^", "held out")):
            shown = np.clip(rows[:, :3] / brightest, 0, 1) ** (1 / 2.2)
            axes.scatter(*_shares(rows), s=14, c=shown, marker=marker, label=label)
        axes.plot(*_shares(test[~right]), "kx", ms=8, label="answered wrongly")
        axes.set(xlabel="share of red", ylabel="share of blue", facecolor="0.85")
        axes.legend()


def _shares(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Red and blue as parts of the sum of the three."""
    total = rows[:, :3].sum(axis=1)
    return rows[:, 0] / total, rows[:, 2] / total
