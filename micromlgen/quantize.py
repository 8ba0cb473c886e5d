"""From the estimator's float64 numbers to those of the C: float32 as it is, or integers that are scaled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import DTYPES, Calibration, DType, Input, Number
from micromlgen.ir import Model
from micromlgen.samples import check_samples

#: Rows to come may be so many times as large as those of calibration, in int16.
ROOM = 1.5
#: Features are centred that are so many times as far from zero as they are from their middle.
FAR = 4.0


def check_rows(X: Any, inputs: Input, what: str) -> NDArray[Any]:
    """X as float32 rows that the model takes; infinity never, NaN only where missing values are followed.

    Windows of samples stay int16.

    Raises
    ------
    UnsupportedError
        With `what` named, if the shape or the values are unfit.
    """
    if inputs.samples:
        return check_samples(X, inputs.n_features, what)
    X = X.toarray() if hasattr(X, "toarray") else X
    kinds = getattr(X, "dtypes", None)
    if inputs.codes and kinds is not None and "category" in {str(kind) for kind in np.atleast_1d(kinds)}:
        raise UnsupportedError(
            f"{what} has columns of dtype category, which the estimator numbers by itself; pass their codes: "
            "X[column].cat.codes"
        )
    try:
        if np.iscomplexobj(X):
            raise TypeError("complex numbers")
        with np.errstate(over="ignore"):  # becomes infinite, which is refused below
            rows = np.asarray(X, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UnsupportedError(f"{what} is not an array of numbers: {error}") from error
    if rows.ndim != 2 or rows.shape[1] != inputs.n_features:
        raise UnsupportedError(f"{what} has shape {rows.shape}; (n_rows, {inputs.n_features}) is needed")
    columns = getattr(X, "columns", None)
    if columns is not None and inputs.names is not None and tuple(map(str, columns)) != inputs.names:
        raise UnsupportedError(f"{what} has other columns, or in another order, than the training data")
    if len(rows) == 0:
        raise UnsupportedError(f"{what} has no rows")
    if np.isinf(rows).any():
        raise UnsupportedError(f"{what} has infinite values (or beyond float32)")
    if np.isnan(rows).any() and not inputs.missing:
        raise UnsupportedError(
            f"{what} has NaN, which this header does not follow; if the estimator does, pass missing='exact'"
        )
    if inputs.may_miss is not None:
        refused = np.flatnonzero(np.isnan(rows).any(axis=0) & ~inputs.may_miss)
        if len(refused):
            raise UnsupportedError(
                f"{what} has NaN in feature {refused[0]}, where the estimator takes none; fill it in before"
            )
    return rows


def quantize(model: Model, dtype: str, calibration: NDArray[Any] | None, weights: str | None = None) -> Model:
    """The model that the C computes.

    Parameters
    ----------
    model : Model
        From `convert`.
    dtype : {"float32", "int16", "int8"}
    calibration : float32 array of shape (n_rows, n_features), optional
        Typical rows; int16 windows of a model that takes samples. Integer modes scale each feature by the
        largest power of two that keeps these rows, and the model's own constants, in range; a feature that
        only holds integers which fit keeps scale 1, unless it is always 0 beside others that are scaled.
    weights : {"int8", "int16"}, optional
        As of `Calibration`.

    Raises
    ------
    UnsupportedError
        If dtype or weights is unknown, or an integer mode needs a calibration set and has none.
    """
    if dtype not in DTYPES:
        raise UnsupportedError(f"dtype={dtype!r}: use one of {', '.join(DTYPES)}")
    if weights not in (None, "int8", "int16"):
        raise UnsupportedError(f"weights={weights!r}: use 'int8' or 'int16'")
    by = Calibration(calibration, cast(Literal["int8", "int16"] | None, weights))
    if model.own_dtype is not None:
        if dtype not in ("float32", model.own_dtype):
            raise UnsupportedError(
                f"dtype={dtype!r}: {model.source} is in {model.own_dtype} already; leave out dtype"
            )
        return model.quantize(model.input, by)
    if dtype != "float32":
        model = model.in_integers()
    inputs = replace(model.input, dtype=cast(DType, dtype))
    if by.rows is not None and inputs.holes is not None:
        by = replace(by, rows=inputs.marked(by.rows))
    if dtype != "float32" and not inputs.samples:
        model, inputs = _centred(model, scaled_inputs(model, inputs, by), by)
        inputs = model.refined(inputs, by)
        try:
            return model.quantize(inputs, by)
        except UnsupportedError:
            # Small integers as they are leave weights more to make up for than integers may hold.
            scaled = model.refined(scaled_inputs(model, inputs, by, kept=False), by)
            if np.array_equal(np.asarray(scaled.exponents), np.asarray(inputs.exponents)):
                raise
            inputs = scaled
    return model.quantize(inputs, by)


def _centred(model: Model, inputs: Input, by: Calibration) -> tuple[Model, Input]:
    """The model of features around their middle, where those far from zero would have coarse steps.

    Some models know by themselves where their features are.
    """
    known = inputs.center is not None or inputs.gain is not None
    if known or by.rows is None or model.centres:
        return model, inputs
    assert inputs.exponents is not None
    rows = by.rows.astype(np.float64)  # in which no span of float32 overflows
    low = np.nanmin(rows, axis=0, initial=np.inf)
    high = np.nanmax(rows, axis=0, initial=-np.inf)
    seen = low < high
    low, high = np.where(seen, low, 0), np.where(seen, high, 0)
    away, around = np.maximum(np.abs(low), np.abs(high)), (high - low) / 2
    if model.isometric:
        seen, away, around = seen | True, np.full_like(away, away.max()), np.full_like(around, around.max())
    far = (inputs.exponents != 0) & (around * FAR <= away) & seen
    inner = None
    if far.any():
        center = np.where(far, (low + high) / 2, 0).astype(np.float32)
        inner = model.centred(center)
    if far.any() and inner is None:  # some of them, where that is not all the same
        center = np.array([_of_one(model, center, f) for f in range(len(center))], np.float32)
        inner = model.centred(center) if center.any() else None
    if inner is None:
        return model, inputs
    return inner, scaled_inputs(inner, replace(model.input, dtype=inputs.dtype, center=center), by)


def _of_one(model: Model, center: NDArray[np.float32], feature: int) -> float:
    """The centre of one of the features; 0 where the model cannot be centred about it."""
    alone = np.where(np.arange(len(center)) == feature, center, np.float32(0))
    return float(center[feature]) if alone.any() and model.centred(alone) is not None else 0.0


def scaled_inputs(model: Model, inputs: Input, by: Calibration, kept: bool = True) -> Input:
    """The inputs of an integer mode, with exponents.

    Parameters
    ----------
    model : Model
        With the estimator's own numbers.
    inputs : Input
        Says the dtype, int16 or int8, and what is done to features before them.
    by : Calibration
    kept : bool
        Whether features that only hold integers stay as they are if they fit; else only categories do.

    Raises
    ------
    UnsupportedError
        If there are no calibration rows and the model needs some, or it holds categories that do not fit.
    """
    n, dtype, rows = inputs.n_features, cast(DType, inputs.dtype), by.rows
    limits = model.feature_limits()
    top = min(int(np.iinfo(dtype).max), model.highest_input(dtype))
    # What saturates must still lie above every constant.
    fits = limits < top
    if rows is not None:
        seen = inputs.scaled(rows)
        integral = (np.isnan(seen) | (seen == np.rint(seen))).all(axis=0)
        reach = np.nanmax(np.abs(seen), axis=0, initial=0)
        fits &= np.maximum(limits, reach) <= top
        limits = np.maximum(limits, reach if model.saturates else with_room(reach, dtype))
    elif model.takes_integers() and fits.all():
        integral = np.ones(n, bool)
    else:
        raise UnsupportedError(
            f"dtype={dtype!r} needs calibration=X, typical rows of shape (n_rows, {n}): the model was "
            f"not trained on integers within {top}, or its constants do not show it"
        )
    exact = integral & fits & (kept | model.categorical())
    silent = limits == 0
    if (~exact & ~silent).any():  # what was always 0 is scaled as the others are
        exact &= ~silent
        if not model.saturates:  # beside fine features, coarse ones would take the bits of common weights
            exact &= model.categorical()
    if model.isometric:
        exact = np.full(n, exact.all())
    exponents = np.where(exact, 0, exponents_for(limits, top, model.isometric)).astype(np.int32)
    scaled = np.flatnonzero(model.categorical() & (exponents != 0))
    if len(scaled):
        raise UnsupportedError(
            f"feature {scaled[0]} holds categories, and dtype={dtype!r} does not hold them all as they "
            "are: use a wider one"
        )
    return replace(inputs, exponents=exponents, top=None if top == np.iinfo(dtype).max else top)


def with_room(reach: NDArray[np.float64], dtype: Number) -> NDArray[np.float64]:
    """How far rows to come may reach, where those of calibration reach so far; any shape.

    int8 has no bit to spare for them.
    """
    return reach if dtype == "int8" else ROOM * reach


def exponents_for(limits: NDArray[np.float64], top: int, isometric: bool) -> NDArray[np.int32]:
    """Exponents with which features stay within ±top.

    Parameters
    ----------
    limits : float64 array of shape (n_features,)
        Largest magnitude of each. A feature that is always 0 is scaled as the one of the largest is.
    top : int
    isometric : bool
        Whether all are scaled alike.
    """
    most = np.full_like(limits, limits.max())
    return fixedpoint.exponent_for(most if isometric else np.where(limits == 0, most, limits), top)
