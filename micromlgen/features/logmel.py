"""Log energies of bands of spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft32 import RealFFT32
from micromlgen.features._filterbank import Filterbank
from micromlgen.features._frames import CORES, Frames, OfSpectra, Reading
from micromlgen.features._melspec import Options
from micromlgen.features._melsums import Limits, Segments, Sums, of_numbers, of_parts
from micromlgen.features._root import log2_q11, log2_table
from micromlgen.ir import Layout

Array = NDArray[Any]
#: One step of `log` in the units of its base: log2 in Q9.
STEPS = {"log2": 1 / 512, "ln": np.log(2) / 512, "db": 10 * np.log10(2) / 512}
#: What rounding adds to logs, in log2, is less.
_SLACK = 0.1


#: Measured with -O2 beside the transform: bytes of code, and cycles of a bin, a filter, on each of CORES.
_CODE = (2900, 700, 500, 800)
_CYCLES = ((120.0, 5.0, 8.0, 20.0), (500.0, 190.0, 60.0, 100.0))


@dataclass(frozen=True, eq=False)
class LogMel(OfSpectra):
    """Frames, one after another, of log energies in Q9 of log2: of powers or magnitudes."""

    frames: Frames
    bank: Filterbank
    given: Options

    @property
    def spectra(self) -> Frames:
        return self.frames

    @property
    def reads(self) -> Reading:
        if self.magnitude:
            return "magnitudes"
        return "powers" if self.frames.precision == "int16" else "mantissas"

    def sharing(self) -> Self:
        return replace(self, frames=replace(self.frames, shared=True))

    @property
    def transform(self) -> RealFFT32:
        """Of a frame."""
        return self.frames.transform

    @property
    def n_frames(self) -> int:
        """Of a window."""
        return self.frames.n_frames

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int16)

    @property
    def top(self) -> int:
        return 32767

    def names(self) -> Sequence[str]:
        return frame_names([f"mel{i}" for i in range(self.bank.n_mels)], self.n_frames)

    @property
    def step(self) -> float:
        """One step of an output: of a magnitude, dB are twice as many."""
        twice = self.given.log == "db" and self.given.spectrum == "magnitude"
        return float(STEPS[self.given.log] * (2 if twice else 1))

    def unit(self) -> NDArray[np.float64]:
        return np.full(self.n_outputs, self.step)

    @property
    def lowest(self) -> int:
        """The log of nothing in Q9 of log2."""
        return int(np.rint(np.log2(max(self.given.floor, self.given.offset)) * 512))

    @property
    def highest(self) -> int:
        """The most that a log comes to in Q9 of log2, of energies at least 1."""
        fft, given = self.transform, self.given
        full = 2.0**15 / given.full_scale * (1 + fft.emphasis / 2**15)
        peak = 1.0 if fft.window is None else 32767.0
        weights = np.abs(fft.whole_window) / peak * full
        # By Parseval's theorem; the bins at 0 and at half the sample rate count twice.
        power = fft.size * float((weights**2).sum()) + float(weights.sum()) ** 2
        most = np.sqrt((fft.size + 1) * power) if self.magnitude else power
        most = most * self.bank.factors.max() / (given.n_fft if given.scaled else 1) + given.offset
        return min(int(np.ceil(512 * (np.log2(max(most, 1.0)) + _SLACK))), 32767)

    @property
    def range(self) -> int | None:
        """`top_db` in Q9 of log2; None where it is so large that it limits nothing."""
        decibels = STEPS["db"] * (2 if self.magnitude else 1)
        return None if self.given.top_db >= 180 else int(np.rint(self.given.top_db / decibels))

    @property
    def magnitude(self) -> bool:
        """Whether energies are sums of magnitudes."""
        return self.given.spectrum == "magnitude"

    @property
    def factors(self) -> NDArray[np.int16] | None:
        """Log of each filter's factor in Q11, shape (n_mels,); None where all are 1."""
        if self.bank.norm is None:
            return None
        return np.asarray(np.rint(2048 * np.log2(self.bank.factors)), np.int16)

    @property
    def plus(self) -> int:
        """What the log of half an energy of integers lacks to that of an energy, in Q11."""
        return int(np.rint(2048 * np.log2(self._half_step)))

    @property
    def _half_step(self) -> float:
        frames, full = self.frames, self.given.full_scale
        step = frames.step_of_magnitude / full if self.magnitude else frames.step_of_power / full**2
        return 2 * step / (self.given.n_fft if self.given.scaled else 1)

    @property
    def offsets(self) -> tuple[Array, Array]:
        """What is added to halves of the `logs`' energies: mantissas of 16 bits, and exponents of two.

        A filter's norm is the logarithm's, so here it divides.
        """
        factors = np.append(self.bank.factors, [1.0] * self.given.energy)
        mantissa, exponent = np.frexp(self.given.offset / (self._half_step * factors))
        return np.ldexp(mantissa, 16).astype(np.int64), exponent.astype(np.int64) - 16

    @cached_property
    def segments(self) -> Segments:
        """Whose bins are summed up."""
        return Segments(self.bank, self.given.energy)

    @cached_property
    def limits(self) -> Limits:
        """How far parts of bins may be shifted up."""
        fft = self.transform
        peak = 1.0 if fft.window is None else 32767.0
        # What a sample adds to a bin where the window is 1.
        loudest = 2.0**15 * (1 + fft.emphasis / 2**15) / fft.unit
        # By Parseval's theorem; those at 0 and at half the sample rate count twice.
        bound = fft.size * loudest**2 * float(((fft.whole_window / peak) ** 2).sum()) / 2.0**60 + 1
        return Limits(self.segments, bound)

    def sums(self, X: NDArray[np.int16]) -> Sums:
        """Of the bins of each frame between two corners."""
        if self.reads == "mantissas":
            re, im, up = self.frames.parts(X)
            n_bins = re.shape[2]
            return of_parts(re.reshape(-1, n_bins), im.reshape(-1, n_bins), up.ravel(), self.limits)
        p, shift = self.frames.magnitudes(X) if self.magnitude else self.frames.powers(X)
        up = shift.ravel() * (1 if self.magnitude else 2)
        return of_numbers(p.reshape(-1, p.shape[2]), up, self.segments)

    def tables(self) -> dict[str, Array]:
        """Those that this one needs: of filters, bins between corners, and norms, where they have some."""
        segments = self.segments
        own: dict[str, Array] = {
            "log2": log2_table(),
            "weights": segments.weights,
            "counts": segments.counts.astype(np.uint16),
        }
        if self.factors is not None:
            own["factors"] = self.factors
            if self.given.offset:
                mantissas, exponents = self.offsets
                own |= {"mantissas": mantissas.astype(np.uint16), "exponents": exponents.astype(np.int16)}
        return self.frames.tables() | own

    def costs(self, tables: dict[str, Array], code: Sequence[int], cycles: Sequence[float]) -> list[Layout]:
        """The only layout, of what costs so much more than this, on AVR, Cortex-M0+, Cortex-M4F and RV32."""
        sizes = [t.nbytes for t in tables.values()]
        own = [_CYCLES[0][k] * len(self.bank.weights) + _CYCLES[1][k] * self.bank.n_mels for k in range(4)]
        return [
            Layout(
                name=f"{self.frames.precision}, radix 4",
                flash={c: sum(sizes) + self.frames.code(k) + _CODE[k] + code[k] for k, c in enumerate(CORES)},
                cycles={
                    c: self.frames.cycles(k) + self.n_frames * (own[k] + cycles[k])
                    for k, c in enumerate(CORES)
                },
                build=lambda: {"tables": tables},
                tables=sizes,
            )
        ]

    def layouts(self) -> Sequence[Layout]:
        return self.costs(self.tables(), (0, 0, 0, 0), (0, 0, 0, 0))

    @property
    def kept(self) -> int:
        return self.bank.n_mels

    def logs(self, sums: Sums) -> Array:
        """Of energies of bands, and of the whole frame if given, in Q9 of log2, at least the floor."""
        energy, down = sums.energies()
        if self.given.energy:
            whole, of_whole = sums.whole()
            energy, down = np.column_stack([energy, whole]), np.column_stack([down, of_whole])
        if self.given.offset:
            energy, down = self._with_offset(energy, down)
        q11 = log2_q11(energy) + self.plus + (down << 11)
        if self.factors is not None:
            q11[:, : self.bank.n_mels] += self.factors
        return np.where(energy == 0, self.lowest, np.maximum((q11 + 2) >> 2, self.lowest))

    def _with_offset(self, energy: Array, down: Array) -> tuple[Array, Array]:
        """Energies above 0 plus the offset, which has 31 bits at most: those far below move down for it."""
        mantissa, exponent = self.offsets
        place = exponent - down
        more = np.maximum(place - 15, 0)
        added = np.where(place < -16, 0, (mantissa << np.clip(place, 0, 15)) >> np.clip(-place, 0, 16))
        energy = np.where(energy > 0, (energy >> np.minimum(more, 32)) + added, 0)
        return energy, down + more

    def with_energy(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Log energies of windows, int64 (n, n_frames, n_mels); of whole frames, (n, n_frames), if given."""
        logs = self.logs(self.sums(X)).reshape(len(X), self.n_frames, -1)
        log, whole = logs[:, :, : self.bank.n_mels], logs[:, :, -1]
        if self.range is not None:
            log = np.maximum(log, log.max(axis=(1, 2), keepdims=True) - self.range)
        return log, whole

    def predict(self, Q: Array) -> Array:
        return self.with_energy(np.asarray(Q, np.int16))[0].reshape(len(Q), -1).astype(np.int16)

    def contract(self) -> Sequence[str]:
        given = self.given
        return [
            f"{self.frames.counted} of {given.frame_length} samples at {given.sample_rate:g} Hz, "
            f"{self.bank.n_mels} bands from {given.fmin:g} to {given.fmax:g} Hz",
            f"{given.log} of at least {given.floor:g}, in steps of {self.step:.6f}; silence is exact",
        ]


def frame_names(names: Sequence[str], n_frames: int) -> list[str]:
    """Names of the features of frames, whose number they have where there are several."""
    return [name + (f"_{t}" if n_frames > 1 else "") for t in range(n_frames) for name in names]
