"""Local outlier factors."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from micromlgen import cformat
from micromlgen.affine import Affine
from micromlgen.convert import convert
from micromlgen.quantize import quantize
from tests.cases import Case, integer_cases
from tests.models.test_neighbors import METRICS, OFF, answers_in_c, named

RNG = np.random.default_rng(0)
TRAIN = OFF[::3].astype(float)
UNSEEN = np.concatenate(
    [np.delete(OFF, np.arange(0, 150, 3), axis=0), RNG.uniform(0, 8, (40, 4)).astype("f4")]
)


def lof(k: int = 8, **options: Any) -> LocalOutlierFactor:
    return LocalOutlierFactor(k, novelty=True, **options)


FLOAT = [
    Case("nbo_iris", lof().fit(TRAIN), OFF[::3]),
    Case("nbo_share", lof(5, metric="manhattan", contamination=0.2).fit(TRAIN), OFF[::3]),
]
CASES = [FLOAT[0], *integer_cases([FLOAT[0]], ("int8",)), *integer_cases([FLOAT[1]], ("int16",))]


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("metric", METRICS, ids=named)
def test_scores_are_scikit_learns(metric: dict[str, Any], contamination: Any) -> None:
    estimator = lof(contamination=contamination, **deepcopy(metric)).fit(TRAIN)
    program, wide = mm.transpile(estimator, name="nbo"), UNSEEN.astype(float)
    decided = ~program.model.undecided(estimator, wide)[:, 0]
    assert decided.mean() > (0.8 if metric["metric"] == "cosine" else 0.95)
    rtol = 4e-4 if metric["metric"] == "cosine" else 4e-5
    expected = estimator.score_samples(wide)
    np.testing.assert_allclose(program.score_samples(UNSEEN)[decided], expected[decided], rtol=rtol)
    np.testing.assert_array_equal(program.predict(UNSEEN)[decided], estimator.predict(wide)[decided])
    assert 0.05 < (estimator.predict(wide) == -1).mean() < 0.95
    decision = estimator.decision_function(wide)
    np.testing.assert_allclose(
        program.decision_function(UNSEEN)[decided], decision[decided], rtol=1e-3, atol=1e-3
    )
    assert f"_OFFSET ({cformat.float32(estimator.offset_)})" in program.header


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "manhattan", "chebyshev"])
def test_integers_on_rows_that_calibration_has_not_seen(metric: str, dtype: str) -> None:
    estimator = lof(12, metric=metric).fit(TRAIN)
    program = mm.transpile(estimator, dtype=dtype, calibration=np.concatenate([TRAIN, UNSEEN[:20]]))
    got, wide = program.predict(UNSEEN[20:]), UNSEEN[20:].astype(float)
    assert (got == estimator.predict(wide)).mean() >= 0.99
    off = np.abs(program.score_samples(UNSEEN[20:]) / estimator.score_samples(wide) - 1)
    assert np.median(off) < (0.03 if dtype == "int8" else 0.005)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_integer_products_stay_in_32_bits(metric: str, dtype: str) -> None:
    """Training rows at the ends of the range, asked from the other ends."""
    corners = RNG.choice([-1.0, 1.0], (30, 12)) * RNG.uniform(90, 100, (30, 12))
    estimator = lof(20, metric=metric).fit(corners)
    program = mm.transpile(
        estimator, name="nbo", dtype=dtype, calibration=corners, min_agreement=0, weights=dtype
    )
    lowest, top = np.iinfo(dtype).min, program.model.input.highest
    ends = np.array([lowest, -top, 0, top])
    Q = np.concatenate([ends[:, None].repeat(12, axis=1), RNG.choice(ends, (40, 12))]).astype(dtype)
    assert program.model._scores(Q)[0].min() >= -(2**31)
    answers_in_c(program, Q)


@pytest.mark.parametrize("k", [1, 49])
def test_one_neighbour_and_all(k: int) -> None:
    estimator = lof(k).fit(TRAIN)
    program = mm.transpile(estimator, name="nbo")
    np.testing.assert_allclose(
        program.score_samples(UNSEEN), estimator.score_samples(UNSEEN.astype(float)), rtol=1e-4
    )
    answers_in_c(program, UNSEEN[:20])


def test_copies_of_a_row() -> None:
    """More copies than neighbours have a density of 1e10, which float32 holds and integers do not."""
    rows = np.concatenate([np.repeat(TRAIN[:1], 12, axis=0), TRAIN])
    estimator = lof(5).fit(rows)
    program = mm.transpile(estimator, name="nbo")
    asked = np.concatenate([TRAIN[:1].astype("f4"), UNSEEN[:30]])
    np.testing.assert_allclose(
        program.score_samples(asked), estimator.score_samples(asked.astype(float)), rtol=1e-4
    )
    with pytest.raises(
        ValueError, match="densities of the training rows differ too much for integers; leave out"
    ):
        mm.transpile(estimator, dtype="int16", calibration=rows)


def test_behind_scalers() -> None:
    scaled = make_pipeline(StandardScaler(), lof()).fit(TRAIN)
    for dtype in ("float32", "int16"):
        assert mm.transpile(scaled, name="nbo", dtype=dtype, calibration=OFF[::3]).verify(UNSEEN)


@pytest.mark.parametrize("factor", [4.0, 0.125, -2.0])
def test_one_scale_for_all_features_is_taken_in(factor: float) -> None:
    estimator = lof().fit(TRAIN * factor + 3)
    stage = Affine.elementwise(np.full(4, factor), np.full(4, 3.0))
    model = convert(estimator).behind(stage)
    assert model is not None
    floats = quantize(model, "float32", None)
    expected = estimator.score_samples(UNSEEN.astype(float) * factor + 3)
    np.testing.assert_allclose(floats.score(UNSEEN), expected, rtol=1e-4)
    assert model.behind(Affine.elementwise([1.0, 2, 1, 1], np.zeros(4))) is None


def test_without_novelty_it_is_refused() -> None:
    estimator = LocalOutlierFactor(5).fit(TRAIN)
    with pytest.raises(ValueError, match=r"novelty=False\) judges its training rows only .* novelty=True"):
        mm.transpile(estimator)


def test_powers_in_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="p=3 in integers can be ported for weights='uniform' only"):
        mm.transpile(lof(p=3).fit(TRAIN), dtype="int16", calibration=TRAIN)
