"""Distances of float features without a float routine, for cores that would have to call one for each step.

x and the support vectors are counted in steps of a power of two, which is as fine as the contract needs:
differences then have 24 bits and their squares are exact. The exponential is `fixedpoint.exp_neg`;
coefficients have 32 bits, and the sum of their products with it stays in 32 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.fixedpoint import Exponential
from micromlgen.models._svm_duals import Duals
from micromlgen.models._svm_expansion import Expansion

#: Differences of features are below this.
_REACH = 2.0**24
#: Squared distances are in units of so many bits of a squared step, ...
_SQUARE_BITS = 16
#: ... of which exponentials are 0 from this on.
_FAR = 2.0**31
#: Most that rounding to steps may make of a sum of kernels, relative to the magnitudes of its coefficients.
_MOST = 7e-6
#: So many squares of 13 bits by 12 fit 32 bits with sign.
_MOST_FEATURES = 127
_MOST_EXPONENT = 60


@dataclass(frozen=True, eq=False)
class Fixed:
    """An `Expansion` with the kernel "rbf" in steps of ``2**-exponent``.

    Parameters
    ----------
    exponent : int
    vectors : int32 array of shape (n_vectors, n_features)
        Less `center`, of 24 bits.
    center : int32 array of shape (n_features,), or None
    most : int
        x, less `center`, saturates at ±most: all kernels are 0 there.
    duals : Duals
        int32, with exponentials from 0 to 2**30 of whose products the upper 32 bits count.
    unit : float
        One unit of a sum.
    scale : Exponential
        Of squared distances.
    """

    exponent: int
    vectors: NDArray[np.int32]
    center: NDArray[np.int32] | None
    most: int
    duals: Duals
    unit: float
    scale: Exponential

    @property
    def step(self) -> float:
        """One step."""
        return float(np.ldexp(1.0, -self.exponent))

    @property
    def triples(self) -> NDArray[np.uint8]:
        """The vectors and 2**23, three bytes each, lowest first: shape (n_vectors, 3 * n_features)."""
        shifted = self.vectors.astype(np.int64) + (1 << 23)
        out = np.stack([shifted & 255, shifted >> 8 & 255, shifted >> 16], axis=2)
        return out.reshape(len(shifted), -1).astype(np.uint8)


def exponent_of(exact: Expansion, vectors: NDArray[np.float64]) -> int | None:
    """How fine steps can be for these vectors, less their center; None if that is too coarse.

    Parameters
    ----------
    exact : Expansion
    vectors : array of shape (n_vectors, n_features)
    """
    n, width = vectors.shape[1], 1 / np.sqrt(exact.gamma)
    far = np.sqrt(fixedpoint.EXP_NEG_LIMIT) * width
    least = (2 * np.abs(vectors).max(initial=0) + far) / (_REACH - 4)
    least = max(least, far / np.sqrt(_FAR * 2.0**_SQUARE_BITS))
    with np.errstate(divide="ignore", over="ignore"):
        exponent = -ceil(log2(least)) if np.isfinite(least) else -_MOST_EXPONENT
    # A kernel changes with the distance, in widths, by 0.86 at most, the distance by half a step of x and of
    # the vector in each feature.
    lost = 0.86 * np.sqrt(n) * 2.0**-exponent / width
    if lost > _MOST or n > _MOST_FEATURES or abs(exponent) > _MOST_EXPONENT:
        return None
    return exponent


def fixed(
    exact: Expansion, exponent: int, vectors: NDArray[np.float64], center: NDArray[np.float32] | None
) -> Fixed | None:
    """The form in steps; None if the center is too far away.

    Parameters
    ----------
    exact : Expansion
    exponent : int
    vectors : array of shape (n_vectors, n_features)
        Less the center, whole steps.
    center : float32 array of shape (n_features,), or None
        Whole steps.
    """
    steps = np.rint(np.ldexp(vectors, exponent)).astype(np.int32)
    middle = None if center is None else np.rint(np.ldexp(center.astype(np.float64), exponent))
    if middle is not None and np.abs(middle).max() >= 2**29:
        return None
    unit = exact.gamma * 2.0 ** (_SQUARE_BITS - 2 * exponent)
    duals = exact.duals
    terms = duals.values.shape[1] + 2
    # A quarter of a coefficient is the upper half of its product with an exponential of one.
    reach = (duals.magnitude() + np.abs(duals.constant)) / 4
    scale = float(((2.0**31 - 1 - 2 * terms) / np.maximum(reach, 1e-300)).min())
    scale = min(scale, (2.0**31 - 1) / max(float(np.abs(duals.values).max()), 1e-300))
    most = (
        int(np.ldexp(np.sqrt(fixedpoint.EXP_NEG_LIMIT / exact.gamma), exponent))
        + int(np.abs(steps).max())
        + 2
    )
    return Fixed(
        exponent=exponent,
        vectors=steps,
        center=None if middle is None else middle.astype(np.int32),
        most=most,
        duals=replace(
            duals,
            values=np.rint(duals.values * scale).astype(np.int32),
            constant=np.rint(duals.constant * (scale / 4)).astype(np.int32),
        ),
        unit=4.0 / scale,
        scale=fixedpoint.exponential(unit),
    )
