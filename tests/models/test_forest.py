"""RandomForest and ExtraTrees."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import (
    DIABETES,
    DIGIT,
    DIGITS,
    HOLES,
    IRIS,
    PROGRESSION,
    SIDE,
    SIGNED,
    SPECIES,
    TWO_TARGETS,
)


def forest(n: int = 5, **options: object) -> RandomForestClassifier:
    return RandomForestClassifier(n, **{"max_depth": 4, "random_state": 0, **options})


def regressor(n: int = 5, **options: object) -> RandomForestRegressor:
    return RandomForestRegressor(n, **{"max_depth": 4, "random_state": 0, **options})


def bagging(n: int, kind: type = BaggingClassifier, **options: object) -> object:
    return kind(n_estimators=n, random_state=0, **options)


NAMES = np.array(["setosa", "versi*/color", 'vir"ginica'])
FAR = 1e6 + IRIS[:, 0]  # targets far from zero, beside their span
SCALES = IRIS[:, 1:] * [1.0, 1e5, 1e-5]
FLOAT = [
    Case("rf_iris", forest().fit(IRIS, SPECIES), IRIS),
    Case("rf_pure", forest(max_depth=None).fit(IRIS, SPECIES), IRIS),
    Case("rf_binary", forest().fit(SIGNED, SIDE > 0), SIGNED),
    Case("rf_signed", forest(20, max_depth=3).fit(SIGNED, SIDE), SIGNED),
    Case("rf_strings", forest(4, max_depth=2).fit(IRIS, NAMES[SPECIES]), IRIS),
    Case("rf_weighted", forest(6, class_weight="balanced_subsample").fit(IRIS, SPECIES * 10 + 10), IRIS),
    Case("rf_outputs", forest(4).fit(IRIS, TWO_TARGETS), IRIS),
    Case("rf_one_class", forest(3).fit(IRIS, np.zeros(150, int)), IRIS),
    Case("rf_missing", forest(4).fit(HOLES, SPECIES), HOLES),
    Case("rf_watched", forest(24, max_depth=2).fit(SIGNED, SIDE > 0), SIGNED),
    Case("et_many", ExtraTreesClassifier(300, max_depth=1, random_state=0).fit(IRIS, SPECIES), IRIS),
    Case("rfr_diabetes", regressor().fit(DIABETES, PROGRESSION), DIABETES[:99].astype("f4")),
    Case("rfr_outputs", regressor(4).fit(IRIS, SCALES), IRIS),
    Case("rfr_far", regressor(4).fit(IRIS, FAR), IRIS),
    Case("rfr_missing", regressor(4).fit(HOLES, -IRIS[:, 0]), HOLES),
    Case("rfr_constant", regressor(3).fit(IRIS, np.full(150, 3.25)), IRIS),
    Case("etr_iris", ExtraTreesRegressor(5, max_depth=3, random_state=0).fit(IRIS, SPECIES - 1.0), IRIS),
]
FLOAT += [
    Case("bag_iris", bagging(4, max_features=2).fit(IRIS, SPECIES), IRIS),
    # Bootstraps of five rows miss classes.
    Case("bag_few", bagging(6, max_samples=5).fit(IRIS, NAMES[SPECIES]), IRIS),
    Case("bagr_iris", bagging(3, BaggingRegressor, max_samples=20).fit(IRIS, IRIS[:, 0]), IRIS),
]
IN_INTEGERS = ("rf_iris", "rf_pure", "rf_binary", "rf_outputs", "rf_missing", "rfr_diabetes", "rfr_outputs")
CASES = [
    *FLOAT,
    *integer_cases([c for c in FLOAT if c.name in IN_INTEGERS]),
    Case("rf_digits", forest(8).fit(DIGITS, DIGIT), DIGITS[:200].astype("f4"), {"dtype": "int16"}),
]


def test_probabilities_are_soft_votes() -> None:
    estimator = forest(15, max_depth=4).fit(DIGITS, DIGIT)
    for options, bound in (({}, 1e-6), ({"dtype": "int16"}, 2e-5)):
        program = mm.transpile(estimator, **options)
        proba = program.predict_proba(DIGITS)
        np.testing.assert_allclose(proba, estimator.predict_proba(DIGITS), atol=bound)
        np.testing.assert_array_equal(program.predict(DIGITS), estimator.predict(DIGITS))


@pytest.mark.parametrize("n_trees", [255, 256, 257, 1000])
def test_votes_do_not_wrap(n_trees: int) -> None:
    """256 votes for one class wrapped to none in micromlgen 1.x."""
    estimator = ExtraTreesClassifier(1, random_state=0).fit(IRIS, SPECIES)
    estimator.estimators_ *= n_trees
    estimator.n_estimators = n_trees
    program = mm.transpile(estimator, name="many")
    assert program.model.total == n_trees
    np.testing.assert_array_equal(program.predict(IRIS[::7]), estimator.estimators_[0].predict(IRIS[::7]))
    assert program.model.sum_dtype.itemsize * 8 >= n_trees.bit_length()


def test_ties_of_whole_votes_go_to_the_lowest_class() -> None:
    estimator = forest(2, max_depth=None, bootstrap=True).fit(SIGNED, SIDE)
    proba = estimator.predict_proba(SIGNED)
    tied = (np.sort(proba, axis=1)[:, -2:] == 0.5).all(axis=1)
    assert tied.any()
    np.testing.assert_array_equal(
        mm.transpile(estimator).predict(SIGNED[tied]), estimator.predict(SIGNED[tied])
    )


def test_a_watched_vote_stops_early_and_never_too_early() -> None:
    estimator = forest(60, max_depth=5).fit(DIGITS, DIGIT)
    for optimize in ("size", "speed"):
        program = mm.transpile(estimator, optimize=optimize, name="watched")
        assert "watched_decided" in program.header
        assert program.verify(DIGITS[:300].astype("f4"))


def test_shares_are_as_narrow_as_they_may_be() -> None:
    pure = mm.transpile(forest(5, max_depth=None, bootstrap=False).fit(IRIS, SPECIES)).model
    halves = mm.transpile(
        forest(2, bootstrap=False).fit(np.repeat([[0.0], [1.0]], 50, axis=0), np.arange(100) % 2)
    )
    mixed = mm.transpile(forest(5, max_depth=2).fit(DIGITS, DIGIT)).model
    assert pure.share == 1
    assert halves.model.share < 1 << 16
    assert mixed.share == 1 << 20


def test_the_estimator_is_left_alone() -> None:
    estimator = forest(n_jobs=2).fit(IRIS, SPECIES)
    assert mm.verify(estimator, IRIS)
    assert estimator.n_jobs == 2


def test_a_mean_that_32_bits_cannot_hold_is_refused() -> None:
    tiny = regressor(3).fit(IRIS, IRIS[:, 0].astype(float) * 1e-36)
    with pytest.raises(ValueError, match="can't be kept in 32 bits; scale the targets"):
        mm.transpile(tiny)
    huge = regressor(3).fit(IRIS, IRIS[:, 0].astype(float) * 1e39)
    with pytest.raises(ValueError, match="beyond float32; scale the targets"):
        mm.transpile(huge)


def test_many_trees_far_from_zero_stay_within_the_contract() -> None:
    estimator = regressor(1500, max_depth=2).fit(IRIS, 7 + IRIS[:, 0])
    assert mm.verify(estimator, IRIS[::10], optimize="size")
