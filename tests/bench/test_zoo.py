"""The models of the bench."""

from __future__ import annotations

import numpy as np
import pytest

from bench.environments import BenchError
from bench.zoo import ZOO, fit, select, truth


def test_names_are_unique() -> None:
    assert len({specimen.name for specimen in ZOO}) == len(ZOO)


def test_select() -> None:
    assert select([]) == list(ZOO)
    assert [s.name for s in select(["rf10_cancer", "dt_digits"])] == ["dt_digits", "rf10_cancer"]
    with pytest.raises(BenchError, match=r"no model rf: use dt_digits, dt_cancer, "):
        select(["rf"])


def test_fitted_models_are_the_known_ones() -> None:
    for name, nodes, rows in (("dt_digits", 225, 450), ("dt_cancer", 31, 143)):
        fitted = fit(select([name])[0])
        assert fitted.estimator.tree_.node_count == nodes
        assert fitted.rows.shape[0] == rows
        assert fitted.rows.dtype == np.float32
        assert not fitted.is_regressor


def test_features_are_scaled_before_training() -> None:
    fitted = fit(select(["knn3_wine"])[0])
    assert np.abs(fitted.estimator._fit_X.mean(axis=0)).max() < 1e-6
    assert np.abs(fitted.rows.std(axis=0) - 1).max() < 0.5


def test_slow_families_run_fewer_rows() -> None:
    assert {s.most_rows for s in ZOO if s.family == "trees"} == {None}
    assert {s.most_rows for s in ZOO if s.family != "trees"} == {16}


def test_truth_is_of_the_rows() -> None:
    specimen = select(["rf10_cancer"])[0]
    fitted = fit(specimen)
    assert (fitted.estimator.predict(fitted.rows) == truth(specimen)).mean() > 0.9
