"""What filters are: extractors that give samples again, and can run on from window to window."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

from micromlgen.features._resampling import Resampling
from micromlgen.features.windower import framed
from micromlgen.ir import Model
from micromlgen.streams import Stream

#: Of a filter, in steps of samples: an eighth of full scale. With more, little is left of it in fixed point.
MOST_ERROR = 4096


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

    def streamed(self) -> Stream[Model]:
        """Frame by frame."""
        return Stream((self,), framed(self.n_channels), 1, 1, self.n_channels)
