"""Isotonic regression: lines through points of one feature, level beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Regressor
from micromlgen.models._lines import Lines
from micromlgen.models._points import Points
from micromlgen.models._stage import TINY, only_layout

Array = NDArray[Any]
#: Values of integer modes have as many steps over their span as 16 bits hold, and 32 bits of their own.
_STEPS, _MOST = 65534, 2.0**31 - 65536
#: The contract: float32 is off by this share of the largest value, and of x.
_BOUND = 1e-6


@dataclass(frozen=True, eq=False)
class IsotonicRegressor(Regressor):
    """The line through `points` at x; in integers, steps of `unit` above `base`."""

    points: Points
    lines: Lines | None = field(default=None, kw_only=True)
    unit: float = field(default=1.0, kw_only=True)
    base: int = field(default=0, kw_only=True)

    def feature_limits(self) -> NDArray[np.float64]:
        return self.points.limits

    def takes_integers(self) -> bool:
        return bool((self.points.at == np.rint(self.points.at)).all())

    @property
    def saturates(self) -> bool:
        return True

    def centred(self, center: NDArray[np.float32]) -> IsotonicRegressor:
        return replace(self, points=replace(self.points, at=self.points.at - center.astype(np.float64)))

    def quantize(self, inputs: Input, by: Calibration) -> IsotonicRegressor:
        if not inputs.is_integer:
            close = (
                f"{self.source} has points closer than float32 tells apart; subtract their middle from x "
                "before fit"
            )
            return replace(self, input=inputs, points=self.points.in_float32(close))
        low, high = self.span[0]
        # A step that 32 bits hold, however far the values are from zero.
        unit = max((high - low) / _STEPS, np.abs(self.span).max() / _MOST, 1e-300)
        base = round(low / unit)
        lines = self.points.in_integers(inputs, unit, base * unit)
        return replace(self, input=inputs, lines=lines, unit=unit, base=base)

    @property
    def output_scale(self) -> float:
        return self.unit

    def predict(self, Q: Array) -> Array:
        if self.lines is not None:
            return (self.base + self.lines.apply(Q)[:, 0]).astype(np.int32)
        return self.points.apply(Q.astype(np.float64))[:, 0].astype(np.float32)

    def rounding(self, Q: Array) -> Array | None:
        return None if self.input.is_integer else self.points.rounding(Q)

    def moves(self, Q: Array, by: Array) -> Array:
        return self.points.rounding(Q) + self.points.steepness(Q.astype(np.float64), by)

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        rows = np.asarray(X, np.float64)
        most = _BOUND * float(np.abs(self.points.value).max())
        return most + self.points.steepness(rows, _BOUND * np.abs(rows) + TINY)

    def boundaries(self) -> Sequence[Array]:
        if self.lines is not None:
            top, lowest = self.input.highest, np.iinfo(self.input.dtype).min
            return self.lines.near([np.array([lowest, -top, 0, top], self.input.dtype)], top)
        at = self.points.at[np.linspace(0, len(self.points.at) - 1, 9).astype(int)].astype(np.float32)
        return [np.concatenate([np.nextafter(at, -np.inf), at, np.nextafter(at, np.inf)]).astype(np.float32)]

    def layouts(self) -> Sequence[Layout]:
        if self.lines is not None:
            steps = np.log2(len(self.lines.knots) + 1)
            work = [c + k * steps for c, k in ((720.0, 45), (110, 14), (40, 10), (60, 12))]
            return only_layout("lines", self.lines.tables, (330, 150, 150, 170), work)
        steps = np.log2(len(self.points.at) + 1)
        work = [c + k * steps for c, k in ((1100.0, 150), (500, 90), (40, 12), (500, 90))]
        return only_layout("points", self.points.tables, (1000, 1100, 160, 1200), work)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["numbers are exact for the encoded x, but for a step in 65534 of their span"]
        return [f"numbers are within {_BOUND:g} of the largest, where x is within {_BOUND:g} of its own"]


@converts("sklearn.isotonic.IsotonicRegression")
def regressor(estimator: Any) -> IsotonicRegressor:
    """Convert isotonic regression.

    Raises
    ------
    UnsupportedError
        If it answers NaN, or an error, beyond the range that it was trained on.
    """
    title = type(estimator).__name__
    if estimator.out_of_bounds != "clip":
        raise UnsupportedError(
            f"{title}(out_of_bounds={estimator.out_of_bounds!r}) has no answer beyond its training range, "
            "where a header must have one; use out_of_bounds='clip', which set_params sets after fit too"
        )
    at = np.asarray(estimator.X_thresholds_, np.float64)
    value = np.asarray(estimator.y_thresholds_, np.float64)
    return IsotonicRegressor(
        source=title,
        input=Input(1),
        span=np.array([[value.min(), value.max()]]),
        points=Points(at, value, np.array([0, len(at)], np.uint16)),
    )
