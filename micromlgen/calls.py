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
    """`<name>_predict` on encoded rows; classes arrive as int16, which is an int of AVR.

    Parameters
    ----------
    model : Model
        Quantised.
    header : str
        Its text.
    name : Name or str
        The model's, or what the names of its functions begin with.
    rows : array of shape (n, n_features), dtype of the model's inputs
    x : str
        What the function is given in C, where a row stands in `x`.
    """
    n = model.n_outputs
    begin = _begin(name)
    if isinstance(model, NumericModel):
        function = f"{begin}_{'transform' if model.kind == 'transformer' else 'predict'}"
        alone = model.kind == "regressor" and n == 1
        statement = f"y[0] = {function}({x});" if alone else f"{function}({x}, y);"
        return Call(header, rows, statement, model.output_dtype.name, n)
    if n == 1:
        return Call(header, rows, f"y[0] = (int16_t){begin}_predict({x});", "int16")
    copy = f"for (int o = 0; o < {n}; ++o) y[o] = (int16_t)classes[o];"
    return Call(header, rows, f"int classes[{n}]; {begin}_predict({x}, classes); {copy}", "int16", n)


def _begin(name: Name | str) -> str:
    return name if isinstance(name, str) else name.snake


def proba_call(
    model: ProbabilisticClassifier, header: str, name: Name | str, rows: Array, x: str = "x"
) -> Call:
    """`<name>_predict_proba` on encoded rows; parameters as of `predict_call`."""
    statement = f"{_begin(name)}_predict_proba({x}, y);"
    return Call(header, rows, statement, model.output_dtype.name, sum(model.n_classes))


def decision_call(
    model: DecisionClassifier, header: str, name: Name | str, rows: Array, x: str = "x"
) -> Call:
    """`<name>_decision_function` on encoded rows; parameters as of `predict_call`."""
    statement = f"{_begin(name)}_decision_function({x}, y);"
    dtype = "int32" if model.input.is_integer else "float32"
    return Call(header, rows, statement, dtype, model.n_decisions)


def score_call(model: Scored, header: str, name: Name | str, rows: Array, x: str = "x") -> Call:
    """`<name>_score` on encoded rows; parameters as of `predict_call`."""
    statement = f"y[0] = {_begin(name)}_score({x});"
    return Call(header, rows, statement, "int32" if model.input.is_integer else "float32", 1)


def quantize_call(model: Model, header: str, name: Name, rows: NDArray[np.float32]) -> Call:
    """`<name>_quantize` on raw rows, shape (n, n_features), of a model in integers."""
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
    """Every function on encoded rows, with what the twin says that it writes; as `predict_call`."""
    out = _every(model, header, name, rows, rows)
    stream = model.streamed()
    return out if stream is None else [*out, *_streamed(stream, header, name, rows)]


def _every(
    model: Model, header: str, name: Name | str, rows: Array, given: Array, x: str = "x"
) -> list[Expected]:
    """The functions that begin with a name, called with `x` for each row, and what they make of `given`."""
    out = [Expected(predict_call(model, header, name, rows, x), *_answers(model, given))]
    if isinstance(model, ProbabilisticClassifier):
        proba = model.predict_proba(given), model.proba_rounding(given)
        out.append(Expected(proba_call(model, header, name, rows, x), *proba))
    if isinstance(model, DecisionClassifier):
        decisions = model.decision_function(given), model.rounding(given)
        out.append(Expected(decision_call(model, header, name, rows, x), *decisions))
    if isinstance(model, Scored):
        score = model.score(given)[:, None], model.rounding(given)
        out.append(Expected(score_call(model, header, name, rows, x), *score))
    return out


def _answers(model: Model, rows: Array) -> tuple[Array, Array | None]:
    """What `predict` gives, and how far the C's may be off."""
    y = model.predict(rows).reshape(len(rows), -1)
    numbers = model.rounding(rows)
    # Where roundings may decide, any class will do.
    unsure = None if numbers is None else np.where(model.unsure(rows), np.inf, 0.0)
    return y, numbers if isinstance(model, NumericModel) else unsure


def push_calls(stream: Stream[Model], header: str, name: Name, frames: Array) -> tuple[Call, Call]:
    """`<name>_stream_push` of frames, shape (n, n_channels), one a row: with answers, and without."""
    answer = predict_call(stream.windowed, header, f"{name.snake}_stream", frames, "&s")
    state = f"static {name.snake}_stream_t s;"
    pushed = f"{name.snake}_stream_push(&s, {'x[0]' if stream.n_channels == 1 else 'x'})"
    whole = replace(answer, statement=f"{state} if ({pushed}) {{ {answer.statement} }}")
    return whole, Call(header, frames, f"{state} y[0] = {pushed};")


def _hops(stream: Stream[Model], recording: Array) -> Array:
    """A recording in rows of a hop."""
    size = stream.hop * stream.decimation * stream.n_channels
    return recording.reshape(-1)[: recording.size // size * size].reshape(-1, size)


def _pushed(stream: Stream[Model], name: Name, answer: Call) -> Call:
    """The call when a window is ready, behind the push of each frame of a row."""
    size, c, n = answer.rows.shape[1], stream.n_channels, answer.n_y
    statement = (
        f"static {name.snake}_stream_t s; uint16_t k; for (k = 0; k < {n}; ++k) y[k] = 0; "
        f"for (k = 0; k < {size}; k = (uint16_t)(k + {c})) "
        f"if ({name.snake}_stream_push(&s, {'x[k]' if c == 1 else 'x + k'})) {{ {answer.statement} }}"
    )
    return replace(answer, statement=statement)


def _streamed(stream: Stream[Model], header: str, name: Name, rows: Array) -> list[Expected]:
    """The functions behind `<name>_stream_push` of the rows as one recording, and what the twin says.

    A row of a call is as long as a hop, so that each gives one window, but for the first ones, which give
    zeros.
    """
    two = 2 * stream.window_size * stream.decimation
    chunks = _hops(stream, rows.ravel()[: max(two, _MOST_STREAMED)])
    windows = stream.windows(chunks.reshape(-1, stream.n_channels)) if len(chunks) else chunks
    if not len(windows):
        return []
    # Before the first window nothing is written.
    none = ((len(chunks) - len(windows), 0), (0, 0))
    out = []
    for call, y, within in _every(stream.windowed, header, f"{name.snake}_stream", chunks, windows, "&s"):
        wide = None if within is None else np.pad(np.broadcast_to(within, y.shape), none)
        out.append(Expected(_pushed(stream, name, call), np.pad(y, none), wide))
    return out
