"""Distillation: a small perceptron learns what a larger model knows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline

from micromlgen.errors import UnsupportedError
from micromlgen.nn._checks import positive
from micromlgen.nn._network import Subject
from micromlgen.nn._report import last_step, reported
from micromlgen.nn._targets import at_temperature
from micromlgen.nn._training import Constraint, schedule, trained

Array = NDArray[Any]
#: Learning rate by default, times the student's own.
_FASTER = 3.0


def distill(
    teacher: Any,
    X: Any,
    y: Any = None,
    *,
    student: Any = None,
    temperature: float = 2.0,
    soft: float = 0.7,
    epochs: int = 300,
    learning_rate: float | None = None,
    random_state: Any = 0,
) -> Any:
    """A small perceptron trained on the probabilities that another classifier gives.

    Soft targets tell which classes look alike, and of rows without known answers as much as of others
    (Hinton, Vinyals and Dean, arXiv 1503.02531): `X` may hold more rows than the teacher was fitted on.

    Parameters
    ----------
    teacher : classifier
        Fitted, with `predict_proba` for one target.
    X : array of shape (n, n_features)
        Rows as the teacher takes them.
    y : array of shape (n,), optional
        Their answers, if known.
    student : MLPClassifier, or Pipeline that ends in one, optional
        Its parameters count; it is not changed, and need not be fitted. By default one hidden layer of 16.
    temperature : float
        Logarithms of probabilities, and scores, are divided by it: above 1 small probabilities count more.
    soft : float
        Share of the teacher's probabilities in the targets beside `y`.
    epochs : int
    learning_rate : float, optional
        Three times the student's own by default.
    random_state : int or Generator
        Of the training; the student's weights begin by its own.

    Returns
    -------
    MLPClassifier or Pipeline
        Fitted, with the teacher's classes; the perceptron's ``compression_`` is a `Cost`.

    Raises
    ------
    UnsupportedError
        If the teacher has no probabilities of one target, the student is no MLPClassifier, or an option is
        out of range.
    """
    classes = getattr(teacher, "classes_", None)
    if not hasattr(teacher, "predict_proba") or not isinstance(classes, np.ndarray) or classes.ndim != 1:
        raise UnsupportedError(
            "distill takes a fitted classifier with predict_proba and one target, not "
            f"{type(teacher).__name__}; wrap it in a CalibratedClassifierCV, or train an MLP on its answers"
        )
    heat, part = positive("temperature", temperature), positive("soft", soft, 1.0)
    proba = np.asarray(teacher.predict_proba(X), np.float64)
    answers = teacher.predict(X) if y is None else y
    found, rows = _begun(student, X, answers, classes)
    target = at_temperature(proba, heat)
    if y is not None:
        target = part * target + (1 - part) * _one_hot(found, y, classes)
    if found.last.out_activation_ == "logistic":
        target = target[:, 1:]
    rate = _FASTER * found.last.learning_rate_init if learning_rate is None else learning_rate
    how = schedule(found.last, epochs, rate, random_state, len(rows))
    network = trained(found.network, rows, target, how, Constraint(found.network), heat)
    return reported("distill", teacher, found.with_network(network), X, answers)


def _begun(student: Any, X: Any, y: Any, classes: Array) -> tuple[Subject, Array]:
    """The student before its training, behind fitted stages, and the rows that it is given."""
    whole = clone(MLPClassifier((16,), random_state=0) if student is None else student)
    last = last_step(whole)
    if not isinstance(last, MLPClassifier):
        raise UnsupportedError(
            f"student={type(last).__name__}: use an MLPClassifier, or a Pipeline that ends in one"
        )
    rows = X
    if isinstance(whole, Pipeline):
        for _, stage in whole.steps[:-1]:
            if stage is not None and stage != "passthrough":
                rows = stage.fit(rows, y).transform(rows)
    given = np.asarray(rows, np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        begun = clone(last).set_params(solver="adam", early_stopping=False)
        begun.partial_fit(rows, np.resize(classes, len(given)), classes=classes)
    return Subject(whole if isinstance(whole, Pipeline) else None, begun), given


def _one_hot(found: Subject, y: Any, classes: Array) -> Array:
    answers = found.targets(y, len(y))
    return np.hstack([1 - answers, answers]) if len(classes) == 2 else answers
