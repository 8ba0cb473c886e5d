"""Fitted perceptrons that tests of the compressions share."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def fitted(estimator: Any, X: Any, y: Any) -> Any:
    """That it could learn on is not what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


@cache
def digits() -> tuple[Any, Any, Any, Any]:
    """Training and held-out rows in float32 from 0 to 1, and their classes."""
    X, y = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split((X / 16).astype("f4"), y, test_size=0.25, random_state=0)
    return train[:600], test, y_train[:600], y_test


@cache
def reader() -> MLPClassifier:
    """Of digits."""
    train, _, y, _ = digits()
    return fitted(MLPClassifier((20, 12), random_state=0, max_iter=200), train, y)


@cache
def diabetes() -> tuple[Any, Any, Any]:
    """A Pipeline that ends in a regressor, its rows and answers."""
    X, y = load_diabetes(return_X_y=True)
    net = MLPRegressor(hidden_layer_sizes=(16, 8), random_state=0, max_iter=300, learning_rate_init=0.01)
    return fitted(make_pipeline(StandardScaler(), net), X, y / 100), X, y / 100


def nonzeros(estimator: Any) -> list[int]:
    return [int(np.count_nonzero(coef)) for coef in estimator.coefs_]
