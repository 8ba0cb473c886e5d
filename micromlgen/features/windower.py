"""Windows: which samples of a row, or of a stream, features are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._filter import Filter
from micromlgen.features._resampling import Resampling
from micromlgen.inputs import Input
from micromlgen.ir import Layout, Model
from micromlgen.streams import Stream, as_frames, cut

Array = NDArray[Any]
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
_MOST = 65535


@dataclass(frozen=True, eq=False)
class Windowing(Resampling):
    """The last samples of a row; of a stream, windows `hop` frames after one another."""

    hop: int

    @property
    def start(self) -> int:
        """Samples of a row that come before."""
        return self.input.n_features - self.n_outputs

    def predict(self, Q: Array) -> Array:
        return np.asarray(Q, np.int16)[:, -self.n_outputs :]

    def streamed(self) -> Stream[Model]:
        length = self.n_outputs // self.n_channels
        return Stream((), framed(self.n_channels, length), length, self.hop, self.n_channels)

    def layouts(self) -> Sequence[Layout]:
        moved = dict.fromkeys(_CORES, 2.0 * self.n_outputs)
        return [Layout("copied", dict.fromkeys(_CORES, 30.0), moved, dict)]

    def contract(self) -> Sequence[str]:
        return [f"samples {self.start} to {self.input.n_features - 1} as they are"]


def framed(n_channels: int, length: int = 1) -> Windowing:
    """Windows of so many frames, as they are."""
    n = n_channels * length
    return Windowing(
        source="Windower",
        input=Input(n, "int16", exponents=np.zeros(n, np.int32), samples=True),
        span=np.zeros((n, 2)),
        n_channels=n_channels,
        hop=length,
    )


class Windower(Filter):
    """Windows of samples, as features are computed of them.

    Parameters
    ----------
    length : int
        Frames of a window; a frame is a sample of each channel.
    hop : int, optional
        Frames from the start of a window to that of the next: by default `length`, so that none overlap.
    n_channels : int
        Channels, interleaved.

    Notes
    -----
    scikit-learn's transformers give as many rows as they take, since y has as many. So each row is a window
    already: `split` makes rows, and labels for them, of a recording, before there is a Pipeline. In a
    Pipeline a Windower checks them, and gives the last `length` frames of each: where a filter stands before
    it, rows may be longer, so that it has settled when the window begins (``split(..., lead=...)``).

    `hop` tells what happens on the board, in a stream: filters before the Windower run on from sample to
    sample, every `hop` frames a window is complete, and what is behind the Windower is computed of it.
    ``transpile(pipeline).stream(recording)`` gives the same in Python, bit for bit. A row differs from it by
    what filters before the Windower do not know of the time before: nothing, of an FIR filter, where
    ``lead`` is as long as its taps less one.

    `length` and `hop` are in frames as they come to the Windower. Behind an FIR filter that decimates by 4,
    windows of 64 are made of rows of 256: ``Windower(256, hop=4 * hop).split(recording)``.

    `reference` is the same samples.
    """

    def __init__(self, length: int, hop: int | None = None, *, n_channels: int = 1) -> None:
        self.length = length
        self.hop = hop
        self.n_channels = n_channels

    def extraction(self, n_samples: int | None = None) -> Windowing:
        length, hop, channels = self._sizes()
        size = length * channels
        given = getattr(self, "n_features_in_", size) if n_samples is None else n_samples
        inputs = self._input(given)
        if given < size:
            raise UnsupportedError(
                f"Windower: rows have {given} samples; {length} frames, {size} samples, are needed: "
                "split(recording) makes such rows"
            )
        return Windowing(
            source="Windower", input=inputs, span=np.zeros((size, 2)), n_channels=channels, hop=hop
        )

    def split(self, recording: Any, labels: Any = None, *, lead: int = 0) -> Any:
        """Rows for `fit` and `predict` of a recording.

        Parameters
        ----------
        recording : int16 array of shape (n_frames,) or (n_frames, n_channels)
        labels : array of shape (n_frames,), optional
            What each frame is. A row's label is the one that most of its window has, the first of equals.
        lead : int
            Frames before each window that its row has too, for filters to settle.

        Returns
        -------
        rows : int16 array of shape (n_windows, (lead + length) * n_channels)
        y : array of shape (n_windows,), only with `labels`

        Raises
        ------
        UnsupportedError
            If the recording is of another shape or type, or too short, or labels are not as many.
        """
        length, hop, channels = self._sizes()
        if isinstance(lead, bool) or not isinstance(lead, int | np.integer) or lead < 0:
            raise UnsupportedError(f"Windower: lead={lead!r}; a number of frames, or 0, is needed")
        frames = as_frames(recording, channels, "Windower: recording")
        rows = cut(frames, length + int(lead), hop)
        if not len(rows):
            raise UnsupportedError(f"Windower: recording has {len(frames)} frames; a row has {length + lead}")
        if labels is None:
            return rows
        known = np.asarray(labels)
        if known.shape != (len(frames),):
            raise UnsupportedError(f"Windower: labels have shape {known.shape}; ({len(frames)},) is needed")
        classes, numbers = np.unique(known, return_inverse=True)
        each = cut(numbers.reshape(-1, 1), length + int(lead), hop)[:, int(lead) :]
        counts = np.stack([(each == k).sum(axis=1) for k in range(len(classes))], axis=1)
        return rows, classes[counts.argmax(axis=1)]

    def _sizes(self) -> tuple[int, int, int]:
        """Frames of a window and of a hop, and channels, checked."""
        channels = self._channels()
        hop = self.length if self.hop is None else self.hop
        for name, value in (("length", self.length), ("hop", hop)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise UnsupportedError(f"Windower: {name}={value!r}; a number of frames is needed")
        if hop > self.length:
            raise UnsupportedError(
                f"Windower: hop={hop} is more than length={self.length}; use at most the length, so that no "
                "sample is lost"
            )
        if self.length * channels > _MOST:
            raise UnsupportedError(f"Windower: windows of {self.length * channels} samples; at most {_MOST}")
        return int(self.length), int(hop), channels

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        return samples[:, -int(self.length) * self.n_channels :]


@converts("micromlgen.features.Windower")
def windower(estimator: Windower) -> Windowing:
    """Convert the parameters."""
    return estimator.extraction()
