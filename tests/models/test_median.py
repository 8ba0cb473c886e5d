"""AdaBoostRegressor."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import AdaBoostRegressor
from sklearn.tree import DecisionTreeRegressor

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import DIABETES, IRIS, PROGRESSION


def boosted(n: int = 6, depth: int = 3, **options: object) -> AdaBoostRegressor:
    return AdaBoostRegressor(
        DecisionTreeRegressor(max_depth=depth), n_estimators=n, random_state=0, **options
    )


#: Both sides of a tree on it have the same tests.
SQUARE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 8, np.float32)
FLOAT = [
    Case("ada_iris", boosted().fit(IRIS, IRIS[:, 0]), IRIS),
    Case("ada_square", boosted(9, 2, loss="square").fit(DIABETES, PROGRESSION), DIABETES[:99].astype("f4")),
    Case("ada_oblivious", boosted(1, 2).fit(SQUARE, SQUARE @ [2, 1]), SQUARE),
    Case("ada_one", boosted(1).fit(IRIS, -IRIS[:, 1]), IRIS),
    Case("ada_constant", boosted(3).fit(IRIS, np.full(150, -7.5)), IRIS),
]
CASES = [*FLOAT, *integer_cases(FLOAT[:2])]


def test_more_trees_than_a_byte_numbers() -> None:
    estimator = boosted(30, 2, learning_rate=0.1).fit(DIABETES, PROGRESSION)
    times = 256 // len(estimator.estimators_) + 1
    estimator.estimator_weights_ = np.tile(estimator.estimator_weights_[: len(estimator.estimators_)], times)
    estimator.estimators_ *= times
    assert len(estimator.estimators_) > 256
    for optimize in ("size", "speed"):
        assert mm.verify(estimator, DIABETES[:60].astype("f4"), optimize=optimize, name="many")


def test_one_half_of_the_weight_is_enough() -> None:
    """Two trees of one weight each: the lower of their values is the median."""
    estimator = boosted(2).fit(IRIS, IRIS[:, 0])
    estimator.estimator_weights_ = np.array([1.0, 1.0])
    program = mm.transpile(estimator, name="half")
    lower = np.minimum(*(tree.predict(IRIS) for tree in estimator.estimators_))
    np.testing.assert_allclose(program.predict(IRIS), lower, rtol=1e-6)
    assert program.verify(IRIS), "rows at the margin are not counted as wrong"
