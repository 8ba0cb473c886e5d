"""Windows of int16 samples: what feature extractors take, in Python and in C."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError


def check_integers(X: Any, what: str) -> NDArray[np.int16]:
    """X as int16 of the same shape; integers of other types where they fit.

    Floats are refused even where they hold integers: which of them were meant as fractions of the full
    scale, nobody can tell afterwards.

    Raises
    ------
    UnsupportedError
        With `what` named and what to do, if the type or a value is unfit.
    """
    if hasattr(X, "toarray"):
        raise UnsupportedError(f"{what} is a sparse matrix; pass X.toarray()")
    if np.ma.is_masked(X):
        raise UnsupportedError(f"{what} has masked samples; windows with them must be left out or filled")
    try:
        samples = np.asarray(X)
    except ValueError as error:
        raise UnsupportedError(f"{what} is no array: windows are not all as long") from error
    if samples.dtype == object and samples.size:
        samples = _as_integers(samples)
    if samples.dtype.kind not in "iu":
        raise UnsupportedError(
            f"{what} has dtype {samples.dtype}; int16 samples are needed, as the board's converter gives "
            f"them{_instead(samples)}"
        )
    if samples.dtype != np.int16 and samples.size:
        low, high = int(samples.min()), int(samples.max())
        if low < -32768 or high > 32767:
            shift = f"pass X >> {max(high, ~low).bit_length() - 15}"
            if low >= 0 and high < 1 << 16:
                shift = "of a converter without sign pass X.astype(np.int32) - 32768"
            raise UnsupportedError(
                f"{what} has samples from {low} to {high}; int16 holds -32768 to 32767: {shift}"
            )
    return samples.astype(np.int16)


def _as_integers(samples: NDArray[Any]) -> NDArray[Any]:
    """Objects, as pandas gives what may be missing, as integers where all are; else as they are."""
    kinds = {type(value) for value in samples.flat}
    try:
        whole = all(issubclass(kind, int | np.integer) and kind is not bool for kind in kinds)
        return samples.astype(np.int64) if whole else samples
    except OverflowError:
        return samples


def _instead(samples: NDArray[Any]) -> str:
    """What to do where samples are no integers."""
    if samples.dtype == object:
        return ": each must be an integer; windows with missing ones must be left out or filled first"
    if samples.dtype.kind != "f" or not samples.size:
        return ""
    if not np.isfinite(samples).all():
        return ": windows with NaN must be left out or filled first"
    most = np.abs(samples).max()
    if most <= 1:
        return ": of floats within ±1 pass np.rint(X * 32767).astype(np.int16)"
    if most <= 32767 and (samples == np.rint(samples)).all():
        return ": all are integers: pass X.astype(np.int16)"
    return ": divide by what a step of it is, and pass np.rint(X / step).astype(np.int16)"


def check_samples(X: Any, n_samples: int | None, what: str) -> NDArray[np.int16]:
    """X as int16 of shape (n_windows, n_samples), by `check_integers`.

    Raises
    ------
    UnsupportedError
        With `what` named and what to do, if the type, a value or the shape is unfit.
    """
    samples = check_integers(X, what)
    length = "n_samples" if n_samples is None else n_samples
    if samples.ndim != 2 or samples.shape[1] != (n_samples or samples.shape[1] or 1):
        one = ": of one window pass X.reshape(1, -1)" if samples.ndim == 1 else ""
        raise UnsupportedError(f"{what} has shape {samples.shape}; (n_windows, {length}) is needed{one}")
    if len(samples) == 0:
        raise UnsupportedError(f"{what} has no windows")
    return samples


def takes_samples(step: Any) -> bool:
    """Whether a step of a pipeline is a feature extractor, which says so by an attribute, or begins so."""
    while hasattr(step, "steps"):
        step = step.steps[0][1]
    if hasattr(step, "transformer_list"):
        parts = [part for _, part in step.transformer_list if part != "drop"]
        return any(map(takes_samples, parts))
    return bool(getattr(step, "takes_samples", False))
