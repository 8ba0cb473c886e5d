"""Neighbours in integers: scales, widths, sums that stay in 32 bits."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from tests.cases import Case
from tests.models.test_neighbors import (
    FEW,
    FLOAT,
    METRICS,
    RNG,
    TENTHS,
    UNSEEN,
    X40,
    Y40,
    answers_in_c,
    knn,
    named,
)
from tests.models.test_neighbors_search import by_hand, knn_model
from tests.models.test_tree import DIGIT, DIGITS

Array = NDArray[Any]
CASES: list[Case] = []


class TestIntegers:
    @pytest.mark.parametrize("dtype", ["int16", "int8"])
    @pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "cosine"])
    def test_digits_that_calibration_has_not_seen(self, metric: str, dtype: str) -> None:
        train, test = DIGITS[:900] / 16, (DIGITS[900:1300] / 16).astype("f4")
        estimator = knn(5, metric=metric).fit(train, DIGIT[:900])
        program = mm.transpile(estimator, dtype=dtype, calibration=train)
        assert (program.predict(test) == estimator.predict(test.astype(float))).mean() >= 0.99

    @pytest.mark.parametrize("dtype", ["int16", "int8"])
    @pytest.mark.parametrize("weights", ["uniform", "distance"])
    def test_petals_that_calibration_has_not_seen(self, weights: str, dtype: str) -> None:
        estimator = knn(3, weights=weights).fit(TENTHS[FEW], Y40)
        program = mm.transpile(estimator, dtype=dtype, calibration=X40)
        assert (program.predict(UNSEEN) == estimator.predict(UNSEEN.astype(float))).mean() >= 0.99
        off = np.abs(program.predict_proba(UNSEEN) - estimator.predict_proba(UNSEEN.astype(float)))
        assert np.quantile(off, 0.98) < (0.05 if dtype == "int8" else 0.01)

    def test_multiples_of_a_power_of_two_are_exact(self) -> None:
        """Grey values of 0 to 16, over 16: so many steps, in bytes, and packed to five bits."""
        model = knn_model(DIGITS[:200] / 16, dtype="int16")
        assert set(model.input.exponents.tolist()) == {4}
        assert model.input.center is None
        assert model.input.gain is None
        assert model.rows.values.dtype == np.int8
        assert model.rows.values.max() == 16
        assert {x.name for x in model.layouts()} == {"rows", "packed"}

    def test_features_far_from_zero_are_centred(self) -> None:
        """Pressures and temperatures: around zero a byte could tell little of them."""
        X = RNG.normal([1013.0, 293, 50], [8, 5, 15], (300, 3)).astype("f4")
        y = (X[:, 0] - 1013 + X[:, 1] - 293 > 0) + 2 * (X[:, 2] > 50)
        estimator = knn(3).fit(X[:200].astype(float), y[:200])
        program = mm.transpile(estimator, dtype="int8", calibration=X[:200], min_agreement=0.9)
        assert program.model.input.center is not None
        assert (program.predict(X[200:]) == estimator.predict(X[200:].astype(float))).mean() > 0.97
        assert program.verify(X[200:])

    def test_whole_numbers_far_from_zero_stay_exact(self) -> None:
        X = RNG.integers(1000, 1200, (50, 3))
        estimator = knn(1).fit(X, np.arange(50) % 2)
        program = mm.transpile(estimator, dtype="int8", calibration=X)
        assert set(program.model.input.exponents.tolist()) == {0}
        near = by_hand(X + 1, X, 1)[:, 0]
        np.testing.assert_array_equal(program.predict(X + 1), near % 2)

    @pytest.mark.parametrize("metric", METRICS, ids=named)
    @pytest.mark.parametrize("dtype", ["int16", "int8"])
    def test_sums_stay_in_32_bits(self, metric: dict[str, Any], dtype: str) -> None:
        """Training rows at the ends of the range, asked from the other ends, and with what stands for NaN."""
        if metric.get("p") == 2.5:
            pytest.skip("refused in integers")
        n = 40 if "metric_params" not in metric else 4
        corners = RNG.choice([-1.0, 1.0], (12, n)) * 100
        corners[0], corners[1] = 100, -100
        estimator = knn(2, **deepcopy(metric)).fit(corners, np.arange(12) % 3)
        program = mm.transpile(estimator, dtype=dtype, calibration=corners, min_agreement=0, weights=dtype)
        model, lowest = program.model, np.iinfo(dtype).min
        top = model.input.highest
        ends = np.array([lowest, -top, -1, 0, 1, top])
        Q = np.concatenate([ends[:, None].repeat(n, axis=1), RNG.choice(ends, (60, n))]).astype(dtype)
        reduced = model.rows.reduced(Q)
        assert np.abs(reduced).max() < 2**31
        if metric["metric"] in ("euclidean", "l2", "sqeuclidean") and dtype == "int16":
            assert reduced.max() > 2**31 / 20
        answers_in_c(program, Q)

    def test_the_width_of_rows(self) -> None:
        """As the user wishes; else the narrowest that answers rows as well as the widest."""
        options = {"dtype": "int16", "calibration": X40}
        kinds = {
            w: mm.transpile(FLOAT[0].estimator, weights=w, **options).model for w in ("int8", "int16", None)
        }
        assert kinds["int8"].rows.values.dtype == np.int8
        assert kinds["int8"].input.highest == 127
        assert kinds["int16"].rows.values.dtype == np.int16
        assert kinds["int16"].rows.values.max() > 2047
        assert kinds[None].rows.values.max() <= 2047

    @pytest.mark.parametrize("seed", [5, 12, 13, 20])
    def test_a_width_that_loses_answers_is_not_taken(self, seed: int) -> None:
        """Two features of very different size, and the small one tells the class."""
        rng = np.random.default_rng(seed)
        X = np.stack([rng.uniform(-100, 100, 80), rng.choice([0.0, 0.05, 0.1, 0.15], 80)], axis=1)
        X[:, 0] = np.repeat(X[:8, 0], 10)
        estimator = knn(1).fit(X, (X[:, 1] * 20).astype(int))
        program = mm.transpile(estimator, dtype="int16", calibration=X)
        assert program.model.input.highest > 2047

    def test_weights_of_features_become_their_scale(self) -> None:
        w = np.array([4.0, 1.0, 0.25, 9.0])
        estimator = knn(3, metric_params={"w": w}).fit(TENTHS[FEW], Y40)
        program = mm.transpile(estimator, dtype="int16", calibration=X40)
        np.testing.assert_allclose(program.model.input.gain / program.model.input.gain[1], np.sqrt(w))
        assert (program.predict(UNSEEN) == estimator.predict(UNSEEN.astype(float))).mean() >= 0.99

    def test_a_missing_value_gives_some_class(self) -> None:
        program = mm.transpile(FLOAT[0].estimator, name="nb", dtype="int16", calibration=X40, weights="int16")
        rows = np.full((1, 4), np.iinfo(np.int16).min, np.int16)
        answers_in_c(program, rows)
        assert program.predict_index(rows)[0] in (0, 1, 2)


def test_widths_are_judged_as_on_rows_that_training_has_not_seen() -> None:
    """Calibration rows are training rows: without themselves, on several grids, 8 bits lose some of them."""
    X, y = load_wine(return_X_y=True)
    lost, kept = 0, 0
    for seed in range(1, 4):
        train, test, known, _ = train_test_split(X, y, test_size=0.4, random_state=seed)
        scaler = StandardScaler().fit(train)
        train, test = (scaler.transform(rows).astype(np.float32) for rows in (train, test))
        estimator = knn(5, weights="distance").fit(train.astype(float), known)
        program = mm.transpile(estimator, name="m", dtype="int16", calibration=train)
        lost += int((program.predict(test) != estimator.predict(test.astype(float))).sum())
        kept += program.model.input.highest > 127
    assert (lost, kept) == (0, 3)
