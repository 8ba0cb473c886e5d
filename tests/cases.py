"""Small fitted examples: what a family declares to join the conformance suite."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from numpy.typing import NDArray

import micromlgen as mm
from micromlgen.banner import banner
from micromlgen.cformat import make_name
from micromlgen.ir import Layout
from micromlgen.program import Program
from micromlgen.render import render
from tests import features, models

SANITIZE = ("-O1", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")


@dataclass(frozen=True)
class Case:
    """A fitted estimator, raw rows for it, and the options to transpile it with."""

    name: str
    estimator: Any
    X: NDArray[Any]
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
    for package in (models, features):
        for module in pkgutil.iter_modules(package.__path__):
            found += getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "CASES", [])
    names = [case.name for case in found]
    assert len(set(names)) == len(names), "names must differ: all headers meet in one firmware"
    return found


def in_layout(program: Program, name: str, layout: Layout) -> Program:
    """The same program, rendered in one layout for every core."""
    spelled = make_name(name)
    top = banner(program.model, [("", layout)], spelled, None, None)
    header = render(program.model, [("", layout)], spelled, top, {})
    return replace(program, header=header, name=spelled, layout=layout.name)


@cache
def all_programs(every_layout: bool = False) -> list[tuple[str, Program, NDArray[Any]]]:
    """Every case, in all of its layouts or in two, under names that can meet in one program.

    The two are what "size" and "speed" choose, by turns, and one after another of all from case to case.
    """
    out = []
    for number, case in enumerate(all_cases()):
        optimize = ("size", "speed")[number % 2]
        chosen = case.transpile(name=f"{case.name}_{optimize}", optimize=optimize)
        layouts = chosen.model.layouts()
        numbers = range(len(layouts)) if every_layout else [number % len(layouts)]
        others = [in_layout(chosen, f"{case.name}_layout{i}", layouts[i]) for i in numbers]
        out += [(p.name.snake, p, case.X) for p in (chosen, *others)]
    return out


def representatives(every_layout: bool = True) -> list[tuple[str, Program, NDArray[Any]]]:
    """One program of every family in each type of numbers, and in each layout."""
    first: dict[tuple[object, ...], tuple[str, Program, NDArray[Any]]] = {}
    for name, program, X in all_programs(every_layout):
        layout = program.layout if every_layout else ""
        first.setdefault((type(program.model), layout, program.model.input.dtype), (name, program, X))
    return list(first.values())
