"""Triangular filters on the mel scale, in float64 and as one Q15 weight of each bin.

Neighbouring triangles share an edge: where one falls from 1 to 0 the next rises from 0 to 1, and the two add
up to 1. So a bin needs the rising weight alone. A filter's factor (its norm) is left to the logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scale = Literal["htk", "slaney"]
# Slaney's scale is linear below 1 kHz, and logarithmic above.
_LINEAR = 200.0 / 3
_KNEE = 1000.0
_LOG_STEP = np.log(6.4) / 27


def to_mel(hertz: Floats, scale: Scale) -> Floats:
    """Mel of frequencies: O'Shaughnessy's formula as HTK has it, or that of Slaney's Auditory Toolbox."""
    if scale == "htk":
        return np.asarray(2595 * np.log10(1 + hertz / 700))
    above = _KNEE / _LINEAR + np.log(np.maximum(hertz, _KNEE) / _KNEE) / _LOG_STEP
    return np.where(hertz < _KNEE, hertz / _LINEAR, above)


def to_hertz(mel: Floats, scale: Scale) -> Floats:
    """Inverse of `to_mel`."""
    if scale == "htk":
        return np.asarray(700 * (10 ** (mel / 2595) - 1))
    above = _KNEE * np.exp(_LOG_STEP * (mel - _KNEE / _LINEAR))
    return np.where(mel * _LINEAR < _KNEE, mel * _LINEAR, above)


@dataclass(frozen=True, eq=False)
class Filterbank:
    """Triangles whose corners are equally far apart in mel.

    Parameters
    ----------
    sample_rate : float
    n_fft, n_mels : int
    fmin, fmax : float
        Hz.
    scale : {"htk", "slaney"}
    norm : {None, "slaney"}
        "slaney": each has an area of 1 Hz.
    edges : {"hertz", "bins", "mels"}
        Corners where they are, or rounded down to bins, ``floor((n_fft + 1) * f / sample_rate)``, as
        python_speech_features does. "mels": triangles that are straight in mel rather than in Hz, as
        tf.signal.linear_to_mel_weight_matrix has them.
    """

    sample_rate: float
    n_fft: int
    n_mels: int
    fmin: float
    fmax: float
    scale: Scale
    norm: str | None
    edges: str

    @cached_property
    def corners(self) -> Floats:
        """In Hz, in bins or in mel: shape (n_mels + 2,)."""
        limits = to_mel(np.array([self.fmin, self.fmax]), self.scale)
        mels = np.linspace(limits[0], limits[1], self.n_mels + 2)
        if self.edges == "mels":
            return mels
        hertz = to_hertz(mels, self.scale)
        return np.floor((self.n_fft + 1) * hertz / self.sample_rate) if self.edges == "bins" else hertz

    @cached_property
    def _positions(self) -> Floats:
        """Of the bins, in the unit of the corners."""
        apart = 1.0 if self.edges == "bins" else self.sample_rate / self.n_fft
        places = np.asarray(np.arange(self.n_fft // 2 + 1) * apart, np.float64)
        return to_mel(places, self.scale) if self.edges == "mels" else places

    @cached_property
    def segment(self) -> NDArray[np.int64]:
        """Number of the corner at or below each bin, shape (n_bins,); -1 and n_mels + 1 outside."""
        return np.searchsorted(self.corners, self._positions, side="right") - 1

    @cached_property
    def rising(self) -> Floats:
        """How far each bin is from the corner below to the one above, shape (n_bins,); 0 outside."""
        inside = (self.segment >= 0) & (self.segment <= self.n_mels)
        low = self.corners[np.clip(self.segment, 0, self.n_mels)]
        high = self.corners[np.clip(self.segment + 1, 1, self.n_mels + 1)]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (self._positions - low) / (high - low)
        return np.where(inside, share, 0.0)

    @property
    def factors(self) -> Floats:
        """What each triangle of height 1 is multiplied by, shape (n_mels,); 1 where it has no width."""
        wide = self.corners[2:] - self.corners[:-2]
        if self.norm is None:
            return np.ones(self.n_mels)
        return np.where(wide > 0, 2 / np.where(wide > 0, wide, 1), 1.0)

    @property
    def first(self) -> int:
        """First bin inside."""
        return int(np.flatnonzero(self.segment >= 0)[0])

    @property
    def counts(self) -> NDArray[np.int64]:
        """Bins between a corner and the next, shape (n_mels + 1,)."""
        return np.bincount(
            self.segment[(self.segment >= 0) & (self.segment <= self.n_mels)], minlength=self.n_mels + 1
        )

    @property
    def weights(self) -> NDArray[np.int16]:
        """`rising` of the bins inside in Q15, at most 32767, shape (sum(counts),)."""
        inside = self.rising[self.first : self.first + int(self.counts.sum())]
        return np.asarray(np.minimum(np.rint(inside * 2.0**15), 32767), np.int16)

    def matrix(self) -> Floats:
        """Weights of the bins in each filter, shape (n_mels, n_bins)."""
        out = np.zeros((self.n_mels + 2, len(self.segment)))
        bins = np.flatnonzero((self.segment >= 0) & (self.segment <= self.n_mels))
        at = self.segment[bins]
        out[at, bins] = self.rising[bins]  # of the filter whose first corner it is
        out[at - 1, bins] += 1 - self.rising[bins]  # the last row takes what falls before the first filter
        return out[: self.n_mels] * self.factors[:, None]
