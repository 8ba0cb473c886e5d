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
        With `what` named, if the type or a value is unfit.
    """
    samples = np.asarray(X)
    if samples.dtype.kind not in "iu":
        raise UnsupportedError(
            f"{what} has dtype {samples.dtype}; int16 samples are needed, as the board's converter gives "
            "them: of floats within ±1 pass np.rint(X * 32767).astype(np.int16)"
        )
    if samples.dtype != np.int16 and samples.size:
        low, high = int(samples.min()), int(samples.max())
        if low < -32768 or high > 32767:
            raise UnsupportedError(f"{what} has samples from {low} to {high}; int16 holds -32768 to 32767")
    return samples.astype(np.int16)


def check_samples(X: Any, n_samples: int | None, what: str) -> NDArray[np.int16]:
    """X as int16 of shape (n_windows, n_samples), by `check_integers`.

    Raises
    ------
    UnsupportedError
        With `what` named, if the type, a value or the shape is unfit.
    """
    samples = check_integers(X, what)
    length = "n_samples" if n_samples is None else n_samples
    if samples.ndim != 2 or (n_samples is not None and samples.shape[1] != n_samples):
        raise UnsupportedError(f"{what} has shape {samples.shape}; (n_windows, {length}) is needed")
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
