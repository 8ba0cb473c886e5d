"""Coefficients less their means over frames, with their changes: the twin of dsp/over_frames.h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft16 import rounded
from micromlgen.features._root import bit_length, root

Array = NDArray[Any]
Floats = NDArray[np.float64]
#: Bits of coefficients, without the sign.
BITS = 20
#: Least deviation by which coefficients are divided, in steps: what varies less is little but rounding.
LEAST = 64


@dataclass(frozen=True)
class OverFrames:
    """What is done with the coefficients of a window's frames.

    Parameters
    ----------
    n_frames : int
    normalize : {None, "mean", "variance"}
        Over the frames: their mean is taken off; "variance": and they are divided by their deviation, of at
        least `LEAST` steps of the coefficient.
    delta : {0, 1, 2}
        Orders of differences that follow the coefficients of each frame.
    width : int
        Frames before and behind that a difference is from.
    """

    n_frames: int
    normalize: str | None
    delta: int
    width: int

    @property
    def fraction(self) -> int:
        """Bits behind the point of what was divided by its deviation, which is sqrt(n_frames) at most."""
        return min(12, int(np.floor(np.log2(32767 / np.sqrt(self.n_frames)))))

    @property
    def shift(self) -> int:
        """By how much differences are shifted down: width * (width + 1) times the largest number."""
        return int(np.ceil(np.log2(self.width * (self.width + 1))))

    def units(self, unit: Floats) -> Floats:
        """Steps of the coefficients of a frame and of their differences, from those that come in."""
        if self.normalize == "variance":
            unit = np.full(len(unit), 2.0**-self.fraction)
        steps = 2.0**self.shift / (2 * sum(n * n for n in range(1, self.width + 1)))
        return np.concatenate([unit * steps**order for order in range(self.delta + 1)])

    def integers(self, y: Array) -> Array:
        """Of coefficients within ±2**BITS: (n, n_frames, m) to (n, n_frames, m * (1 + delta))."""
        if self.normalize is not None:
            y = self._normalized(y)
        out = [y]
        for _ in range(self.delta):
            out.append(rounded(self._differences(out[-1]), self.shift))
        return np.concatenate(out, axis=2)

    def reference(self, y: Floats, unit: Floats) -> Floats:
        """The same in float64, of coefficients with these units."""
        if self.normalize is not None:
            y = y - y.mean(axis=1, keepdims=True)
        if self.normalize == "variance":
            y = y / np.maximum(np.sqrt((y**2).mean(axis=1, keepdims=True)), LEAST * unit)
        out = [y]
        for _ in range(self.delta):
            out.append(self._differences(out[-1]) / (2 * sum(n * n for n in range(1, self.width + 1))))
        return np.concatenate(out, axis=2)

    def _differences(self, y: Array) -> Array:
        """Sum of ``n * (y[t + n] - y[t - n])``, the first and the last frame standing for those beyond."""
        t = np.arange(self.n_frames)
        return np.asarray(
            sum(
                n * (y[:, np.minimum(t + n, self.n_frames - 1)] - y[:, np.maximum(t - n, 0)])
                for n in range(1, self.width + 1)
            )
        )

    def _normalized(self, y: Array) -> Array:
        n = self.n_frames
        mean = (2 * (y + 2**BITS).sum(axis=1, keepdims=True) + n // 2) // n - 2 * 2**BITS  # twice of it
        off = 2 * y - mean
        if self.normalize == "mean":
            return rounded(off, 1)
        squares = np.maximum((off * off).sum(axis=1, keepdims=True), 4 * n * LEAST**2)
        down = np.maximum(bit_length(squares) - 31, 0) // 2
        variance = (squares >> 2 * down) // n
        up = (32 - bit_length(variance)) // 2
        deviation = root(variance << 2 * up)
        scaled = np.abs(off) << (self.fraction + up - down)
        return np.asarray(np.sign(off) * (scaled // deviation))
