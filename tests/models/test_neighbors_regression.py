"""The mean of what neighbours had."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from micromlgen.models.neighbors_regression import NO_NEIGHBOR
from tests.cases import Case, integer_cases
from tests.models.test_neighbors import METRICS, answers_in_c, named
from tests.models.test_neighbors_search import by_hand
from tests.models.test_tree import DIABETES, PROGRESSION

RNG = np.random.default_rng(0)
SOME = np.arange(0, 400, 5)
TRAIN, Y = DIABETES[SOME].astype("f4").astype(float), PROGRESSION[SOME]
UNSEEN = np.delete(DIABETES, SOME, axis=0)[:150].astype("f4")
TWO = np.stack([Y, DIABETES[SOME, 2] * 100], axis=1)
ROWS = TRAIN[:40].astype("f4")


def knn(k: int = 4, **options: Any) -> KNeighborsRegressor:
    return KNeighborsRegressor(k, **options)


FLOAT = [
    Case("nbr_mean", knn().fit(TRAIN, Y), ROWS),
    Case("nbr_weighted", knn(3, weights="distance").fit(TRAIN[:40], TWO[:40]), ROWS),
    Case("nbr_radius", RadiusNeighborsRegressor(0.12).fit(TRAIN[:40], Y[:40]), ROWS),
]
CASES = [
    *FLOAT[1:],
    *integer_cases([FLOAT[0]], ("int8",)),
    *integer_cases([FLOAT[1]], ("int16",)),
    *integer_cases(
        [Case("nbr_near", RadiusNeighborsRegressor(0.1, weights="distance").fit(TRAIN[:40], Y[:40]), ROWS)],
        ("int16",),
    ),
]


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("metric", METRICS, ids=named)
def test_k_neighbours_answer_as_in_scikit_learn(metric: dict[str, Any], weights: str) -> None:
    rows, unseen = TRAIN[:, :4] + 0.2, UNSEEN[:, :4] + np.float32(0.2)
    estimator = knn(weights=weights, **deepcopy(metric)).fit(rows, Y)
    program, wide = mm.transpile(estimator, name="nbr"), unseen.astype(float)
    decided = ~program.model.undecided(estimator, wide)[:, 0]
    assert decided.mean() > 0.8  # diabetes has many equal values, and so equal largest differences
    off = np.abs(program.predict(unseen) - estimator.predict(wide))[decided]
    assert off.max() <= program.model.tolerance(unseen).max()
    assert program.model.tolerance(unseen).max() < (1e-3 if metric["metric"] == "cosine" else 1e-4) * Y.max()
    assert (program.model.rounding(unseen)[decided] < 1.0).all()


@pytest.mark.filterwarnings("ignore:One or more samples have no neighbors")
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("several", [False, True])
def test_a_radius_answers_as_in_scikit_learn(several: bool, weights: str) -> None:
    estimator = RadiusNeighborsRegressor(0.1, weights=weights).fit(TRAIN, TWO if several else Y)
    program, wide = mm.transpile(estimator, name="nbr"), UNSEEN.astype(float)
    expected, got = estimator.predict(wide), program.predict(UNSEEN)
    assert 0 < np.isnan(expected).mean() < 0.9
    assert not program.model.undecided(estimator, wide).any()
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert program.verify(UNSEEN)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("k", [1, 5, 80])
def test_several_outputs(k: int, weights: str) -> None:
    estimator = knn(k, weights=weights).fit(TRAIN, TWO)
    program = mm.transpile(estimator, name="nbr")
    np.testing.assert_allclose(
        program.predict(UNSEEN), estimator.predict(UNSEEN.astype(float)), rtol=1e-4, atol=1e-4
    )
    assert program.verify(UNSEEN)


def test_a_column_of_targets() -> None:
    estimator = knn().fit(TRAIN, Y[:, None])
    assert mm.verify(estimator, UNSEEN)


@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
@pytest.mark.parametrize("k", [1, 4, 30])
def test_of_equal_distances_the_first_row_counts(k: int, dtype: str) -> None:
    grid, asked = RNG.integers(-2, 3, (30, 3)), RNG.integers(-3, 4, (60, 3))
    y = RNG.integers(-50, 50, 30)
    estimator = knn(k).fit(grid, y)
    program = mm.transpile(estimator, name="nbr", dtype=dtype, calibration=grid, min_agreement=0)
    mean = y[by_hand(asked, grid, k)].mean(axis=1)
    np.testing.assert_allclose(program.predict(asked), mean, atol=1e-5)
    answers_in_c(program, program.quantize(asked))


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_integers_on_rows_that_calibration_has_not_seen(weights: str) -> None:
    estimator = knn(weights=weights).fit(TRAIN, Y)
    program = mm.transpile(estimator, dtype="int16", calibration=TRAIN)
    off = np.abs(program.predict(UNSEEN) - estimator.predict(UNSEEN.astype(float)))
    assert (off < 0.01 * np.ptp(Y)).mean() >= 0.99


@pytest.mark.filterwarnings("ignore:One or more samples have no neighbors")
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_integers_within_a_radius(weights: str) -> None:
    estimator = RadiusNeighborsRegressor(0.1, weights=weights).fit(TRAIN, Y)
    program = mm.transpile(estimator, name="nbr", dtype="int16", calibration=TRAIN, min_agreement=0.95)
    expected, got = estimator.predict(UNSEEN.astype(float)), program.predict(UNSEEN)
    alone = np.isnan(expected)
    assert (np.isnan(got) == alone).mean() > 0.98
    both = ~alone & ~np.isnan(got)
    assert (np.abs(got - expected)[both] < 0.01 * np.ptp(Y)).mean() > 0.95
    index = program.predict_index(program.quantize(UNSEEN))
    assert set(index[np.isnan(got)].tolist()) == {NO_NEIGHBOR}
    assert "without a neighbour the answer is INT32_MIN" in program.header


@pytest.mark.filterwarnings("ignore:One or more samples have no neighbors")
def test_a_wrong_nan_is_no_agreement() -> None:
    """Rows that only one of both finds without neighbours break the contract."""
    estimator = RadiusNeighborsRegressor(0.1).fit(TRAIN, Y)
    program = mm.transpile(estimator, name="nbr")
    estimator.radius = 0.11
    assert not program.verify(UNSEEN)


@pytest.mark.parametrize("k", [1, 2, 20, 80])
@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-6])
def test_integer_targets_are_fine_enough(scale: float, k: int) -> None:
    """Far from zero, near to it, large and small: sums of weights and targets fit their 32 bits."""
    y = np.stack([Y * scale, (Y + 1e4) * scale, -Y * scale], axis=1)
    for weights in ("uniform", "distance"):
        estimator = knn(k, weights=weights).fit(TRAIN, y)
        program = mm.transpile(estimator, name="nbr", dtype="int16", calibration=TRAIN, min_agreement=0.9)
        off = np.abs(program.predict(TRAIN) - estimator.predict(TRAIN)) / np.ptp(y, axis=0)
        assert np.quantile(off, 0.95) < 2e-3
        answers_in_c(program, program.quantize(TRAIN[:20]))


def test_sums_at_their_limits() -> None:
    """All neighbours at equal distances, all with the highest target."""
    rows = np.repeat(np.eye(4), 16, axis=0)
    y = np.r_[np.full(63, 1000.0), -3000.0]
    for k, weights in ((64, "distance"), (63, "uniform"), (64, "uniform")):
        estimator = knn(k, weights=weights).fit(rows, y)
        program = mm.transpile(estimator, name="nbr", dtype="int16", calibration=rows, min_agreement=0)
        x = np.zeros((1, 4), np.float32)
        np.testing.assert_allclose(program.predict(x), estimator.predict(x), rtol=1e-2)
        answers_in_c(program, program.quantize(x))


def test_targets_of_few_values_are_numbered() -> None:
    labels = np.arange(80) % 3 * 0.1
    few = mm.transpile(knn().fit(TRAIN, labels)).model
    many = mm.transpile(knn().fit(TRAIN, RNG.normal(size=80))).model
    assert few.stored_targets[0].nbytes == 80 + 3 * 4
    assert many.stored_targets[0].nbytes == 80 * 4


def test_copies_are_left_out_where_they_cannot_count() -> None:
    rows = np.repeat(RNG.normal(size=(6, 2)).astype("f4").astype(float), 5, axis=0)
    estimator = knn(2).fit(rows, np.arange(30.0))
    program = mm.transpile(estimator, name="nbr")
    assert len(program.model.rows.values) == len(program.model.targets) == 12
    near = rows.astype("f4") + np.float32(0.01)
    assert set(program.predict(near).tolist()) <= {i + 0.5 for i in range(0, 30, 5)}


def test_behind_a_scaler() -> None:
    estimator = make_pipeline(StandardScaler(), knn()).fit(TRAIN, Y)
    for dtype in ("float32", "int16"):
        program = mm.transpile(estimator, name="nbr", dtype=dtype, calibration=TRAIN)
        assert program.verify(UNSEEN)


def test_fast_math_is_refused_where_nan_is_an_answer() -> None:
    assert "#if defined(__FAST_MATH__)" in mm.transpile(FLOAT[2].estimator, name="nbr").header
    assert "__FAST_MATH__" not in mm.transpile(FLOAT[0].estimator, name="nbr").header


class TestRefusals:
    def test_targets_beyond_float32(self) -> None:
        with pytest.raises(ValueError, match="a target is beyond float32; scale the targets"):
            mm.transpile(knn().fit(TRAIN, Y * 1e36))

    def test_weights_of_its_own(self) -> None:
        with pytest.raises(ValueError, match="KNeighborsRegressor with weights of its own cannot be ported"):
            mm.transpile(knn(weights=lambda d: 1 / (1 + d)).fit(TRAIN, Y))

    def test_a_lossy_form(self) -> None:
        with pytest.raises(ValueError, match="KNeighborsRegressor cannot be compressed"):
            mm.transpile(FLOAT[0].estimator, calibration=TRAIN, compress=0.9)
