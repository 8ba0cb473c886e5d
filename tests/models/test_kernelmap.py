"""Features that are sums of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.decomposition import KernelPCA
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES


def fitted(estimator: Any, y: Any = SPECIES) -> Any:
    return estimator.fit(IRIS.astype(float), y)


def sample(n: int = 4, kernel: str = "rbf") -> Any:
    return Nystroem(kernel=kernel, n_components=n, random_state=0)


def components(kernel: str = "rbf") -> Any:
    return KernelPCA(2, kernel=kernel, gamma=0.02)


FLOAT = [
    Case("kernels_rbf", fitted(sample()), IRIS),
    Case("kernels_poly", fitted(make_pipeline(StandardScaler(), components("poly"))), IRIS),
    Case("kernels_folded", fitted(make_pipeline(sample(12), LogisticRegression())), IRIS),
]
CASES = [*FLOAT, *integer_cases([FLOAT[0], FLOAT[2]], ("int16",)), *integer_cases(FLOAT[2:], ("int8",))]


@pytest.mark.parametrize("kernel", ["rbf", "poly", "linear", "cosine"])
@pytest.mark.parametrize("kind", [sample, components])
def test_answers_are_scikit_learns(kernel: str, kind: Any) -> None:
    estimator = fitted(kind(kernel=kernel))
    program = mm.transpile(estimator, name="kernels")
    expected = estimator.transform(IRIS.astype(float))
    error = np.abs(program.transform(IRIS) - expected).max(axis=0)
    assert (error <= 2e-5 * np.ptp(expected, axis=0)).all()
    assert program.verify(IRIS)


def test_one_component() -> None:
    estimator = fitted(sample(1))
    assert mm.verify(estimator, IRIS)


@pytest.mark.parametrize("first", [[], [StandardScaler()]], ids=["alone", "scaled"])
@pytest.mark.parametrize(
    "model",
    [LogisticRegression(), LinearSVC(random_state=0, max_iter=90_000), Ridge(0.1)],
    ids=lambda m: str(m)[:6],
)
@pytest.mark.parametrize("two", [False, True])
def test_a_linear_model_behind_is_in_the_coefficients(first: Any, model: Any, two: bool) -> None:
    y = IRIS[:, 2:4].astype(float) if isinstance(model, Ridge) else SPECIES
    if two:
        y = y[:, 0] if isinstance(model, Ridge) else SPECIES == 2
    estimator = fitted(make_pipeline(*first, sample(60), model), y)
    program = mm.transpile(estimator, name="folded")
    report = program.verify(IRIS)
    assert report, str(report)
    X = IRIS.astype(float)
    assert program.model.undecided(estimator, X).mean() < 0.05
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_allclose(program.predict_proba(IRIS), estimator.predict_proba(X), atol=1e-4)


def test_one_number_of_kernels_is_a_support_vector_regression() -> None:
    estimator = fitted(make_pipeline(sample(20), Ridge(0.1)), IRIS[:, 2].astype(float))
    program = mm.transpile(estimator, name="one", dtype="int16", calibration=IRIS[::2])
    span = np.ptp(IRIS[:, 2])
    error = np.abs(program.predict(IRIS[1::2]) - estimator.predict(IRIS[1::2].astype(float)))
    assert (error < 0.01 * span).mean() > 0.99


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize(
    "steps",
    [
        (Nystroem(gamma=0.05, n_components=30, random_state=0), SGDClassifier(random_state=0)),
        (Nystroem(kernel="poly", degree=2, gamma=0.1, coef0=1, n_components=20, random_state=0), LinearSVC()),
        (Nystroem(gamma=0.1, n_components=6, random_state=0), DecisionTreeClassifier(random_state=0)),
        (KernelPCA(5, kernel="rbf", gamma=0.02), LogisticRegression()),
    ],
    ids=["rbf", "poly", "tree", "pca"],
)
def test_rows_that_calibration_did_not_see(steps: Any, dtype: str) -> None:
    X, y = load_wine(return_X_y=True)
    known, other, own, _ = train_test_split(X.astype(np.float32), y, test_size=0.5, random_state=1)
    pipeline = make_pipeline(StandardScaler(), *steps).fit(known.astype(float), own)
    program = mm.transpile(pipeline, name="kernels", dtype=dtype, calibration=known, min_agreement=0.97)
    agreed = np.mean(program.predict(other) == pipeline.predict(other.astype(float)))
    assert agreed >= (0.98 if dtype == "int16" else 0.95)  # of 89 rows: all but one
    report = program.verify(other[:40])
    assert report, str(report)


@pytest.mark.parametrize("kind", [sample, components])
def test_integers_alone(kind: Any) -> None:
    estimator = fitted(kind())
    program = mm.transpile(estimator, name="kernels", dtype="int16", calibration=IRIS)
    expected = estimator.transform(IRIS.astype(float))
    error = np.abs(program.transform(IRIS) - expected).max(axis=0)
    assert (error <= 5e-3 * np.ptp(expected, axis=0)).all()
    report = program.verify(IRIS[:50])
    assert report, str(report)


def test_before_a_tree() -> None:
    estimator = fitted(make_pipeline(sample(), DecisionTreeClassifier(max_depth=3, random_state=0)))
    report = mm.verify(estimator, IRIS)
    assert report, str(report)


@pytest.mark.parametrize(
    ("estimator", "options", "message"),
    [
        (sample(4, "laplacian"), {}, "kernel 'laplacian' cannot be ported; use linear, poly, rbf or sigmoid"),
        (Nystroem(kernel=lambda a, b: a @ b, n_components=3), {}, "kernel as a callable cannot be ported"),
        (Nystroem(kernel="poly", degree=2.5, n_components=3), {}, r"Nystroem\(degree=2.5\) cannot be ported"),
        (sample(60), {}, "nearly alike that float32 loses .* use fewer n_components, a larger gamma"),
        (
            make_pipeline(sample(60), KNeighborsClassifier()),
            {"dtype": "int8", "calibration": IRIS},
            "Nystroem has components so nearly alike that integers lose .* or dtype='float32'",
        ),
    ],
)
def test_what_cannot_be_ported(estimator: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mm.transpile(fitted(estimator), name="no", **options)


def test_vectors_that_are_not_finite() -> None:
    estimator = fitted(sample())
    estimator.components_ = np.full_like(estimator.components_, np.nan)
    with pytest.raises(ValueError, match="Nystroem has numbers that are not finite; fit it again"):
        mm.transpile(estimator, name="no")
