"""Windows of int16 samples that try an extractor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def tone(n: int, cycles: float, amplitude: float, noise: float = 0.0) -> NDArray[np.int16]:
    rng = np.random.default_rng(n)
    wave = amplitude * np.sin(2 * np.pi * cycles * np.arange(n) / n + 0.7) + rng.normal(0, noise, n)
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def every_kind(n: int) -> dict[str, NDArray[np.int16]]:
    """One window of n samples of each kind of signal, by its name."""
    rng = np.random.default_rng(0)
    t = np.arange(n)
    voiced = np.sum([tone(n, 3.1 * k, 9000 / k).astype(float) for k in range(1, 12)], axis=0)
    return {
        "white": np.rint(rng.normal(0, 8000, n)).clip(-32768, 32767).astype(np.int16),
        "random": rng.integers(-32768, 32768, n).astype(np.int16),
        "tonal": tone(n, 0.123 * n, 30000, 30),
        "voiced": np.clip(voiced, -32768, 32767).astype(np.int16),
        "quiet": tone(n, 0.123 * n, 328, 33),
        "faint": rng.integers(-1, 2, n).astype(np.int16),
        "silent": np.zeros(n, np.int16),
        "clipped": tone(n, 0.05 * n, 90000),
        "square": np.where(t * 10 // n % 2, 32767, -32768).astype(np.int16),
        "alternating": np.where(t % 2, 32767, -32768).astype(np.int16),
        "lowest": np.full(n, -32768, np.int16),
        "impulse": np.where(t == n // 3, -32768, 0).astype(np.int16),
    }


def stacked(n: int) -> NDArray[np.int16]:
    """`every_kind` as rows."""
    return np.stack(list(every_kind(n).values()))


def for_moments(n: int) -> NDArray[np.int16]:
    """Kinds of signals, and what moments find hard: single peaks, two values, extremes, heavy tails."""
    t, rng = np.arange(n), np.random.default_rng(0)
    hard = [
        np.full(n, -32768),
        np.full(n, 32767),
        np.where(t % 2, 32767, -32768),
        np.where(t < n // 2, 32767, -32768),
        np.where(t == n // 3, 32767, 0),
        np.where(t == n // 3, -32768, 32767),
        np.where(t == n // 3, 1001, 1000),
        12000 + np.rint(30 * np.sin(0.3 * t)),
        rng.integers(32766, 32768, n),
        np.clip(100 * rng.standard_cauchy(n), -32768, 32767),
        np.clip(9000 * rng.standard_normal(n), -32768, 32767),
    ]
    return np.concatenate([stacked(n), np.stack(hard).astype(np.int16)])


def for_spectra(n: int) -> NDArray[np.int16]:
    """Every kind, faint ones beside a constant, and tones in a little noise."""
    rng = np.random.default_rng(0)
    faint = rng.integers(-3, 4, (5, n))
    tones = [tone(n, n * f, a, 1) for f in (0.01, 0.11, 0.3) for a in (100, 30000)]
    return np.concatenate([stacked(n), faint, faint * 10 + 12000, np.stack(tones)]).astype(np.int16)
