"""The constants of affine maps as the C has them, in float32 and in integers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.models._matrix import Matrix

Array = NDArray[Any]
#: What the constants that a scaler leaves out may make of an output, relative to its spread.
_DROPPED = 5e-7


def shift(matrix: Matrix, to: Input | None) -> int | None:
    """Bits that sums are shifted right by to become the next model's inputs."""
    return None if to is None else -int(np.log2(matrix.unit))


def reach(
    weights: Array, bias: Array, inputs: Input, width: Literal["int8", "int16"], room: int = 2
) -> NDArray[np.float64]:
    """How much of their integers rows of weights take, shape (n_rows,): the weights, or all their sum may be.

    That of int32 over `room`, less what is left for rounded constants.
    """
    most = float(inputs.highest + 1)  # what stands for NaN is one beyond
    sums = np.abs(weights).sum(axis=1) * most + np.abs(bias)
    whole = (2.0**31 - 2 - (weights.shape[1] + 1) * most / 2) / room
    return np.asarray(np.maximum(sums / whole, np.abs(weights).max(axis=1) / np.iinfo(width).max))


def integer_matrix(
    weights: Array, bias: Array, inputs: Input, width: Literal["int8", "int16"], to: Input | None, title: str
) -> Matrix:
    """Rows of integers as fine as their sums prove to stay in int32; with `to`, in units of a power of two.

    Raises
    ------
    UnsupportedError
        If a sum leaves int32 however coarse the constants are.
    """
    # Half of the range is left for the half that rounds.
    scale = 1 / max(float(reach(weights, bias, inputs, width, 1 if to is None else 2).max()), 1e-30)
    if to is not None:
        scale = 2.0 ** min(np.floor(np.log2(scale)), 30)
    if scale < 1 and to is not None:
        raise UnsupportedError(
            f"{title} multiplies by more than integers hold; scale the features, or use dtype='float32'"
        )
    return Matrix(np.rint(weights * scale).astype(width), np.rint(bias * scale).astype(np.int32), 1 / scale)


def finest(gain: NDArray[np.float64]) -> tuple[NDArray[np.int16], int | None]:
    """Factors as integers of 16 bits, and the bits to shift products right by; None where that is too few."""
    bits = int(np.floor(np.log2(np.iinfo(np.int16).max / max(float(np.abs(gain).max()), 1e-300))))
    bits = min(max(bits, 0), 30)
    return np.rint(np.ldexp(gain, bits)).astype(np.int16), bits or None


def scaled(map: Affine) -> dict[str, Any]:
    """Constants of ``(x - center) * gain + offset`` in float32; those that do not matter are zeros.

    The difference is exact where it is small, which x times a gain and an offset would not be.

    Raises
    ------
    UnsupportedError
        If one of them is beyond float32.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        gain = map.factors.astype(np.float32)
        center = np.where(gain != 0, -map.offset / map.factors, 0.0).astype(np.float32)
    if not (np.isfinite(gain).all() and np.isfinite(center).all() and np.isfinite(map.offset).all()):
        raise UnsupportedError("a scaler has constants beyond float32; scale the features")
    rest = map.offset + center.astype(np.float64) * map.factors
    assert map.source is not None
    needed = (np.abs(rest) > _DROPPED * around(map)).any()
    offset = rest.astype(np.float32) if needed else np.zeros(len(rest), np.float32)
    return {"center": center, "gain": gain, "offset": offset}


def around(map: Affine) -> NDArray[np.float64]:
    """How far the outputs of a scaler were spread in training; 0 where it is not known."""
    assert map.source is not None
    if map.spread is None:
        return np.zeros(len(map.offset))
    spread = map.spread[map.source]
    return np.where(np.isfinite(spread), np.abs(map.factors) * np.where(np.isfinite(spread), spread, 0), 0)


def projected(map: Affine) -> dict[str, Any]:
    """Rows in float32, and what is subtracted before where products would cancel."""
    if not map.cancels:
        return {"rows": Matrix(map.matrix, map.offset).rounded()}
    assert map.middle is not None
    center = map.middle.astype(np.float32)
    around = map.around(center.astype(np.float64))
    return {"rows": Matrix(around.matrix, around.offset).rounded(), "center": center}
