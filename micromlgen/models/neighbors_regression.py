"""Regressors that take the mean of what the nearest training rows had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Regressor
from micromlgen.models._members import last_step
from micromlgen.models._neighbors_convert import by_distance, common
from micromlgen.models._neighbors_found import WEIGHT_ONE, Found, spoiled, weights
from micromlgen.models._neighbors_metric import TINY, ULP
from micromlgen.models._neighbors_model import BOUND, OnRows
from micromlgen.models._neighbors_rows import Rows, fraction_bits
from micromlgen.tables import Column, column

Array = NDArray[Any]
#: What integers give where there is no neighbour.
NO_NEIGHBOR = -(2**31)


@dataclass(frozen=True, eq=False, kw_only=True)
class NeighborsRegressor(OnRows, Regressor):
    """The mean of what neighbours had, or one weighted by the inverse of their distances.

    Parameters
    ----------
    targets : array of shape (n_rows, n_outputs)
        float64 as the estimator has them; quantised: float32, or integers from 0 on in units of `unit`.
    unit : float
    base : int64 array of shape (n_outputs,)
        Integers: what is added to sums of k targets, or to their mean.
    weight_shift : int
        Integers: bits by which weights are shifted right, so that sums of products stay in 32 bits.
    """

    targets: Array
    unit: float = 1.0
    base: NDArray[np.int64] | None = None
    weight_shift: int = 0

    def _taken(self, index: NDArray[np.int64]) -> Self:
        return replace(super()._taken(index), targets=self.targets[index])

    def with_rows(self, rows: Rows, inputs: Input) -> Self:
        model = super().with_rows(rows, inputs)
        if rows.is_integer:
            return model._integer_targets()
        if np.abs(self.targets).max() > np.finfo(np.float32).max / 2**17:
            raise UnsupportedError(f"{self.source}: a target is beyond float32; scale the targets")
        return replace(model, targets=model.targets.astype(np.float32))

    @property
    def divides(self) -> bool:
        """Whether integers are divided by what neighbours weigh together, which differs from x to x."""
        return self.k is None or self.by_distance

    def _integer_targets(self) -> Self:
        """Targets in integers as fine as sums of them prove to stay in 32 bits."""
        most = self.k if self.k is not None else len(self.targets)
        low, high = self.targets.min(axis=0), self.targets.max(axis=0)
        # Weights give way to targets of 12 bits.
        shift = max(0, int(np.ceil(np.log2(most))) + 15 + 12 - 32) if self.by_distance else 0
        heaviest, highest = (WEIGHT_ONE >> shift, 2**32) if self.by_distance else (1, 2**31)
        steps = min(highest // (most * heaviest) - 1, 65535)
        times = 1 if self.divides else most
        unit = max(
            float((high - low).max()) / steps,
            times * float(np.abs(self.targets).max()) / (2**31 - 2**17),
            1e-30,
        )
        bits = fraction_bits(self.targets)
        if bits is not None and 2.0**-bits >= unit:
            unit = 2.0**-bits
        whole = np.rint((self.targets - low) / unit).astype(np.int64)
        span = np.stack([low, high], axis=1)
        base = np.rint(low / unit * times).astype(np.int64)
        return replace(self, targets=whole, unit=unit, base=base, weight_shift=shift, span=span)

    def _means(self, Q: Array) -> tuple[Array, NDArray[np.float64]]:
        """Answers, shape (n, n_outputs), float64 or int64, and most by which float32 is off them."""
        out = np.zeros((len(Q), self.n_outputs), np.int64 if self.rows.is_integer else np.float64)
        off = np.zeros(out.shape)
        for block, found in self.found(Q):
            if self.rows.is_integer:
                out[block] = self._whole_means(found)
            else:
                out[block], off[block] = self._float_means(found)
        return out, off

    def _whole_means(self, found: Found) -> Array:
        assert self.base is not None
        weight, _ = weights(self.rows, found, self.by_distance)
        weight = weight >> self.weight_shift
        total = np.einsum("ij,ijo->io", weight, self.targets[found.index])
        if not self.divides:
            return np.asarray(total + self.base)
        whole = weight.sum(axis=1, keepdims=True)
        mean = (total + (whole >> 1)) // np.maximum(whole, 1) + self.base
        return np.where(found.count[:, None] > 0, mean, NO_NEIGHBOR)

    def _float_means(self, found: Found) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        weight, relative = weights(self.rows, found, self.by_distance)
        targets = self.targets[found.index].astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            share = weight / weight.sum(axis=1, keepdims=True)
            wrong = spoiled(share, relative)
            mean = np.einsum("ij,ijo->io", share, targets)
            size = np.einsum("ij,ijo->io", share, np.abs(targets))
            added = (2 * found.count[:, None] + 4) * ULP
            off = np.einsum("ij,ijo->io", wrong, np.abs(targets))
            off = off + size * (wrong.sum(axis=1, keepdims=True) + added)
        off = np.where(self._differs(found), np.inf, off)
        return mean, np.where(np.isnan(off), np.inf, off) + TINY

    def _differs(self, found: Found) -> NDArray[np.bool_]:
        """Whether rows that may or may not be neighbours make a difference, shape (n, n_outputs)."""
        open_rows = np.asarray(found.open.any(axis=1))[:, None]
        if self.k is None or self.by_distance:
            return np.repeat(open_rows, self.n_outputs, axis=1)
        at = found.open[:, :, None]
        lowest = np.where(at, self.targets, np.inf).min(axis=1)
        return np.asarray(open_rows & (np.where(at, self.targets, -np.inf).max(axis=1) > lowest))

    def predict(self, Q: Array) -> Array:
        means = self._means(Q)[0].astype(self.output_dtype)
        return means[:, 0] if self.n_outputs == 1 else means

    def decode(self, returned: Array) -> Array:
        numbers = super().decode(returned)
        if not self.rows.is_integer:
            return numbers
        return np.where(returned == NO_NEIGHBOR, np.nan, numbers)

    def offset_of(self, o: int) -> str:
        """C that adds `base` to output o."""
        assert self.base is not None
        base = int(self.base[o])
        return f" {'-' if base < 0 else '+'} {abs(base)}" if base else ""

    @property
    def output_scale(self) -> float:
        return self.unit if self.k is None or self.by_distance else self.unit / self.k

    def rounding(self, Q: Array) -> Array | None:
        return None if self.rows.is_integer else self._means(Q)[1]

    def moves(self, Q: Array, by: Array) -> Array:
        total = np.zeros((len(Q), self.n_outputs))
        for block, found in self.found(Q, by):
            total[block] = self._float_means(found)[1]
        return total

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.asarray((2 * self.blur if self.by_distance else BOUND) * np.abs(self.targets).max(axis=0))

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        border = super().undecided(estimator, X)
        if not self.by_distance:
            return border
        return border | self._vague(*last_step(estimator, X))[:, None]

    @property
    def stored_targets(self) -> list[Column]:
        """Targets in flash, one column of each output."""
        return [column(np.ascontiguousarray(self.targets[:, o])) for o in range(self.n_outputs)]

    def _tables(self) -> Sequence[Array]:
        return [table for targets in self.stored_targets for table in targets.tables]

    def contract(self) -> Sequence[str]:
        lines = [*super().contract()]
        if self.by_distance:
            lines += [
                "they count by the inverse of their distance; those at no distance alone, if there are any"
            ]
        if self.k is None:
            without = "INT32_MIN" if self.rows.is_integer else "NaN"
            lines += [f"without a neighbour the answer is {without}"]
        return lines


@converts("sklearn.neighbors.KNeighborsRegressor", "sklearn.neighbors.RadiusNeighborsRegressor")
def regressor(estimator: Any) -> NeighborsRegressor:
    """Convert a regressor, of one output or several."""
    targets = np.asarray(estimator._y, np.float64).reshape(len(estimator._y), -1)
    return NeighborsRegressor(
        **common(estimator),
        by_distance=by_distance(estimator),
        span=np.zeros((targets.shape[1], 2)),
        targets=targets,
    )
