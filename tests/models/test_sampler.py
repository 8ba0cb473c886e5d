"""Random features of the Gaussian kernel."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from tests.cases import Case
from tests.models.test_tree import IRIS, SPECIES

SAMPLER = RBFSampler(gamma=0.2, n_components=12, random_state=0)
CASES = [Case("sampler", SAMPLER.fit(IRIS.astype(float)), IRIS)]


def test_answers_are_scikit_learns() -> None:
    program = mm.transpile(SAMPLER, name="cosines")
    np.testing.assert_allclose(program.transform(IRIS), SAMPLER.transform(IRIS.astype(float)), atol=1e-5)
    assert program.verify(IRIS)


def test_before_a_model_and_behind_a_scaler() -> None:
    pipeline = make_pipeline(StandardScaler(), SAMPLER, LogisticRegression()).fit(IRIS.astype(float), SPECIES)
    program = mm.transpile(pipeline, name="cosines")
    assert [type(s).__name__ for s in program.model.stages] == ["Cosines"]  # the scaler is in its weights
    report = program.verify(IRIS)
    assert report, str(report)
    with pytest.raises(ValueError, match="RBFSampler cannot be ported in integers; use dtype='float32'"):
        mm.transpile(pipeline, name="no", dtype="int16", calibration=IRIS)
