"""What a model may give up for size, and the account of what it gave up: the ground of `compress`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Coarseness:
    """How much of a model is given up; by default nothing.

    Parameters
    ----------
    trees : float
        Share of the trees of an ensemble, below 1.
    nodes : float
        Share of the inner nodes, those first whose leaves differ least on typical rows.
    thresholds : float or None
        Thresholds of a feature become one where at most this share of typical rows lies between them: at 0
        those that tell no two typical rows apart.
    short : bool
        Whether thresholds are rounded to the upper 16 bits of a float32.
    levels : int
        How finely leaf values are kept, as `Coarsening.levels` counts it; 0 as they are.
    """

    trees: float = 0.0
    nodes: float = 0.0
    thresholds: float | None = None
    short: bool = False
    levels: int = 0


class Coarsening(ABC):
    """Coarser models instead of an exact one."""

    #: Values of `Coarseness.trees` that are worth a try, the least first.
    trees: Sequence[float]
    #: Values of `Coarseness.levels`, the finest first.
    levels: Sequence[int]
    #: Values of `Coarseness.thresholds` that are worth a try.
    thresholds: Sequence[float] = (0.0, 0.01, 0.02, 0.04, 0.08, 0.16)
    #: What the numbers of `Content` count; "" for one that means nothing.
    parts: tuple[str, str, str] = ("nodes", "distinct thresholds", "distinct leaf values")

    @abstractmethod
    def __call__(self, coarseness: Coarseness) -> Any:
        """The coarser model, with float64 numbers as `convert` gives them."""

    @abstractmethod
    def content(self, model: Any) -> Content:
        """What the exact model, or a coarser one, is made of."""


class Content(NamedTuple):
    """What a model is made of: nodes, leaves included; distinct thresholds; distinct leaf values."""

    nodes: int
    thresholds: int
    leaves: int


@dataclass(frozen=True)
class Compression:
    """What `compress` gave up, and what that costs.

    Attributes
    ----------
    floor : float
        What the user asked for: the least agreement.
    agreement : float
        Share of the calibration rows on which the compressed model gives the estimator's answer.
    within : tuple of float, or None
        Of a regressor, per output: how far from the estimator's an answer that agrees may be.
    nodes_before, nodes_after, thresholds_before, thresholds_after, leaves_before, leaves_after : int
        As `Content`.
    flash_before, flash_after : int
        Bytes of the smallest layout, as estimated for Cortex-M0+.
    parts : tuple of str
        As of `Coarsening`.
    """

    floor: float
    agreement: float
    within: tuple[float, ...] | None
    nodes_before: int
    nodes_after: int
    thresholds_before: int
    thresholds_after: int
    leaves_before: int
    leaves_after: int
    flash_before: int
    flash_after: int
    parts: tuple[str, str, str] = Coarsening.parts

    def changes(self) -> list[str]:
        """What there was and what there is, one line each."""
        before = self.nodes_before, self.thresholds_before, self.leaves_before
        after = self.nodes_after, self.thresholds_after, self.leaves_after
        return [
            f"{part}: {old} before, {new} after"
            for part, old, new in zip(self.parts, before, after, strict=True)
            if part
        ]

    def __str__(self) -> str:
        lines = [
            f"agreement on the calibration rows: {self.agreement:.4f}, at least {self.floor:g} asked for"
        ]
        lines += self.changes()
        lines += [
            f"flash, estimated for Cortex-M0+: {self.flash_before} bytes before, {self.flash_after} after"
        ]
        return "\n".join(lines)
