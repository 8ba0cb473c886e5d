"""Sums of the bins between the corners of filters: what energies of bands are made of.

Powers have up to 62 bits, and those of bins beside a loud tone none of the upper 32. So the parts of the bins
between two corners are first shifted up as far as all of them allow, which keeps bands as precise as the
transform is, however far they are below the loudest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._filterbank import Filterbank
from micromlgen.features._root import bit_length

Array = NDArray[Any]
#: Of sums.
_BITS = 31


@dataclass(frozen=True, eq=False)
class Segments:
    """The bins between each corner and the next.

    Parameters
    ----------
    bank : Filterbank
    energy : bool
        Whether all bins are to be summed up too: then those before the first corner and those behind the last
        are segments as well, though of no filter.
    """

    bank: Filterbank
    energy: bool

    @property
    def start(self) -> int:
        """First bin."""
        return 0 if self.energy else self.bank.first

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Bins of each, shape (n_mels + 1,), or two more."""
        if not self.energy:
            return self.bank.counts
        last = self.bank.first + len(self.bank.weights)
        return np.concatenate([[self.bank.first], self.bank.counts, [len(self.bank.segment) - last]])

    @cached_property
    def weights(self) -> NDArray[np.int16]:
        """Of all of their bins in the filter that rises there, Q15; 0 outside of filters."""
        if not self.energy:
            return self.bank.weights
        outside = self.counts[[0, -1]]
        return np.pad(self.bank.weights, (int(outside[0]), int(outside[1])))

    @property
    def slices(self) -> list[slice]:
        """Of the bins from the first on."""
        ends = np.cumsum(self.counts).tolist()
        return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]


@dataclass(frozen=True, eq=False)
class Sums:
    """Of the bins of n frames in each segment: shapes (n, n_segments).

    Times ``2**down`` they are in the unit of bins. `every`: of the bins; `rising`: of the halves of what each
    has in the filter that rises at it, rounded down.
    """

    segments: Segments
    every: Array
    rising: Array
    down: Array

    def energies(self) -> tuple[Array, Array]:
        """Halves of the sums of filters, and how far these are down: (n, n_mels).

        What of the bins between two corners does not rise falls, in the filter before.
        """
        inside = slice(1, -1) if self.segments.energy else slice(None)
        every, rising, own = self.every[:, inside], self.rising[:, inside], self.down[:, inside]
        down = np.maximum(own[:, :-1], own[:, 1:])
        before = _moved_down(rising[:, :-1], down - own[:, :-1])
        falling = _moved_down((every[:, 1:] >> 1) - rising[:, 1:], down - own[:, 1:])
        return before + falling, down

    def whole(self) -> tuple[Array, Array]:
        """Half of the sum of all bins, in the unit of the coarsest as they come, and its `down`: (n,)."""
        shift = int(self.every.shape[1] - 1).bit_length()
        whole, down = np.zeros(len(self.every), np.int64), self.down[:, 0]
        for own, own_down in zip(self.every.T, self.down.T, strict=True):
            coarser = np.maximum(down, own_down)
            whole = _moved_down(whole, coarser - down) + _moved_down(own >> shift, coarser - own_down)
            down = coarser
        return whole, down + shift - 1


def _moved_down(a: Array, by: Array) -> Array:
    """``a / 2**by``, rounded down, of integers below 2**32."""
    return np.asarray(a >> np.minimum(by, 32))


def of_numbers(p: Array, up: Array, segments: Segments) -> Sums:
    """Sums of powers or magnitudes p, shape (n, n_bins), that are `up` bits above their unit, (n,).

    They are halved where they reach 2**31, and the bins behind with them.
    """
    found = []
    for segment in segments.slices:
        every, rising, down = np.zeros((3, len(p)), np.int64)
        own = p[:, segments.start :].T[segment]
        for bins, weight in zip(own, segments.weights[segment].tolist(), strict=True):
            value = bins >> down
            every, rising = every + value, rising + (value * weight >> 16)
            over = every >> _BITS
            every, rising, down = every >> over, rising >> over, down + over
        found.append((every, rising, down - up))
    return _stacked(segments, found)


@dataclass(frozen=True, eq=False)
class Limits:
    """How far parts may be shifted up, that no sum of powers leaves 31 bits.

    Parameters
    ----------
    segments : Segments
    parseval : float
        The most that the powers of all bins add up to, in squares of 2**30, which no magnitude exceeds.
    """

    segments: Segments
    parseval: float

    @property
    def bits(self) -> int:
        """Of the parts: the powers in Q-32 of the bins of the longest segment add up to 31 bits."""
        return _BITS - max(1, (int(self.segments.counts.max() - 1).bit_length() + 1) // 2)

    @property
    def down(self) -> int:
        """By how much powers are shifted down besides: where long transforms are of short frames."""
        # What is not shifted up may be as large as 2**28.
        return max(0, int(np.ceil(np.log2(self.parseval))) - 3)


def of_parts(re: Array, im: Array, up: Array, limits: Limits) -> Sums:
    """Sums of powers in Q-32 of bins, shape (n, n_bins), of samples that were shifted up by `up`, (n,)."""
    segments = limits.segments
    weights = segments.weights.astype(np.int64)
    re, im = re[:, segments.start :], im[:, segments.start :]
    found = []
    for segment in segments.slices:
        r, i = re[:, segment], im[:, segment]
        bits = bit_length(np.bitwise_or.reduce((r ^ (r >> 63)) | (i ^ (i >> 63)), axis=1))
        more = np.maximum(limits.bits - bits, 0)
        r, i = r << more[:, None], i << more[:, None]
        p = ((r * r >> 32) + (i * i >> 32)) >> limits.down
        rising = (p * weights[segment] >> 16).sum(axis=1)
        found.append((p.sum(axis=1), rising, limits.down - 2 * (more + up)))
    return _stacked(segments, found)


def _stacked(segments: Segments, found: Sequence[tuple[Array, Array, Array]]) -> Sums:
    every, rising, down = (np.stack(side, axis=1) for side in zip(*found, strict=True))
    return Sums(segments, every, rising, down)
