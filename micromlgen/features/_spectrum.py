"""What spectra of both precisions have in common: bins, their names, their units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.extraction import Extraction
from micromlgen.features._fft32 import RealFFT32
from micromlgen.features._root import log2_table
from micromlgen.ir import Layout

Array = NDArray[Any]
Output = Literal["complex", "power", "magnitude", "log"]
#: dB of one step of output="log": a power of two, in Q9.
DB = 10 * np.log10(2.0) / 512
CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")


class Costs(NamedTuple):
    """Measured on each of `CORES`.

    Parameters
    ----------
    code : mapping
        Bytes of "complex", and what another output adds.
    work : tuple of float
        Cycles of n * log2(n).
    of_bin : mapping
        Cycles of a bin, by output.
    """

    code: Mapping[str, Sequence[float]]
    work: Sequence[float]
    of_bin: Mapping[str, Sequence[float]]


@dataclass(frozen=True, eq=False)
class Bins(Extraction):
    """Bins 0 … n_fft / 2 of a transform, as they are or as one number each, in the same units always."""

    transform: RealFFT32
    output: Output

    @property
    def n_bins(self) -> int:
        """Bins, both ends included."""
        return self.transform.size + 1

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int16 if self.output == "log" else np.int32)

    @property
    def top(self) -> int:
        return 60 * 512 if self.output == "log" else 2**30 - 1

    def names(self) -> Sequence[str]:
        if self.output == "complex":
            return [f"{part}{k}" for k in range(self.n_bins) for part in ("re", "im")]
        return [f"{self.output}{k}" for k in range(self.n_bins)]

    def unit(self) -> NDArray[np.float64]:
        unit = self.transform.unit
        one = {"complex": unit, "magnitude": unit, "power": unit**2 * 2.0**30, "log": DB}[self.output]
        return np.full(self.n_outputs, one)

    def dequantize(self, Y: Array) -> NDArray[np.float64]:
        decibels = 20 * np.log10(self.transform.unit) if self.output == "log" else 0.0
        return super().dequantize(Y) + decibels

    def what(self, relative: str, steps: str) -> str:
        """The outputs, for the contract: a magnitude's relative error, a power's in steps."""
        unit = self.transform.unit
        return {
            "complex": f"real and imaginary parts of bins 0 to {self.n_bins - 1} in steps of {unit:.6g}",
            "magnitude": f"magnitudes of bins in steps of {unit:.6g}, {relative}",
            "power": f"powers of bins in steps of {unit**2 * 2.0**30:.6g}, {steps}",
            "log": f"powers of bins in steps of {DB:.6f} dB; 0 is {20 * np.log10(unit):.2f} dB and below",
        }[self.output]

    def layout(self, name: str, twiddles: Mapping[str, Array] | None, costs: Costs) -> Layout:
        """The layout with these twiddles, by their table's name, and what else the spectrum needs.

        None: others compute the transform.
        """
        alone = twiddles is not None
        tables = dict(twiddles or {})
        if alone and self.transform.window is not None:
            tables["window"] = self.transform.window
        if self.output == "log":
            tables["log2"] = log2_table()
        size = sum(t.nbytes for t in tables.values())
        output = "magnitude" if self.output == "log" else self.output
        code = [
            alone * costs.code["complex"][k] + (costs.code[output][k] if output != "complex" else 0)
            for k in range(4)
        ]
        work = alone * self.transform.n_fft * np.log2(self.transform.n_fft)
        cycles = [costs.work[k] * work + costs.of_bin[output][k] * self.n_bins for k in range(4)]
        return Layout(
            name=name,
            flash={c: size + code[k] for k, c in enumerate(CORES)},
            cycles={c: float(cycles[k]) for k, c in enumerate(CORES)},
            build=lambda: {"tables": tables},
            tables=[t.nbytes for t in tables.values()],
        )
