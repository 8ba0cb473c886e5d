"""What neighbours of scikit-learn are made of, read from their attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.models._neighbors_metric import metric_of
from micromlgen.models._neighbors_rows import Rows


def training_rows(estimator: Any, values: Any) -> Rows:
    """Training rows of an estimator, dense.

    Raises
    ------
    UnsupportedError
        If its metric cannot be ported.
    """
    metric = metric_of(estimator)
    dense = values.toarray() if hasattr(values, "toarray") else values
    return Rows(np.asarray(dense, np.float64), metric)


def by_distance(estimator: Any) -> bool:
    if callable(estimator.weights):
        raise UnsupportedError(
            f"{type(estimator).__name__} with weights of its own cannot be ported; use weights='uniform' or "
            "'distance'"
        )
    return bool(estimator.weights == "distance")


def common(estimator: Any) -> dict[str, Any]:
    """What all models by k neighbours or by a radius have."""
    rows = training_rows(estimator, estimator._fit_X)
    by_radius = hasattr(estimator, "radius_neighbors") and not hasattr(estimator, "kneighbors")
    return {
        "source": type(estimator).__name__,
        "input": Input(rows.values.shape[1]),
        "rows": rows,
        "k": None if by_radius else int(getattr(estimator, "n_neighbors_", estimator.n_neighbors)),
        "radius": float(estimator.radius) if by_radius else np.inf,
    }
