"""Rows of length one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

import micromlgen as mm
from tests.cases import Case
from tests.models.test_tree import IRIS, SPECIES

ROWS = np.concatenate([IRIS - 3, np.zeros((1, 4)), np.full((1, 4), 1e-12), np.full((1, 4), 1e12)]).astype(
    np.float32
)
CASES = [Case("norm_l2", Normalizer().fit(ROWS), ROWS), Case("norm_max", Normalizer("max").fit(ROWS), ROWS)]


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_answers_are_scikit_learns(norm: Any) -> None:
    fitted = Normalizer(norm).fit(ROWS)
    program = mm.transpile(fitted, name="row")
    np.testing.assert_allclose(program.transform(ROWS), fitted.transform(ROWS.astype(float)), rtol=1e-6)
    report = program.verify(ROWS)
    assert report, str(report)


def test_before_a_model() -> None:
    pipeline = make_pipeline(Normalizer(), LogisticRegression()).fit(IRIS.astype(float), SPECIES)
    assert mm.verify(pipeline, IRIS)
    with pytest.raises(ValueError, match="Normalizer cannot be ported in integers; use dtype='float32'"):
        mm.transpile(pipeline, name="no", dtype="int16", calibration=IRIS)
