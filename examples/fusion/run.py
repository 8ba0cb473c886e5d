"""Stale air by three sensors that do not measure it: temperature, humidity and light, on a RISC-V."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from examples.common import plots
from examples.common.data import package_file, to_int16
from examples.common.outcome import Outcome, share
from examples.common.sketch import prepare, replay

HERE = Path(__file__).parent
BOARDS = ("esp32c3", "uno", "nano33ble")

STALE = 1000
"""ppm of CO2: Pettenkofer's limit, by which people open windows since 1858."""
HISTORY = 4
"""Readings that the model sees, 16 minutes apart."""
SENSORS = ("temperature", "humidity", "light")
#: Steps of a degree Celsius, of a percent of relative humidity, and of a lux.
UNITS = np.array([100.0, 100.0, 10.0])
#: Days behind the first that the model has not seen: a Monday, and the Tuesday's morning.
HELD_OUT = (5, 6)


def readings() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Readings, what the CO2 was, and on which day.

    Returns
    -------
    float64 array of shape (509, 3), in `UNITS`; float64 array of ppm and int64 array, shape (509,)
    """
    file = package_file("river", "drift/datasets/occupancy.csv")
    table = np.genfromtxt(file, delimiter=",", skip_header=1, usecols=(1, 2, 3, 4))
    dates = [line.split(" ")[0] for line in file.read_text().splitlines()[1:]]
    times = np.array(dates, "datetime64[D]")
    return table[:, :3] * UNITS, table[:, 3], (times - times[0]).astype(np.int64)


def histories(rows: NDArray[Any]) -> NDArray[Any]:
    """Each row behind the `HISTORY` - 1 before it: shape (n - HISTORY + 1, HISTORY * n_columns)."""
    return np.hstack([rows[i : len(rows) - HISTORY + 1 + i] for i in range(HISTORY)])


def new_model() -> Pipeline:
    """Make the model of histories."""
    return make_pipeline(StandardScaler(), LogisticRegression())


def run(board: str, out: Path, quick: bool) -> Outcome:
    """Train on the first days, port, and let the board judge the others, reading by reading."""
    exact, co2, day = readings()
    rows = to_int16(exact)
    truth, day = co2[HISTORY - 1 :] > STALE, day[HISTORY - 1 :]
    X, X_exact = histories(rows), histories(exact)
    unseen = np.isin(day, HELD_OUT)
    chain = new_model().fit(X[~unseen], truth[~unseen])
    of_floats = new_model().fit(X_exact[~unseen], truth[~unseen])
    program = mm.transpile(chain, name="fusion", dtype="int16", calibration=X[~unseen], target=board)

    folder = prepare(HERE, [program], out)
    said = program.predict(X[unseen])
    # The sketch remembers readings: it gets those before the first that it answers as well.
    first = int(np.flatnonzero(unseen)[0])
    answers = replay(folder, board, rows[first:])

    draw(co2[first + HISTORY - 1 :], said, out / "fusion.png")
    return Outcome(
        title=f"{unseen.sum()} readings of two days that the model has not seen",
        answers=answers[HISTORY - 1 :],
        expected=["stale air" if stale else "fine" for stale in said],
        agreement=share(said, chain.predict(X[unseen])),
        floats=measures(of_floats.predict(X_exact[unseen]), truth[unseen]),
        integers=measures(said, truth[unseen]),
        model=program.footprint(board, X[unseen]),
        plot=out / "fusion.png",
        notes=each_day_by_the_others(X_exact, truth, day),
    )


def measures(said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Share of right answers, of stale air that is found, and of fine air that is called stale."""
    found, false = float(said[truth].mean()), float(said[~truth].mean())
    return {"accuracy": share(said, truth), "found": found, "false alarms": false}


def each_day_by_the_others(
    X: NDArray[np.float64], truth: NDArray[np.bool_], day: NDArray[np.int64]
) -> dict[str, str]:
    """Accuracy on all days, each judged by a model of the others: by one sensor alone, and by all."""
    accuracy = {"always fine": share(False, truth)}
    for name, columns in {**{s: [i] for i, s in enumerate(SENSORS)}, "all three": [0, 1, 2]}.items():
        seen = X.reshape(len(X), HISTORY, len(SENSORS))[:, :, columns].reshape(len(X), -1)
        said = cross_val_predict(new_model(), seen, truth, groups=day, cv=LeaveOneGroupOut())
        accuracy[name] = share(said, truth)
    return {f"every day, by {name}": f"accuracy {value:.4f}" for name, value in accuracy.items()}


def draw(co2: NDArray[np.float64], said: NDArray[np.bool_], path: Path) -> None:
    """Draw the CO2 that the board does not measure, and when it calls the air stale."""
    hours = np.arange(len(co2)) * 16 / 60
    with plots.figure(path, 8, 3) as axes:
        whole_height = axes.get_xaxis_transform()
        axes.fill_between(hours, 0, 1, said, transform=whole_height, color="tab:orange", alpha=0.4)
        axes.plot(hours, co2, color="tab:blue")
        axes.axhline(STALE, color="black", lw=1, ls="--")
        axes.set(xlabel="hours", ylabel="CO2, ppm", title="shaded: the board calls the air stale")
