"""tl2cgen, the C compiler of treelite: if/else in double, or on thresholds' ranks."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import tl2cgen
import treelite

from peers import Configurations, argmax, entry, is_regressor, n_classes

LANGUAGE = "c"


def configurations(model: Any) -> Configurations:
    """Plain, and with the option that quantises features once before all trees."""
    return {"": lambda: _text(model, {}), "quantize": lambda: _text(model, {"quantize": 1})}


def _text(model: Any, params: dict[str, int]) -> str:
    with tempfile.TemporaryDirectory() as name:
        tl2cgen.generate_c_code(treelite.sklearn.import_model(model), dirpath=name, params=params)
        files = [Path(name, file) for file in ("header.h", "quantize.c", "main.c")]
        code = "\n".join(file.read_text() for file in files if file.exists())
    return re.sub(r'#include "header.h"', "", code) + entry(model, _body(model))


def _body(model: Any) -> str:
    n, k = model.n_features_in_, n_classes(model)
    is_boosting = "Boosting" in type(model).__name__
    # Boosting with two classes has a single score, a probability unless the margin is asked for.
    n_scores = 1 if is_regressor(model) or (k == 2 and is_boosting) else max(k, 1)
    call = (
        f"static union Entry features[{n}]; for (int i = 0; i < {n}; ++i) features[i].fvalue = x[i]; "
        f"double scores[{n_scores}] = {{0}}; predict(features, {int(is_boosting)}, scores); "
    )
    if is_regressor(model):
        return call + "return (float)scores[0];"
    return call + ("return scores[0] > 0;" if n_scores == 1 else argmax("scores", k))
