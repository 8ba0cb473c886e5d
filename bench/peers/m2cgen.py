"""m2cgen: nested if/else and closed expressions in double."""

from __future__ import annotations

import sys
from typing import Any

import m2cgen

from peers import Configurations, argmax, converted, entry, is_regressor, n_classes

LANGUAGE = "c"
_DEEP = 1 << 20  # its expression trees are walked recursively


def configurations(model: Any) -> Configurations:
    """There is one way to call it."""

    def text() -> str:
        sys.setrecursionlimit(_DEEP)
        code = m2cgen.export_to_c(model)
        return code + entry(model, f"{converted(model, 'double', 'input')} {_answer(model, code)}")

    return {"": text}


def _answer(model: Any, code: str) -> str:
    """From `score` to what `predict` returns; m2cgen leaves that to its user."""
    if is_regressor(model):
        return "return (float)score(input);"
    if "double score(" in code:
        signs = "1 : -1" if n_classes(model) == 0 else "1 : 0"
        return f"return score(input) > 0 ? {signs};"
    k = n_classes(model)
    if type(model).__name__ == "SVC":
        pairs = f"static double pairs[{k * (k - 1) // 2}]; score(input, pairs);"
        every = f"for (int i = 0; i < {k}; ++i) for (int j = i + 1; j < {k}; ++j)"
        votes = f"int votes[{k}] = {{0}}, p = 0; {every} ++votes[pairs[p++] > 0 ? i : j];"
        return f"{pairs} {votes} {argmax('votes', k)}"
    return f"static double scores[{k}]; score(input, scores); {argmax('scores', k)}"
