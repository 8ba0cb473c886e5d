"""Recursive filters: second-order sections of scipy, in fixed point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._biquads import Cascade, cascade
from micromlgen.features._filter import Filter
from micromlgen.features._filtering import Filtering
from micromlgen.ir import Layout

Array = NDArray[Any]
_MOST_SECTIONS = 16
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2: bytes of code and cycles of a sample, of all but the sections, and of each section.
_CODE = (340, 120, 70, 80), (210, 110, 65, 85)
_CYCLES = (150.0, 15.0, 9.0, 18.0), (270.0, 55.0, 14.0, 12.0)
#: Fewer numbers than this at a time are quicker one by one.
_ONE_BY_ONE = 24


@dataclass(frozen=True, eq=False)
class Recursion(Filtering):
    """A cascade, of each channel."""

    cascade: Cascade

    @property
    def state(self) -> tuple[Literal["int16", "int32"], int]:
        return "int32", self.n_channels * self.per_channel

    @property
    def per_channel(self) -> int:
        """Numbers that are kept: the last two of those that go into each section, and of the last one's."""
        return 2 * (len(self.cascade.sections) + 1)

    def predict(self, Q: Array) -> Array:
        samples = np.asarray(Q, np.int64)
        n, length = samples.shape
        channels = samples.reshape(n, length // self.n_channels, self.n_channels)
        frames = channels.transpose(1, 0, 2).reshape(length // self.n_channels, n * self.n_channels)
        if frames.shape[1] < _ONE_BY_ONE:
            out = np.array([list(self.run(column)) for column in frames.T.tolist()], np.int64).T
        else:
            out = np.stack(list(self.run(frames)))
        bits = self.cascade.bits[-1]
        rounded = np.clip((out + (1 << (bits - 1))) >> bits, -32768, 32767)
        back = rounded.reshape(-1, n, self.n_channels).transpose(1, 0, 2)
        return back.reshape(n, length).astype(np.int16)

    def run(self, samples: Iterable[Any]) -> Iterable[Any]:
        """What the last section gives of each sample: integers, or int64 arrays of one shape."""
        cascade = self.cascade
        kept = [(0, 0)] * (len(cascade.sections) + 1)
        for x in samples:
            u = x << cascade.bits[0]
            for k, section in enumerate(cascade.sections):
                u1, u2 = kept[k]
                kept[k] = u, u1
                f0, f1, f2 = section.feed
                if section.gain is not None:
                    w = f0 * u + f1 * u1 + f2 * u2
                    if section.rest is not None:
                        w = w + (section.rest.mantissa * u1 >> section.rest.shift)
                    y = (w * section.gain.mantissa) >> section.gain.shift
                else:
                    y = (f0 * u >> section.shift) + (f1 * u1 >> section.shift) + (f2 * u2 >> section.shift)
                y1, y2 = kept[k + 1]
                d = y1 - y2 if section.near_one else y1 + y2
                back = (section.k1.mantissa * y1 >> section.k1.shift) + (
                    section.k2.mantissa * d >> section.k2.shift
                )
                y = y + (y1 + d - back) if section.near_one else y - (y1 + d - back)
                u = y
            kept[-1] = u, kept[-1][0]
            yield u

    def layouts(self) -> Sequence[Layout]:
        n = len(self.cascade.sections)
        samples = self.input.n_features
        return [
            Layout(
                name="direct form I",
                flash={c: float(_CODE[0][k] + n * _CODE[1][k]) for k, c in enumerate(_CORES)},
                cycles={c: samples * (_CYCLES[0][k] + n * _CYCLES[1][k]) for k, c in enumerate(_CORES)},
                build=dict,
            )
        ]

    def contract(self) -> Sequence[str]:
        rest = self.cascade.at_rest
        return [
            f"within {_shown(self.cascade.error)} of scipy.signal.sosfilt, saturated to int16; no overflow",
            "zeros in become zeros out" if not rest else f"zeros in become at most {rest} either way",
        ]


def _shown(steps: float) -> str:
    """A bound, rounded up."""
    return f"{np.ceil(steps * 10) / 10:.1f} steps"


class IIRFilter(Filter):
    """Recursive filter of int16 samples, in second-order sections.

    Parameters
    ----------
    sos : array of shape (n_sections, 6)
        As ``scipy.signal.butter(..., output="sos")`` and its like give them: at most 16, stable.
    n_channels : int
        Channels, interleaved, each of which is filtered.

    Notes
    -----
    A row begins at rest, as if zeros had come before it. In a stream the filter runs on over all windows.

    Sums have 32 bits and coefficients 16; numbers between sections are scaled so that none overflows,
    whatever the samples. Outputs are rounded to nearest, halves up, and saturate. `error_bound` tells how far
    they may be from float64, and the banner of the header does.

    `reference` is ``scipy.signal.sosfilt(sos, X)`` of each channel.
    """

    def __init__(self, sos: Any, *, n_channels: int = 1) -> None:
        self.sos = sos
        self.n_channels = n_channels

    def extraction(self, n_samples: int | None = None) -> Recursion:
        sections = cascade(self._sos())
        inputs = self._input(n_samples)
        return Recursion(
            source="IIRFilter",
            input=inputs,
            span=np.zeros((inputs.n_features, 2)),
            n_channels=self._channels(),
            cascade=sections,
        )

    @property
    def error_bound(self) -> float:
        """Most that an output differs from `reference` where that is within int16, in steps of samples."""
        return cascade(self._sos()).error

    def _sos(self) -> NDArray[np.float64]:
        try:
            sos = np.asarray(self.sos, np.float64)
        except (TypeError, ValueError) as error:
            raise UnsupportedError(f"IIRFilter: sos is not an array of numbers: {error}") from error
        if sos.ndim != 2 or sos.shape[1] != 6 or not 1 <= len(sos) <= _MOST_SECTIONS:
            raise UnsupportedError(
                f"IIRFilter: sos has shape {sos.shape}; (n_sections, 6) is needed, at most {_MOST_SECTIONS}: "
                "pass output='sos' to the design, or tf2sos(b, a)"
            )
        if not np.isfinite(sos).all():
            raise UnsupportedError("IIRFilter: sos has numbers that are not finite")
        if (sos[:, 3] != 1).any():
            raise UnsupportedError("IIRFilter: sos[:, 3], which is a0, must be all ones, as in scipy")
        return sos

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        channels = samples.reshape(len(samples), -1, self.n_channels)
        return np.asarray(sosfilt(self._sos(), channels, axis=1)).reshape(samples.shape)


@converts("micromlgen.features.IIRFilter")
def iir(estimator: IIRFilter) -> Recursion:
    """Convert the parameters."""
    return estimator.extraction()
