"""Every estimator that `port` takes or refuses, and every command: from the code that does so."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import click

from markdown_tables import table
from micromlgen.cli.app import cli
from micromlgen.convert import supported
from micromlgen.models.refused import REMEDIES

ROOT = Path(__file__).parents[2]


def estimators() -> str:
    """Names of what can be ported, by module."""
    paths = [path.rpartition(".") for path in supported()]
    rows = []
    for module, found in groupby(sorted(paths), key=lambda parts: parts[0]):
        rows.append((f"`{module}`", ", ".join(sorted({f"`{name}`" for _, _, name in found}))))
    return table(("package", "estimators"), rows)


def refused() -> str:
    """Estimators that no header can have, by remedy."""
    by_remedy: dict[str, list[str]] = {}
    for path, remedy in REMEDIES.items():
        by_remedy.setdefault(remedy, []).append(path.rpartition(".")[2])
    rows = [(", ".join(f"`{name}`" for name in names), remedy) for remedy, names in by_remedy.items()]
    return table(("estimators", "what to do"), rows)


def examples() -> str:
    """Each folder of examples/ with a README: its title, what it says first, and how it is run."""
    parts = []
    for page in sorted((ROOT / "examples").glob("*/README.md")):
        text = page.read_text(encoding="utf-8")
        title, first, *_ = text.split("\n\n")
        name = page.parent.name
        [command, *_] = re.findall(r"^    ((?:python|make) .*)$", text, re.MULTILINE)
        more = f"`{command}` runs it; `examples/{name}` tells all of it."
        parts.append(f"## {title.removeprefix('# ')}\n\n{first}\n\n{more}\n")
    return "\n".join(parts)


def commands() -> str:
    """What ``--help`` says of each command."""
    parts = []
    for name, command in cli.commands.items():
        context = click.Context(command, info_name=f"micromlgen {name}", terminal_width=100)
        parts.append(f"## {name}\n\n```{{code-block}} none\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)
