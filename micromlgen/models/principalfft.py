"""PrincipalFFT and KFFT, of the package principal-fft that micromlgen 1.x ported: some bins of a spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Transformer

Array = NDArray[Any]
#: Of float32 operations.
_ULP = 2.0**-24
#: The contract, relative to the sum of the samples' magnitudes.
_BOUND = 1e-5
#: Measured with -Os on AVR, Cortex-M0+, Cortex-M4F and RV32: bytes of code, cycles of one sample of one bin.
_COSTS = {"avr": (1500, 560), "cortex-m0plus": (1900, 330), "cortex-m4f": (170, 17), "rv32imc": (2200, 340)}


@dataclass(frozen=True, eq=False)
class PrincipalFFT(Transformer):
    """Magnitudes ``|sum(x[t] * exp(-2j * pi * bin * t / n))|`` of real samples, bin by bin.

    A half of a cosine's wave is kept, and of a sine's where a quarter of the wave is no whole index.
    """

    #: Bins of the discrete Fourier transform, int64 of shape (n_outputs,).
    bins: NDArray[np.int64]

    @property
    def n_outputs(self) -> int:
        return len(self.bins)

    @property
    def cosine(self) -> NDArray[np.float32]:
        """``cos(2 * pi * i / n)`` of the first half."""
        n = self.input.n_features
        return np.cos(2 * np.pi * np.arange(n // 2 + 1) / n).astype(np.float32)

    @property
    def sine(self) -> NDArray[np.float32] | None:
        """``sin(2 * pi * i / n)`` of the first half; None where the cosine, a quarter before, is it."""
        n = self.input.n_features
        if n % 4 == 0:
            return None
        return np.sin(2 * np.pi * np.arange(n // 2 + 1) / n).astype(np.float32)

    @property
    def uses_math(self) -> bool:
        return True

    @property
    def output_scale(self) -> float:
        return 1.0

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return True  # `quantize` says that there are none

    def quantize(self, inputs: Input, by: Calibration) -> PrincipalFFT:
        if inputs.is_integer:
            raise UnsupportedError(f"{self.source} cannot be ported in integers; use dtype='float32'")
        return replace(self, input=inputs)

    def predict(self, Q: Array) -> Array:
        n = self.input.n_features
        at = np.outer(self.bins, np.arange(n)) % n
        half = np.minimum(at, n - at)
        cosine = self.cosine.astype(np.float64)[half]
        if self.sine is None:
            before = (at + 3 * n // 4) % n
            sine = self.cosine.astype(np.float64)[np.minimum(before, n - before)]
        else:
            sine = np.where(at > n - at, -1.0, 1.0) * self.sine.astype(np.float64)[half]
        wide = Q.astype(np.float64)
        return np.asarray(np.hypot(wide @ cosine.T, wide @ sine.T), np.float32)

    def _magnitude(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(np.abs(X.astype(np.float64)).sum(axis=1, keepdims=True))

    def rounding(self, Q: Array) -> Array:
        return np.asarray(1.5 * (self.input.n_features + 4) * _ULP * self._magnitude(Q))

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.broadcast_to(_BOUND * self._magnitude(X), (len(X), self.n_outputs))

    def boundaries(self) -> Sequence[Array]:
        return [np.array([-1000, 0, 1000], np.float32)] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        tables = [t for t in (self.cosine, self.sine) if t is not None]
        size = sum(t.nbytes for t in tables)
        terms = self.n_outputs * self.input.n_features
        return [
            Layout(
                name="half a wave",
                flash={core: code + size for core, (code, _) in _COSTS.items()},
                cycles={core: cycles * terms for core, (_, cycles) in _COSTS.items()},
                build=dict,
                tables=[t.nbytes for t in tables],
            )
        ]

    def contract(self) -> Sequence[str]:
        return [f"magnitudes are within {_BOUND:g} of the sum of the samples' magnitudes"]


@converts("principalfft.PrincipalFFT", "principalfft.KFFT")
def principal_fft(estimator: Any) -> PrincipalFFT:
    """Convert the bins that were found."""
    if estimator.idx is None:
        raise UnsupportedError(f"{type(estimator).__name__} is not fitted; call fit first")
    bins = np.asarray(estimator.idx, np.int64)
    return PrincipalFFT(
        source=type(estimator).__name__,
        input=Input(int(estimator.original_size)),
        span=np.zeros((len(bins), 2)),
        bins=bins,
    )
