"""What the sketch computes from a window, in the same integers: the model is trained on exactly these."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNITS = 100
"""A sample on the wire is in hundredths of the unit that the data set gives it in."""

_INT16 = np.iinfo(np.int16)


def to_wire(windows: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round sensor readings, of any shape, to the integers that the board is sent."""
    return np.clip(np.rint(windows * UNITS), _INT16.min, _INT16.max).astype(np.int16)


def features(windows: NDArray[np.int16]) -> NDArray[np.int16]:
    """Compute what ``window_features`` in ``features.h`` does, bit for bit.

    Parameters
    ----------
    windows : int16 array of shape (n_windows, n_channels, n_samples)

    Returns
    -------
    int16 array of shape (n_windows, 3 * n_channels)
        Per channel the mean, the mean magnitude, and the mean magnitude of change from sample to sample.
    """
    wide = windows.astype(np.int64)
    n = wide.shape[2]
    total = wide.sum(axis=2)
    mean = np.sign(total) * (np.abs(total) // n)  # C divides towards zero
    size = np.abs(wide).sum(axis=2) // n
    change = np.abs(np.diff(wide)).sum(axis=2) // (n - 1)
    interleaved = np.stack([mean, size, change], axis=2).reshape(len(wide), -1)
    return np.minimum(interleaved, _INT16.max).astype(np.int16)


def exact_features(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the same without any rounding, to see what the integers cost."""
    statistics = [windows.mean(axis=2), np.abs(windows).mean(axis=2), np.abs(np.diff(windows)).mean(axis=2)]
    return np.stack(statistics, axis=2).reshape(len(windows), -1)
