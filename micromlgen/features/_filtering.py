"""What filters are: extractors that give samples again, and can run on from window to window."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.features._extractor import Extractor
from micromlgen.inputs import Input
from micromlgen.streams import Stream

Array = NDArray[Any]
_MOST_CHANNELS = 64
#: Of a filter, in steps of samples: an eighth of full scale. With more, little is left of it in fixed point.
MOST_ERROR = 4096


@dataclass(frozen=True, eq=False)
class Resampling(Extraction):
    """An extractor that gives samples again: int16, in the units of those that it takes."""

    n_channels: int

    @property
    def frame_size(self) -> int:
        return self.n_channels

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int16)

    @property
    def top(self) -> int:
        return 32768

    @property
    def in_place(self) -> bool:
        return True

    def unit(self) -> NDArray[np.float64]:
        return np.ones(self.n_outputs)

    def names(self) -> list[str]:
        c = self.n_channels
        return [f"x{i}" if c == 1 else f"x{i // c}_{i % c}" for i in range(self.n_outputs)]


@dataclass(frozen=True, eq=False)
class Filtering(Resampling):
    """What can run on, frame by frame, a frame being a sample of each channel.

    Its `predict` takes rows of any length, and is at rest before each: samples before were 0.
    """

    @property
    @abstractmethod
    def state(self) -> tuple[Literal["int16", "int32"], int]:
        """What it keeps from frame to frame: type and number of integers, all 0 at rest."""

    @property
    def decimation(self) -> int:
        """Frames that it takes for each that it gives, the first of which it gives."""
        return 1

    def streamed(self) -> Stream:
        """Frame by frame."""
        from micromlgen.features.windower import framed

        return Stream((self,), framed(self.n_channels), 1, 1, self.n_channels)


class Filter(Extractor):
    """What the transformers of samples have in common: channels, and that a window's length is kept."""

    n_channels: int

    def _channels(self) -> int:
        """`n_channels`, checked."""
        channels = self.n_channels
        known = isinstance(channels, int | np.integer) and not isinstance(channels, bool)
        if not known or not 0 < channels <= _MOST_CHANNELS:
            raise UnsupportedError(
                f"{type(self).__name__}: n_channels={channels!r}; an integer from 1 to {_MOST_CHANNELS} is "
                "needed"
            )
        return int(channels)

    def _input(self, n_samples: int | None) -> Input:
        """What a window is, of the length that is given or was fitted."""
        who, channels = type(self).__name__, self._channels()
        length = getattr(self, "n_features_in_", None) if n_samples is None else n_samples
        if length is None:
            raise UnsupportedError(f"{who} is not fitted; call fit(X) with windows as long as those to come")
        if length % channels:
            raise UnsupportedError(f"{who}: windows of {length} samples are none of {channels} channels")
        return Input(length, "int16", exponents=np.zeros(length, np.int32), samples=True)
