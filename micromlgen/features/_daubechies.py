"""Daubechies' orthogonal wavelets in fixed point: the twin of dsp/wavelet.h."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft32 import half_product

Array = NDArray[Any]
#: Scaling filters, of length 2, 4, 6 and 8 ("Ten Lectures on Wavelets", 1992, table 6.1).
FILTERS: dict[str, tuple[float, ...]] = {
    "haar": (0.7071067811865476, 0.7071067811865476),
    "db2": (0.48296291314453416, 0.8365163037378079, 0.2241438680420134, -0.12940952255126037),
    "db3": (
        0.33267055295008263,
        0.8068915093110925,
        0.45987750211849154,
        -0.13501102001025458,
        -0.08544127388202666,
        0.03522629188570953,
    ),
    "db4": (
        0.2303778133088965,
        0.7148465705529157,
        0.6308807679298589,
        -0.027983769416859854,
        -0.18703481171909309,
        0.030841381835560764,
        0.0328830116668852,
        -0.010597401785069032,
    ),
}
#: Bits by which samples are shifted up.
UP = 14


def taps(wavelet: str) -> NDArray[np.int16]:
    """The scaling filter over sqrt(2), so that nothing grows from level to level, in Q15."""
    return np.asarray(np.rint(np.array(FILTERS[wavelet]) * np.sqrt(0.5) * 2**15), np.int16)


def starts(length: int, levels: int) -> list[int]:
    """The sample at which the first filter of each level begins, 0 or 1: none begins before the window.

    Of the periodic extension outputs are only turned by that, which their energies do not show; but by how
    much tells which samples are the even ones of the next level.
    """
    turned, out = 0, []
    for _ in range(levels):
        first = 1 - length // 2 - turned
        out.append(first % 2)
        turned = (first % 2 - first) // 2
    return out


def transform(X: Array, h: NDArray[np.int16], levels: int) -> list[Array]:
    """Details of each level, and what is left at last: int64 of at most 30 bits.

    In Q14, but divided by sqrt(2) on each level.

    Parameters
    ----------
    X : integers of 16 bits, shape (n, n_samples)
        A multiple of 2**levels samples.
    h : int16 array
        `taps`.
    """
    low = X.astype(np.int64) << UP
    length, out = len(h), []
    for start in starts(length, levels):
        at = (np.arange(0, low.shape[1], 2)[:, None] + start + np.arange(length)) % low.shape[1]
        near = low[:, at]
        signs = np.where(np.arange(length) % 2, -1, 1)
        # Half of a step is what rounding down takes off each product.
        high = half_product(near, signs * h[::-1].astype(np.int64)).sum(axis=2) + length // 2
        low = half_product(near, h.astype(np.int64)).sum(axis=2) + length // 2
        out.append(2 * high)
        low = 2 * low
    return [*out, low]
