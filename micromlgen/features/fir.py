"""Filters by a weighted sum of the last samples, which may keep one output of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._filter import Filter
from micromlgen.features._filtering import MOST_ERROR, Filtering
from micromlgen.ir import Layout

Array = NDArray[Any]
_MOST_TAPS, _MOST_DECIMATION, _MOST_KEPT = 1024, 256, 8192
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2: bytes of code; cycles of a sample, of an output, and of a tap, symmetric or not.
_CODE = (600, 390, 350, 240)
_CYCLES = (80.0, 20.0, 15.0, 15.0), (200.0, 35.0, 15.0, 15.0)
_TAP = {True: (40.0, 5.5, 1.7, 5.2), False: (38.0, 6.6, 1.7, 7.3)}


@dataclass(frozen=True, eq=False)
class Convolution(Filtering):
    """Sums of samples times taps, of each channel.

    Parameters
    ----------
    taps : int16 array
        The first is that of the newest sample. All of them at full scale sum up within 32 bits.
    bits : int
        Of their fraction.
    decimate : int
        One of so many outputs is kept, the first one first.
    error : float
        Most that an output differs from float64, in steps of samples.
    """

    taps: NDArray[np.int16]
    bits: int
    decimate: int
    error: float

    @property
    def decimation(self) -> int:
        return self.decimate

    @property
    def state(self) -> tuple[Literal["int16", "int32"], int]:
        return "int16", 2 * len(self.taps) * self.n_channels + 2

    @property
    def symmetric(self) -> bool:
        """Whether the second half of the taps is the first one backwards, so that one table does for both."""
        return len(self.taps) > 3 and bool((self.taps == self.taps[::-1]).all())

    @cached_property
    def table(self) -> NDArray[np.int16]:
        """Taps as they are read: the oldest sample's first; of symmetric ones the first half."""
        backwards = np.ascontiguousarray(self.taps[::-1])
        return backwards[: (len(backwards) + 1) // 2] if self.symmetric else backwards

    def predict(self, Q: Array) -> Array:
        samples = np.asarray(Q, np.int64)
        n = len(samples)
        channels = samples.reshape(n, -1, self.n_channels)
        length = channels.shape[1]
        kept = np.arange(0, length, self.decimate)
        sums = np.zeros((n, len(kept), self.n_channels), np.int64)
        for k, tap in enumerate(self.taps.tolist()):
            first = np.searchsorted(kept, k)
            sums[:, first:] += tap * channels[:, kept[first:] - k]
        rounded = (sums + (1 << (self.bits - 1))) >> self.bits
        return np.clip(rounded, -32768, 32767).reshape(n, -1).astype(np.int16)

    def layouts(self) -> Sequence[Layout]:
        samples, outputs = self.input.n_features, self.n_outputs
        work = outputs * len(self.taps)
        tap = _TAP[self.symmetric]
        return [
            Layout(
                name="symmetric taps" if self.symmetric else "taps",
                flash={c: float(self.table.nbytes + _CODE[k]) for k, c in enumerate(_CORES)},
                cycles={
                    c: samples * _CYCLES[0][k] + outputs * _CYCLES[1][k] + work * tap[k]
                    for k, c in enumerate(_CORES)
                },
                build=dict,
                tables=[self.table.nbytes],
            )
        ]

    def contract(self) -> Sequence[str]:
        kept = f", every {self.decimate} outputs one" if self.decimate > 1 else ""
        return [
            f"within {np.ceil(self.error * 10) / 10:.1f} steps of scipy.signal.lfilter{kept}, saturated to "
            "int16; no sum overflows"
        ]


class FIRFilter(Filter):
    """Filter of int16 samples by a weighted sum of the last ones, with decimation.

    Parameters
    ----------
    taps : array of shape (n_taps,)
        As ``scipy.signal.firwin`` and its like give them; at most 1024. The first is the newest sample's.
    decimation : int
        Of so many outputs one is kept, and no other is computed: the first, as ``scipy.signal.upfirdn`` does.
    n_channels : int
        Channels, interleaved, each of which is filtered.

    Notes
    -----
    A row begins at rest, as if zeros had come before it. In a stream the filter runs on over all windows.

    Taps become int16 with the longest fraction for which all of them together, at full scale, stay within 32
    bits: no sum overflows, and none is rounded before its end. Outputs are rounded to nearest, halves up, and
    saturate.

    `reference` is ``scipy.signal.lfilter(taps, 1, X)[::decimation]`` of each channel.
    """

    def __init__(self, taps: Any, decimation: int = 1, *, n_channels: int = 1) -> None:
        self.taps = taps
        self.decimation = decimation
        self.n_channels = n_channels

    def extraction(self, n_samples: int | None = None) -> Convolution:
        exact, decimation, channels = self._taps(), self._decimation(), self._channels()
        if len(exact) * channels > _MOST_KEPT:
            raise UnsupportedError(
                f"FIRFilter: {len(exact)} taps of {channels} channels; use at most {_MOST_KEPT} in all"
            )
        inputs = self._input(n_samples)
        bits = _bits(exact)
        taps = np.rint(exact * 2.0**bits)
        error = float(np.abs(taps * 2.0**-bits - exact).sum() * 32768 + 0.5)
        if error > MOST_ERROR:
            raise UnsupportedError(
                f"FIRFilter: outputs may be off by {error:.0f} steps, since taps have 16 bits; scale "
                "them so that outputs fit int16"
            )
        n_outputs = -(-(inputs.n_features // channels) // decimation) * channels
        return Convolution(
            source="FIRFilter",
            input=inputs,
            span=np.zeros((n_outputs, 2)),
            n_channels=channels,
            taps=taps.astype(np.int16),
            bits=bits,
            decimate=decimation,
            error=error,
        )

    @property
    def error_bound(self) -> float:
        """Most that an output differs from `reference` where that is within int16, in steps of samples."""
        return self.extraction(self._channels()).error

    def _taps(self) -> NDArray[np.float64]:
        try:
            taps = np.asarray(self.taps, np.float64)
        except (TypeError, ValueError) as error:
            raise UnsupportedError(f"FIRFilter: taps is not an array of numbers: {error}") from error
        if taps.ndim != 1 or not 1 <= len(taps) <= _MOST_TAPS:
            raise UnsupportedError(
                f"FIRFilter: taps has shape {taps.shape}; (n_taps,) is needed, at most {_MOST_TAPS}"
            )
        if not np.isfinite(taps).all() or not taps.any():
            raise UnsupportedError("FIRFilter: taps has numbers that are not finite, or nothing but zeros")
        return taps

    def _decimation(self) -> int:
        value = self.decimation
        known = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not known or not 1 <= value <= _MOST_DECIMATION:
            raise UnsupportedError(
                f"FIRFilter: decimation={value!r}; an integer from 1 to {_MOST_DECIMATION} is needed"
            )
        return int(value)

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        channels = samples.reshape(len(samples), -1, self.n_channels)
        out = lfilter(self._taps(), 1.0, channels, axis=1)[:, :: self._decimation()]
        return np.asarray(out).reshape(len(samples), -1)


def _bits(taps: NDArray[np.float64]) -> int:
    """The longest fraction of taps that are int16, and whose sums of full scale and rounding have 32 bits.

    Raises
    ------
    UnsupportedError
        If there is none.
    """
    for bits in range(30, 0, -1):
        whole = np.rint(taps * 2.0**bits)
        if np.abs(whole).max() <= 32767 and np.abs(whole).sum() * 32768 + 2.0 ** (bits - 1) < 2.0**31:
            return bits
    raise UnsupportedError("FIRFilter: taps sum up to more than 32767; scale them so that outputs fit int16")


@converts("micromlgen.features.FIRFilter")
def fir(estimator: FIRFilter) -> Convolution:
    """Convert the parameters."""
    return estimator.extraction()
