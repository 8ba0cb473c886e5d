"""Choose the encoding: a function of the model and the target that never changes a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Literal, get_args

from micromlgen.boards import core as core_named
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Layout

Optimize = Literal["balanced", "size", "speed"]
# Bytes of the largest object that the compiler of a core takes.
_LARGEST_TABLE = {"avr": 32_767}
# Exponents of flash and cycles in what is minimised. In "balanced" flash counts half as much again: a slow
# prediction is mostly quick enough, a large one may not fit beside the rest of the sketch.
_WEIGHTS = {"size": (1.0, 0.0), "speed": (0.0, 1.0), "balanced": (1.5, 1.0)}
#: Groups of cores that one header tells apart by the compiler's macros: (condition, cores, most flash).
GROUPS = (
    ("defined(__AVR__)", ("avr",), 253_952),
    ("", ("cortex-m0plus", "cortex-m4f", "rv32imc"), None),
)


def plan(
    layouts: Sequence[Layout], optimize: str, core: str | None = None, flash: int | None = None
) -> list[tuple[str, Layout]]:
    """Best layout for `core`, or without a target the best for each of `GROUPS`.

    Parameters
    ----------
    layouts : sequence of Layout
    optimize : {"balanced", "size", "speed"}
        Least flash^1.5 × cycles, least flash, or fewest cycles; over several cores the geometric mean counts.
    core : str, optional
    flash : int, optional
        Bytes of flash on the target: a layout that can't fit is not chosen.

    Returns
    -------
    list of (condition for the preprocessor, Layout)
        The last condition is empty: it holds everywhere else.

    Raises
    ------
    UnsupportedError
        If `optimize` is unknown or no layout fits the target.
    """
    if optimize not in get_args(Optimize):
        raise UnsupportedError(f"optimize={optimize!r}: use one of {', '.join(get_args(Optimize))}")
    if core is not None:
        cores = (core_named(core).plans_like,)
        fitting = _fitting(layouts, cores[0], flash)
        if not fitting:
            need = min(x.flash[cores[0]] for x in layouts)
            tables = min(max(x.tables, default=0) for x in layouts)
            because = f"about {need:.0f} bytes of flash, the target has {flash}"
            if flash is None or need <= flash:
                because = f"a table of {tables} bytes, {core} takes {_LARGEST_TABLE[cores[0]]}"
            raise UnsupportedError(f"the model needs {because}; fit a smaller model or choose a larger board")
        return [("", _best(fitting, optimize, cores))]
    chosen: list[tuple[str, Layout]] = []
    for condition, group, most in reversed(GROUPS):
        # What fits no board of a group may still be compiled for the others.
        fits = _fitting(layouts, group[0], most) or layouts
        chosen.insert(0, (condition, _best(fits, optimize, group, [layout for _, layout in chosen])))
    same = all(layout is chosen[0][1] for _, layout in chosen)
    return chosen[-1:] if same else chosen


def _fitting(layouts: Sequence[Layout], core: str, flash: int | None) -> list[Layout]:
    largest = _LARGEST_TABLE.get(core)
    return [
        x
        for x in layouts
        if (flash is None or x.flash[core] <= flash)
        and (largest is None or max(x.tables, default=0) <= largest)
    ]


def _best(
    layouts: Sequence[Layout], optimize: str, cores: Sequence[str], known: Sequence[Layout] = ()
) -> Layout:
    """The one that costs least; of equals one that is `known`, as one text is shorter than two."""
    flash_weight, cycles_weight = _WEIGHTS[optimize]

    def cost(layout: Layout) -> float:
        return sum(flash_weight * log(layout.flash[c]) + cycles_weight * log(layout.cycles[c]) for c in cores)

    return min(layouts, key=lambda layout: (round(cost(layout), 9), not any(layout is k for k in known)))
