"""The real FFT in int32 with Q15 twiddles: the twin of dsp/fft32.h.

A window of N samples is taken as M = N/2 complex numbers. Their transform is of radix 4, decimated in time,
in the conjugate-pair form (Kamar and Elcherif, "Conjugate pair fast Fourier transform", 1989): the fourth
quarter is the samples 4n - 1 rather than 4n + 3, whose twiddle is the conjugate of the second quarter's, so
that one table of a quarter of a wave serves everything. The innermost transforms are of 4 or 8 numbers. A
last pass takes the spectra of even and odd samples apart.

Each pass of radix 4 halves, which is what a product with Q15 does anyway in the instructions that multiply 32
by 16 bits: noise, which grows by two, keeps its size. The samples are shifted up at the start by as much as
leaves the largest possible output, sum(|window|) * 2**15, within 2**30.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._root import bit_length

Array = NDArray[Any]
#: sqrt(1/2) in Q15.
_DIAGONAL = 23170
#: Rounding adds less than this part to the largest output.
_SLACK = 2.0**-10


def half_product(a: Array, b: Any) -> Array:
    """``floor(a * b / 2**16)``: half of a times the Q15 number b."""
    return np.asarray((a * b) >> 16)


def twiddles(n_fft: int) -> NDArray[np.int16]:
    """``-cos`` and ``-sin`` of ``2 * pi * k / n_fft`` in Q15 for k = 0 … n_fft / 4: shape (n_fft / 4 + 1, 2).

    Negative, so that -1 is exact; only where it is, since turned by a quarter the others change their sign.
    """
    angle = 2 * np.pi * np.arange(n_fft // 4 + 1) / n_fft
    table = np.rint(-(2.0**15) * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    table[1:, 0] = np.maximum(table[1:, 0], -32767)
    table[:-1, 1] = np.maximum(table[:-1, 1], -32767)
    return table.astype(np.int16)


def order(size: int, first: int) -> NDArray[np.int64]:
    """Number of the input that stands at each place before the first pass, shape (size,)."""
    places = np.arange(first)
    while len(places) < size:
        n = 4 * len(places)
        places = np.concatenate([4 * places, 4 * places + 1, 4 * places + 2, 4 * places - 1]) % n
    return places


@dataclass(frozen=True, eq=False)
class RealFFT32:
    """The transform of frames of int16 samples.

    Parameters
    ----------
    n_fft : int
        A power of two, from 8.
    window : int16 array of shape (length // 2 + 1,), or None
        First half of a window that is symmetric around its middle sample, in Q15 of 32767; None: ones.
    frame_length : int, optional
        Samples, behind which there are zeros; by default n_fft.
    emphasis : int
        Q15 of the part of the sample before that is taken off each.
    """

    n_fft: int
    window: NDArray[np.int16] | None
    frame_length: int | None = None
    emphasis: int = 0

    @property
    def size(self) -> int:
        """Complex numbers, M."""
        return self.n_fft // 2

    @property
    def length(self) -> int:
        """Samples of a frame."""
        return self.n_fft if self.frame_length is None else self.frame_length

    @property
    def framed(self) -> bool:
        """Whether samples are more than multiplied: then they have 15 bits more, and the products lose 16."""
        return self.length < self.n_fft or self.emphasis != 0

    @property
    def first(self) -> int:
        """Radix of the first pass: 4, or 8 where there is an odd factor of two."""
        return 4 if self.size.bit_length() % 2 else 8

    @property
    def n_passes(self) -> int:
        """Passes of radix 4 behind the first."""
        return int(np.log2(self.size // self.first)) // 2

    @cached_property
    def whole_window(self) -> NDArray[np.int64]:
        """The window of all samples, or ones, shape (length,)."""
        if self.window is None:
            return np.ones(self.length, np.int64)
        at = np.arange(self.length)
        return np.asarray(self.window.astype(np.int64)[np.minimum(at, self.length - at)])

    @property
    def gain_shift(self) -> int:
        """Exponent of the samples at the start: positive where they are shifted up."""
        # |X| <= 2**15 * sum(|w|) * 2**(shift - passes); of the parts before the last pass the sum over pairs
        # of sqrt(even**2 + odd**2), twice where two are added.
        w = np.zeros(self.n_fft)
        w[: self.length] = np.abs(self.whole_window) * (1 + self.emphasis / 2**15)
        largest = max(w.sum(), 2 * np.hypot(w[::2], w[1::2]).sum())
        return int(30 - 15 + self.n_passes - np.ceil(np.log2(largest * (1 + _SLACK))))

    @property
    def input_shift(self) -> int:
        """The same for what a sample has become: a framed one has 14 bits more, 15 of them a window's."""
        if not self.framed:
            return self.gain_shift
        return self.gain_shift - 14 if self.window is None else self.gain_shift + 1

    @property
    def unit(self) -> float:
        """One step of the output, in samples times a window whose peak is 1."""
        peak = 1.0 if self.window is None else 32767.0
        return float(np.ldexp(1.0, self.n_passes - self.gain_shift)) / peak

    def headroom(self, X: NDArray[np.int16], before: NDArray[np.int16] | None = None) -> Array:
        """By how much all samples of each frame can be shifted up, shape (n,); takes what `spectrum` does."""
        every = np.bitwise_or.reduce(X ^ (X >> 15), axis=1)
        if self.emphasis and before is not None:
            every |= before ^ (before >> 15)
        return 15 - bit_length(every)

    def _samples(self, X: Array, before: Array | None) -> Array:
        """Frames times the window, before the first pass scales them: shape (n, n_fft)."""
        wide = X.astype(np.int64)
        if not self.framed:
            wide = wide * self.whole_window
        else:
            last = np.zeros(len(X), np.int64) if before is None else before.astype(np.int64)
            shifted = np.concatenate([last[:, None], wide[:, :-1]], axis=1)
            wide = (wide << 15) - shifted * self.emphasis
            wide = wide >> 1 if self.window is None else half_product(wide, self.whole_window)
            wide = np.pad(wide, ((0, 0), (0, self.n_fft - self.length)))
        return wide

    def spectrum(self, X: NDArray[np.int16], before: NDArray[np.int16] | None = None) -> tuple[Array, Array]:
        """Real and imaginary parts of the bins 0 … n_fft / 2, int64 of shape (n, n_fft / 2 + 1).

        Parameters
        ----------
        X : integers of 16 bits, shape (n, length)
        before : integers of 16 bits, shape (n,), optional
            The samples before, for the emphasis; by default zeros.
        """
        samples = self._samples(X, before)
        at = order(self.size, self.first)
        re, im = self._first_pass(samples[:, 2 * at], samples[:, 2 * at + 1])
        w = twiddles(self.n_fft).astype(np.int64)
        quarter = self.first
        while quarter < self.size:
            re, im = self._pass(re, im, w, quarter)
            quarter *= 4
        return self._apart(re, im, w)

    def _first_pass(self, re: Array, im: Array) -> tuple[Array, Array]:
        numbers = order(self.size, self.first).reshape(-1, self.first)
        shape = (len(re), -1, self.first)
        r, i = re.reshape(shape), im.reshape(shape)
        if self.first == 4:
            parts = self._of_4(r, i, numbers)
        else:
            even = self._of_4(r[..., ::2], i[..., ::2], numbers[:, ::2])
            odd = self._of_4(r[..., 1::2], i[..., 1::2], numbers[:, 1::2])
            (o0, p0), (o1, p1), (o2, p2), (o3, p3) = odd
            # Times exp(-i pi k / 4).
            turned = [
                (o0, p0),
                (half_product(2 * (p1 + o1), _DIAGONAL), half_product(2 * (p1 - o1), _DIAGONAL)),
                (p2, -o2),
                (half_product(2 * (p3 - o3), _DIAGONAL), -half_product(2 * (p3 + o3), _DIAGONAL)),
            ]
            pairs = list(zip(even, turned, strict=True))
            parts = [(a[0] + b[0], a[1] + b[1]) for a, b in pairs]
            parts += [(a[0] - b[0], a[1] - b[1]) for a, b in pairs]
        stacked = [np.stack(side, axis=-1).reshape(len(re), -1) for side in zip(*parts, strict=True)]
        return stacked[0], stacked[1]

    def _of_4(self, re: Array, im: Array, numbers: NDArray[np.int64]) -> list[tuple[Array, Array]]:
        """Transforms of four numbers of the input each, scaled: re and im of shape (n, groups, 4).

        Sums of two are scaled and rounded down, and so are differences of an earlier one less a later one.
        """
        shift = self.input_shift
        sign = np.where(numbers[:, 0] > numbers[:, 2], -1, 1)

        def pairs(x: Array) -> list[Array]:
            a, b, c, d = np.moveaxis(x, -1, 0)
            return [
                _scaled(a + c, shift),
                sign * _scaled(sign * (a - c), shift),
                _scaled(b + d, shift),
                _scaled(b - d, shift),
            ]

        return _of_pairs(pairs(re), pairs(im))

    def _pass(self, re: Array, im: Array, w: Array, quarter: int) -> tuple[Array, Array]:
        """Four transforms of `quarter` numbers each become one, everywhere, and are halved."""
        shape = (len(re), -1, 4, quarter)
        r, i = re.reshape(shape), im.reshape(shape)
        j = np.arange(quarter) * (self.n_fft // (4 * quarter))
        c1, s1 = w[j].T
        k = 2 * j
        turned = k > self.n_fft // 4
        k = np.where(turned, k - self.n_fft // 4, k)
        c2, s2 = np.where(turned, -w[k, 1], w[k, 0]), np.where(turned, w[k, 0], w[k, 1])
        # Products with the negative twiddles.
        ar, ai = _product(r[:, :, 1], i[:, :, 1], c1, s1)
        br, bi = _product(r[:, :, 2], i[:, :, 2], c2, s2)
        cr, ci = _conjugate_product(r[:, :, 3], i[:, :, 3], c1, s1)
        ur, ui = r[:, :, 0] >> 1, i[:, :, 0] >> 1
        t0r, t0i, t1r, t1i = ur - br, ui - bi, ur + br, ui + bi
        t2r, t2i, t3r, t3i = ar + cr, ai + ci, ar - cr, ai - ci
        out_r = np.stack([t0r - t2r, t1r - t3i, t0r + t2r, t1r + t3i], axis=2)
        out_i = np.stack([t0i - t2i, t1i + t3r, t0i + t2i, t1i - t3r], axis=2)
        return out_r.reshape(len(re), -1), out_i.reshape(len(re), -1)

    def _apart(self, re: Array, im: Array, w: Array) -> tuple[Array, Array]:
        """From the transform of even + i * odd samples to that of all."""
        n, m = len(re), self.size
        out_r, out_i = np.zeros((n, m + 1), np.int64), np.zeros((n, m + 1), np.int64)
        out_r[:, 0], out_r[:, m] = re[:, 0] + im[:, 0], re[:, 0] - im[:, 0]
        out_r[:, m // 2], out_i[:, m // 2] = re[:, m // 2], -im[:, m // 2]
        k = np.arange(1, m // 2)
        c, s = w[k].T
        sr, dr = re[:, k] + re[:, m - k], re[:, k] - re[:, m - k]
        si, di = im[:, k] + im[:, m - k], im[:, k] - im[:, m - k]
        # Products with the negative twiddles.
        pr = half_product(si, c) - half_product(dr, s)
        pi = half_product(dr, c) + half_product(si, s)
        out_r[:, k], out_r[:, m - k] = (sr >> 1) - pr, (sr >> 1) + pr
        out_i[:, k], out_i[:, m - k] = (di >> 1) + pi, pi - (di >> 1)
        return out_r, out_i


def dft4(x: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """The transform of four numbers."""
    re, im = ([a + c, a - c, b + d, b - d] for a, b, c, d in zip(*x, strict=True))
    return _of_pairs(re, im)


def _of_pairs(re: list[Array], im: list[Array]) -> list[tuple[Array, Array]]:
    """The same from the sums and differences of the even two and of the odd ones."""
    s0r, s1r, s2r, s3r = re
    s0i, s1i, s2i, s3i = im
    return [
        (s0r + s2r, s0i + s2i),
        (s1r + s3i, s1i - s3r),
        (s0r - s2r, s0i - s2i),
        (s1r - s3i, s1i + s3r),
    ]


def _scaled(v: Array, shift: int) -> Array:
    return v << shift if shift >= 0 else v >> -shift


def _product(re: Array, im: Array, c: Array, s: Array) -> tuple[Array, Array]:
    """Half of ``(re + i * im) * (c - i * s)``."""
    return half_product(re, c) + half_product(im, s), half_product(im, c) - half_product(re, s)


def _conjugate_product(re: Array, im: Array, c: Array, s: Array) -> tuple[Array, Array]:
    """Half of ``(re + i * im) * (c + i * s)``."""
    return half_product(re, c) - half_product(im, s), half_product(im, c) + half_product(re, s)
