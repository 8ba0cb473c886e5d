"""Several classes by codes: each has one of numbers that models of two classes give, the nearest decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Model
from micromlgen.models._coefficients import difference
from micromlgen.models._combined import combined
from micromlgen.models._matrix import Matrix
from micromlgen.models._members import last_step
from micromlgen.models._sides import rows_of, sides, sure
from micromlgen.models.linear import LinearClassifier

Array = NDArray[Any]


class _Final:
    """What decides behind the models, of how sure they are of their second class."""

    def __init__(self, codes: Matrix) -> None:
        self.codes = codes

    def decision_function(self, Z: Array) -> Array:
        """How near each code is."""
        scores = self.codes.scores(Z)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, Z: Array) -> Array:
        """Indices of classes."""
        scores = self.decision_function(Z)
        return np.asarray(scores > 0 if scores.ndim == 1 else scores.argmax(axis=1), int)


@dataclass(frozen=True, eq=False)
class Codes(LinearClassifier):
    """The nearest code, of linear models; the squares of x cancel."""

    codes: Matrix

    def _own(self, estimator: Any, X: Array) -> Array:
        own, rows = last_step(estimator, X)
        return np.asarray(_Final(self.codes).decision_function(sure(_told_apart(own), rows)))


def _columns(estimator: Any) -> NDArray[np.bool_]:
    """Numbers of the codes that are not the same for all classes, of which no model was made."""
    return np.asarray(np.ptp(np.asarray(estimator.code_book_), axis=0) > 0)


def _told_apart(estimator: Any) -> list[Any]:
    """The models of these."""
    return [e for e, used in zip(estimator.estimators_, _columns(estimator), strict=True) if used]


@converts("sklearn.multiclass.OutputCodeClassifier")
def output_codes(estimator: Any) -> Model:
    """Convert codes of classes; those of linear models become one linear model.

    Raises
    ------
    UnsupportedError
        If a model has neither decisions nor probabilities, or the codes tell nothing.
    """
    title, used = type(estimator).__name__, _told_apart(estimator)
    if not used:
        raise UnsupportedError(f"{title} has one code for all classes; fit it with a larger code_size")
    parts, classes = sides(used, title), (np.asarray(estimator.classes_),)
    book = np.asarray(estimator.code_book_, np.float64)[:, _columns(estimator)]
    codes = difference(Matrix(book, -(book**2).sum(axis=1) / 2))
    rows = rows_of(parts)
    if rows is not None:
        whole = Matrix(codes.weights @ rows.weights, codes.weights @ rows.bias + codes.bias)
        return Codes(source=title, input=parts[0].input, classes=classes, matrix=whole, codes=codes)
    last = LinearClassifier(source=title, input=Input(len(parts)), classes=classes, matrix=codes)

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        return _Final(codes), sure(_told_apart(own), X)

    return combined(parts, last, title, split)
