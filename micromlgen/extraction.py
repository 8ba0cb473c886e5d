"""What a feature extractor promises: the ground of `micromlgen.features`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Array, Calibration, Input
from micromlgen.ir import Model, Transformer
from micromlgen.streams import Framing, Stream


@dataclass(frozen=True, eq=False)
class Extraction(Transformer):
    """A feature extractor: a window of int16 samples in, integers out, the same in every mode.

    The integers lie within ±`top`, which is below 2**30, and so do not overflow where two of them are
    subtracted. They are what the estimator's own `transform` gives.
    """

    @property
    @abstractmethod
    def top(self) -> int:
        """Largest magnitude of an output."""

    @property
    def frame_size(self) -> int:
        """Samples of a frame: channels that are interleaved."""
        return 1

    def streamed(self) -> Stream[Model]:
        """Windows as long as a row, one after another."""
        length = self.input.n_features // self.frame_size
        return Stream((), self, length, length, self.frame_size, self.framed(length))

    def framing(self, hop: int) -> Framing | None:
        """How windows, `hop` samples after one another, can be kept as their frames, if they can."""
        return None

    def framed(self, hop: int) -> Framing | None:
        """The same where it pays."""
        framing = self.framing(hop)
        return framing if framing is not None and framing.pays else None

    @abstractmethod
    def unit(self) -> NDArray[np.float64]:
        """One step of each output, in the units of the float64 definition: shape (n_outputs,)."""

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Of the outputs."""

    def dequantize(self, Y: Array) -> NDArray[np.float64]:
        """Outputs in the units of the float64 definition, shape (n, n_outputs)."""
        return np.asarray(Y * self.unit(), np.float64)

    @property
    def one_unit(self) -> bool:
        """Whether all outputs have the same unit, which then is `output_scale`."""
        unit = self.unit()
        return bool((unit == unit[0]).all())

    @property
    def output_scale(self) -> float:
        """The unit where all outputs have the same; else 1, and no header has it."""
        return float(self.unit()[0]) if self.one_unit else 1.0

    def units_told(self) -> list[str]:
        """Each unit with the name of the first output that has it, in order, until they repeat."""
        unit, names = self.unit(), self.names()
        n = len(unit)
        again = next(p for p in range(1, n + 1) if n % p == 0 and (unit.reshape(-1, p) == unit[:p]).all())
        others = np.flatnonzero(unit[1:again] != unit[: again - 1]) + 1
        told = [f"{names[i]} {unit[i]:.6g}" for i in (0, *others.tolist())]
        return told if again == n else [*told, f"again every {again} numbers"]

    def decode(self, returned: Array) -> Array:
        """The same integers."""
        return returned

    def quantize(self, inputs: Input, by: Calibration) -> Extraction:
        """The same: an extractor is defined in integers."""
        if inputs.dtype == "int8":
            raise UnsupportedError(
                f"{self.source} takes int16 samples whatever dtype says; leave out dtype='int8'"
            )
        return self

    def feature_limits(self) -> NDArray[np.float64]:
        """None: samples are taken as they are."""
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        """Always."""
        return True

    def boundaries(self) -> Sequence[Array]:
        """The extremes, and around zero."""
        return [np.array([-32768, -1, 0, 1, 32767], np.int16)] * self.input.n_features

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """None: the estimator gives the same integers."""
        return np.zeros(self.n_outputs)

    def moves(self, Q: Array, by: Array) -> Array:
        """Nothing: samples have no error."""
        return np.zeros((len(Q), 1))
