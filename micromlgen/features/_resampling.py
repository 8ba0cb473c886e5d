"""What gives samples again: the ground of windows and filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.extraction import Extraction


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
