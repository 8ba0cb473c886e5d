"""Keywords in synthetic voices, sample by sample: cepstra, and a small network of bytes on a Cortex-M4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from examples.common import plots
from examples.common.cost import costs
from examples.common.outcome import Outcome, evenly, share
from examples.common.sketch import prepare, replay
from examples.keywords.voices import HELD_OUT, KEYWORDS, SAMPLE_RATE, VOICES, recordings, spoken
from micromlgen.features import MFCC

HERE = Path(__file__).parent
BOARDS = ("nano33ble",)

#: Recordings by which the scales of bytes are chosen, and the share on which they must agree with floats.
_CALIBRATION = 150
_AGREEMENT = 0.97


def new_mfcc() -> MFCC:
    """15 frames of 64 ms, 50 ms apart, and 12 coefficients of each."""
    return MFCC(
        SAMPLE_RATE, n_fft=1024, hop_length=800, n_mels=26, fmin=80.0, fmax=7600.0, n_mfcc=12, log="log2"
    )


def new_network() -> Pipeline:
    """Make the model of coefficients."""
    return make_pipeline(StandardScaler(), MLPClassifier((40,), alpha=1.0, tol=1e-3, random_state=0))


def measures(said: NDArray[np.str_], truth: NDArray[np.str_]) -> dict[str, float]:
    """Share of words that are answered rightly, and of keywords among them."""
    keywords = truth != "other"
    return {"accuracy": share(said, truth), "of keywords": share(said[keywords], truth[keywords])}


def run(board: str, out: Path, quick: bool) -> Outcome:
    """Train, port, and let the board listen to voices that it has not heard."""
    voices = VOICES[::3] if quick else VOICES
    unheard = [voice for voice in voices if voice in HELD_OUT]
    words = spoken(voices, out / f"spoken_{len(voices)}.npz")
    train, y_train = recordings(words, [voice for voice in voices if voice not in unheard], 3, seed=1)
    test, y_test = recordings(words, unheard, 1, seed=2)

    mfcc = new_mfcc().fit(train)
    network = new_network().fit(mfcc.transform(train), y_train)
    of_floats = new_network().fit(mfcc.reference(train), y_train)
    chain = make_pipeline(mfcc, *network)
    program = mm.transpile(
        chain,
        name="keywords",
        dtype="int8",
        calibration=train[evenly(len(train), _CALIBRATION)],
        min_agreement=_AGREEMENT,
        target=board,
    )

    folder = prepare(HERE, [program], out)
    said, asked = program.predict(test), evenly(len(test), 40 if quick else None)
    answers = replay(folder, board, test[asked])

    cost, notes = costs(program, board, test[:3], SAMPLE_RATE)
    frame_ms = cost.time_ms * cost.push_max / cost.cycles_mean
    notes["a frame's last sample"] = f"at most {cost.push_max:.0f} {cost.unit}, {frame_ms:.3g} ms"
    with plots.figure(out / "keywords.png", 4.5, 4.2) as axes:
        plots.confusion(axes, y_test, said, [*KEYWORDS, "other"])
        axes.set_title("words in voices never heard")
    return Outcome(
        title=f"{len(test)} words in {len(unheard)} voices that the network has not heard",
        answers=answers,
        expected=said[asked],
        agreement=share(said, chain.predict(test)),
        floats=measures(of_floats.predict(mfcc.reference(test)), y_test),
        integers=measures(said, y_test),
        model=cost,
        plot=out / "keywords.png",
        notes=notes,
    )
