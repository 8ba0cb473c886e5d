"""IsolationForest."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

import micromlgen as mm
from micromlgen import cformat
from micromlgen.models.isolation import _highest_outlier
from tests.cases import Case, integer_cases
from tests.models.test_tree import DIABETES, DIGITS, IRIS, SIGNED


def forest(n: int = 6, **options: object) -> IsolationForest:
    return IsolationForest(**{"n_estimators": n, "max_samples": 32, "random_state": 0, **options})


FLOAT = [
    Case("iso_iris", forest().fit(IRIS), IRIS),
    Case("iso_signed", forest(24, max_samples=8).fit(SIGNED), SIGNED),
    Case("iso_share", forest(contamination=0.2).fit(IRIS), IRIS),
    Case("iso_features", forest(max_features=0.5, bootstrap=True).fit(IRIS), IRIS),
    Case("iso_points", forest(3, max_samples=1).fit(IRIS), IRIS),
    Case("iso_pairs", forest(4, max_samples=2).fit(IRIS), IRIS),
]
CASES = [*FLOAT, *integer_cases([FLOAT[0], FLOAT[2]])]


@pytest.mark.parametrize("case", FLOAT, ids=lambda case: case.name)
def test_scores_are_scikit_learns(case: Case) -> None:
    program, wide = case.transpile(), case.X.astype(float)
    np.testing.assert_allclose(program.score_samples(case.X), case.estimator.score_samples(wide), atol=1e-6)
    np.testing.assert_array_equal(program.predict(case.X), case.estimator.predict(wide))
    decision = case.estimator.decision_function(wide)
    np.testing.assert_allclose(program.decision_function(case.X), decision, atol=1e-6)
    assert f"_OFFSET ({cformat.float32(case.estimator.offset_)})" in program.header


@pytest.mark.parametrize("contamination", ["auto", 0.001, 0.05, 0.5])
def test_the_cut_is_exact(contamination: str | float) -> None:
    """A share of outliers puts the cut on the score of a training row, the hardest place for it."""
    for X in (DIGITS, DIABETES):
        estimator = IsolationForest(n_estimators=50, contamination=contamination, random_state=1).fit(X)
        rows = X.astype(np.float32)
        got = mm.transpile(estimator, name="cut").predict(rows)
        np.testing.assert_array_equal(got, estimator.predict(rows.astype(float)))


@pytest.mark.parametrize(("offset", "normal"), [(-0.5, 100.0), (-0.7, 33.3), (-0.3, 1e-3), (-0.999, 1e4)])
def test_the_bisected_sum_is_the_last_outlier(offset: float, normal: float) -> None:
    at = _highest_outlier(offset, normal, 1e9)
    assert -(2 ** -(at / normal)) - offset < 0 <= -(2 ** -(np.nextafter(at, np.inf) / normal)) - offset


def test_no_outlier_at_all() -> None:
    estimator = forest(3).fit(IRIS)
    estimator.offset_ = -2.0
    assert mm.verify(estimator, IRIS)
    assert (mm.transpile(estimator).predict(IRIS) == 1).all()


def test_there_are_no_probabilities() -> None:
    with pytest.raises(ValueError, match="IsolationForest has no predict_proba"):
        mm.transpile(FLOAT[0].estimator).predict_proba(IRIS)
