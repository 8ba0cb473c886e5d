"""Where the windows of convolutions and pools lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Window:
    """Windows of (height, width), moved over an image of (height, width, channels).

    Parameters
    ----------
    image : (int, int, int)
        Height, width and channels of the input.
    size, stride, dilation : (int, int)
    pad : (int, int, int, int)
        Rows and columns beyond the image: top, left, bottom, right.
    """

    image: tuple[int, int, int]
    size: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def places(self) -> tuple[int, int]:
        """How many windows there are, vertically and horizontally; not above 0 where none fits."""
        (h, w, _), (top, left, bottom, right) = self.image, self.pad
        spans = [(k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True)]
        rows, columns = h + top + bottom - spans[0], w + left + right - spans[1]
        return rows // self.stride[0] + 1, columns // self.stride[1] + 1

    @property
    def plain(self) -> bool:
        """Whether each window is one pixel, in order."""
        return self.size == self.stride == (1, 1) and not any(self.pad)

    def patches(self, x: Array, fill: float) -> Array:
        """What the windows see: (n, height, width, channels) to (n, rows, columns, *size, channels)."""
        top, left, bottom, right = self.pad
        (rows, columns), (kh, kw) = self.places, self.size
        padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
        at_y = np.arange(rows)[:, None] * self.stride[0] + np.arange(kh) * self.dilation[0]
        at_x = np.arange(columns)[:, None] * self.stride[1] + np.arange(kw) * self.dilation[1]
        return np.asarray(padded[:, at_y[:, None, :, None], at_x[None, :, None, :]])

    def inside(self) -> NDArray[np.int64]:
        """How many pixels of each window lie in the image, shape (rows, columns)."""
        ones = np.ones((1, *self.image[:2], 1))
        return np.asarray(self.patches(ones, 0)[0].sum(axis=(2, 3, 4)), np.int64)


def same_padding(
    image: tuple[int, int], size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Padding with which there are ceil(image / stride) windows, the odd pixel at the end."""
    total = [
        max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        for n, k, s, d in zip(image, size, stride, dilation, strict=True)
    ]
    before = [t // 2 for t in total]
    return before[0], before[1], total[0] - before[0], total[1] - before[1]
