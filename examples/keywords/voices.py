"""Spoken words by a stated recipe: espeak-ng's voices, in noise."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from examples.common.data import to_int16

SAMPLE_RATE = 16_000
SAMPLES = 12_800
"""Of a recording: 0.8 seconds."""
KEYWORDS = ("yes", "no", "left", "right", "stop", "go")
#: Words that are not to be taken for a keyword.
OTHERS = ("up", "down", "on", "off", "seven", "house", "tree", "cat")
ACCENTS = ("en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan")
#: Variants of the voice: what forms the sound.
VOICES = (
    "Alex Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael "
    "Mike Nguyen Storm Tweaky adam anika antonio aunty belinda benjamin boris caleb david ed edward "
    "edward2 f1 f2 f3 f4 f5 grandma grandpa gustave iven iven2 john linda m1 m2 m3 m4 m5 m6 m7 m8 "
    "marcelo max michel miguel norbert pablo paul pedro quincy rob robert sandro shelby steph steph2 "
    "travis victor zac"
).split()
HELD_OUT = VOICES[::4]
"""Voices that the model has not heard."""


def spoken(voices: Sequence[str], file: Path) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Every word in these voices, float64 at `SAMPLE_RATE` with a peak of 1, from `file` if it is there.

    Raises
    ------
    SystemExit
        If espeak-ng is missing.
    """
    pairs = [(voice, word) for voice in voices for word in (*KEYWORDS, *OTHERS)]
    if not file.exists():
        rng = np.random.default_rng(0)
        manners = [(str(rng.choice(ACCENTS)), *rng.integers([120, 25], [190, 75])) for _ in pairs]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            waves = list(pool.map(_say, pairs, manners))
        np.savez(file, *waves)
    with np.load(file) as kept:
        return {pair: kept[f"arr_{i}"].astype(np.float64) for i, pair in enumerate(pairs)}


def _say(pair: tuple[str, str], manner: tuple[str, int, int]) -> NDArray[np.float32]:
    """A word in a voice; the manner is an accent, words a minute, and a pitch from 0 to 99."""
    voice, word = pair
    accent, speed, pitch = manner
    command = ["espeak-ng", "-v", f"{accent}+{voice}", "-s", str(speed), "-p", str(pitch), "--stdout", word]
    try:
        sound = subprocess.run(command, check=True, capture_output=True).stdout
    except FileNotFoundError:
        raise SystemExit("espeak-ng not found: apt-get install espeak-ng") from None
    # Of a stream the header, 44 bytes, does not tell the length.
    samples, rate = np.frombuffer(sound, "<i2", offset=44), int.from_bytes(sound[24:28], "little")
    wave = resample_poly(samples.astype(np.float64), SAMPLE_RATE, rate)
    loud = np.flatnonzero(np.abs(wave) > 0.02 * np.abs(wave).max())
    wave = wave[loud[0] : loud[-1] + 1]
    return np.asarray(wave / np.abs(wave).max(), np.float32)


def recordings(
    words: dict[tuple[str, str], NDArray[np.float64]], voices: Sequence[str], copies: int, seed: int
) -> tuple[NDArray[np.int16], NDArray[np.str_]]:
    """Words of these voices as the sketch hears them, each so many times.

    Returns
    -------
    int16 array of shape (n, SAMPLES); their classes: a keyword, or "other"
    """
    rng = np.random.default_rng(seed)
    said = [(word, wave) for (voice, word), wave in words.items() if voice in voices for _ in range(copies)]
    classes = [word if word in KEYWORDS else "other" for word, _ in said]
    return to_int16([_heard(wave, rng) for _, wave in said]), np.array(classes)


def _heard(wave: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A word that begins after 50 to 150 ms, 3 to 26 dB below the full scale, in noise 10 to 40 dB below it.

    The spectrum of the noise is that of white noise, of pink noise, or between them.
    """
    lines = rng.normal(size=SAMPLES // 2 + 1) + 1j * rng.normal(size=SAMPLES // 2 + 1)
    falling = np.maximum(np.arange(len(lines)), 16.0) ** -rng.uniform(0, 0.5)
    noise = np.fft.irfft(lines * falling, SAMPLES)
    heard = noise / noise.std() * 10 ** (-rng.uniform(10, 40) / 20) / 3  # a peak is three standard deviations
    start = SAMPLE_RATE // 20 + rng.integers(SAMPLE_RATE // 10)
    word = wave[: SAMPLES - start]
    heard[start : start + len(word)] += word
    return np.asarray(heard * 32767 * 10 ** (-rng.uniform(3, 26) / 20))
