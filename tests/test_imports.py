"""Imports run downwards only, whenever they are made: also within functions, and for annotations alone."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import micromlgen

PACKAGE = Path(micromlgen.__file__).parent
CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
#: Rooms of the package, from the ground up: each knows those of its own line and of the lines above.
LEVELS = (
    "errors fixedpoint affine inputs samples streams lossy ir extraction tables cformat kernels between",
    "boards",
    "banner calls methods",
    "convert compress quantize plan render verify footprint",
    "split companion layouts datasets",
    "models features",
    "program transpile",
    "nn",
    "serial",
    "cli",
)


@cache
def imports() -> dict[str, set[str]]:
    """Of each module the modules that it imports; a package stands for its `__init__`."""
    files = {path.with_suffix("").relative_to(PACKAGE.parent): path for path in PACKAGE.rglob("*.py")}
    modules = {".".join(at.parts).removesuffix(".__init__"): path for at, path in files.items()}
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        found[module] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}: a relative import"
                named = [f"{node.module}.{alias.name}" for alias in node.names]
                named = [name if name in modules else str(node.module) for name in named]
            else:
                continue
            found[module] |= {name for name in named if name in modules and name != module}
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        raise AssertionError(" ← ".join(error.args[1])) from None


def room(module: str) -> str:
    """The part of the package that a module is in."""
    return module.split(".")[1]


def test_each_room_knows_only_those_below() -> None:
    level = {name: i for i, line in enumerate(LEVELS) for name in line.split()}
    upwards = [
        f"{module} imports {other}"
        for module, others in imports().items()
        for other in others
        if "." in module and "." in other and level[room(other)] > level[room(module)]
    ]
    assert not upwards


def test_the_guide_for_contributors_shows_every_room() -> None:
    table = re.findall(r"^\| (`[^|]*`) \|", CONTRIBUTING.read_text(encoding="utf-8"), re.M)
    shown = {name for cell in table for name in re.findall(r"`(?:micromlgen/)?(\w+)(?:\.py|/)`", cell)}
    rooms = {room(module) for module in imports() if "." in module}
    assert rooms == {name for line in LEVELS for name in line.split()}
    assert rooms <= shown
