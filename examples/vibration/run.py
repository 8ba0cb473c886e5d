"""A machine's vibration, sample by sample: features in integers, and an SVM that has seen health alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain as chained
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import butter, sosfilt, welch
from scipy.stats import kurtosis
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

import micromlgen as mm
from examples.common import plots
from examples.common.cost import costs
from examples.common.data import to_int16
from examples.common.outcome import Outcome, evenly, share
from examples.common.sketch import prepare, replay
from examples.vibration.machine import FAULTS, LEVELS, SAMPLE_RATE, Condition, record
from micromlgen.features import BandPower, IIRFilter, Statistics, Windower
from micromlgen.ir import Scored
from micromlgen.program import Program

HERE = Path(__file__).parent
BOARDS = ("mega",)
OTHER_BOARD = "nano33ble"
"""Where the header's stream is timed as well."""

WINDOW = 256
"""Samples: 160 ms, three to five turns of the shaft."""
HEALTHY = "false alarms"
#: Of a recording that are judged.
_WINDOWS = 5
#: Off with gravity: 8 Hz, below the slowest shaft.
_HIGH_PASS = butter(2, 8, "highpass", fs=SAMPLE_RATE, output="sos")
#: Hz, of 20 to 30 turns a second: the shaft, twice and three times that, 13 teeth, the ring, and between.
_BANDS = {
    "shaft": (12.5, 37.5),
    "double": (37.5, 62.5),
    "triple": (62.5, 100.0),
    "low": (100.0, 225.0),
    "mesh": (225.0, 425.0),
    "middle": (425.0, 525.0),
    "ring": (525.0, 775.0),
}

#: Turns a second and loads of the recordings that the model has seen, and of those that it has not.
_SEEN = (20, 22, 24, 26, 28, 30), (0.7, 0.85, 1.0, 1.15, 1.3)
_UNSEEN = (21, 23, 25, 27, 29), (0.75, 0.95, 1.05, 1.25)

Array = NDArray[np.float64]


def recordings(conditions: Iterable[Condition], n_windows: int, seed: int) -> Array:
    """One recording of each condition: shape (n, (1 + n_windows) * WINDOW), in the sensor's steps.

    In the first window filters settle: nobody judges it.
    """
    return np.array([record(c, (1 + n_windows) * WINDOW, seed + i) for i, c in enumerate(conditions)])


def rows(recorded: NDArray[np.int16]) -> NDArray[np.int16]:
    """Every window but each recording's first, behind the one before it: shape (n, 2 * WINDOW)."""
    split = Windower(WINDOW).split
    return np.concatenate([split(recording, lead=WINDOW) for recording in recorded])


def new_svm() -> Pipeline:
    """Make the model of features; `gamma` was chosen on recordings of other seeds."""
    return make_pipeline(StandardScaler(), OneClassSVM(nu=0.01, gamma=0.03))


def new_chain() -> Pipeline:
    """Make the whole: samples in, +1 or -1 out."""
    features = FeatureUnion(
        [
            ("statistics", Statistics(["rms", "ptp", "kurtosis"])),
            ("bands", BandPower(_BANDS, SAMPLE_RATE, WINDOW, output="log")),
        ]
    )
    return make_pipeline(IIRFilter(_HIGH_PASS), Windower(WINDOW), features, *new_svm())


def features_in_floats(recorded: Array) -> Array:
    """Compute the same features by SciPy, of readings that were not rounded."""
    filtered = sosfilt(_HIGH_PASS, recorded, axis=1)
    windows = filtered.reshape(len(recorded), -1, WINDOW)[:, 1:].reshape(-1, WINDOW)
    frequencies, density = welch(windows, SAMPLE_RATE, "hann", WINDOW, detrend=False)
    inside = [(frequencies >= low) & (frequencies < high) for low, high in _BANDS.values()]
    powers = [density[:, band].sum(axis=1) * SAMPLE_RATE / WINDOW for band in inside]
    decibels = [10 * np.log10(np.maximum(power, 2.0**-10)) for power in powers]
    rms = np.sqrt((windows**2).mean(axis=1))
    return np.stack([rms, np.ptp(windows, axis=1), kurtosis(windows, axis=1), *decibels], axis=1)


