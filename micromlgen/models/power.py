"""PowerTransformer: powers of features that make them look normal, by Yeo and Johnson or by Box and Cox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Layout, Transformer
from micromlgen.models._elementary import EXPM1_BORDER, FUNCTIONS, expm1, expm1_off
from micromlgen.models._sequence import in_sequence
from micromlgen.models._stage import ULP, only_layout, zeros
from micromlgen.models.curves import Curved
from micromlgen.models.scalers import of_map

Array = NDArray[Any]
#: Powers so near zero are taken as scikit-learn takes 0: the logarithm.
_ZERO = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Powers(Curved):
    """``(u**p - 1) / p`` of each feature, where p is 0 ``log(u)``.

    Of Box and Cox u is x. Of Yeo and Johnson it is ``1 + |x|``, p is 2 less the power of positive x where x
    is negative, and the sign that of x.
    """

    #: Power of each feature, of positive x; float64, then float32.
    power: Array
    #: Whether negative x are allowed, which Yeo and Johnson do.
    signed: bool

    @property
    def expm1_border(self) -> float:
        """As of `_elementary`."""
        return EXPM1_BORDER

    @property
    def uses_math(self) -> bool:
        return True

    @property
    def in_place(self) -> bool:
        return True

    @property
    def reflected(self) -> Array:
        """Power of each feature, of negative x."""
        return np.asarray(2 - self.power.astype(np.float64)).astype(self.power.dtype)

    @property
    def has_zero(self) -> bool:
        """Whether a power is 0."""
        return bool((self.power == 0).any() or (self.signed and (self.reflected == 0).any()))

    def in_float32(self, inputs: Input) -> Powers:
        return replace(self, input=inputs, power=self.power.astype(np.float32))

    def _powers(self, rows: Array) -> Array:
        power, reflected = self.power.astype(np.float64), self.reflected.astype(np.float64)
        return np.where(self.signed & (rows < 0), reflected, power)

    def _logarithms(self, rows: Array) -> Array:
        return np.log1p(np.abs(rows)) if self.signed else np.log(rows)

    def exact(self, X: Array) -> NDArray[np.float64]:
        rows = X.astype(np.float64)
        with np.errstate(all="ignore"):
            p, logs = self._powers(rows), self._logarithms(rows)
            y = np.where(p == 0, logs, expm1(p * logs) / np.where(p == 0, 1.0, p))
        return np.asarray(np.where(self.signed & (rows < 0), -y, y))

    def rounding(self, Q: Array) -> Array | None:
        return self.moves(Q, np.zeros(Q.shape))

    def moves(self, Q: Array, by: Array) -> Array:
        rows = Q.astype(np.float64)
        function = FUNCTIONS["log1p" if self.signed else "log"]
        with np.errstate(all="ignore"):
            p, logs = self._powers(rows), self._logarithms(rows)
            near = function.off(np.abs(rows) if self.signed else rows, by)
            shift = np.abs(p) * near + 2 * ULP * np.abs(p * logs)
            own = expm1_off(p * logs, shift) / np.maximum(np.abs(p), 1e-300)
            off = np.where(p == 0, near, own) + 4 * ULP * np.abs(self.exact(Q)) + 1e-37
        return np.where(np.isnan(off), np.inf, off)

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        rows, y = X.astype(np.float64), np.abs(self.exact(X))
        with np.errstate(all="ignore"):
            # Numbers grow with the power by no more than their product with the logarithm.
            size = np.abs(self._powers(rows))
            constants = 2 * ULP * (size + 2) * np.abs(self._logarithms(rows)) * y
            # scikit-learn's own difference, before it is divided.
            constants += np.where(size > 0, 4 * _ZERO / np.maximum(size, _ZERO), 0.0)
            allowed = 2 * self.moves(X, np.zeros(X.shape)) + constants
        return np.where(y < 1e30, allowed, np.inf)

    def boundaries(self) -> Sequence[Array]:
        positive = np.array([1e-6, 0.01, 0.5, 1, 20, 1000], np.float32)
        values = np.concatenate([-positive, [0], positive]) if self.signed else positive
        return [values.astype(np.float32)] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        work = [c * self.n_outputs for c in (5500.0, 3500, 150, 3500)]
        tables = [self.power, *([self.reflected] if self.signed else [])]
        return only_layout("powers", tables, (1900, 2500, 600, 2500), work)

    def contract(self) -> Sequence[str]:
        return ["numbers are within 1e-5 of themselves, as far as powers of float32 go"]


@converts("sklearn.preprocessing.PowerTransformer")
def power(estimator: Any) -> Transformer:
    """Convert powers of features, standardised or not.

    Raises
    ------
    UnsupportedError
        If no power was found for a feature.
    """
    title, n = type(estimator).__name__, estimator.n_features_in_
    signed = estimator.method == "yeo-johnson"
    powers = np.asarray(estimator.lambdas_, np.float64)
    if not np.isfinite(powers).all():
        raise UnsupportedError(f"{title} has a power that is not finite; fit it on features with numbers")
    powers = np.where(np.abs(powers) < _ZERO, 0.0, powers)
    powers = np.where(signed & (np.abs(powers - 2) < _ZERO), 2.0, powers)
    stage = Powers(source=title, input=Input(n), span=zeros(n), power=powers, signed=signed)
    if not estimator.standardize:
        return stage
    scaler = estimator._scaler
    map = Affine.elementwise(1 / scaler.scale_, -scaler.mean_ / scaler.scale_)
    return in_sequence([stage, of_map(title, map)])
