"""Samples that arrive one after another: which windows they make, and what filters do to them before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.samples import check_integers

Array = NDArray[Any]


class OfRows(Protocol):
    """What answers to rows."""

    def predict(self, Q: Array) -> Array:
        """Of rows, one after another."""
        ...


class Running(OfRows, Protocol):
    """A filter, which runs on from window to window."""

    @property
    def decimation(self) -> int:
        """Frames that it takes for each that it gives."""
        ...


Windowed = TypeVar("Windowed", bound=OfRows)


@dataclass(frozen=True)
class Framing:
    """Windows that are kept as what is computed of each of their frames as soon as it is there.

    A frame here is what a spectrum is of. Windows that overlap share frames, which are computed once; what is
    kept of frames takes fewer bytes than their samples.

    Parameters
    ----------
    length, hop : int
        Samples of a frame, and from one to the next.
    count : int
        Frames of a window.
    kept : int
        Numbers that are kept of each, int16, of all channels.
    window_hop : int
        Samples from a window to the next.
    looks_back : bool
        Whether the sample before a frame counts, unless the frame is the first of a window.
    n_channels : int
        Of each of which a frame has its samples, interleaved.
    carried : int
        Numbers that go from a frame to the next, uint32, of all channels.
    rest : int
        Samples of a window behind its last frame, which are waited for.
    with_samples : bool
        Whether the samples of windows are kept too, since not all that is computed is of frames.
    """

    length: int
    hop: int
    count: int
    kept: int
    window_hop: int
    looks_back: bool
    n_channels: int = 1
    carried: int = 0
    rest: int = 0
    with_samples: bool = False
    #: Suffixes of the members, one inside another, that compute frames.
    inside: tuple[str, ...] = ()

    @property
    def shared(self) -> bool:
        """Whether a window begins at a frame of the one before, or between two."""
        return self.window_hop <= (self.count - 1) * self.hop

    @property
    def possible(self) -> bool:
        """Whether frames are those of the next window too where windows share samples of them."""
        return not self.shared or self.window_hop % self.hop == 0

    @property
    def distinct(self) -> Framing:
        """The same, where frames are waited for with the rest if the next one might be there before it is."""
        if self.rest < self.last_hop:
            return self
        return replace(self, length=self.length + self.rest, rest=0)

    @property
    def ready(self) -> int:
        """Samples of the next frame that are there at the end of a window; below 0 before it."""
        return self.length - self.last_hop + self.rest

    @property
    def passed(self) -> int:
        """Frames of a window that the next one has not."""
        return self.window_hop // self.hop if self.shared else self.count

    @property
    def firsts(self) -> int:
        """Frames of a window at which others begin, if they have other numbers there."""
        return (self.count - 1) // self.passed if self.looks_back else 0

    @property
    def last_hop(self) -> int:
        """Samples from the last frame of a window to the next frame."""
        return self.hop if self.shared else self.window_hop - (self.count - 1) * self.hop

    @property
    def taken(self) -> int:
        """Samples of a frame that are kept: `length` of each channel, and the one before where it counts."""
        return (self.length + int(self.looks_back)) * self.n_channels

    @property
    def n_bytes(self) -> int:
        """Of all that is kept, but for windows of samples."""
        return 2 * (self.taken + self.kept * (self.count + self.firsts)) + 4 * self.carried + 4

    @property
    def pays(self) -> bool:
        """Whether it saves cycles, of frames that windows share, or else bytes."""
        samples = (self.length + self.rest + (self.count - 1) * self.hop) * self.n_channels
        return self.shared or (self.n_bytes < 2 * samples and not self.with_samples)


@dataclass(frozen=True, eq=False)
class Stream(Generic[Windowed]):
    """How a model takes samples as they come.

    Filters run on from the first sample to the last, whatever the windows. What they give is cut into windows
    of `length` frames, `hop` frames after one another, each of which the model `windowed` takes. A frame is a
    sample of each channel.
    """

    filters: tuple[Running, ...]
    windowed: Windowed
    length: int
    hop: int
    n_channels: int
    #: Where the C keeps frames of windows rather than samples.
    framing: Framing | None = None

    @property
    def window_size(self) -> int:
        """Samples of a window, of all channels."""
        return self.length * self.n_channels

    def within(self, suffix: str) -> Framing | None:
        """The framing, of a model that has the one whose framing it is as a member."""
        framing = self.framing
        return None if framing is None else replace(framing, inside=(suffix, *framing.inside))

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
        return np.asarray(self.answers(recording, lambda model, windows: model.predict(windows)))

    def answers(self, recording: Any, method: Callable[[Windowed, Array], Any]) -> Any:
        """What a method gives of the model and its windows, an array or a list of arrays."""
        windows = self.windows(recording)
        # Models take at least one row.
        some = windows if len(windows) else np.zeros((1, self.window_size), np.int16)
        given = method(self.windowed, some)
        return [y[: len(windows)] for y in given] if isinstance(given, list) else given[: len(windows)]


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
