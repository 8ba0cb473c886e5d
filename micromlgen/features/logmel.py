"""Log energies of bands of spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft32 import RealFFT32
from micromlgen.features._filterbank import Filterbank
from micromlgen.features._frames import CORES, Frames, OfSpectra, Reading
from micromlgen.features._melspec import Options
from micromlgen.features._root import log2_q11, log2_table
from micromlgen.ir import Layout
from micromlgen.streams import Framing

Array = NDArray[Any]
#: One step of `log` in the units of its base: log2 in Q9.
STEPS = {"log2": 1 / 512, "ln": np.log(2) / 512, "db": 10 * np.log10(2) / 512}
#: By how much bins are shifted down in the sum of all.
_WHOLE = 11


#: Measured with -O2 beside the transform: bytes of code, and cycles of a bin, a filter, on each of CORES.
_CODE = (2900, 700, 500, 800)
_CYCLES = ((120.0, 45.0, 5.0, 20.0), (500.0, 250.0, 60.0, 100.0))


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
        return "magnitudes" if self.magnitude else "powers"

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
    def offset(self) -> tuple[int, int]:
        """What is added to halves of energies, as a mantissa of 16 bits and the exponent of two."""
        if not self.given.offset:
            return 0, 0
        mantissa, exponent = np.frexp(self.given.offset / self._half_step)
        return int(np.ldexp(mantissa, 16)), int(exponent) - 16

    def bins(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Of each frame: powers or magnitudes of bins (n, n_bins), and the shift up (n,)."""
        p, shift = self.frames.magnitudes(X) if self.magnitude else self.frames.powers(X)
        return p.reshape(-1, p.shape[2]), shift.ravel()

    def energies(self, p: Array) -> tuple[Array, Array]:
        """Halves of the sums of filters, and of all bins; how far they are shifted down: (n, n_mels + 1).

        A bin's part in the filter that rises at it is half of ``p * weight`` in Q15, rounded down; the rest
        is its part in the one that falls. The sums of the bins between two corners are halved where they
        reach 2**31, and the bins behind with them.
        """
        weights = self.bank.weights.astype(np.int64)
        out, downs = np.zeros((2, len(p), self.bank.n_mels + 1), np.int64)
        bin_, before, down_before = self.bank.first, np.zeros(len(p), np.int64), np.zeros(len(p), np.int64)
        for s, count in enumerate(self.bank.counts):
            every, rising, down = np.zeros((3, len(p)), np.int64)
            for w in weights[bin_ - self.bank.first :][:count]:
                value = p[:, bin_] >> down
                every, rising = every + value, rising + (value * w >> 16)
                over = every >> 31
                every, rising, down = every >> over, rising >> over, down + over
                bin_ += 1
            if s:
                most = np.maximum(down, down_before)
                falling = ((every >> 1) - rising) >> (most - down)
                out[:, s - 1], downs[:, s - 1] = (before >> (most - down_before)) + falling, most
            before, down_before = rising, down
        out[:, -1], downs[:, -1] = (p >> _WHOLE).sum(axis=1), _WHOLE - 1
        return out, downs

    def tables(self) -> dict[str, Array]:
        """Those that this one needs: also of filters, bins between their corners, norms if there are some."""
        counts = self.bank.counts.astype(np.uint16)
        own = {"log2": log2_table(), "weights": self.bank.weights, "counts": counts}
        norms = {} if self.factors is None else {"factors": self.factors}
        return self.frames.tables() | own | norms

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

    def framing(self, hop: int) -> Framing | None:
        return self.frames_of(self.bank.n_mels, self.input.n_features, hop)

    def frames_of(self, kept: int, length: int, hop: int) -> Framing | None:
        """As `framing`, where so many numbers of a frame are kept of windows of so many samples."""
        framing = Framing(
            length=length - (self.n_frames - 1) * self.given.hop_length,
            hop=self.given.hop_length,
            count=self.n_frames,
            kept=kept,
            window_hop=hop,
            looks_back=self.frames.looks_back,
        )
        smaller = framing.shared or framing.n_bytes < 2 * length
        return framing if self.n_frames > 1 and framing.possible and smaller else None

    def logs(self, p: Array, shift: Array) -> Array:
        """Of the `energies` of bins, in Q9 of log2, at least the floor."""
        energy, down = self.energies(p)
        octaves = 1 if self.magnitude else 2
        if self.given.offset:
            energy, down = self._with_offset(energy, down, shift[:, None] * octaves)
        factors = np.append(np.zeros(self.bank.n_mels) if self.factors is None else self.factors, 0)
        plus = self.plus - shift[:, None] * (octaves << 11) + (down << 11)
        q9 = (log2_q11(energy) + plus + factors.astype(np.int64) + 2) >> 2
        return np.where(energy == 0, self.lowest, np.maximum(q9, self.lowest))

    def _with_offset(self, energy: Array, down: Array, shift: Array) -> tuple[Array, Array]:
        """Energies above 0 plus the offset, which has 31 bits at most: those far below move down for it."""
        mantissa, exponent = self.offset
        place = exponent + shift - down
        more = np.maximum(place - 15, 0)
        added = np.where(place < -16, 0, (mantissa << np.clip(place, 0, 15)) >> np.clip(-place, 0, 16))
        energy = np.where(energy > 0, (energy >> np.minimum(more, 32)) + added, 0)
        return energy, down + more

    def with_energy(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Log energies of windows, int64 (n, n_frames, n_mels), and those of whole frames, (n, n_frames)."""
        logs = self.logs(*self.bins(X)).reshape(len(X), self.n_frames, -1)
        log, whole = logs[:, :, :-1], logs[:, :, -1]
        if self.range is not None:
            log = np.maximum(log, log.max(axis=(1, 2), keepdims=True) - self.range)
        return log, whole

    def predict(self, Q: Array) -> Array:
        return self.with_energy(np.asarray(Q, np.int16))[0].reshape(len(Q), -1).astype(np.int16)

    def contract(self) -> Sequence[str]:
        given = self.given
        return [
            f"{self.n_frames} frames of {given.frame_length} samples at {given.sample_rate:g} Hz, "
            f"{self.bank.n_mels} bands from {given.fmin:g} to {given.fmax:g} Hz",
            f"{given.log} of at least {given.floor:g}, in steps of {self.step:.6f}; silence is exact",
        ]


def frame_names(names: Sequence[str], n_frames: int) -> list[str]:
    """Names of the features of frames, whose number they have where there are several."""
    return [name + (f"_{t}" if n_frames > 1 else "") for t in range(n_frames) for name in names]
