"""Pipelines from samples to an answer: an extractor, and any model of its integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.features import FFT
from tests.cases import Case


def windows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Tones of three pitches in noise, 32 samples each, and which they are."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    pitch = np.array([2.3, 5.7, 9.1])[y][:, None]
    angle = 2 * np.pi * pitch * np.arange(32) / 32 + rng.uniform(0, 6, (n, 1))
    X = rng.uniform(500, 8000, (n, 1)) * np.sin(angle) + rng.normal(0, 1500, (n, 32))
    return np.rint(X.clip(-32768, 32767)).astype(np.int16), y


X, Y = windows(200, 0)


def pipeline(output: str, *steps: Any) -> Any:
    return make_pipeline(FFT(32, "hann", output), *steps).fit(X, Y)


def integers(name: str, estimator: Any, dtype: str) -> Case:
    options = {"dtype": dtype, "calibration": X, "min_agreement": 0.8}
    return Case(f"{name}_{dtype}", estimator, X[:60], options)


TREE = pipeline("power", StandardScaler(), DecisionTreeClassifier(max_depth=4, random_state=0))
LOGISTIC = pipeline("log", StandardScaler(), LogisticRegression())
KERNEL = pipeline("power", StandardScaler(), SVC())
NEIGHBORS = pipeline("magnitude", MinMaxScaler(), SelectKBest(k=5), KNeighborsClassifier())
UNION = make_pipeline(
    make_union(FFT(32, output="log"), FFT(32, window=None, output="magnitude")),
    LogisticRegression(max_iter=5000),
).fit(X, Y)
CASES = [
    Case("heard_tree", TREE, X[:60]),
    Case("heard_logistic", LOGISTIC, X[:60]),
    Case("heard_union", make_union(FFT(32, output="log"), FFT(32, output="power")).fit(X), X[:20]),
    Case("heard_scaled", pipeline("log", StandardScaler()), X[:20]),
    *(integers("heard_tree", TREE, dtype) for dtype in ("int16", "int8")),
    *(integers("heard_logistic", LOGISTIC, dtype) for dtype in ("int16", "int8")),
    *(integers("heard_kernel", KERNEL, dtype) for dtype in ("int16", "int8")),
    integers("heard_neighbors", NEIGHBORS, "int16"),
]


@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
@pytest.mark.parametrize(
    "estimator",
    [
        TREE,
        LOGISTIC,
        KERNEL,
        NEIGHBORS,
        UNION,
        pipeline("power", StandardScaler(), PCA(5), LinearSVC()),
        pipeline("power", PCA(5), DecisionTreeClassifier(max_depth=3, random_state=0)),
        pipeline("magnitude", StandardScaler(), Ridge()),
        pipeline("log", IsolationForest(n_estimators=10, random_state=0)),
        GridSearchCV(LOGISTIC, {"fft__window": ["hann", None]}, cv=2).fit(X, Y),
    ],
    ids=lambda estimator: str(estimator).replace("\n", "")[:60],
)
def test_header_goes_from_samples_to_the_answer(estimator: Any, dtype: str) -> None:
    program = mm.transpile(estimator, name="heard", dtype=dtype, calibration=X, min_agreement=0.0)
    fresh = windows(80, 1)[0]
    report = program.verify(fresh)
    assert report, str(report)
    assert report.agreement >= {"float32": 1.0, "int16": 0.95, "int8": 0.85}[dtype]
    assert "(const int16_t *samples" in program.header
    assert "heard_quantize" not in program.header


def test_int16_features_reach_a_tree_as_they_are() -> None:
    tree = pipeline("log", DecisionTreeClassifier(max_depth=4, random_state=0))
    program = mm.transpile(tree, name="heard", dtype="int16", calibration=X)
    assert [type(stage).__name__ for stage in program.model.stages] == ["Spectrum"]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(program.predict(X), tree.predict(X))


def test_integers_larger_than_floats_hold_are_near_thresholds_only_where_undecided() -> None:
    power = pipeline("power", StandardScaler(), DecisionTreeClassifier(random_state=0))
    loud = (windows(100, 2)[0].astype(int) * 8).clip(-32768, 32767)
    assert FFT(32, "hann", "power").transform(loud).max() > 1 << 24
    assert mm.verify(power, loud)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (make_pipeline(StandardScaler().fit(X), FFT(32)), r"FFT takes samples: make it the first step"),
        (make_pipeline(FFT(32), FFT(32)), r"FFT takes samples: "),
        (
            make_pipeline(FeatureUnion([("a", FFT(32))], transformer_weights={"a": 2.0})),
            r"FeatureUnion\(transformer_weights=...\) of extractors cannot be ported",
        ),
        (make_pipeline(make_union(FFT(32), FFT(64))), r"take windows of 32 and 64 samples; one length"),
        (
            make_pipeline(make_union(FFT(32), make_pipeline(FFT(32), PCA(2).fit(X)))),
            r"'pipeline' is no feature extractor alone",
        ),
    ],
)
def test_what_cannot_be_composed_is_refused(estimator: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mm.port(estimator)


def test_pipelines_within_begin_with_samples_too() -> None:
    nested = make_pipeline(
        make_pipeline(FFT(32), StandardScaler()), make_pipeline("passthrough", LogisticRegression())
    )
    assert mm.verify(nested.fit(X, Y), X, name="heard")


def test_missing_values_cannot_be_followed_in_samples() -> None:
    with pytest.raises(ValueError, match=r"missing='exact': this Pipeline does not accept NaN"):
        mm.port(TREE, missing="exact")


def test_a_union_gives_its_features_side_by_side() -> None:
    union = make_union(FFT(32, output="log"), FFT(32, output="power")).fit(X)
    program = mm.transpile(union, name="both")
    np.testing.assert_array_equal(program.transform(X), union.transform(X))
    assert list(program.model.names()[:1]) == ["fft-1__log0"]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(
        program.model.dequantize(program.transform(X))[:, :17],  # type: ignore[attr-defined]
        FFT(32, output="log").dequantize(FFT(32, output="log").transform(X)),
    )
