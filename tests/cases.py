"""Small fitted examples: what a family declares to join the conformance suite."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import micromlgen as mm
from micromlgen.program import Program
from tests import models


@dataclass(frozen=True)
class Case:
    """A fitted estimator, raw rows for it, and the options to transpile it with."""

    name: str
    estimator: Any
    X: NDArray[np.float32]
    options: Mapping[str, Any] = field(default_factory=dict)

    def transpile(self, **more: Any) -> Program:
        return mm.transpile(self.estimator, **{"name": self.name, **self.options, **more})


def integer_cases(cases: list[Case], dtypes: tuple[str, ...] = ("int16", "int8")) -> list[Case]:
    """The same cases in integers; agreement is not the point of such small data."""
    return [
        Case(
            f"{c.name}_{dtype}",
            c.estimator,
            c.X,
            {**c.options, "dtype": dtype, "calibration": c.X, "min_agreement": 0.0},
        )
        for c in cases
        for dtype in dtypes
    ]


@cache
def all_cases() -> list[Case]:
    """`CASES` of every test file of a family, found as the families themselves are."""
    found = []
    for module in pkgutil.iter_modules(models.__path__):
        found += importlib.import_module(f"{models.__name__}.{module.name}").CASES
    names = [case.name for case in found]
    assert len(set(names)) == len(names), "names must differ: all headers meet in one firmware"
    return found


@cache
def all_programs() -> list[tuple[str, Program, NDArray[np.float32]]]:
    """Every case in each of its layouts, under names that can meet in one program."""
    out = []
    for case in all_cases():
        seen = set()
        for optimize in ("size", "speed"):
            program = case.transpile(name=f"{case.name}_{optimize}", optimize=optimize)
            if program.layout not in seen:
                seen.add(program.layout)
                out.append((f"{case.name}_{optimize}", program, case.X))
    return out
