"""Random features of the Gaussian kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.calls import twin_calls
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

SAMPLER = RBFSampler(gamma=0.2, n_components=12, random_state=0)
ALONE = Case("sampler", SAMPLER.fit(IRIS.astype(float)), IRIS)
LOGISTIC = make_pipeline(StandardScaler(), SAMPLER, LogisticRegression()).fit(IRIS.astype(float), SPECIES)
CASES = [
    ALONE,
    *integer_cases([ALONE], ("int16",)),
    *integer_cases([Case("sampler_logistic", LOGISTIC, IRIS)], ("int8",)),
]


def test_answers_are_scikit_learns() -> None:
    program = mm.transpile(SAMPLER, name="cosines")
    np.testing.assert_allclose(program.transform(IRIS), SAMPLER.transform(IRIS.astype(float)), atol=1e-5)
    assert program.verify(IRIS)


def test_before_a_model_and_behind_a_scaler() -> None:
    program = mm.transpile(LOGISTIC, name="cosines")
    assert [type(s).__name__ for s in program.model.stages] == ["Cosines"]  # the scaler is in its weights
    report = program.verify(IRIS)
    assert report, str(report)


@pytest.mark.parametrize(("load", "gamma"), [(load_wine, 0.05), (load_breast_cancer, 0.01)])
def test_rows_that_calibration_did_not_see(load: Any, gamma: float) -> None:
    X, y = load(return_X_y=True)
    known, other, own, _ = train_test_split(X.astype(np.float32), y, random_state=0)
    first = RBFSampler(gamma=gamma, n_components=60, random_state=0)
    pipeline = make_pipeline(StandardScaler(), first, LogisticRegression()).fit(known.astype(float), own)
    program = mm.transpile(pipeline, name="cosines", dtype="int16", calibration=known)
    assert np.mean(program.predict(other) == pipeline.predict(other.astype(float))) >= 0.99
    report = program.verify(other[:40])
    assert report, str(report)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_integers_alone(dtype: str) -> None:
    """Within the table's error and what the rounding of weights and features turns."""
    program = mm.transpile(SAMPLER, name="cosines", dtype=dtype, calibration=IRIS, min_agreement=0)
    off = np.abs(program.transform(IRIS) - SAMPLER.transform(IRIS.astype(float))).max()
    assert off < (2e-3 if dtype == "int16" else 0.25) * np.sqrt(2 / 12)
    table = program.model.table.astype(np.int64)
    turn = np.arange(1 << 16)
    line = np.interp(turn % 16384, np.arange(0, 16641, 256), table)
    right = np.cos(np.pi * (turn % 16384) / 32768) * table[0]
    assert np.abs(line - right).max() < 1e-4 * table[0] + 0.5


def test_sums_stay_in_32_bits() -> None:
    """By proof: of extremes with the signs of the weights."""
    scaled = make_pipeline(StandardScaler(), SAMPLER).fit(IRIS.astype(float))
    program = mm.transpile(scaled, name="cosines", dtype="int16", calibration=IRIS)
    rows, top = program.model.rows, program.model.input.highest
    signs = np.where(rows.weights < 0, -top, top).astype(np.int16)
    assert np.abs(rows.scores(np.concatenate([signs, -signs]))).max() < 2**31
    pairs = twin_calls(program.model, program.header, program.name, np.concatenate([signs, -signs]))
    results = core("host").run([p.call for p in pairs], flags=("-O1", *STRICT), measure=False)
    assert not any(p.differs(r.y).any() for p, r in zip(pairs, results, strict=True))
