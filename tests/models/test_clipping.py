"""Scalers that clip."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler

import micromlgen as mm
from tests.cases import Case
from tests.models.test_tree import IRIS, SPECIES

SEEN = IRIS[30:80].astype(float)
CASES = [Case("clip_minmax", MinMaxScaler((-1, 2), clip=True).fit(SEEN), IRIS)]


def test_what_lies_beyond_is_clipped() -> None:
    scalers = [MinMaxScaler(clip=True)]
    if "clip" in inspect.signature(MaxAbsScaler).parameters:
        scalers.append(MaxAbsScaler(clip=True))
    for scaler in scalers:
        fitted = scaler.fit(SEEN)
        program = mm.transpile(fitted, name="clipped")
        expected = fitted.transform(IRIS.astype(float))
        assert (expected == 1).any()
        np.testing.assert_allclose(program.transform(IRIS), expected, atol=1e-6)
        assert program.verify(IRIS)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_before_a_model(dtype: str) -> None:
    pipeline = make_pipeline(MinMaxScaler(clip=True), LogisticRegression())
    fitted = pipeline.fit(IRIS[::3].astype(float), SPECIES[::3])
    program = mm.transpile(fitted, name="clipped", dtype=dtype, calibration=IRIS)
    report = program.verify(IRIS)
    assert report, str(report)
    assert report.agreement > 0.98
