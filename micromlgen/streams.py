"""Samples that arrive one after another: which windows they make, and what filters do to them before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.samples import check_integers

if TYPE_CHECKING:
    from micromlgen.features._filtering import Filtering
    from micromlgen.ir import Model

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Stream:
    """How a model takes samples as they come.

    Filters run on from the first sample to the last, whatever the windows. What they give is cut into windows
    of `length` frames, `hop` frames after one another, each of which the model `windowed` takes. A frame is a
    sample of each channel.
    """

    filters: tuple[Filtering, ...]
    windowed: Model
    length: int
    hop: int
    n_channels: int

    @property
    def window_size(self) -> int:
        """Samples of a window, of all channels."""
        return self.length * self.n_channels

    @property
    def kept(self) -> int:
        """Samples of a window that the next one has too."""
        return (self.length - self.hop) * self.n_channels

    @property
    def decimation(self) -> int:
        """Frames taken for each that goes into windows."""
        return int(np.prod([f.decimation for f in self.filters], dtype=int))

    def windows(self, recording: Any) -> NDArray[np.int16]:
        """The windows that `windowed` is given, shape (n_windows, window_size).

        Parameters
        ----------
        recording : int16 array of shape (n_frames,) or (n_frames, n_channels)

        Raises
        ------
        UnsupportedError
            If it is no such array.
        """
        row: Array = as_frames(recording, self.n_channels, "recording").reshape(1, -1)
        for each in self.filters:
            row = each.predict(row)
        return cut(row.reshape(-1, self.n_channels), self.length, self.hop)

    def predict(self, recording: Any) -> Array:
        """What the C gives of each window."""
        windows = self.windows(recording)
        # Models take at least one row.
        some = windows if len(windows) else np.zeros((1, self.window_size), np.int16)
        return self.windowed.predict(some)[: len(windows)]


def as_frames(recording: Any, n_channels: int, what: str) -> NDArray[np.int16]:
    """A recording as int16 of shape (n_frames, n_channels).

    Raises
    ------
    UnsupportedError
        With `what` named, if it is of another shape or type, or a value does not fit.
    """
    samples = check_integers(recording, what)
    wide = samples[:, None] if samples.ndim == 1 and n_channels == 1 else samples
    if wide.ndim != 2 or wide.shape[1] != n_channels or not len(wide):
        needed = f"(n_samples, {n_channels})" if n_channels > 1 else "(n_samples,)"
        raise UnsupportedError(f"{what} has shape {samples.shape}; {needed} is needed")
    return wide


def cut(frames: Array, length: int, hop: int) -> Array:
    """Frames, shape (n_frames, n_channels), as windows: shape (n_windows, length * n_channels)."""
    n = max(0, 1 + (len(frames) - length) // hop)
    at = hop * np.arange(n)[:, None] + np.arange(length)
    return frames[at].reshape(n, length * frames.shape[1])
