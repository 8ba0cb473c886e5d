"""The functions of a generated header as calls that a host or a simulated board can run row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.boards import Call
from micromlgen.cformat import Name
from micromlgen.ir import DecisionClassifier, Model, NumericModel, ProbabilisticClassifier, Scored
from micromlgen.streams import Stream

Array = NDArray[Any]
#: Samples of a recording that a stream is tried with: the twin of a filter takes them one by one.
_MOST_STREAMED = 30_000


def predict_call(model: Model, header: str, name: Name | str, rows: Array, x: str = "x") -> Call:
    """`<name>_predict` on encoded rows; classes arrive as int16, which is an int of AVR."""
    n = model.n_outputs
    begin = name if isinstance(name, str) else name.snake
    if isinstance(model, NumericModel):
        function = f"{begin}_{'transform' if model.kind == 'transformer' else 'predict'}"
        alone = model.kind == "regressor" and n == 1
        statement = f"y[0] = {function}({x});" if alone else f"{function}({x}, y);"
        return Call(header, rows, statement, model.output_dtype.name, n)
    if n == 1:
        return Call(header, rows, f"y[0] = (int16_t){begin}_predict({x});", "int16")
    copy = f"for (int o = 0; o < {n}; ++o) y[o] = (int16_t)classes[o];"
    return Call(header, rows, f"int classes[{n}]; {begin}_predict({x}, classes); {copy}", "int16", n)


def proba_call(model: ProbabilisticClassifier, header: str, name: Name, rows: Array) -> Call:
    """`<name>_predict_proba` on encoded rows."""
    statement = f"{name.snake}_predict_proba(x, y);"
    return Call(header, rows, statement, model.output_dtype.name, sum(model.n_classes))


def decision_call(model: DecisionClassifier, header: str, name: Name, rows: Array) -> Call:
    """`<name>_decision_function` on encoded rows."""
    statement = f"{name.snake}_decision_function(x, y);"
    dtype = "int32" if model.input.is_integer else "float32"
    return Call(header, rows, statement, dtype, model.n_decisions)


def score_call(model: Scored, header: str, name: Name, rows: Array) -> Call:
    """`<name>_score` on encoded rows."""
    return Call(
        header, rows, f"y[0] = {name.snake}_score(x);", "int32" if model.input.is_integer else "float32", 1
    )


def quantize_call(model: Model, header: str, name: Name, rows: NDArray[np.float32]) -> Call:
    """`<name>_quantize` on raw rows, of a model in integers."""
    return Call(header, rows, f"{name.snake}_quantize(x, y);", model.input.dtype, model.input.n_features)


class Expected(NamedTuple):
    """A call, and what the twin says that it writes."""

    call: Call
    #: Shape (n, n_y).
    y: Array
    #: Most that the C may differ, broadcastable to `y`; None: not by a bit.
    within: Array | None = None

    def differs(self, y: Array) -> NDArray[np.bool_]:
        """Rows on which the C's answers y are others, shape (n,)."""
        return differing_rows(y, self.y, self.within)


def differing_rows(a: Array, b: Array, within: Array | None = None) -> NDArray[np.bool_]:
    """Rows that differ in a byte (NaN equals itself, −0 is not +0), or by more than `within`; shape (n,)."""
    if within is not None:
        with np.errstate(invalid="ignore"):
            close = np.abs(a.astype(np.float64) - b) <= within
        # NaN is as far from a number as it gets, but for bounds that allow anything; infinity is no distance.
        close |= (a == b) | (np.isnan(a) & np.isnan(b)) | np.isinf(within)
        return np.asarray(~close.all(axis=1))
    pattern = f"u{a.dtype.itemsize}"
    return np.asarray((a.view(pattern) != np.ascontiguousarray(b, a.dtype).view(pattern)).any(axis=1))


@np.errstate(over="ignore", invalid="ignore")  # of the extremes that are tried
def twin_calls(model: Model, header: str, name: Name, rows: Array) -> list[Expected]:
    """Every function on encoded rows, with what the twin says that it writes."""
    out = [Expected(predict_call(model, header, name, rows), *_answers(model, rows))]
    if isinstance(model, ProbabilisticClassifier):
        proba = model.predict_proba(rows), model.proba_rounding(rows)
        out.append(Expected(proba_call(model, header, name, rows), *proba))
    if isinstance(model, DecisionClassifier):
        decisions = model.decision_function(rows), model.rounding(rows)
        out.append(Expected(decision_call(model, header, name, rows), *decisions))
    if isinstance(model, Scored):
        score = model.score(rows)[:, None], model.rounding(rows)
        out.append(Expected(score_call(model, header, name, rows), *score))
    stream = model.streamed()
    if stream is not None:
        out += _streamed(stream, header, name, rows)
    return out


def _answers(model: Model, rows: Array) -> tuple[Array, Array | None]:
    """What `predict` gives, and how far the C's may be off."""
    y = model.predict(rows).reshape(len(rows), -1)
    numbers = model.rounding(rows)
    # Where roundings may decide, any class will do.
    unsure = None if numbers is None else np.where(model.unsure(rows), np.inf, 0.0)
    return y, numbers if isinstance(model, NumericModel) else unsure


def stream_call(stream: Stream, header: str, name: Name, recording: Array) -> Call:
    """`<name>_stream_push` of a recording in one row of frames, and what follows when a window is ready.

    Its rows are as long as a hop, so that each gives one window, but for the first ones, which give zeros.
    """
    hop, c, n = stream.hop * stream.decimation, stream.n_channels, stream.windowed.n_outputs
    chunks = recording.reshape(-1)[: len(recording.reshape(-1)) // (hop * c) * hop * c].reshape(-1, hop * c)
    answer = predict_call(stream.windowed, header, f"{name.snake}_stream", chunks, "&s")
    statement = (
        f"static {name.snake}_stream_t s; uint16_t k; for (k = 0; k < {n}; ++k) y[k] = 0; "
        f"for (k = 0; k < {hop * c}; k = (uint16_t)(k + {c})) "
        f"if ({name.snake}_stream_push(&s, {'x[k]' if c == 1 else 'x + k'})) {{ {answer.statement} }}"
    )
    return replace(answer, statement=statement)


def _streamed(stream: Stream, header: str, name: Name, rows: Array) -> list[Expected]:
    two = 2 * stream.window_size * stream.decimation
    call = stream_call(stream, header, name, rows.ravel()[: max(two, _MOST_STREAMED)])
    if not len(call.rows):
        return []
    windows = stream.windows(call.rows.reshape(-1, stream.n_channels))
    if not len(windows):
        return []
    y, within = _answers(stream.windowed, windows)
    # Before the first window nothing is written.
    none = ((len(call.rows) - len(windows), 0), (0, 0))
    within = None if within is None else np.pad(np.broadcast_to(within, y.shape), none)
    return [Expected(call, np.pad(y, none), within)]