def unseen_conditions() -> dict[str, list[Condition]]:
    """Conditions that the model has not seen: healthy ones, and each fault at each level."""
    operating = list(product(*_UNSEEN))
    conditions = {HEALTHY: [Condition(*o) for o in operating] * 10}
    for fault, level in product(FAULTS, range(len(LEVELS))):
        conditions[f"{fault}, {LEVELS[level]}"] = [Condition(*o, fault, level) for o in operating] * 3
    return conditions


def alarms(said: ArrayLike, kind: NDArray[np.str_]) -> dict[str, float]:
    """Share of windows of each kind that are called strange."""
    strange = np.asarray(said) < 0
    return {str(name): float(strange[kind == name].mean()) for name in dict.fromkeys(kind.tolist())}


def run(board: str, out: Path, quick: bool) -> Outcome:
    """Train on a healthy machine, port, and let the board listen to speeds, loads and faults never seen."""
    exact = recordings([Condition(*o) for o in product(*_SEEN)] * 24, 2, seed=1_000_000)
    train = rows(to_int16(exact))
    chain = new_chain().fit(train)
    of_floats = new_svm().fit(features_in_floats(exact))
    program = mm.transpile(chain, name="vibration", dtype="int16", calibration=train, target=board)

    conditions = unseen_conditions()
    names = np.repeat(list(conditions), [len(c) for c in conditions.values()])
    exact_test = recordings(chained(*conditions.values()), _WINDOWS, seed=2_000_000)
    test = to_int16(exact_test)
    kind, judged = np.repeat(names, _WINDOWS), np.tile(np.arange(1 + _WINDOWS) > 0, len(names))
    said, thousandths = streamed(program, test)
    said, thousandths = said[judged], thousandths[judged]

    folder = prepare(HERE, [program], out)
    asked = test[evenly(len(test), 10 if quick else 60)]
    answers = replay(folder, board, asked.reshape(-1, WINDOW))
    draw(thousandths, float(chain[-1].offset_[0]), kind, out / "vibration.png")
    model, notes = costs(program, board, asked.reshape(-1, WINDOW)[:8], SAMPLE_RATE)
    other, _ = costs(program, OTHER_BOARD, asked.reshape(-1, WINDOW)[:8], SAMPLE_RATE)
    notes["the same header on an nRF52840"] = f"about {other.time_ms:.2g} ms, its samples included"
    often = (said[kind == HEALTHY].reshape(-1, _WINDOWS) < 0).sum(axis=1) >= 3
    notes["three windows of five"] = f"false alarms in {often.sum()} of {len(often)} recordings"
    return Outcome(
        title=f"{len(said)} windows at speeds and loads that the model has not seen",
        answers=answers,
        expected=lines(*streamed(program, asked)),
        agreement=share(said, chain.predict(rows(test))),
        floats=alarms(of_floats.predict(features_in_floats(exact_test)), kind),
        integers=alarms(said, kind),
        model=model,
        plot=out / "vibration.png",
        notes=notes,
    )


def streamed(program: Program, recorded: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """What the header's stream says of windows, one recording after another; scores in thousandths."""
    stream = program.model.streamed()
    assert stream is not None
    assert isinstance(stream.windowed, Scored)
    score = stream.windowed.score(stream.windows(recorded.ravel())).astype(np.int64)
    return program.stream(recorded.ravel()), score // (stream.windowed.score_one // 1000)


def lines(said: NDArray[np.int16], thousandths: NDArray[np.int64]) -> list[str]:
    """Write what the sketch does."""
    return [f"{'ALARM' if s < 0 else 'ok'} {t}" for s, t in zip(said, thousandths, strict=True)]


def draw(thousandths: NDArray[np.int64], offset: float, kind: NDArray[np.str_], path: Path) -> None:
    """Draw the scores of windows, by what the machine has."""
    names = list(dict.fromkeys(kind.tolist()))
    with plots.figure(path, 9, 3.4) as axes:
        for i, name in enumerate(names):
            chosen = thousandths[kind == name] / 1000
            across = i + np.linspace(-0.35, 0.35, len(chosen))
            axes.plot(across, chosen, ".", ms=3, color="tab:blue" if name == HEALTHY else "tab:red")
        axes.axhline(offset, color="black", lw=1)
        shown = ["healthy" if name == HEALTHY else name.replace(", ", "\n") for name in names]
        axes.set_xticks(range(len(names)), shown, fontsize=7)
        axes.set(ylabel="score", title="below the line: an alarm")
