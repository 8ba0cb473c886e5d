"""Rows with the answers that scikit-learn gives to them: what decides whether a tool is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import micromlgen
from bench.zoo import Fitted
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Classifier, Model
from micromlgen.verify import boundary_rows, oracle

#: A regressor is right within this share of the range of its answers.
REGRESSOR_ALLOWS = 1e-4


@dataclass(frozen=True, eq=False)
class Exam:
    """Rows of shape (n, n_features), and per row what is expected and how far off is still right."""

    rows: np.ndarray
    expected: np.ndarray
    allowed: float

    def agreement(self, answers: np.ndarray) -> float:
        """Share of rows that are right, of the first `len(answers)` ones."""
        off = np.abs(answers.astype(np.float64) - self.expected[: len(answers)])
        return float(np.mean(off <= self.allowed))

    def encoded(self, encode: Callable[[np.ndarray], np.ndarray]) -> Exam:
        """The same with rows as integer modes take them."""
        return Exam(encode(self.rows), self.expected, self.allowed)

    def first(self, n: int | None) -> Exam:
        """The same with at most `n` rows."""
        return Exam(self.rows[:n], self.expected[:n], self.allowed)


def test_split(fitted: Fitted) -> Exam:
    """The rows that the model was not trained on."""
    return _exam(fitted, _model(fitted), fitted.rows)


def thresholds(fitted: Fitted) -> Exam | None:
    """Rows at everything that the model compares with, and one float32 step to either side.

    None where `port` does not take the model: it is its intermediate form that knows the thresholds.
    """
    model = _model(fitted)
    if model is None:
        return None
    rows = boundary_rows(model, model.input.encode(fitted.rows))
    return _exam(fitted, model, rows[~np.isinf(rows).any(axis=1)])


def _model(fitted: Fitted) -> Model | None:
    try:
        return micromlgen.transpile(fitted.estimator, name="model").model
    except UnsupportedError:
        return None


def _exam(fitted: Fitted, model: Model | None, rows: np.ndarray) -> Exam:
    """Without rows whose two best classes are so close that scikit-learn's own rounding decides."""
    if isinstance(model, Classifier):
        with np.errstate(over="ignore", invalid="ignore"):  # its check for finite input sums up the extremes
            undecided = model.undecided(fitted.estimator, rows.astype(np.float64))
        rows = rows[~undecided.any(axis=1)]
    expected = oracle(fitted.estimator, rows)[:, 0]
    return Exam(rows, expected, REGRESSOR_ALLOWS * float(np.ptp(expected)) if fitted.is_regressor else 0.0)
