"""One module per peer: from a fitted model to C text with ``static int entry(const float *x)``.

A module imports its tool at the top, says which `LANGUAGE` it writes, and has one function,
``configurations(model)``: for each way in which a user may call the tool, its name and a function that
returns the text. What a tool refuses, it refuses by raising. Regressors' entries return float.

These modules run in the tool's own environment (`bench.worker`): they import nothing of micromlgen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Configurations = dict[str, Callable[[], str]]


def is_regressor(model: Any) -> bool:
    """Whether the entry returns a float."""
    return type(model).__name__.endswith("Regressor")


def n_classes(model: Any) -> int:
    """Number of classes; 0 for regressors and outlier detectors."""
    return len(getattr(model, "classes_", ()))


def entry(model: Any, body: str) -> str:
    """The function that is called for each row, with this body."""
    kind = "float" if is_regressor(model) else "int"
    return f"\nstatic {kind} entry(const float *x)\n{{\n    {body}\n}}\n"


def converted(model: Any, ctype: str, name: str, value: str = "x[i]") -> str:
    """C that declares an array `name` of the type that a tool takes and fills it from `x`."""
    n = model.n_features_in_
    return f"static {ctype} {name}[{n}]; for (int i = 0; i < {n}; ++i) {name}[i] = ({ctype}){value};"


def argmax(scores: str, n: int) -> str:
    """C that returns the index of the first largest of `n` scores."""
    loop = f"for (int i = 1; i < {n}; ++i) if ({scores}[i] > {scores}[best]) best = i;"
    return f"int best = 0; {loop} return best;"
