"""What a compression cost, measured: the account that every function of this package leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, r2_score

from micromlgen.compress import smallest
from micromlgen.convert import convert
from micromlgen.errors import UnsupportedError
from micromlgen.quantize import check_rows, quantize


@dataclass(frozen=True)
class Cost:
    """What a compression gave up and what it saved, on the rows that it was given.

    It stands as ``compression_`` at the perceptron that a function returns.

    Attributes
    ----------
    function : str
        Which of this package's.
    score_before, score_after : float
        Against the given answers: accuracy, or R² of numbers.
    agreement : float
        Share of the rows on which both give the same answer; of numbers R² against those before.
    int8_before, int8_after : float or None
        Scores of the headers with ``dtype="int8"``, calibrated on the given rows; None where there is none.
    nonzeros_before, nonzeros_after : int or None
        Weights that are not 0; biases do not count. None where the estimator before is no perceptron.
    flash_before, flash_after : int or None
        Bytes of the smallest layouts of these headers, as estimated for Cortex-M0+.
    """

    function: str
    score_before: float
    score_after: float
    agreement: float
    int8_before: float | None
    int8_after: float | None
    nonzeros_before: int | None
    nonzeros_after: int | None
    flash_before: int | None
    flash_after: int | None

    def __str__(self) -> str:
        def change(what: str, before: Any, after: Any) -> str:
            old, new = (
                "unknown" if x is None else f"{x:.4f}" if isinstance(x, float) else f"{x}"
                for x in (before, after)
            )
            return f"{what}: {old} before, {new} after"

        return "\n".join(
            [
                f"{self.function}: the same answer on {self.agreement:.4f} of the rows",
                change("score", self.score_before, self.score_after),
                change("score in int8", self.int8_before, self.int8_after),
                change("weights other than 0", self.nonzeros_before, self.nonzeros_after),
                change("bytes of flash in int8, estimated", self.flash_before, self.flash_after),
            ]
        )


def reported(function: str, before: Any, after: Any, X: Any, y: Any) -> Any:
    """The estimator `after`, with what it cost in place of `before`.

    Parameters
    ----------
    before, after : estimators
        Fitted; `after` is a perceptron, or a Pipeline that ends in one.
    X, y : arrays
        Raw rows and right answers.
    """
    right, rows = np.asarray(y), np.asarray(X)
    old, new = np.asarray(before.predict(X)), np.asarray(after.predict(X))
    score = accuracy_score if hasattr(last_step(after), "classes_") else r2_score
    in_integers = [_in_int8(estimator, rows, right, score) for estimator in (before, after)]
    (int8_before, flash_before), (int8_after, flash_after) = in_integers
    last_step(after).compression_ = Cost(
        function,
        float(score(right, old)),
        float(score(right, new)),
        float(score(old, new)),
        int8_before,
        int8_after,
        _nonzeros(before),
        _nonzeros(after),
        flash_before,
        flash_after,
    )
    return after


def last_step(estimator: Any) -> Any:
    """Of a Pipeline, or the estimator itself."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _nonzeros(estimator: Any) -> int | None:
    coefs = getattr(last_step(estimator), "coefs_", None)
    return None if coefs is None else sum(int(np.count_nonzero(coef)) for coef in coefs)


def _in_int8(
    estimator: Any, rows: NDArray[Any], right: NDArray[Any], score: Any
) -> tuple[float, int] | tuple[None, None]:
    """Score and bytes in int8; None for both where the estimator has no such header."""
    try:
        model = convert(estimator)
        model = quantize(model, "int8", check_rows(rows, model.input, "X"))
    except UnsupportedError:
        return None, None
    answers = model.decode(model.predict(model.input.encode(check_rows(rows, model.input, "X"))))
    return float(score(right, answers)), smallest(model)
