"""Prove a header: C = twin, bit for bit, and twin = scikit-learn, as far as the contract promises."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from micromlgen.boards import STRICT, core
from micromlgen.calls import Expected, quantize_call, twin_calls
from micromlgen.cformat import Name
from micromlgen.convert import answer_of, rows_for
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Model, NumericModel

Array = NDArray[Any]
T = TypeVar("T")
#: Integer regressors agree with a row where they are within this share of the span of y.
REGRESSOR_AGREES = 0.01
_MOST_BOUNDARY_ROWS = 20_000
_MOST_BOUNDARY_VALUES = 1 << 24  # of all rows together: wide models get fewer
_SHOWN = 5


def oracle(estimator: Any, X: Array) -> Array:
    """scikit-learn's own answer for float32-valued rows, single-threaded, shape (n, n_outputs)."""
    # Its check for finite input sums up the extremes; and it warns of rows without neighbours.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        y = answer_of(_alone(estimator))(rows_for(estimator, X))
    y = np.asarray(y.toarray() if hasattr(y, "toarray") else y)  # transformers may give sparse rows
    return y if y.ndim == 2 else y[:, None]


def _alone(estimator: Any) -> Any:
    """The estimator without threads, whose order of adding varies, and without names of columns."""
    alone = copy.copy(estimator)
    if hasattr(alone, "n_jobs"):
        alone.n_jobs = 1
    if "feature_names_in_" in vars(alone):
        del alone.feature_names_in_
    return alone


def _wrong(model: Model, estimator: Any, X: Array, returned: Array, expected: Array) -> NDArray[np.bool_]:
    """Rows on which what the C returns is not what the contract promises of `expected`, shape (n,)."""
    got = model.decode(returned if returned.ndim == 2 else returned[:, None])
    if model.compression is not None:  # nothing is promised but how often answers agree
        return disagrees(got, expected, model.compression.within)
    with np.errstate(over="ignore", invalid="ignore"):
        decided = ~model.undecided(_alone(estimator), rows_for(estimator, X))
    if not isinstance(model, NumericModel):
        return np.asarray(((got != expected) & decided).any(axis=1))
    width = model.span[:, 1] - model.span[:, 0]
    allowed = REGRESSOR_AGREES * width if model.input.is_integer else model.tolerance(X)
    with np.errstate(invalid="ignore"):  # infinite answers are equal, or far apart
        wrong = (np.abs(got - expected) > allowed) | (np.isnan(got) != np.isnan(expected))
    return np.asarray((wrong & decided).any(axis=1))


def disagrees(got: Array, expected: Array, within: Sequence[float] | None) -> NDArray[np.bool_]:
    """Rows of answers, shape (n, n_outputs), that differ, or by more than `within` per output; shape (n,)."""
    wrong = got != expected if within is None else np.abs(got - expected) > np.asarray(within)
    return np.asarray(wrong.any(axis=1))


