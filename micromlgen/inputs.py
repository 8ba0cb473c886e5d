"""What a model takes: the vector x as the C sees it, and what is known of the rows to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint

DType = Literal["float32", "int16", "int8"]
DTYPES: tuple[str, ...] = get_args(DType)
#: Types of what stands between the stages of a model: features of an extractor may be wider.
Number = Literal["float32", "int16", "int8", "int32"]
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Input:
    """The vector x that the C takes.

    Parameters
    ----------
    n_features : int
    dtype : {"float32", "int16", "int8"}
        Between the stages of a model also "int32".
    exponents : int32 array of shape (n_features,), or None for float32
        Feature i is given to the C as ``round((x[i] - center[i]) * gain[i] * 2**exponents[i])``.
    center, gain : float32 arrays of shape (n_features,), or None
        What a scaler before the model does to a feature, in integer modes; None where there is none.
    top : int or None
        Integers saturate to ±top; None: to the largest of the type.
    missing : bool
        Whether a missing value (NaN; in integers the type's lowest value) is followed as in scikit-learn.
    may_miss : bool array of shape (n_features,), or None
        The features in which it is, None: in all of them.
    names : tuple of str, or None
        Names of the features where the estimator knows them: columns that come with names must match.
    also_missing : (float, float), or None
        Numbers from the first to the second count as missing too.
    holes : float32 array of shape (n_features,), or None
        In integer modes, a number of each feature that means missing; NaN: none but NaN itself.
    codes : bool
        Whether categories of a frame are meant as their codes.
    samples : bool
        Whether x is a window of int16 samples, taken as they are in every mode. Then there are exponents,
        all 0, where the answer is in integers.
    """

    n_features: int
    dtype: Number = "float32"
    exponents: NDArray[np.int32] | None = None
    center: NDArray[np.float32] | None = None
    gain: NDArray[np.float32] | None = None
    top: int | None = None
    missing: bool = False
    may_miss: NDArray[np.bool_] | None = None
    names: tuple[str, ...] | None = None
    also_missing: tuple[float, float] | None = None
    holes: NDArray[np.float32] | None = None
    codes: bool = False
    samples: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether the C computes in integers."""
        return self.exponents is not None

    @property
    def quantizes(self) -> bool:
        """Whether the header has a `<name>_quantize`."""
        return self.is_integer and not self.samples

    def encode(self, X: Array) -> Array:
        """Raw features, shape (n, n_features), as what the C takes: same shape, this dtype."""
        if self.samples:
            return np.asarray(X, np.int16)
        rows = np.asarray(X, np.float32)
        if self.exponents is None:
            return rows
        return fixedpoint.encode(
            self.marked(rows), self.center, self.gain, self.exponents, self.highest, np.dtype(self.dtype)
        )

    def marked(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw rows with NaN for all that means missing."""
        if self.missing and self.also_missing is not None:
            low, high = self.also_missing
            rows = np.where((rows >= low) & (rows <= high), np.float32(np.nan), rows)
        return rows if self.holes is None else np.where(rows == self.holes, np.float32(np.nan), rows)

    def scaled(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw rows behind `center` and `gain`, in the units that the model was trained on."""
        out = rows.astype(np.float64)
        out = out if self.center is None else out - self.center
        return out if self.gain is None else out * self.gain

    @property
    def highest(self) -> int:
        """Largest magnitude of an encoded feature that is not missing."""
        return int(np.iinfo(self.dtype).max) if self.top is None else self.top

    @property
    def unit(self) -> NDArray[np.float64]:
        """One step of each encoded feature, as the model was trained on it (behind `center` and `gain`)."""
        return np.ones(self.n_features) if self.exponents is None else np.ldexp(1.0, -self.exponents)

    @property
    def hole_keys(self) -> NDArray[np.int32] | None:
        """`holes` as `fixedpoint.ordered` keys."""
        return None if self.holes is None else fixedpoint.ordered(self.holes)

    @property
    def missing_keys(self) -> tuple[int, int] | None:
        """`also_missing` as `fixedpoint.ordered` keys of the float32 values within, for float32 inputs."""
        if self.also_missing is None or not self.missing or self.is_integer:
            return None
        low, high = self.also_missing
        first, last = -fixedpoint.float32_floor(-low), fixedpoint.float32_floor(high)
        return int(fixedpoint.ordered(first)), int(fixedpoint.ordered(last))


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is known, for integer modes, of the rows to come.

    Parameters
    ----------
    rows : float32 array of shape (n_rows, n_features), or None
        Typical raw rows.
    weights : {"int8", "int16"}, or None
        Width of the constants that features are multiplied with; None: the narrowest that loses nothing on
        `rows` and between them.
    """

    rows: NDArray[np.float32] | None = None
    weights: Literal["int8", "int16"] | None = None
