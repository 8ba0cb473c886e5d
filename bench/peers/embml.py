"""EmbML: tables or if/else, in float or in a fixed-point format that its user must choose."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import Any

import embml
import numpy as np

from peers import Configurations, entry

LANGUAGE = "c++"
np.set_printoptions(legacy="1.25")  # it prints NumPy's numbers into its C, and means 3, not np.int64(3)

#: Integer and fractional bits; every format that was right for some model of the zoo.
_FORMATS = ((11, 4), (9, 6), (7, 8), (5, 10), (21, 10), (19, 12))


def configurations(model: Any) -> Configurations:
    """Float, if/else for trees, and several fixed-point formats: which is right, only a measurement says."""
    out: Configurations = {"float": lambda: _text(model, "")}
    tree = type(model).__name__ == "DecisionTreeClassifier"
    if tree:
        out["float rules"] = lambda: _text(model, "-rules")
    for integer, fraction in _FORMATS:
        name, options = f"fxp{integer + fraction + 1} Q{integer}.{fraction}", f"-fxp {integer} {fraction}"
        out[name] = lambda options=options: _text(model, options)
        if tree:
            out[f"{name} rules"] = lambda options=options: _text(model, f"{options} -rules")
    return out


def _text(model: Any, options: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name, "model.pkl"), Path(name, "model.c")
        source.write_bytes(pickle.dumps(model))
        embml.sklearnModel(str(source), str(target), options)
        code = target.read_text()
    value = "setValue(x[i])" if "-fxp" in options else "x[i]"
    connect = (
        "static char connected; if (!connected) { initConnections(); connected = 1; } "
        if "initConnections" in code
        else ""
    )
    n = model.n_features_in_
    # The empty asm keeps the loop a loop: it would become memcpy, and that be counted as EmbML's.
    fill = f'for (int i = 0; i < {n}; ++i) {{ instance[i] = {value}; __asm__("" : : : "memory"); }}'
    body = f"{connect}{fill} return classify();"
    return "#include <Arduino.h>\n" + code + entry(model, body)
