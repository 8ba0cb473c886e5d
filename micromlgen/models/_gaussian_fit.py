"""Which scale integers take for Gaussian densities: the one that changes least on the calibration rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.models._gaussian import Densities, Diagonal, exact_scores
from micromlgen.models._gaussian_int import (
    DiagonalIntegers,
    Room,
    TriangleIntegers,
    diagonal_integers,
    triangle_integers,
)
from micromlgen.models._prepared import Prepared, shifted
from micromlgen.models._widths import Width

Array = NDArray[Any]
Integers = DiagonalIntegers | TriangleIntegers
#: What is squared is cut at these magnitudes: from where no rows differ to where all integers are coarse.
_REACHES = 2.0 ** np.arange(1, 15)
#: `_logsum.ln` takes no more.
_MOST_ONE = 1 << 26
_LIMIT = 2**31 - 1
_FINER = 1.1
#: Halvings of the logarithm of `one` that find it to a few per cent.
_STEPS = 10
_MOST_ROWS = 1000
#: Losses are as good as the least one up to so many times that, and so much: of a mean of probabilities.
_NEARLY, _NOTHING = 1.3, 1e-4
#: A narrower width may add so much.
_LOSS = 1e-3


@dataclass(frozen=True, eq=False)
class Fit:
    """Densities to be had in integers.

    Parameters
    ----------
    title : str
        Of the estimator, for errors.
    densities : Densities
        Of the features of x, in the units of training.
    used : array
        Features of x to compute with.
    inputs : Input
    rows : float32 array of shape (n_rows, n_features)
        Raw calibration rows.
    absolute : bool
        Whether the densities themselves are asked for, not only which is the largest, and by how much.
    level : float
        What densities are compared with, where it is not each other.
    limit : int
        Largest sum.
    """

    title: str
    densities: Densities
    used: Array
    inputs: Input
    rows: NDArray[np.float32]
    absolute: bool
    level: float = 0.0
    limit: int = _LIMIT

    @cached_property
    def _some(self) -> NDArray[np.float32]:
        return self.rows[:: -(-len(self.rows) // _MOST_ROWS)]

    @cached_property
    def _encoded(self) -> Array:
        return self.inputs.encode(self._some)

    @cached_property
    def _exact(self) -> NDArray[np.float64]:
        """Sums of squares and constants of the calibration rows, (n, n_densities)."""
        scores = exact_scores(self.densities, self.inputs.scaled(self._some))
        return np.asarray(self.densities.const.max() - scores)

    def prepared(self, dtype: Width, even: bool) -> Prepared:
        """The features as integers of `dtype`, `even` as of `shifted`."""
        reach = np.abs(self.inputs.encode(self.rows).astype(np.float64)).max(axis=0)
        if isinstance(self.densities, Diagonal):
            reach = np.maximum(reach, np.abs(self.densities.mean / self.inputs.unit).max(axis=0))
        return shifted(dtype, self.inputs.dtype, self.used, reach, self.inputs.highest, even)

    def room(self, one: int) -> Room:
        """What the constants leave for squares."""
        const = self.densities.const
        bias = np.rint((const.max() - const) * one).astype(np.int64)
        # The logarithm of the sum of n densities is by log(n) above the largest at most.
        level = max(abs(float(const.max())), abs(self.level)) + np.log(len(const)) if self.absolute else 0.0
        return Room(one, bias, self.limit - int(np.ceil(level * one)))

    def scaled(self, width: Width, one: int | None = None) -> Integers:
        """In integers of this width, at the best scale, or at the best one where a sum of one is `one`.

        Raises
        ------
        UnsupportedError
            If none fits.
        """
        dtype = width if isinstance(self.densities, Diagonal) else self._wide(width)
        alike, apart = (self.prepared(dtype, even) for even in (True, False))
        ways = [alike] if apart.shift is None or np.ptp(apart.shift) == 0 else [alike, apart]
        kinds = [found for way in ways if (found := list(self._candidates(width, way, one)))]
        if not kinds:
            raise UnsupportedError(
                f"{self.title} in integers cannot be ported: constants of its densities are too far apart "
                "for 32 bits; use dtype='float32'"
            )
        best = [self._best(found) for found in kinds]
        lost = [self._loss(model) for model in best]
        return best[0] if lost[0] <= _NEARLY * lost[-1] + _NOTHING else best[-1]

    def _best(self, found: list[Integers]) -> Integers:
        """The scale with the least loss, or the coarsest that is nearly as good."""
        lost = [self._loss(model) for model in found]
        good = [loss <= _NEARLY * min(lost) + _NOTHING for loss in lost]
        # Rows to come may be further out than these.
        return found[len(good) - 1 - good[::-1].index(True)]

    def narrowest(self, kinds: tuple[Width, ...]) -> Integers:
        """In integers of the narrowest of these widths, in ascending order, that loses nothing."""
        widest = self.scaled(kinds[-1])
        allowed = self._loss(widest) + _LOSS
        others = (self.scaled(kind) for kind in kinds[:-1])
        return next((model for model in others if self._loss(model) <= allowed), widest)

    def _candidates(self, width: Width, prepared: Prepared, one: int | None) -> Iterator[Integers]:
        own = self.densities.selected(self.used).scaled(prepared.unit(self.inputs.unit))
        if isinstance(own, Diagonal):
            for reach in _REACHES:
                found = (
                    _finest(own, prepared, reach, self.room)
                    if one is None
                    else diagonal_integers(own, prepared, reach, self.room(one))
                )
                if found is not None:
                    yield found
            return
        ones = self.limit / own.offset.shape[1] / _REACHES**2
        for each in np.minimum(ones, _MOST_ONE).astype(int) if one is None else [one]:
            triangle = triangle_integers(own, prepared, width, self.room(int(each))) if each else None
            if triangle is not None:
                yield triangle

    def _wide(self, width: Width) -> Width:
        """Type of the features that rows of weights of this width are multiplied with."""
        return "int8" if width == self.inputs.dtype == "int8" else "int16"

    def _loss(self, model: Integers) -> float:
        """How far the calibration rows' answers are off."""
        right, got = self._exact, model.costs(self._encoded) / model.one
        lost = np.abs(softmax(-got, axis=1) - softmax(-right, axis=1)).mean()
        if self.absolute:
            least = right.min(axis=1)
            lost += np.minimum(np.abs(got.min(axis=1) - least) / (1.0 + least), 1.0).mean()
        return float(lost)


def _finest(
    densities: Diagonal, prepared: Prepared, reach: float, room: Callable[[int], Room]
) -> DiagonalIntegers | None:
    """The largest `one` that is proved to fit, to a few per cent."""

    def build(one: int) -> DiagonalIntegers | None:
        return diagonal_integers(densities, prepared, reach, room(one))

    largest = int(np.iinfo(prepared.dtype).max) - 2
    low, high = 1, int(np.clip((largest / reach) ** 2, 1, _MOST_ONE))
    for _ in range(_STEPS):
        middle = round(np.sqrt(float(low) * high))
        low, high = (low, middle) if build(middle) is None else (middle, high)
    # What is rounded may make a coarser one fail.
    while low > 1 and build(low) is None:
        low = int(low / _FINER)
    return build(low)
