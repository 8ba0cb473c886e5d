"""What the transformers that give samples again have in common."""

from __future__ import annotations

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.features._extractor import Extractor
from micromlgen.inputs import Input

_MOST_CHANNELS = 64


class Filter(Extractor):
    """Channels, and that a window's length is kept."""

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
