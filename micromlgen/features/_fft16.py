"""The real FFT in int16 block floating point: the twin of dsp/fft16.h.

The transform is that of `_fft32`, in place in int16 with one exponent for all numbers of a frame. Samples are
first shifted up as far as all of them allow. Before each pass the numbers are shifted down, rounded to
nearest, to the 12 bits of which no sum of the pass leaves int16; by how much is the frame's own, and counts
in its exponent. The twiddles are shifted rather than the numbers that they multiply, so that each product is
rounded once. For block floating point see Oppenheim and Weinstein, "Effects of finite register length in
digital filtering and the fast Fourier transform", 1972.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft32 import RealFFT32, dft4
from micromlgen.features._fft32 import order as order_of_input

Array = NDArray[Any]
#: No real or imaginary part of a mantissa is beyond.
LARGEST = 19800
#: sqrt(1/2) in Q15.
_DIAGONAL = 23170
#: Bits, without the sign, before a pass: of radix 4 no component exceeds 1 + 3 * sqrt(2) times the largest.
_BITS = 12
#: Bits before the first pass by its radix: of 8 numbers 4 + 4 * sqrt(2) times the largest.
_FIRST_BITS = {4: 12, 8: 11}


def quarter_wave(n_fft: int) -> NDArray[np.int16]:
    """``cos(2 * pi * k / n_fft)`` in Q15, at most 32767, for k = 0 … n_fft / 4: shape (n_fft / 4 + 1,)."""
    wave = np.rint(2.0**15 * np.cos(2 * np.pi * np.arange(n_fft // 4 + 1) / n_fft))
    return np.asarray(np.minimum(wave, 32767), np.int16)


def rounded(a: Array, shift: Array | int) -> Array:
    """``a / 2**shift``, rounded to nearest, halves up."""
    return np.asarray((a + ((1 << np.asarray(shift, np.int64)) >> 1)) >> shift)


def _excess(re: Array, im: Array) -> Array:
    """By how much the numbers of each frame exceed 12 bits, shape (n,): from 0 to 3."""
    every = np.bitwise_or.reduce((re ^ (re << 1)) | (im ^ (im << 1)), axis=tuple(range(1, re.ndim)))
    return np.asarray(np.floor(np.log2((every & 0xE000) | 0x1000)), np.int64) - _BITS


@dataclass(frozen=True, eq=False)
class RealFFT16(RealFFT32):
    """The transform of frames of int16 samples; parameters are those of `RealFFT32`."""

    @property
    def exponent(self) -> int:
        """What a mantissa of exponent 0 is a unit of: two to this times the unit of `RealFFT32`."""
        return int(np.rint(np.log2((1.0 if self.window is None else 2.0**15 / 32767) / self.unit)))

    @property
    def start(self) -> int:
        """Exponent of the bins where nothing is shifted: they leave as twice their size."""
        return self.exponent + 15 - _FIRST_BITS[self.first] - 1 + int(self.emphasis != 0)

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
            Within ±LARGEST; times ``2**exponent * unit`` they are the bins.
        exponent : int64 array of shape (n,)
        """
        up = self.headroom(X, before)
        scaled = self._block(X.astype(np.int64), before, up)
        at = order_of_input(self.size, self.first)
        re, im = self._first_of_block(scaled[:, 2 * at], scaled[:, 2 * at + 1])
        exponent = self.start - up
        wave = quarter_wave(self.n_fft).astype(np.int64)
        quarter = self.first
        while quarter < self.size:
            down = _excess(re, im)
            re, im = self._pass_of_block(re, im, wave, quarter, down)
            exponent = exponent + down
            quarter *= 4
        down = _excess(re, im)
        re, im = self._apart_of_block(re, im, wave, down[:, None])
        return re, im, exponent + down

    def _block(self, X: Array, before: Array | None, up: Array) -> Array:
        """Frames times the window, in as many bits as the first pass takes: shape (n, n_fft)."""
        wide = X << up[:, None]
        if self.emphasis:
            last = np.zeros(len(X), np.int64) if before is None else before.astype(np.int64) << up
            wide, last = wide >> 1, last >> 1
            shifted = np.concatenate([last[:, None], wide[:, :-1]], axis=1)
            wide = wide - rounded(shifted * self.emphasis, 15)
        down = 15 - _FIRST_BITS[self.first]
        wide = rounded(wide, down) if self.window is None else rounded(wide * self.whole_window, down + 15)
        return np.pad(wide, ((0, 0), (0, self.n_fft - self.length)))

    def _first_of_block(self, re: Array, im: Array) -> tuple[Array, Array]:
        shape = (len(re), -1, self.first)
        r, i = re.reshape(shape), im.reshape(shape)
        if self.first == 4:
            parts = dft4([(r[..., m], i[..., m]) for m in range(4)])
        else:
            even = dft4([(r[..., m], i[..., m]) for m in (0, 2, 4, 6)])
            (o0, p0), (o1, p1), (o2, p2), (o3, p3) = dft4([(r[..., m], i[..., m]) for m in (1, 3, 5, 7)])
            # Times exp(-i pi k / 4).
            turned = [
                (o0, p0),
                (rounded((p1 + o1) * _DIAGONAL, 15), rounded((p1 - o1) * _DIAGONAL, 15)),
                (p2, -o2),
                (rounded((p3 - o3) * _DIAGONAL, 15), -rounded((p3 + o3) * _DIAGONAL, 15)),
            ]
            pairs = list(zip(even, turned, strict=True))
            parts = [(a[0] + b[0], a[1] + b[1]) for a, b in pairs]
            parts += [(a[0] - b[0], a[1] - b[1]) for a, b in pairs]
        stacked = [np.stack(side, axis=-1).reshape(len(re), -1) for side in zip(*parts, strict=True)]
        return stacked[0], stacked[1]

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
        ur, ui = rounded(r[:, :, 0], by), rounded(i[:, :, 0], by)
        ar, ai = _product(r[:, :, 1], i[:, :, 1], wave[k], wave[turn - k], by)
        br, bi = _product(r[:, :, 2], i[:, :, 2], wave[k2], wave[turn - k2], by)
        br, bi = np.where(turned, bi, br), np.where(turned, -br, bi)
        # Its twiddles are the conjugates of the second's: real and imaginary part change places.
        ci, cr = _product(i[:, :, 3], r[:, :, 3], wave[k], wave[turn - k], by)
        # Twiddles of 1.
        first = (slice(None), slice(None), slice(0, 1))
        for part, number in ((ar, r[:, :, 1]), (ai, i[:, :, 1]), (br, r[:, :, 2]), (bi, i[:, :, 2])):
            part[first] = rounded(number[first], by)
        cr[first], ci[first] = rounded(r[:, :, 3][first], by), rounded(i[:, :, 3][first], by)
        t0r, t0i, t1r, t1i = ur + br, ui + bi, ur - br, ui - bi
        t2r, t2i, t3r, t3i = ar + cr, ai + ci, ar - cr, ai - ci
        out_r = np.stack([t0r + t2r, t1r + t3i, t0r - t2r, t1r - t3i], axis=2)
        out_i = np.stack([t0i + t2i, t1i - t3r, t0i - t2i, t1i + t3r], axis=2)
        return out_r.reshape(len(re), -1), out_i.reshape(len(re), -1)

    def _apart_of_block(self, re: Array, im: Array, wave: Array, down: Array) -> tuple[Array, Array]:
        """From the transform of even + i * odd samples to twice that of all."""
        n, m = len(re), self.size
        re, im = rounded(re, down), rounded(im, down)
        out_r, out_i = np.zeros((n, m + 1), np.int64), np.zeros((n, m + 1), np.int64)
        out_r[:, 0], out_r[:, m] = 2 * (re[:, 0] + im[:, 0]), 2 * (re[:, 0] - im[:, 0])
        out_r[:, m // 2], out_i[:, m // 2] = 2 * re[:, m // 2], -2 * im[:, m // 2]
        k = np.arange(1, m // 2)
        sr, dr = re[:, k] + re[:, m - k], re[:, k] - re[:, m - k]
        si, di = im[:, k] + im[:, m - k], im[:, k] - im[:, m - k]
        pi, pr = _product(dr, si, wave[k], wave[m // 2 - k], np.zeros((1, 1), np.int64))
        out_r[:, k], out_r[:, m - k] = sr + pr, sr - pr
        out_i[:, k], out_i[:, m - k] = di - pi, -pi - di
        return out_r, out_i


def _product(re: Array, im: Array, c: Array, s: Array, down: Array) -> tuple[Array, Array]:
    """``(re + i * im) * (c - i * s)`` in the unit of the numbers, shifted down; c and s are Q15."""
    c, s = rounded(c, down), rounded(s, down)
    return rounded(re * c + im * s, 15), rounded(im * c - re * s, 15)
