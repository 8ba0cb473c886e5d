"""Removal of what is constant: gravity, the offset of a converter or of a microphone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.features._biquads import cascade
from micromlgen.features._filter import Filter
from micromlgen.features._resampling import Resampling
from micromlgen.features.iir import Recursion
from micromlgen.ir import Layout

Array = NDArray[Any]
_METHODS = ("mean", "blocker")
_MOST_FRAMES = 65535
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2: bytes of code and cycles of a sample.
_CODE, _CYCLES = (270, 130, 100, 110), (28.0, 13.0, 9.0, 11.0)


@dataclass(frozen=True, eq=False)
class Centering(Resampling):
    """Windows less their means, which are rounded to nearest, halves up; of each channel."""

    @property
    def n_frames(self) -> int:
        """Samples of a channel."""
        return self.input.n_features // self.n_channels

    def predict(self, Q: Array) -> Array:
        channels = np.asarray(Q, np.int64).reshape(len(Q), self.n_frames, self.n_channels)
        mean = (channels.sum(axis=1, keepdims=True) + self.n_frames // 2) // self.n_frames
        centered = np.clip(channels - mean, -32768, 32767)
        return np.asarray(centered.reshape(len(Q), -1), np.int16)

    def layouts(self) -> Sequence[Layout]:
        cycles = {c: self.input.n_features * _CYCLES[k] for k, c in enumerate(_CORES)}
        flash = {c: float(_CODE[k]) for k, c in enumerate(_CORES)}
        return [Layout("two passes", flash, cycles, dict)]

    def contract(self) -> Sequence[str]:
        return ["within half a step of the window less its mean, saturated to int16"]


class DCRemoval(Filter):
    """Removal of the direct current component of int16 samples.

    Parameters
    ----------
    method : {"mean", "blocker"}
        "mean": each window less its mean, exact but for its rounding. It knows a window alone, so that in a
        stream it is computed of each. "blocker": the DC blocker ``y[n] = x[n] - x[n-1] + pole * y[n-1]``, an
        `IIRFilter` of one pole, which runs on in a stream.
    pole : float
        Of the blocker: from 0 to just below 1. The corner lies at ``(1 - pole) * sample_rate / (2 * pi)``.
    n_channels : int
        Channels, interleaved.

    Notes
    -----
    `reference` is ``X - X.mean()`` of each channel, or ``scipy.signal.lfilter([1, -1], [1, -pole], X)``.
    """

    def __init__(self, method: str = "mean", *, pole: float = 0.995, n_channels: int = 1) -> None:
        self.method = method
        self.pole = pole
        self.n_channels = n_channels

    def extraction(self, n_samples: int | None = None) -> Extraction:
        if self.method not in _METHODS:
            raise UnsupportedError(f"DCRemoval: method={self.method!r}; use one of {', '.join(_METHODS)}")
        sections = cascade(self._sos()) if self.method == "blocker" else None
        channels, inputs = self._channels(), self._input(n_samples)
        span = np.zeros((inputs.n_features, 2))
        if sections is not None:
            return Recursion("DCRemoval", inputs, span, channels, sections)
        if inputs.n_features // channels > _MOST_FRAMES:
            raise UnsupportedError(
                f"DCRemoval: {inputs.n_features // channels} samples a channel; at most {_MOST_FRAMES} fit: "
                "use method='blocker'"
            )
        return Centering("DCRemoval", inputs, span, channels)

    def _sos(self) -> NDArray[np.float64]:
        pole = self.pole
        if isinstance(pole, bool) or not isinstance(pole, int | float | np.number) or not 0 <= pole < 1:
            raise UnsupportedError(f"DCRemoval: pole={pole!r}; a number from 0 to just below 1 is needed")
        return np.array([[1.0, -1.0, 0.0, 1.0, -float(pole), 0.0]])

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        channels = samples.reshape(len(samples), -1, self.n_channels)
        if self.method == "mean":
            out = channels - channels.mean(axis=1, keepdims=True)
        else:
            out = sosfilt(self._sos(), channels, axis=1)
        return np.asarray(out).reshape(samples.shape)


@converts("micromlgen.features.DCRemoval")
def dc_removal(estimator: DCRemoval) -> Extraction:
    """Convert the parameters."""
    return estimator.extraction()
