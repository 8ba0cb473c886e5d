"""From the estimator's float64 numbers to those of the C: float32 as it is, or integers that are scaled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.ir import DTYPES, DType, Input, Model


def check_rows(X: Any, inputs: Input, what: str) -> NDArray[np.float32]:
    """X as float32 rows that the model takes; infinity never, NaN only where missing values are followed.

    Raises
    ------
    UnsupportedError
        With `what` named, if the shape or the values are unfit.
    """
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
    return rows


def quantize(model: Model, dtype: str, calibration: NDArray[np.float32] | None) -> Model:
    """The model that the C computes.

    Parameters
    ----------
    model : Model
        From `convert`.
    dtype : {"float32", "int16", "int8"}
    calibration : float32 array of shape (n_rows, n_features), optional
        Typical rows. Integer modes scale each feature by the largest power of two that keeps these rows, and
        the model's own constants, in range; a feature that only holds integers which fit keeps scale 1.

    Raises
    ------
    UnsupportedError
        If dtype is unknown, or an integer mode needs a calibration set and has none.
    """
    if dtype not in DTYPES:
        raise UnsupportedError(f"dtype={dtype!r}: use one of {', '.join(DTYPES)}")
    n = model.input.n_features
    exponents = None
    if dtype != "float32":
        limits = model.feature_limits()
        top = np.iinfo(dtype).max
        # What saturates must still lie above every constant.
        fits = limits < top
        if calibration is not None:
            integral = (np.isnan(calibration) | (calibration == np.rint(calibration))).all(axis=0)
            limits = np.maximum(limits, np.nanmax(np.abs(calibration), axis=0, initial=0))
            fits &= limits <= top
        elif model.takes_integers() and fits.all():
            integral = np.ones(n, bool)
        else:
            raise UnsupportedError(
                f"dtype={dtype!r} needs calibration=X, typical rows of shape (n_rows, {n}): the model was "
                f"not trained on integers within {top}, or its constants do not show it"
            )
        exponents = np.where(integral & fits, 0, fixedpoint.exponent_for(limits, np.dtype(dtype)))
        exponents = exponents.astype(np.int32)
        scaled = np.flatnonzero(model.categorical() & (exponents != 0))
        if len(scaled):
            raise UnsupportedError(
                f"feature {scaled[0]} holds categories, and dtype={dtype!r} does not hold them all as they "
                "are: use a wider one"
            )
    return model.quantize(replace(model.input, dtype=cast(DType, dtype), exponents=exponents))
