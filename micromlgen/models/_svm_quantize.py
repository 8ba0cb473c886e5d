"""From the numbers of an estimator to the integers of `_svm_integer`: scales, with proofs that all fits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import ceil, floor, isqrt, log2
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_duals import Duals
from micromlgen.models._svm_expansion import Expansion, blocks
from micromlgen.models._svm_integer import (
    KERNEL_ONE,
    Exponent,
    IntegerExpansion,
    IntegerPoly,
    IntegerRbf,
    IntegerSigmoid,
    power,
)
from micromlgen.models._widths import Width

Array = NDArray[Any]
#: Largest magnitude of what 32 bits with sign hold.
_MOST = 2**31 - 1
#: Arguments of polynomials may saturate at so many times the largest one on the calibration rows.
_SATURATIONS = (4.0, 2.0, 1.0, 0.5, 0.25, 0.125, 0.0625)
#: The farthest is taken that costs sums no more than this of themselves, or hardly more than any other, ...
_NEGLIGIBLE = 1e-3
#: ... on so many rows.
_MOST_ROWS = 300
#: Share of the coefficients by which sums may be corrected.
_CORRECTED = 0.01
#: Most bits that wide powers are shifted right by.
_MOST_DOWN = 8
#: Least multiplier of exponents, whose rounding changes gamma.
_SHARP = 1 << 12


class Precision(NamedTuple):
    """Widths of the constants, and whether exponentials are those of `fixedpoint.exp_neg` and powers wide."""

    vectors: Width
    duals: Width
    fine: bool


def highest_input(n_features: int) -> int:
    """Largest magnitude of features and of vectors with which distances stay in 32 bits."""
    return isqrt((2**32 - 1) // n_features) // 2


def limited(exact: Expansion, inputs: Input) -> Input:
    """Inputs that saturate early enough for distances to vectors that are rounded up to stay in 32 bits."""
    steps = np.abs(exact.vectors) / inputs.unit
    steps += 2.0 ** max(0, ceil(log2(max(steps.max(), 1) / np.iinfo(np.int8).max)))
    n, total, rest = steps.shape[1], steps.sum(axis=1), 2.0**32 - 1 - (steps**2).sum(axis=1)
    most = int(((np.sqrt(total**2 + n * rest) - total) / n).min())
    return inputs if most >= inputs.highest else replace(inputs, top=most)


def integers(
    exact: Expansion, inputs: Input, Q: Array, precision: Precision, room: float, whole: bool
) -> IntegerExpansion:
    """The form in integers.

    Parameters
    ----------
    exact : Expansion
    inputs : Input
    Q : array of shape (n, n_features)
        Encoded calibration rows.
    precision : Precision
    room : float
        What sums must hold beside their own terms.
    whole : bool
        Whether a sum of one must be a whole number of units.

    Raises
    ------
    UnsupportedError
        If a number does not fit.
    """
    make = {"rbf": _rbf, "poly": _poly, "sigmoid": _sigmoid}[exact.kernel]
    return make(exact, inputs, Q, precision, room + _spare(exact), whole)


def corrected(
    sums: IntegerExpansion, exact: Expansion, Q: Array, rows: NDArray[np.float64]
) -> IntegerExpansion:
    """The sums less what they are off on average of encoded rows Q.

    The correction of biases of Nagel et al., Data-Free Quantization through Weight Equalization and Bias
    Correction, arXiv 1906.04721, 4.2.
    """
    off = np.rint((exact.sums(rows) / sums.sum_unit - sums.sums(Q)).mean(axis=0))
    most = _spare(exact) / sums.sum_unit
    constant = sums.duals.constant + np.clip(off, -most, most).astype(np.int64)
    return replace(sums, duals=replace(sums.duals, constant=constant.astype(np.int32)))


class Level(NamedTuple):
    """What a sum is shifted right by, and what is added then, where answers are far from zero."""

    down: int
    base: int


def levelled(sums: IntegerExpansion, exact: Expansion, level: float) -> tuple[IntegerExpansion, Level]:
    """The sums, of which 32 bits are about the spread of the answer, and what makes the answer of them.

    The shift leaves room for `level` beside all that a sum may be. What both round away goes into the sums'
    constant, within what these have spare.

    Parameters
    ----------
    sums : IntegerExpansion
    exact : Expansion
        Without a constant.
    level : float
        What is added to the sums of `exact`.

    Raises
    ------
    UnsupportedError
        If 32 bits do not hold the level and something of the spread.
    """
    down = next((d for d in range(1, 31) if _held(level, sums.sum_unit, d)), None)
    if down is None:
        raise UnsupportedError(
            "targets so far from zero beside their spread do not fit 32 bits; subtract their mean before "
            "training, or use float32"
        )
    step = sums.sum_unit * 2.0**down
    base = round(level / step)
    rest = round((level - base * step) / sums.sum_unit) + (1 << down - 1)
    most = int(_spare(exact) / sums.sum_unit)
    constant = np.clip(sums.duals.constant.astype(np.int64) + rest, -most, most).astype(np.int32)
    return replace(sums, duals=replace(sums.duals, constant=constant)), Level(down, base)


def _held(level: float, unit: float, down: int) -> bool:
    return abs(level) / (unit * 2.0**down) + 2.0 ** (31 - down) + 1 <= _MOST


def _spare(exact: Expansion) -> float:
    return _CORRECTED * float(exact.duals.magnitude().max())


def _duals(
    duals: Duals, width: Width, most: int, unit: float, room: float, whole: bool
) -> tuple[Duals, float]:
    """Coefficients for kernels up to `most` in units of `unit`; with the unit of their sums.

    Raises
    ------
    UnsupportedError
        If they are not finite, or too large.
    """
    terms = np.count_nonzero(duals.spread(), axis=1) + 2.0
    reach = duals.magnitude() * most + (np.abs(duals.constant) + room) / unit
    largest = float(np.abs(duals.values).max(initial=0))
    with np.errstate(divide="ignore"):
        # Coefficients are rounded by one half at most, their products with wide kernels by one.
        scale = float(((_MOST - terms * (most / 2 + 1)) / np.maximum(reach, 1e-300)).min())
    scale = min(scale, np.iinfo(width).max / max(largest, 1e-300))
    if not np.isfinite(reach).all() or scale <= 0:
        raise UnsupportedError(
            "so many support vectors, or so large coefficients, overflow 32 bits; use float32"
        )
    if whole:
        if scale / unit < 1:
            raise UnsupportedError("scores beyond 32 bits cannot be ported in integers; scale the features")
        scale = floor(scale / unit) * unit
    values = np.rint(duals.values * scale).astype(width)
    constant = np.rint(duals.constant * (scale / unit)).astype(np.int32)
    return replace(duals, values=values, constant=constant), unit / scale


def _exponent(octaves: float) -> Exponent:
    """Of scores of which one is so many octaves.

    Raises
    ------
    UnsupportedError
        If that is too many.
    """
    for before, after in ((0, 0), (0, 8), (0, 16), (8, 16), (16, 16)):
        multiplier = round(octaves * 2.0 ** (12 + before + after))
        if multiplier >= _SHARP:
            break
    if multiplier < 1 << 24:
        return Exponent(before, max(multiplier, 1), after)
    raise UnsupportedError(
        "gamma is too large for so coarse inputs; use dtype='int16' or 'float32', or scale the features"
    )


def _weights(weights: NDArray[np.float64], scale: float, width: Width) -> Matrix:
    return Matrix(np.rint(weights * scale).astype(width), np.zeros(len(weights)), unit=1.0 / scale)


def _finest(weights: NDArray[np.float64], width: Width, reach: float, most: float) -> float:
    """Largest scale of weights of this width, of which none is beyond it and no score is beyond 32 bits.

    Parameters
    ----------
    weights : array of shape (n_vectors, n_features)
    reach : float
        Largest magnitude of a score.
    most : float
        Largest magnitude of a feature.
    """
    slack = weights.shape[1] * most / 2 + 2.0**17
    largest = max(float(np.abs(weights).max(initial=0)), 1e-300)
    scale = min((_MOST - slack) / max(reach, 1e-300), np.iinfo(width).max / largest)
    if not np.isfinite(scale) or scale <= 0:
        raise UnsupportedError("a support vector is not finite, or has too many features for integers")
    return float(scale)


def _rbf(
    exact: Expansion, inputs: Input, Q: Array, precision: Precision, room: float, whole: bool
) -> IntegerExpansion:
    unit = float(inputs.unit[0])
    octaves = exact.gamma / np.log(2) * unit**2
    largest = float(np.abs(exact.vectors).max()) / unit
    shift = max(0, ceil(log2(max(largest, 1) / np.iinfo(precision.vectors).max)))
    vectors = np.rint(exact.vectors / unit / 2.0**shift).astype(precision.vectors)
    reach = np.abs(vectors.astype(np.int64)) * 2**shift + inputs.highest
    assert (reach**2).sum(axis=1).max() < 2**32
    duals, sum_unit = _duals(exact.duals, precision.duals, KERNEL_ONE, 2.0**-15, room, whole)
    return IntegerRbf(
        vectors=Matrix(vectors, np.zeros(len(vectors)), unit=unit * 2.0**shift),
        duals=duals,
        sum_unit=sum_unit,
        exponent=_exponent(octaves),
        scale=fixedpoint.exponential(octaves * np.log(2)) if precision.fine else None,
        shift=shift,
    )


def _products(exact: Expansion, inputs: Input, width: Width) -> tuple[Matrix, float, float]:
    """Vectors of which products with x and `coef0` give scores, and the scale and the largest of these."""
    most = float(max(inputs.highest, -np.iinfo(inputs.dtype).min))  # NaN's value is the lowest
    weights = exact.gamma * exact.vectors * inputs.unit
    reach = float((np.abs(weights).sum(axis=1) * most).max(initial=0) + abs(exact.coef0))
    scale = _finest(weights, width, reach, most)
    return _weights(weights, scale, width), scale, reach


def _poly(
    exact: Expansion, inputs: Input, Q: Array, precision: Precision, room: float, whole: bool
) -> IntegerExpansion:
    """With the farthest saturation that costs sums little: powers that are rare leave few bits for others."""
    rows = Q * inputs.unit
    seen = max(
        float(np.abs(exact.arguments(part)).max(initial=0)) for part in blocks(rows, len(exact.vectors))
    )
    some = slice(None, None, -(-len(Q) // _MOST_ROWS))
    right = exact.sums(rows[some])
    typical = np.abs(right) + np.abs(right).mean(axis=0) + 1e-300

    def lost(candidate: IntegerPoly) -> float:
        return float((np.abs(candidate.sums(Q[some]) * candidate.sum_unit - right) / typical).mean())

    make = partial(_saturating, exact, inputs, precision, room, whole)
    candidates = [make(factor * seen) for factor in _SATURATIONS]
    losses = [lost(each) for each in candidates]
    allowed = max(min(losses) * 1.25, _NEGLIGIBLE)
    return next(each for each, loss in zip(candidates, losses, strict=True) if loss <= allowed)


def _saturating(
    exact: Expansion, inputs: Input, precision: Precision, room: float, whole: bool, limit: float
) -> IntegerPoly:
    matrix, scale, reach = _products(exact, inputs, precision.vectors)
    most = max(1, int(min(reach, max(limit, 1e-300)) * scale))
    left, right = _to_16_bits(most)
    while power(_arguments(most, left, right), exact.degree)[0] > KERNEL_ONE:
        most -= max(1, most >> 8)
    one = scale * 2.0 ** (left - right)  # how many steps of 16 bits an argument of one is
    unit = 2.0 ** (16 * (exact.degree - 1)) / one**exact.degree
    duals, sum_unit = _duals(exact.duals, precision.duals, KERNEL_ONE, unit, room, whole)
    down = None
    if precision.fine:
        # As many bits of powers are given up as leave room for all bits of the coefficients.
        for down in range(1, _MOST_DOWN + 1):
            duals, sum_unit = _duals(exact.duals, "int16", 2 ** (15 - down), unit * 2**down, room, whole)
            if np.abs(duals.values).max() > np.iinfo(np.int16).max // 2:
                break
    return IntegerPoly(
        vectors=matrix,
        duals=duals,
        sum_unit=sum_unit,
        degree=exact.degree,
        constant=round(exact.coef0 * scale),
        most=most,
        left=left,
        right=right,
        down=down,
    )


def _to_16_bits(most: int) -> tuple[int, int]:
    """Shifts to the left and to the right that make of numbers up to `most` such of 16 bits.

    To the right by whole bytes, which cost 8-bit cores nothing.
    """
    bits = most.bit_length() - 16
    if bits <= 0:
        return -bits, 0
    left = -bits % 8
    return (left, bits + left) if left + most.bit_length() <= 32 else (0, bits)


def _arguments(most: int, left: int, right: int) -> NDArray[np.int64]:
    return np.array([most << left >> right], np.int64)


def _sigmoid(
    exact: Expansion, inputs: Input, Q: Array, precision: Precision, room: float, whole: bool
) -> IntegerExpansion:
    matrix, scale, _ = _products(exact, inputs, precision.vectors)
    duals, sum_unit = _duals(exact.duals, precision.duals, KERNEL_ONE, 2.0**-15, room, whole)
    return IntegerSigmoid(
        vectors=matrix,
        duals=duals,
        sum_unit=sum_unit,
        exponent=_exponent(2 / np.log(2) / scale),
        scale=fixedpoint.exponential(2 / scale) if precision.fine else None,
        constant=round(exact.coef0 * scale),
    )
