"""The real FFT in int16 block floating point: the twin of dsp/fft16.h.

The transform is that of `_fft32`, in place in int16 with one exponent for all numbers of a frame. Samples
are first shifted up as far as all of them allow. Where there is an odd factor of two, a pass of radix 2 comes
first, without rounding. Each pass of radix 4 shifts the numbers down by as much as keeps its sums within
int16, of which the magnitudes that the pass before has left tell; its sums have 8 bits below those of the
numbers, and are rounded once, to nearest. The twiddles are shifted rather than the numbers that they
multiply. For block floating point see Oppenheim and Weinstein, "Effects of finite register length in digital
filtering and the fast Fourier transform", 1972.

No sum overflows. Of numbers of magnitude r that are shifted down by d, no sum of four exceeds 4 * r / 2**d.
Numbers of which `_excess` tells d = 2 have at most 32742; a pass that shifts by 2 leaves no more than it has
found, but for the errors of twiddles and rounding, below 4, and there are at most five. So numbers that a
pass has left are never shifted down by more than 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft32 import RealFFT32
from micromlgen.features._fft32 import order as order_of_input

Array = NDArray[Any]
#: Bits below those of a mantissa in the sums of a pass.
_BELOW = 8
#: Added to the sum of the squares of a number's upper bytes: what they leave out, and the passes' errors.
_MARGIN = 384


def quarter_wave(n_fft: int) -> NDArray[np.int16]:
    """``cos(2 * pi * k / n_fft)`` in Q15, at most 32767, for k = 0 … n_fft / 4: shape (n_fft / 4 + 1,)."""
    wave = np.rint(2.0**15 * np.cos(2 * np.pi * np.arange(n_fft // 4 + 1) / n_fft))
    return np.asarray(np.minimum(wave, 32767), np.int16)


def rounded(a: Array, shift: Array | int) -> Array:
    """``a / 2**shift``, rounded to nearest, halves up."""
    return np.asarray((a + ((1 << np.asarray(shift, np.int64)) >> 1)) >> shift)


def _excess(re: Array, im: Array) -> Array:
    """By how much the numbers of each frame are to be shifted down before a pass, shape (n,): from 0 to 3."""
    square = ((re >> 8) ** 2 + (im >> 8) ** 2 + _MARGIN).max(axis=tuple(range(1, re.ndim)))
    return np.asarray((square >= 1 << 10) * 1 + (square >= 1 << 12) + (square >= 1 << 14))


@dataclass(frozen=True, eq=False)
class RealFFT16(RealFFT32):
    """The transform of frames of int16 samples; parameters are those of `RealFFT32`."""

    @property
    def exponent(self) -> int:
        """What a mantissa of exponent 0 is a unit of: two to this times the unit of `RealFFT32`."""
        return int(np.rint(np.log2((1.0 if self.window is None else 2.0**15 / 32767) / self.unit)))

    @property
    def first(self) -> int:
        """Radix before the passes of radix 4: 1, or 2 where there is an odd factor of two."""
        return 1 if self.size.bit_length() % 2 else 2

    @property
    def start(self) -> int:
        """Exponent of the bins where nothing is shifted."""
        return self.exponent + int(self.emphasis != 0)

    def mantissas(
        self, X: NDArray[np.int16], before: NDArray[np.int16] | None = None
    ) -> tuple[Array, Array, Array]:
        """Real and imaginary parts of the bins and one exponent of each frame.

        Parameters
        ----------
        X : int16 array of shape (n, length)
        before : int16 array of shape (n,), optional
            The samples before, for the emphasis; by default zeros.

        Returns
        -------
        re, im : int64 arrays of shape (n, n_fft / 2 + 1)
            Of a magnitude below 23200; times ``2**exponent * unit`` they are the bins.
        exponent : int64 array of shape (n,)
        """
        up = self.headroom(X, before)
        halves = self._halves(X.astype(np.int64), before, up)
        at = order_of_input(self.size, self.first)
        re, im = halves[:, 2 * at], halves[:, 2 * at + 1]
        if self.first == 2:
            re, im = _of_pairs(re), _of_pairs(im)
        exponent, down = self.start - up, _excess(re, im)
        wave = quarter_wave(self.n_fft).astype(np.int64)
        quarter = self.first
        while quarter < self.size:
            re, im = self._pass_of_block(re, im, wave, quarter, down)
            exponent = exponent + down
            down = np.minimum(_excess(re, im), 2)
            quarter *= 4
        down = np.maximum(down, 1)
        re, im = self._apart_of_block(re, im, wave, down[:, None])
        return re, im, exponent + down

    def _halves(self, X: Array, before: Array | None, up: Array) -> Array:
        """Half of the frames times the window: shape (n, n_fft)."""
        wide = X << up[:, None]
        if self.emphasis:
            last = np.zeros(len(X), np.int64) if before is None else before.astype(np.int64) << up
            wide, last = wide >> 1, last >> 1
            shifted = np.concatenate([last[:, None], wide[:, :-1]], axis=1)
            wide = wide - rounded(shifted * self.emphasis, 15)
        wide = wide >> 1 if self.window is None else rounded(wide * self.whole_window, 16)
        return np.pad(wide, ((0, 0), (0, self.n_fft - self.length)))

    def _pass_of_block(
        self, re: Array, im: Array, wave: Array, quarter: int, down: Array
    ) -> tuple[Array, Array]:
        """Four transforms of `quarter` numbers each become one, everywhere."""
        shape = (len(re), -1, 4, quarter)
        r, i = re.reshape(shape), im.reshape(shape)
        turn = self.n_fft // 4
        k = np.arange(quarter) * (turn // quarter)
        turned = 2 * k >= turn
        k2 = 2 * k - np.where(turned, turn, 0)
        by = down[:, None, None]
        c, s = rounded(wave[k], by), rounded(wave[turn - k], by)
        ar, ai = _product(r[:, :, 1], i[:, :, 1], c, s)
        br, bi = _product(r[:, :, 2], i[:, :, 2], rounded(wave[k2], by), rounded(wave[turn - k2], by))
        br, bi = np.where(turned, bi, br), np.where(turned, -br, bi)
        # Its twiddles are the conjugates of the second's: real and imaginary part change places.
        ci, cr = _product(i[:, :, 3], r[:, :, 3], c, s)
        # Twiddles of 1.
        first = (slice(None), slice(None), slice(0, 1))
        one = 1 << (_BELOW - by)
        for part, number in ((ar, r[:, :, 1]), (ai, i[:, :, 1]), (br, r[:, :, 2]), (bi, i[:, :, 2])):
            part[first] = number[first] * one
        cr[first], ci[first] = r[:, :, 3][first] * one, i[:, :, 3][first] * one
        ur, ui = r[:, :, 0] * one, i[:, :, 0] * one
        t0r, t0i, t1r, t1i = ur + br, ui + bi, ur - br, ui - bi
        t2r, t2i, t3r, t3i = ar + cr, ai + ci, ar - cr, ai - ci
        out_r = np.stack([t0r + t2r, t1r + t3i, t0r - t2r, t1r - t3i], axis=2)
        out_i = np.stack([t0i + t2i, t1i - t3r, t0i - t2i, t1i + t3r], axis=2)
        return rounded(out_r, _BELOW).reshape(len(re), -1), rounded(out_i, _BELOW).reshape(len(re), -1)

    def _apart_of_block(self, re: Array, im: Array, wave: Array, down: Array) -> tuple[Array, Array]:
        """From the transform of even + i * odd samples to twice that of all, shifted down by 1 or 2."""
        n, m = len(re), self.size
        by = down - 1
        out_r, out_i = np.zeros((n, m + 1), np.int64), np.zeros((n, m + 1), np.int64)
        ends = np.stack([re[:, 0] + im[:, 0], re[:, 0] - im[:, 0]], axis=1)
        out_r[:, [0, m]] = rounded(ends, by)
        out_r[:, m // 2], out_i[:, m // 2] = (
            rounded(re[:, m // 2], by[:, 0]),
            -rounded(im[:, m // 2], by[:, 0]),
        )
        k = np.arange(1, m // 2)
        sr, dr = re[:, k] + re[:, m - k], re[:, k] - re[:, m - k]
        si, di = im[:, k] + im[:, m - k], im[:, k] - im[:, m - k]
        sr, dr, si, di = sr >> by, dr >> by, si >> by, di >> by
        pi, pr = _product(dr, si, wave[k], wave[m // 2 - k], _BELOW - 1)
        sr, di = sr << (_BELOW - 1), di << (_BELOW - 1)
        out_r[:, k], out_r[:, m - k] = rounded(sr + pr, _BELOW), rounded(sr - pr, _BELOW)
        out_i[:, k], out_i[:, m - k] = rounded(di - pi, _BELOW), rounded(-pi - di, _BELOW)
        return out_r, out_i


def _of_pairs(a: Array) -> Array:
    """Sums and differences of two at a time."""
    return np.stack([a[:, ::2] + a[:, 1::2], a[:, ::2] - a[:, 1::2]], axis=2).reshape(a.shape)


def _product(re: Array, im: Array, c: Array, s: Array, below: int = _BELOW) -> tuple[Array, Array]:
    """``(re + i * im) * (c - i * s)`` with so many bits below the numbers', rounded down; c and s are Q15."""
    return (re * c + im * s) >> (15 - below), (im * c - re * s) >> (15 - below)