def _judged(
    model: Model, estimator: Any, X: Array, returned: Array
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows that the estimator answers, and of these which are `_wrong`, both of shape (n,).

    Behind a scaler the largest floats may be infinite, and refused.
    """
    try:
        expected = oracle(estimator, X)
    except ValueError:
        if len(X) == 1:
            return np.zeros(1, bool), np.zeros(1, bool)
        half = len(X) // 2
        parts = [_judged(model, estimator, X[s], returned[s]) for s in (slice(half), slice(half, None))]
        answered, wrong = (np.concatenate(part) for part in zip(*parts, strict=True))
        return answered, wrong
    return np.ones(len(X), bool), _wrong(model, estimator, X, returned, expected)


def agreement(model: Model, estimator: Any, X: Array) -> float:
    """Share of raw rows X on which the twin gives the estimator's answer; regressors: within 1 % of the span.

    X has the shape (n, n_features), and `model` is quantised.
    """
    returned = model.predict(model.input.encode(X))
    return float(1 - _wrong(model, estimator, X, returned, oracle(estimator, X)).mean())


def agreeing(model: Model, estimator: Any, X: NDArray[np.float32], returned: Array) -> NDArray[np.bool_]:
    """Rows, shape (n,), on which what the C returned, shape (n, n_outputs), is right as in `agreement`."""
    return ~_wrong(model, estimator, X, returned, oracle(estimator, X))


def boundary_rows(model: Model, base: Array, most: int = _MOST_BOUNDARY_ROWS) -> Array:
    """Encoded rows around everything that a model compares with.

    Each value of `Model.boundaries` appears once alone in a row of `base`, and as often again among other
    such values. Deterministic.

    Parameters
    ----------
    model : Model
    base : encoded rows, shape (n, n_features)
    most : int
        Beyond this number of rows, evenly spaced ones are kept.
    """
    most = min(most, _MOST_BOUNDARY_VALUES // base.shape[1])
    rng = np.random.default_rng(0)
    values = _boundaries(model)
    where = np.repeat(np.arange(len(values)), [len(v) for v in values])
    what = np.concatenate(values)
    if len(what) * 2 > most:
        kept = np.linspace(0, len(what) - 1, most // 2).astype(int)
        where, what = where[kept], what[kept]
    single = base[rng.integers(0, len(base), len(what))]
    single[np.arange(len(what)), where] = what
    mixed = np.stack([v[rng.integers(0, len(v), len(what))] for v in values], axis=1)
    mixed[np.arange(len(what)), where] = what
    return np.concatenate([single, mixed])


def _boundaries(model: Model) -> Sequence[Array]:
    """`Model.boundaries`, without missing values of features in which the estimator takes none."""
    values, inputs = model.boundaries(), model.input
    if inputs.may_miss is None:
        return values
    lowest = -inputs.highest if inputs.is_integer else -np.inf
    return [v if may else v[v >= lowest] for v, may in zip(values, inputs.may_miss, strict=True)]


@dataclass(frozen=True)
class Report:
    """What `verify` found. True if nothing is wrong.

    Attributes
    ----------
    n_rows, n_boundary : int
        Rows of X and generated boundary rows.
    agreement : float
        Share of the rows that were compared with the estimator on which it and the C agree.
    c_differs : list of (input row, C's answer, twin's answer)
        First rows on which C and twin differ.
    estimator_differs : list of (input row, C's answer, estimator's answer)
        First rows on which the C breaks the contract.
    """

    title: str
    n_rows: int
    n_boundary: int
    agreement: float
    n_c_differs: int
    n_estimator_differs: int
    c_differs: list[tuple[Array, Any, Any]] = field(default_factory=list)
    estimator_differs: list[tuple[Array, Any, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.n_c_differs == 0 and self.n_estimator_differs == 0

    def __str__(self) -> str:
        lines = [
            f"{self.title}: {'ok' if self else 'WRONG'}",
            f"  rows: {self.n_rows} of X, {self.n_boundary} at boundaries",
            f"  C = twin on all but {self.n_c_differs} rows",
            f"  agreement with scikit-learn: {self.agreement:.6f}; "
            f"{self.n_estimator_differs} rows break the contract",
        ]
        for what, rows in (("twin", self.c_differs), ("scikit-learn", self.estimator_differs)):
            for x, c, other in rows:
                lines.append(f"  x = {np.array2string(x, threshold=12)}: C gives {c}, {what} {other}")
        return "\n".join(lines)


def verify_header(
    model: Model,
    estimator: Any,
    header: str,
    name: Name,
    X: Array,
    progress: bool | None = None,
) -> Report:
    """Compile `header` with strict flags on this host, run it, compare; see `Program.verify`.

    Parameters
    ----------
    model : Model
        Quantised.
    estimator : fitted scikit-learn estimator
    header : str
        Its text.
    name : Name
    X : array of shape (n, n_features)
        Raw rows, from `check_rows`.
    progress : bool, optional
        As of `tracked`.

    Raises
    ------
    ToolchainError
        If there is no C compiler, or the header does not compile.
    """
    inputs = model.input
    Q = inputs.encode(X)
    edges = boundary_rows(model, Q)
    rows = np.concatenate([Q, edges])
    pairs = twin_calls(model, header, name, rows)
    if inputs.quantizes:
        raw = np.concatenate([X, _extremes(inputs)])
        pairs.append(Expected(quantize_call(model, header, name, raw), inputs.encode(raw)))
    results = core("host").run([expected.call for expected in pairs], flags=("-O1", *STRICT), measure=False)
    different = [
        (expected.call.rows[i], result.y[i], expected.y[i])
        for expected, result in zip(pairs, results, strict=True)
        for i in np.flatnonzero(expected.differs(result.y))
    ]

    # Only raw features can be given to the estimator: X, and where the C takes float32 the boundaries too,
    # but for infinity, which scikit-learn refuses.
    asked = X if inputs.is_integer else rows
    usable = np.flatnonzero(~np.isinf(asked).any(axis=1))
    asked, answers = asked[usable], results[0].y[usable]
    chunks = np.array_split(np.arange(len(asked)), max(1, len(asked) // 500))
    judged = [
        _judged(model, estimator, asked[c], answers[c])
        for c in tracked(chunks, f"verifying {name.snake}", progress)
    ]
    answered, wrong = (np.concatenate(part) for part in zip(*judged, strict=True))
    if not answered.any():
        oracle(estimator, asked[:1])  # which says why it refuses them all
    asked, answers, wrong = asked[answered], answers[answered], wrong[answered]
    # Integers and compressed models may differ from the estimator within their measured agreement: only
    # float32 promises more.
    measured = inputs.is_integer or model.compression is not None
    broken = [] if measured else np.flatnonzero(wrong).tolist()
    return Report(
        title=f"{name.snake} ({model.source}, {inputs.dtype})",
        n_rows=len(X),
        n_boundary=len(edges),
        agreement=float(1 - wrong.mean()),
        n_c_differs=len(different),
        n_estimator_differs=len(broken),
        c_differs=different[:_SHOWN],
        estimator_differs=[
            (asked[i], answers[i], oracle(estimator, asked[i : i + 1])[0]) for i in broken[:_SHOWN]
        ],
    )


def _extremes(inputs: Input) -> NDArray[np.float32]:
    """Raw rows that try the rounding and saturation of `<name>_quantize`: at halves and limits."""
    top = np.iinfo(inputs.dtype).max
    big, tiny = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
    scaled = [0, 0.5, 0.49999997, 1.5, 2.5, top, top + 0.5, top - 0.5, top + 1.0]
    units = np.array([*scaled, *np.negative(scaled)], np.float32)[:, None]
    beyond = np.array([big, -big, tiny, -tiny, np.inf, -np.inf, np.nan], np.float32)[:, None]
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):  # gains may be 0
        rounded = np.ldexp(units, -np.asarray(inputs.exponents))
        rounded = rounded if inputs.gain is None else rounded / inputs.gain
        rounded = rounded if inputs.center is None else rounded + inputs.center
    return np.concatenate([rounded, np.repeat(beyond, inputs.n_features, axis=1)])


def tracked(chunks: Sequence[T], text: str, progress: bool | None) -> Iterable[T]:
    """The chunks, behind a progress bar where that is wanted and rich is installed.

    Parameters
    ----------
    chunks : sequence
    text : str
        Stands before the bar.
    progress : bool or None
        None: where there are more than 4 chunks, and a terminal watches.

    Raises
    ------
    UnsupportedError
        If `progress` is True and rich is not installed.
    """
    wanted = len(chunks) > 4 and sys.stderr.isatty() if progress is None else progress
    if not wanted:
        return chunks
    try:
        from rich.console import Console
        from rich.progress import track
    except ImportError:
        if progress:
            raise UnsupportedError("progress=True needs rich: pip install 'micromlgen[progress]'") from None
        return chunks
    return track(chunks, text, console=Console(stderr=True), transient=True)
