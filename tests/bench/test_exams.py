"""Rows, and what counts as the right answer to them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

from bench.exams import REGRESSOR_ALLOWS, Exam, test_split, thresholds
from bench.zoo import Fitted, Specimen
from micromlgen.verify import oracle

test_split.__test__ = False  # it is no test, though its name begins like one


def fitted(estimator: object, y: np.ndarray, X: np.ndarray) -> Fitted:
    specimen = Specimen("name", "title", "trees", estimator, "digits")
    return Fitted(specimen, estimator.fit(X, y), X.astype(np.float32), X.astype(np.float32))


@pytest.fixture
def tree() -> Fitted:
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    return fitted(DecisionTreeClassifier(random_state=0), (X[:, 0] > 0.3).astype(int) + (X[:, 1] > 0), X)


def test_agreement_is_the_share_of_right_rows() -> None:
    exam = Exam(np.zeros((4, 1), np.float32), np.array([0, 1, 2, 3]), 0.0)
    assert exam.agreement(np.array([0, 1, 2, 3])) == 1
    assert exam.agreement(np.array([0, 1, 2, 2])) == 0.75
    assert exam.first(2).agreement(np.array([0, 0])) == 0.5


def test_regressors_may_be_off_by_a_share_of_the_range() -> None:
    X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    exam = test_split(fitted(RandomForestRegressor(3, random_state=0), 100 * X[:, 0], X))
    assert exam.allowed == pytest.approx(REGRESSOR_ALLOWS * np.ptp(exam.expected))
    assert exam.agreement(exam.expected + 0.9 * exam.allowed) == 1
    assert exam.agreement(exam.expected + 1.1 * exam.allowed) == 0


def test_every_threshold_and_its_neighbours_are_tried(tree: Fitted) -> None:
    rows = thresholds(tree).rows
    structure = tree.estimator.tree_
    inner = structure.feature >= 0
    for feature, threshold in zip(structure.feature[inner], structure.threshold[inner], strict=True):
        below = np.float32(threshold)
        if below > threshold:
            below = np.nextafter(below, np.float32(-np.inf))
        for value in (below, np.nextafter(below, np.float32(np.inf))):
            assert value in rows[:, feature]


def test_the_oracle_is_right_about_itself(tree: Fitted) -> None:
    for exam in (test_split(tree), thresholds(tree)):
        assert exam.agreement(oracle(tree.estimator, exam.rows)[:, 0]) == 1


def test_comparing_with_less_is_found_out_at_thresholds(tree: Fitted) -> None:
    strict = copy.deepcopy(tree.estimator)
    state = strict.tree_.__getstate__()
    threshold = state["nodes"]["threshold"].astype(np.float32)
    state["nodes"]["threshold"] = np.nextafter(threshold, np.float32(-np.inf))  # x <= that is x < threshold
    strict.tree_.__setstate__(state)
    assert test_split(tree).agreement(oracle(strict, test_split(tree).rows)[:, 0]) == 1
    assert thresholds(tree).agreement(oracle(strict, thresholds(tree).rows)[:, 0]) < 1


def test_a_model_that_is_not_ported_has_no_thresholds() -> None:
    class Strange:
        """Nothing that anyone ports."""

    one = np.zeros((1, 1))
    assert thresholds(Fitted(Specimen("s", "s", "s", None, "digits"), Strange(), one, one)) is None
