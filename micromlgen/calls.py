"""The functions of a generated header as calls that a host or a simulated board can run row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.boards import Call
from micromlgen.cformat import Name
from micromlgen.ir import Classifier, DecisionClassifier, Detector, Model, Regressor

Array = NDArray[Any]


def predict_call(model: Model, header: str, name: Name, rows: Array) -> Call:
    """`<name>_predict` on encoded rows; classes arrive as int16, which is an int of AVR."""
    n = model.n_outputs
    if isinstance(model, Regressor):
        statement = f"{name.snake}_predict(x, y);" if n > 1 else f"y[0] = {name.snake}_predict(x);"
        return Call(header, rows, statement, model.output_dtype.name, n)
    if n == 1:
        return Call(header, rows, f"y[0] = (int16_t){name.snake}_predict(x);", "int16")
    copy = f"for (int o = 0; o < {n}; ++o) y[o] = (int16_t)classes[o];"
    return Call(header, rows, f"int classes[{n}]; {name.snake}_predict(x, classes); {copy}", "int16", n)


def proba_call(model: Classifier, header: str, name: Name, rows: Array) -> Call:
    """`<name>_predict_proba` on encoded rows."""
    statement = f"{name.snake}_predict_proba(x, y);"
    return Call(header, rows, statement, model.output_dtype.name, sum(model.n_classes))


def decision_call(model: DecisionClassifier, header: str, name: Name, rows: Array) -> Call:
    """`<name>_decision_function` on encoded rows."""
    statement = f"{name.snake}_decision_function(x, y);"
    dtype = "int32" if model.input.is_integer else "float32"
    return Call(header, rows, statement, dtype, model.n_decisions)


def score_call(model: Detector, header: str, name: Name, rows: Array) -> Call:
    """`<name>_score` on encoded rows."""
    return Call(header, rows, f"y[0] = {name.snake}_score(x);", model.output_dtype.name, 1)


def quantize_call(model: Model, header: str, name: Name, rows: NDArray[np.float32]) -> Call:
    """`<name>_quantize` on raw rows, of a model in integers."""
    return Call(header, rows, f"{name.snake}_quantize(x, y);", model.input.dtype, model.input.n_features)


def twin_calls(model: Model, header: str, name: Name, rows: Array) -> list[tuple[Call, Array]]:
    """Every function on encoded rows, with what the twin says it writes, shape (n, n_y)."""
    y = model.predict(rows).reshape(len(rows), -1)
    pairs = [(predict_call(model, header, name, rows), y)]
    if isinstance(model, Classifier):
        pairs.append((proba_call(model, header, name, rows), model.predict_proba(rows)))
    if isinstance(model, DecisionClassifier):
        pairs.append((decision_call(model, header, name, rows), model.decision_function(rows)))
    if isinstance(model, Detector):
        pairs.append((score_call(model, header, name, rows), model.score(rows)[:, None]))
    return pairs
