"""Thresholds of trees in integers: which of those around are taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import micromlgen as mm
from micromlgen.inputs import Input
from micromlgen.models._tree_integers import integer_thresholds
from micromlgen.verify import agreement
from tests.models.test_tree import IRIS, SPECIES


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (RandomForestRegressor(10, random_state=0), IRIS[:, 0]),
        (RandomForestClassifier(10, random_state=0), SPECIES),
    ],
)
def test_features_in_steps_are_on_the_estimators_side(estimator: Any, target: Any, dtype: str) -> None:
    """In steps of 0.1 a threshold midway between two is often at a third, within one float step."""
    estimator.fit(IRIS[::2], target[::2])
    program = mm.transpile(estimator, name="model", dtype=dtype, calibration=IRIS)
    assert agreement(program.model, estimator, IRIS.astype(np.float32)) == 1.0


def test_thresholds_are_those_that_most_calibration_rows_agree_with() -> None:
    inputs = Input(1, "int8", exponents=np.array([0], np.int32))
    feature, threshold = np.zeros(5, int), np.array([3.2, 3.2, 7.6, 20.0, 300.0])

    def integers(*rows: float) -> list[int]:
        given = np.array(rows, np.float32)[:, None] if rows else None
        return integer_thresholds(threshold, feature, inputs, given).tolist()

    assert integers() == [3, 3, 7, 20, 127]
    assert integers(3.3, 3.4, 3.0, 7.7) == [2, 2, 7, 20, 127]  # 3.3 and 3.4 become 3 too, but go right
    assert integers(3.3, 3.0, 7.55, 7.5, 7.7) == [3, 3, 8, 20, 127]  # of equals the one below
    missing = replace(inputs, missing=True)
    assert (
        integer_thresholds(threshold, feature, missing, np.full((3, 1), np.nan, np.float32)).tolist()
        == integers()
    )
