"""emlearn: if/else in float or int16, and its loadable tables."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import emlearn

from peers import Configurations, converted, entry

LANGUAGE = "c++"
#: For features of a few units: squares of their differences still add up in 32 bits.
_SCALE = 1024
_HEADERS = Path(emlearn.__file__).parent
_TAKEN = re.compile(r"\bpeer_predict\(const (\w+) ?\*")
_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"](eml_\w+\.h)[>"].*$', re.MULTILINE)


def configurations(model: Any) -> Configurations:
    """Trees: inline in float or int16, or tables; neural networks, Bayes and neighbours have their own."""
    kind = type(model).__name__
    if kind.startswith("MLP"):
        return {how: lambda how=how: _network(model, how) for how in ("inline", "loadable")}
    if kind == "GaussianNB":
        return {
            "loadable": lambda: _predicting(
                model, emlearn.convert(model, method="loadable").save(name="peer")
            )
        }
    if kind == "KNeighborsClassifier":
        return {
            "loadable": lambda: _neighbors(model, 1),
            "loadable scaled": lambda: _neighbors(model, _SCALE),
        }
    return {
        "inline float": lambda: _trees(model, "inline", "float"),
        "inline int16": lambda: _trees(model, "inline", "int16_t"),
        "loadable": lambda: _trees(model, "loadable", "int16_t"),
    }


def _trees(model: Any, method: str, dtype: str) -> str:
    return _predicting(model, emlearn.convert(model, method=method, dtype=dtype).save(name="peer"))


def _network(model: Any, how: str) -> str:
    return _predicting(model, emlearn.convert(model, method=how).save(name="peer", inference=[how]))


def _neighbors(model: Any, scale: int) -> str:
    """Its neighbours are int16: a user scales the features, which no distance's order depends on."""
    scaled = copy.copy(model)
    scaled._fit_X = model._fit_X * scale
    code = emlearn.convert(scaled, method="loadable").save(name="peer")
    n, items = model.n_features_in_, len(model._fit_X)
    body = (
        f"{converted(model, 'int16_t', 'features', f'(x[i] * {scale})')} "
        f"static EmlNeighborsDistanceItem distances[{items}]; int16_t label = -1; "
        f"eml_neighbors_predict(&peer, features, {n}, distances, {items}, &label); return label;"
    )
    return _with_headers(code, set()) + entry(model, body)


def _predicting(model: Any, code: str) -> str:
    """Call `peer_predict` with features of the type that it takes."""
    n = model.n_features_in_
    taken = _TAKEN.search(code)
    if taken and taken[1] != "float":
        body = f"{converted(model, taken[1], 'features')} return peer_predict(features, {n});"
    else:
        body = f"return peer_predict(x, {n});"
    return _with_headers(code, set()) + entry(model, body)


def _with_headers(code: str, seen: set[str]) -> str:
    """Put emlearn's own headers in the place of their includes, so that the text is all there is."""

    def header(match: re.Match[str]) -> str:
        name = match[1]
        if name in seen:
            return ""
        seen.add(name)
        return _with_headers((_HEADERS / name).read_text(), seen)

    return _INCLUDE.sub(header, code)
