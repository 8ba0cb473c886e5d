"""The nearest centroid."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import micromlgen as mm
from micromlgen.affine import Affine
from micromlgen.convert import convert
from micromlgen.quantize import quantize
from tests.cases import Case, integer_cases
from tests.models.test_neighbors import OFF
from tests.models.test_tree import DIGIT, DIGITS, SPECIES

HAS_PRIORS = "priors" in inspect.signature(NearestCentroid).parameters
needs_priors = pytest.mark.skipif(not HAS_PRIORS, reason="scikit-learn 1.6 brought priors")
TRAIN, LABELS = OFF[::3].astype(float), SPECIES[::3]
UNSEEN = np.delete(OFF, np.arange(0, 150, 3), axis=0)

FLOAT = [Case("nbc_manhattan", NearestCentroid(metric="manhattan").fit(TRAIN, LABELS), OFF[::3])]
if HAS_PRIORS:
    FLOAT += [Case("nbc_priors", NearestCentroid(priors=[0.1, 0.2, 0.7]).fit(TRAIN, LABELS), OFF[::3])]
CASES = [*FLOAT, *integer_cases(FLOAT[-1:], ("int16",))]


@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize(
    "options",
    [{}, {"metric": "manhattan"}, {"shrink_threshold": 0.5}],
    ids=lambda o: "-".join(map(str, o.values())),
)
def test_classes_are_scikit_learns(options: dict[str, Any], dtype: str) -> None:
    y = np.array(["setosa", "versicolor", "virginica"])[LABELS]
    estimator = NearestCentroid(**options).fit(TRAIN, y)
    program = mm.transpile(estimator, name="nbc", dtype=dtype, calibration=TRAIN)
    agree = (program.predict(UNSEEN) == estimator.predict(UNSEEN.astype(float))).mean()
    assert agree == 1 if dtype == "float32" else agree >= 0.99
    assert program.verify(UNSEEN)


@needs_priors
@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize(
    "priors", ["empirical", [0.2, 0.3, 0.5], [0.01, 0.01, 0.98], [0.0001, 0.9998, 0.0001]]
)
def test_priors(priors: Any, dtype: str) -> None:
    """They count beside distances over the deviation within classes; equal ones do not, nor does that."""
    some = np.r_[np.arange(40), np.arange(45, 50)]
    estimator = NearestCentroid(priors=priors).fit(TRAIN[some], LABELS[some])
    program = mm.transpile(estimator, name="nbc", dtype=dtype, calibration=TRAIN)
    expected = estimator.predict(UNSEEN.astype(float))
    assert (program.predict(UNSEEN) == expected).mean() >= (1 if dtype == "float32" else 0.99)
    assert (expected != NearestCentroid().fit(TRAIN[some], LABELS[some]).predict(UNSEEN)).any()
    assert program.verify(UNSEEN)


@needs_priors
def test_priors_of_two_classes() -> None:
    estimator = NearestCentroid(priors=[0.3, 0.7]).fit(TRAIN, LABELS == 2)
    assert mm.verify(estimator, UNSEEN)


@needs_priors
@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_ has at least 1 zero")
def test_a_feature_that_does_not_vary_within_classes() -> None:
    rows = np.column_stack([TRAIN, LABELS * 0.25])
    estimator = NearestCentroid(priors=[0.2, 0.3, 0.5]).fit(rows, LABELS)
    assert (estimator.within_class_std_dev_ == 0).any()
    assert mm.verify(estimator, np.column_stack([UNSEEN, np.full(len(UNSEEN), 0.05)]).astype("f4"))


@needs_priors
def test_priors_behind_one_scale_for_all_features() -> None:
    estimator = make_pipeline(FunctionTransformer(), NearestCentroid(priors=[0.01, 0.01, 0.98]))
    estimator.fit(TRAIN, LABELS)
    model = convert(estimator[-1]).behind(Affine.elementwise(np.full(4, 0.5), np.ones(4)))
    assert model is not None
    floats = quantize(model, "float32", None)
    expected = estimator.predict(UNSEEN.astype(float))
    np.testing.assert_array_equal(floats.predict((UNSEEN - 1) * 2), expected)


@needs_priors
def test_priors_that_are_refused() -> None:
    with pytest.raises(
        ValueError, match="metric='manhattan'\\) with priors that differ cannot be ported; use"
    ):
        mm.transpile(NearestCentroid(metric="manhattan", priors=[0.2, 0.3, 0.5]).fit(TRAIN, LABELS))
    with pytest.raises(ValueError, match="a prior of 0 cannot be ported; leave out that class"):
        mm.transpile(NearestCentroid(priors=[0, 0.5, 0.5]).fit(TRAIN, LABELS))


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_ has at least 1 zero")
def test_digits_in_bytes() -> None:
    estimator = NearestCentroid().fit(DIGITS[:1000] / 16, DIGIT[:1000])
    program = mm.transpile(estimator, dtype="int8", calibration=DIGITS[:1000] / 16)
    unseen = (DIGITS[1000:] / 16).astype("f4")
    assert (program.predict(unseen) == estimator.predict(unseen.astype(float))).mean() >= 0.99
    assert sum(program.model.layouts()[0].tables) < 700


def test_behind_a_scaler() -> None:
    estimator = make_pipeline(StandardScaler(), NearestCentroid()).fit(TRAIN, LABELS)
    for dtype in ("float32", "int8"):
        program = mm.transpile(estimator, name="nbc", dtype=dtype, calibration=TRAIN, min_agreement=0.95)
        assert program.verify(UNSEEN)
