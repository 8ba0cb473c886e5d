"""Powers of very different sizes, and what is told of them: the twin of dsp/powers.h."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.extraction import Extraction
from micromlgen.features._root import log2_q11
from micromlgen.features._tops import inverse, limited, top, upper

Array = NDArray[Any]
Output = Literal["power", "log", "relative"]
#: dB of one step of output="log": a power of two, in Q9.
DB = 10 * np.log10(2.0) / 512
#: What is less counts as this, in output="log": 2**-10.
FLOOR = -10
_SHARE_BITS = 16
#: Exponent of zero, below all others.
_NOTHING = -(1 << 12)


class Powers(NamedTuple):
    """``m * 2**e``, m of 32 bits with the highest one set, or 0."""

    m: Array
    e: Array


def power_of(v: Array, e: Array | int) -> Powers:
    """``v * 2**e`` of integers from 0 on, rounded down."""
    m, up = top(v)
    return Powers(m, np.where(m > 0, up + e, _NOTHING))


def times(a: Powers, factor: int, e: int) -> Powers:
    """``a * factor * 2**e``, a factor of 16 bits with the highest one set."""
    return power_of(upper(a.m, factor), a.e + 16 + e)


def plus(a: Powers, b: Powers) -> Powers:
    """The sum, rounded down twice."""
    e = np.maximum(a.e, b.e) + 1
    m = (a.m >> np.minimum(e - a.e, 63)) + (b.m >> np.minimum(e - b.e, 63))
    return power_of(m, e)


def shares(of: Powers, total: Powers) -> Array:
    """``of / total`` in Q16; 0 where the total is."""
    q = limited(upper(of.m, inverse(np.maximum(total.m, 1 << 31))), of.e - total.e - 15)
    return np.where(total.m > 0, q, 0)


@dataclass(frozen=True, eq=False)
class PowerOf(Extraction):
    """Powers of parts of a signal, of each channel in turn.

    Parameters
    ----------
    parts : tuple of str
        Their names.
    output : {"power", "log", "relative"}
    n_channels : int
    """

    parts: tuple[str, ...]
    output: Output
    n_channels: int

    @abstractmethod
    def powers(self, X: NDArray[np.int16]) -> tuple[Powers, Powers]:
        """Of windows of one channel, those of all parts, shape (n, n_parts), and their total, (n, 1)."""

    @property
    @abstractmethod
    def exponent(self) -> int:
        """Of a step of output="power"."""

    @property
    def frame_size(self) -> int:
        return self.n_channels

    @property
    def n_parts(self) -> int:
        """Of a channel."""
        return len(self.parts)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int16 if self.output == "log" else np.int32)

    @property
    def top(self) -> int:
        return 32767 if self.output == "log" else 2**30 - 1

    @property
    def lowest(self) -> int:
        """The floor of logarithms."""
        return FLOOR * 512

    def names(self) -> Sequence[str]:
        if self.n_channels == 1:
            return list(self.parts)
        return [f"{part}_{c}" for c in range(self.n_channels) for part in self.parts]

    def unit(self) -> NDArray[np.float64]:
        one = {"power": 2.0**self.exponent, "log": DB, "relative": 2.0**-_SHARE_BITS}[self.output]
        return np.full(self.n_outputs, one)

    def predict(self, Q: Array) -> Array:
        samples = np.asarray(Q, np.int16)
        each = [self._steps(*self.powers(samples[:, c :: self.n_channels])) for c in range(self.n_channels)]
        return np.concatenate(each, axis=1).astype(self.output_dtype)

    def _steps(self, of: Powers, total: Powers) -> Array:
        if self.output == "power":
            return limited(of.m, of.e - self.exponent)
        if self.output == "relative":
            return shares(of, total)
        log = (log2_q11(of.m) + (of.e << 11) + 2) >> 2
        return np.where(of.m > 0, np.maximum(log, self.lowest), self.lowest)

    def _contract(self) -> str:
        """What the outputs are."""
        return {
            "power": f"in steps of {2.0**self.exponent:g}, at most 2^30 - 1 of them",
            "log": f"in steps of {DB:.6f} dB; 2^{FLOOR} and below count as that",
            "relative": "parts of their total in Q16",
        }[self.output]


def reference(powers: NDArray[np.float64], total: NDArray[np.float64], output: Output) -> NDArray[np.float64]:
    """What the outputs stand for: of powers of shape (n, n_parts) and their total, (n, 1)."""
    if output == "power":
        return powers
    if output == "log":
        return np.asarray(10 * np.log10(np.maximum(powers, 2.0**FLOOR)))
    return np.asarray(np.divide(powers, total, out=np.zeros_like(powers), where=total > 0))
