"""Vibration of a geared motor as an ADXL345 on its bearing housing reads it: synthetic, by a stated recipe.

The terms are textbook ones. Shaft and gears: R. B. Randall, *Vibration-based Condition Monitoring* (Wiley,
2011): imbalance shows at the shaft's frequency and grows with its square, misalignment at twice and three
times that frequency, gears at the number of teeth times it, modulated by the shaft. Bearing: P. D. McFadden
and J. D. Smith, *Model for the vibration produced by a single point defect in a rolling element bearing*,
Journal of Sound and Vibration 96 (1984), and R. B. Randall and J. Antoni, *Rolling element bearing
diagnostics - a tutorial*, Mechanical Systems and Signal Processing 25 (2011): each ball that rolls over the
defect excites a resonance, at distances that slip varies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import decimate, lfilter

Array = NDArray[np.float64]

SAMPLE_RATE = 1600
"""Hz."""
STEPS = 256.0
"""Of a g, at the sensor's full resolution."""
LEVELS = ("slight", "clear", "severe")
#: g at 25 turns a second: of the fault's first component, at each level.
FAULTS = {
    "imbalance": (0.06, 0.12, 0.24),
    "misalignment": (0.04, 0.08, 0.16),
    "outer race": (0.12, 0.24, 0.48),
}

#: The vibration is computed at a multiple of the sample rate, and filtered before it is sampled.
_FINER = 4
_TEETH = 13
#: Balls that pass a point of the outer race in a turn: a 6205 with 9 balls.
_BALLS_PASSING = 3.585
#: Hz, and the share of critical damping, of the housing.
_RESONANCE, _DAMPING = 640.0, 0.04
#: g: turbulence and friction of the machine, at 25 turns a second; the sensor's noise.
_BROADBAND, _SENSOR = 0.03, 0.015


@dataclass(frozen=True)
class Condition:
    """How a machine runs while it is recorded.

    Parameters
    ----------
    speed : float
        Turns a second.
    load : float
        Of the nominal torque.
    fault : str, optional
        One of `FAULTS`.
    level : int
        Index of `LEVELS`.
    """

    speed: float
    load: float = 1.0
    fault: str | None = None
    level: int = 0


def record(condition: Condition, n_samples: int, seed: int) -> Array:
    """Acceleration along the sensor's upright axis, in its steps, not yet rounded.

    Returns
    -------
    float64 array of shape (n_samples,)
    """
    rng = np.random.default_rng(seed)
    n = n_samples * _FINER
    angle = _angle(condition.speed, n, rng)
    phase = rng.uniform(0, 2 * np.pi, 8)
    spread = rng.lognormal(0, 0.1, 8)  # from one recording to the next, as nothing stays quite the same
    square = (condition.speed / 25) ** 2
    g = 0.06 * square * spread[0] * np.cos(angle + phase[0])
    g += 0.02 * spread[1] * np.cos(2 * angle + phase[1])
    g += 0.01 * spread[2] * np.cos(3 * angle + phase[2])
    mesh = np.cos(_TEETH * angle + phase[3]) + 0.25 * np.cos(2 * _TEETH * angle + phase[4])
    g += 0.08 * condition.load * spread[3] * (1 + 0.15 * np.cos(angle + phase[5])) * mesh
    g += _BROADBAND * spread[4] * condition.speed / 25 * np.sqrt(_FINER) * rng.normal(size=n)
    if condition.fault is not None:
        size = FAULTS[condition.fault][condition.level]
        g += size * _FAULTY[condition.fault](angle, condition.speed, rng)
    sampled = decimate(g, _FINER, ftype="fir") + 1 + _SENSOR * rng.normal(size=n_samples)
    return np.asarray(STEPS * sampled)


def _angle(speed: float, n: int, rng: np.random.Generator) -> Array:
    """Of the shaft, radians: its speed wanders by 0.5 %, within half a second (an autoregressive process)."""
    rate = SAMPLE_RATE * _FINER
    keep = np.exp(-1 / (0.5 * rate))
    wander = lfilter([0.005 * np.sqrt(1 - keep**2)], [1, -keep], rng.normal(size=n))
    return np.asarray(np.cumsum(2 * np.pi * speed / rate * (1 + wander)) + rng.uniform(0, 2 * np.pi))


def _imbalance(angle: Array, speed: float, rng: np.random.Generator) -> Array:
    """Centrifugal: with the square of the speed."""
    return np.asarray((speed / 25) ** 2 * np.cos(angle + rng.uniform(0, 2 * np.pi)))


def _misalignment(angle: Array, speed: float, rng: np.random.Generator) -> Array:
    """Twice in a turn, and half as much three times."""
    twice, thrice = rng.uniform(0, 2 * np.pi, 2)
    return np.asarray(np.cos(2 * angle + twice) + 0.5 * np.cos(3 * angle + thrice))


def _outer_race(angle: Array, speed: float, rng: np.random.Generator) -> Array:
    """Ring of the housing at each ball, modulated by the shaft; balls slip by 1 % of their distance."""
    rate = SAMPLE_RATE * _FINER
    turns = (angle - angle[0]) / (2 * np.pi)
    distances = 1 + 0.01 * rng.normal(size=int(turns[-1] * _BALLS_PASSING * 1.1) + 8)
    hits = np.searchsorted(turns, np.cumsum(distances) / _BALLS_PASSING)
    hits = hits[hits < len(angle)]
    pulses = np.zeros(len(angle))
    pulses[hits] = (1 + 0.3 * np.cos(angle[hits])) * rng.lognormal(0, 0.2, len(hits))
    t = np.arange(rate // 20) / rate
    ring = np.exp(-2 * np.pi * _DAMPING * _RESONANCE * t) * np.sin(2 * np.pi * _RESONANCE * t)
    return np.asarray(np.convolve(pulses, ring)[: len(angle)])


_FAULTY = {"imbalance": _imbalance, "misalignment": _misalignment, "outer race": _outer_race}
