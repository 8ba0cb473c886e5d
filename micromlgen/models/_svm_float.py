"""Sums of kernels in float32: how the C computes them, the twin of it, and how far they may be apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.models._matrix import ULP, Matrix
from micromlgen.models._svm_duals import Duals
from micromlgen.models._svm_expansion import Expansion, Kernel, blocks
from micromlgen.models._svm_fixed import Fixed, exponent_of, fixed

Array = NDArray[Any]
#: How squared distances are computed: by products and norms, or by differences.
Form = Literal["products", "differences"]
#: Most that rounding may make of a sum of kernels by products, relative to the sizes of its coefficients.
_MOST = 8e-6
#: Relative error of the exponential.
_EXP = 5e-7
#: So many vectors tell what products lose.
_PEAKS = 64


@dataclass(frozen=True, eq=False)
class FloatExpansion:
    """An `Expansion` as the C has it.

    Parameters
    ----------
    kernel, degree
        As of `Expansion`.
    vectors : Matrix
        float32. Of "rbf" less `center`; for products times twice gamma, and the bias is minus gamma times
        their squares. Of the others times gamma.
    constant : float32
        coef0; of "rbf" gamma.
    form : {"products", "differences"}
        Of "rbf" only.
    center : float32 array of shape (n_features,), or None
        What is subtracted from x.
    duals : Duals
        float32; exponentials count from 0 to 2**30.
    fixed : Fixed or None
        The same in steps, where cores without an FPU may compute so.
    """

    kernel: Kernel
    degree: int
    vectors: Matrix
    constant: np.float32
    form: Form
    center: NDArray[np.float32] | None
    duals: Duals
    fixed: Fixed | None

    def _around(self, Q: Array) -> NDArray[np.float64]:
        rows = Q.astype(np.float64)
        return rows if self.center is None else rows - self.center

    def sums(self, Q: Array) -> NDArray[np.float64]:
        """Of float rows, shape (n, n_sums), free of rounding."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.concatenate([self.duals.sums(self._kernels(p)[0]) for p in self._blocks(Q)])

    def _blocks(self, Q: Array) -> list[Array]:
        return blocks(Q, len(self.vectors.weights))

    def _kernels(self, Q: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Kernels of x and each vector, and most that rounding makes of them: of shape (n, n_vectors)."""
        rows, weights = self._around(Q), self.vectors.weights.astype(np.float64)
        n = rows.shape[1]
        products, absolute = rows @ weights.T, np.abs(rows) @ np.abs(weights).T
        if self.kernel != "rbf":
            t = products + np.float64(self.constant)
            off = ULP * ((n + 5) * absolute + np.abs(t))
            return self._powers(t, off) if self.kernel == "poly" else (np.tanh(t), off + 2e-6)
        gamma = np.float64(self.constant)
        squares = gamma * (rows**2).sum(axis=1)[:, None]
        if self.form == "products":
            norms = -self.vectors.bias.astype(np.float64)
            t, off = squares + norms - products, (n + 9) * ULP * (squares + norms + absolute)
        else:
            t = np.maximum(squares + gamma * ((weights**2).sum(axis=1) - 2 * products), 0)
            off = (n + 6) * ULP * t
        if self.fixed is not None:
            # x is rounded to a step, squares to units.
            step = self.fixed.step
            far = np.sqrt(n * np.maximum(t, 0) / gamma) * step
            off = np.maximum(off, gamma * (far + n * step**2) + 2.0**18 * gamma * step**2)
        # On the way to an exponent of two t is rounded once more, and so is the exponential.
        off = off + ULP * np.abs(t) + 2.0**-25
        k = np.where(t < fixedpoint.EXP_NEG_LIMIT, np.exp(-np.clip(t, 0, 100)), 0.0)
        # What is near the end counts for nothing on either side.
        return k * fixedpoint.EXP_ONE, (
            k * (np.expm1(np.minimum(off, 700)) + _EXP) + 2.0**-29
        ) * fixedpoint.EXP_ONE

    def _powers(self, t: Array, off: Array) -> tuple[Array, Array]:
        k, most = t**self.degree, np.abs(t) + off
        return k, self.degree * (most ** (self.degree - 1) * off + ULP * most**self.degree)

    def rounding(self, Q: Array) -> NDArray[np.float64]:
        """Most that float32 arithmetic makes of each sum, shape (n, n_sums)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.concatenate([self._rounding(part) for part in self._blocks(Q)])

    def _rounding(self, Q: Array) -> NDArray[np.float64]:
        kernels, off = self._kernels(Q)
        duals = np.abs(self.duals.spread())
        terms = np.count_nonzero(duals, axis=1) + 4
        constant = np.abs(self.duals.constant.astype(np.float64))
        most = np.abs(kernels) @ duals.T + constant
        if self.fixed is not None:  # whose terms are rounded down, and coefficients too
            most = np.maximum(most, 4 * self.fixed.unit / ULP)
        return np.asarray(off @ duals.T + ULP * terms * most + 1e-37)

    @property
    def norms(self) -> Array:
        """Minus gamma times the squares of the vectors."""
        return self.vectors.bias


def _float32(values: Any) -> Any:
    """In float32.

    Raises
    ------
    UnsupportedError
        If a value is beyond it.
    """
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise UnsupportedError("a number of the model is beyond float32; scale the features or the targets")
    return np.asarray(values).astype(np.float32)


def floats(exact: Expansion) -> FloatExpansion:
    """The form in float32.

    Raises
    ------
    UnsupportedError
        If a number is beyond float32.
    """
    if exact.kernel == "rbf":
        return _distances(exact)
    return FloatExpansion(
        kernel=exact.kernel,
        degree=exact.degree,
        vectors=Matrix(_float32(exact.gamma * exact.vectors), np.zeros(len(exact.vectors), np.float32)),
        constant=_float32(exact.coef0)[()],
        form="products",
        center=None,
        duals=_rounded(exact.duals),
        fixed=None,
    )


def _rounded(duals: Duals) -> Duals:
    return replace(duals, values=_float32(duals.values), constant=_float32(duals.constant))


def _distances(exact: Expansion) -> FloatExpansion:
    """Of "rbf": by products if it is proved that little cancels, and in steps if they are fine enough."""
    form, center = _form(exact)
    vectors = exact.vectors if center is None else exact.vectors - center
    steps, exponent = None, exponent_of(exact, vectors)
    if exponent is not None:
        if center is not None:
            center = _on_grid(center.astype(np.float64), exponent).astype(np.float32)
            vectors = exact.vectors - center
        grid = _on_grid(vectors, exponent)
        steps = fixed(exact, exponent, grid, center)
    if steps is not None:
        vectors = grid
    if center is not None:
        # Of a feature that is the same in all, what is left is the rounding of its center.
        vectors = np.where(np.ptp(exact.vectors, axis=0) == 0, 0.0, vectors)
        steps = None if steps is None else replace(steps, vectors=np.where(vectors == 0, 0, steps.vectors))
    bias = -exact.gamma * (vectors**2).sum(axis=1)
    return FloatExpansion(
        kernel="rbf",
        degree=exact.degree,
        vectors=Matrix(
            _float32(vectors * (2 * exact.gamma) if form == "products" else vectors), _float32(bias)
        ),
        constant=_float32(exact.gamma)[()],
        form=form,
        center=center,
        duals=_rounded(replace(exact.duals, values=exact.duals.values / fixedpoint.EXP_ONE)),
        fixed=steps,
    )


def _on_grid(values: NDArray[np.float64], exponent: int) -> NDArray[np.float64]:
    """The nearest multiples of ``2**-exponent``."""
    return np.asarray(np.ldexp(np.rint(np.ldexp(values, exponent)), -exponent))


def _form(exact: Expansion) -> tuple[Form, NDArray[np.float32] | None]:
    """How distances are computed, and what is subtracted from x before."""
    center = exact.vectors.mean(axis=0).astype(np.float32)
    if _cancelled(exact, exact.vectors) <= _MOST:
        return "products", None
    if _cancelled(exact, exact.vectors - center) <= _MOST:
        return "products", center
    # Vectors far from zero, and near each other, lose their difference where they are rounded.
    rounded = np.sqrt(((ULP * exact.vectors) ** 2).sum(axis=1)) * np.sqrt(exact.gamma)
    magnitude = np.maximum(exact.duals.magnitude(), 1e-300)
    lost = (np.abs(exact.duals.spread()) @ rounded / magnitude).max()
    return "differences", center if lost > _MOST / 2 else None


def _cancelled(exact: Expansion, vectors: Array) -> float:
    """Most by which products and norms change a sum, relative to its coefficients, for any x.

    A distance is at least the difference of the norms, so a kernel that is not small has an x of about the
    norm of the vector: the largest error is found along the norm of x.
    """
    duals, gamma = np.abs(exact.duals.spread()), exact.gamma
    norms = np.sqrt((vectors**2).sum(axis=1))
    with np.errstate(over="ignore", invalid="ignore"):
        r = _lengths(norms, duals.sum(axis=0), gamma)[:, None]
        # The square of x is added up one by one, its products by two sums of half as many.
        n = vectors.shape[1] + 8.0
        off = ULP * gamma * (n * r**2 + (n + 8) * r * norms + 8 * norms**2)
        k = np.exp(-gamma * (r - norms) ** 2)
        lost = (off * k) @ (duals / np.maximum(duals.sum(axis=1, keepdims=True), 1e-300)).T
    return float(np.nan_to_num(lost, nan=np.inf).max())


def _lengths(norms: Array, sizes: Array, gamma: float) -> NDArray[np.float64]:
    """Norms of x at which kernels are not small: about those of the vectors that lose most, and of others.

    Vectors far from zero are narrow peaks there, which an even grid would miss.
    """
    most = np.argsort(sizes * norms**2)[-_PEAKS // 2 :]
    every = np.argsort(norms)[np.linspace(0, len(norms) - 1, _PEAKS // 2).astype(np.int64)]
    peaks = np.unique(norms[np.concatenate([most, every])])
    around = np.linspace(-6, 6, 25) / np.sqrt(gamma)
    return np.asarray(np.maximum(peaks[:, None] + around, 0).ravel())
