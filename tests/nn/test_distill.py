"""Distillation."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import micromlgen as mm
from micromlgen.errors import UnsupportedError
from micromlgen.nn import distill
from tests.nn.nets import digits


def test_a_small_net_learns_from_a_forest() -> None:
    train, test, y, y_test = digits()
    forest = RandomForestClassifier(60, random_state=0).fit(train, y)
    student = distill(forest, train, y, student=MLPClassifier((12,), random_state=0))
    assert type(student) is MLPClassifier
    assert [len(b) for b in student.intercepts_] == [12, 10]
    assert student.score(test, y_test) >= forest.score(test, y_test) - 0.04
    cost = student.compression_
    assert cost.nonzeros_before is None
    assert cost.score_before == forest.score(train, y)
    assert cost.flash_after < cost.flash_before / 10
    program = mm.transpile(student, dtype="int8", calibration=train)
    assert (program.predict(test) == student.predict(test)).mean() >= 0.99


def test_two_classes_without_answers_behind_a_scaler() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["bad", "good"])[y]
    forest = RandomForestClassifier(40, random_state=0).fit(X[::2], names[::2])
    small = make_pipeline(StandardScaler(), SelectKBest(k=12), MLPClassifier((4,), random_state=1))
    student = distill(forest, X, student=small)
    assert student.classes_.tolist() == ["bad", "good"]
    assert (student.predict(X) == forest.predict(X)).mean() >= 0.94
    assert not hasattr(small[-1], "coefs_")
    again = distill(forest, X, student=small)
    assert all((p == q).all() for p, q in zip(student[-1].coefs_, again[-1].coefs_, strict=True))


def test_few_rows_are_enough() -> None:
    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    student = distill(
        forest, X, y, student=make_pipeline(StandardScaler(), MLPClassifier((8,), random_state=0))
    )
    assert student.score(X, y) >= 0.95


def test_a_class_that_the_rows_lack() -> None:
    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    student = distill(forest, X[:90], epochs=20)
    assert student.classes_.tolist() == [0, 1, 2]
    assert student.predict_proba(X).shape == (150, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, "temperature=0: use a number above 0"),
        ({"soft": 1.5}, "soft=1.5: use a number above 0, up to 1"),
        (
            {"student": MLPRegressor((3,))},
            "student=MLPRegressor: use an MLPClassifier, or a Pipeline that ends",
        ),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        distill(forest, X, **options)


def test_teachers_without_probabilities() -> None:
    X, y = load_iris(return_X_y=True)
    message = "distill takes a fitted classifier with predict_proba and one target, not LinearSVC; wrap it"
    with pytest.raises(UnsupportedError, match=message):
        distill(LinearSVC(max_iter=10_000).fit(X, y), X)
    several = RandomForestClassifier(3, random_state=0).fit(X, np.stack([y, y > 0], axis=1))
    with pytest.raises(UnsupportedError, match="not RandomForestClassifier"):
        distill(several, X)
