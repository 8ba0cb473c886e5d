"""Frames that are like speech: harmonics under a formant, with some breath."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def voiced(n_windows: int, n: int, decibels: float, sample_rate: float = 16000) -> NDArray[np.int16]:
    """Windows of n samples whose peak is this many dB of the full scale."""
    rng = np.random.default_rng(n)
    t = np.arange(n) / sample_rate
    out = []
    for pitch in rng.uniform(90, 250, n_windows):
        partials = pitch * np.arange(1, 30)
        strength = 1 / (1 + ((partials - 600) / 300) ** 2 + 0.02 * np.arange(1, 30))
        wave = strength @ np.sin(2 * np.pi * partials[:, None] * t + rng.uniform(0, 6, (29, 1)))
        wave += rng.normal(0, 0.01, n)
        out.append(wave / np.abs(wave).max() * 32767 * 10 ** (decibels / 20))
    return np.rint(out).astype(np.int16)
