"""Classes by products with the features: linear classifiers, discriminants, counts, clusters, one class."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import linear_model as lm
from sklearn.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import micromlgen as mm
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Input
from micromlgen.models._links import integer_probabilities, probabilities
from micromlgen.models._matrix import Matrix
from micromlgen.models._products import layouts
from micromlgen.models._rounding import rounded_together
from tests.cases import Case, integer_cases
from tests.models.test_tree import DIGIT, DIGITS, IRIS, SPECIES

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Options of scikit-learn that leave or change: what they mean is tested for as long as they are there.
    pytest.mark.filterwarnings("ignore::FutureWarning:sklearn.*"),
]

TWO = SPECIES == 2
WIDE = IRIS.astype(float)
HUBER = lm.SGDClassifier(loss="modified_huber", random_state=0)
L1 = lm.LogisticRegression(C=0.02, l1_ratio=1, penalty="elasticnet", solver="saga", max_iter=60)


def quietly(fit: Callable[[], Any]) -> Any:
    """A fitted estimator; what it warns of is not what is tested."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        return fit()


def on_iris(name: str, estimator: Any, y: Any = SPECIES) -> Case:
    return Case(name, quietly(lambda: copy.deepcopy(estimator).fit(WIDE, y)), IRIS)


SPARSE = Case("lin_sparse", quietly(lambda: L1.fit(DIGITS[:200], DIGIT[:200])), DIGITS[:40].astype("f4"))
FLOAT = [
    on_iris("lin_logistic", lm.LogisticRegression(max_iter=500)),
    on_iris("lin_binary", lm.LogisticRegression(), TWO),
    on_iris("lin_rest", lm.SGDClassifier(loss="log_loss", random_state=0)),
    on_iris("lin_huber", HUBER),
    on_iris("lin_one", lm.SGDOneClassSVM(nu=0.2, random_state=0), None),
    SPARSE,
]
CASES = [
    *FLOAT,
    *integer_cases(FLOAT[:1]),
    *integer_cases(FLOAT[1:2], ("int8",)),
    *integer_cases(FLOAT[2:3], ("int16",)),
    *integer_cases(FLOAT[3:5], ("int8",)),
    *integer_cases([SPARSE], ("int16",)),
    *integer_cases(
        [on_iris("lin_huber2", HUBER, TWO), on_iris("lin_kmeans", KMeans(4, n_init=2), None)], ("int16",)
    ),
]

CLASSIFIERS = [
    lm.LogisticRegression(max_iter=2000),
    lm.LogisticRegression(fit_intercept=False, C=100.0, solver="newton-cg"),
    lm.LogisticRegressionCV(cv=2, max_iter=2000),
    lm.Perceptron(random_state=0),
    lm.RidgeClassifier(),
    lm.RidgeClassifier(fit_intercept=False),
    lm.RidgeClassifierCV(),
    lm.SGDClassifier(random_state=0),
    lm.SGDClassifier(loss="log_loss", penalty="l1", alpha=0.01, random_state=0),
    HUBER,
    LinearSVC(random_state=0),
    LinearSVC(multi_class="crammer_singer", random_state=0),
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    LinearDiscriminantAnalysis(solver="eigen", priors=[0.2, 0.8]),
    MultinomialNB(),
    ComplementNB(norm=True),
]


def called(value: Any) -> str:
    """Name of a case in a report."""
    return str(value).replace("\n", " ") if hasattr(value, "fit") else str(value)


def assert_answers(estimator: Any, rows: NDArray[Any], digits: float = 1e-5, **options: Any) -> None:
    """Everything that the program and the estimator both tell about the rows is the same."""
    program, wide = mm.transpile(estimator, name="linear", **options), rows.astype(float)
    alike = np.mean(program.predict(rows) == estimator.predict(wide))
    assert alike == 1.0 if digits < 1e-4 else alike >= 0.98
    if hasattr(estimator, "decision_function"):
        decision = estimator.decision_function(wide)
        span = np.abs(decision).max()
        np.testing.assert_allclose(program.decision_function(rows), decision, rtol=0, atol=digits * span)
    if hasattr(estimator, "predict_proba"):
        proba = estimator.predict_proba(wide)
        scores = program.model.scores(program.quantize(rows))
        # An error of a score is one of its probability, by a slope of at most one half.
        size = np.abs(scores * program.model.matrix.unit).max()
        np.testing.assert_allclose(program.predict_proba(rows), proba, rtol=0, atol=digits * (1 + size))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=called)
def test_classifiers_answer_as_scikit_learn(estimator: Any, several: bool) -> None:
    y = np.array(["c", "a", "b"])[SPECIES] if several else TWO
    estimator = copy.deepcopy(estimator)
    if several and getattr(estimator, "priors", None) is not None:
        estimator.priors = None
    estimator.fit(WIDE, y)
    assert_answers(estimator, IRIS)
    assert_answers(estimator, IRIS, 1e-3, dtype="int16", calibration=IRIS, weights="int16")


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("multi_class", ["auto", "ovr", "multinomial"])
@pytest.mark.parametrize("solver", ["lbfgs", "liblinear", "newton-cholesky", "saga"])
def test_every_meaning_of_multi_class(solver: str, multi_class: str, n_classes: int) -> None:
    """What `auto` means, and for which solvers, has changed more than once; the option leaves with 1.8."""
    if "multi_class" in inspect.signature(lm.LogisticRegression).parameters:
        estimator = lm.LogisticRegression(multi_class=multi_class, solver=solver)
    else:
        estimator = lm.LogisticRegression(solver=solver)
    y = SPECIES % n_classes
    try:
        estimator.fit(WIDE, y)
    except ValueError:
        pytest.skip("not an option here")
    assert_answers(estimator, IRIS)
    assert_answers(estimator, IRIS, 1e-3, dtype="int16", calibration=IRIS, weights="int16")


@pytest.mark.skipif("PassiveAggressiveClassifier" not in dir(lm), reason="gone")
def test_passive_aggressive() -> None:
    assert_answers(lm.PassiveAggressiveClassifier(random_state=0).fit(WIDE, SPECIES), IRIS)


def test_sparse_coefficients() -> None:
    dense = lm.LogisticRegression(C=0.01).fit(WIDE, SPECIES)
    assert mm.port(copy.deepcopy(dense).sparsify()) == mm.port(dense)


@pytest.mark.parametrize("kind", [KMeans, MiniBatchKMeans])
@pytest.mark.parametrize("k", [2, 3, 9])
def test_clusters_are_the_nearest(kind: Any, k: int) -> None:
    estimator = kind(k, n_init=1, random_state=0).fit(WIDE)
    assert_answers(estimator, IRIS)
    assert_answers(estimator, IRIS, 1e-3, dtype="int16", calibration=IRIS, weights="int16")


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_one_class(fit_intercept: bool) -> None:
    estimator = lm.SGDOneClassSVM(nu=0.3, fit_intercept=fit_intercept, random_state=0).fit(WIDE)
    answers = estimator.predict(WIDE)
    assert set(answers) == {1, -1} or not fit_intercept
    for options in ({}, {"dtype": "int16", "calibration": IRIS, "weights": "int16"}):
        program = mm.transpile(estimator, name="one", **options)
        np.testing.assert_array_equal(program.predict(IRIS), answers)
        scores = estimator.score_samples(WIDE)
        np.testing.assert_allclose(
            program.score_samples(IRIS), scores, rtol=0, atol=1e-3 * np.abs(scores).max()
        )


def test_labels_and_their_order_are_scikit_learns() -> None:
    """micromlgen 1.x inverted binary regression (0 % right), and gave 0, 1, 2 for labels 10, 20, 30."""
    for labels in ([10, 20, 30], ["ten", "twenty", "thirty"]):
        for n in (2, 3):
            y = np.array(labels[:n])[SPECIES % n]
            program = mm.transpile(lm.LogisticRegression(max_iter=500).fit(WIDE, y), name="labels")
            assert program.verify(IRIS)
            right = np.mean(program.predict(IRIS) == program.estimator.predict(WIDE))
            assert right == 1.0
            assert ("labels_class" in program.header) == isinstance(labels[0], int)


def refused() -> dict[str, tuple[Any, str]]:
    """Estimators that cannot be ported, and what is said about them."""
    labels = np.eye(3)[SPECIES]
    broken = lm.LogisticRegression().fit(WIDE, TWO)
    broken.coef_[0, 1] = np.inf
    huge = lm.RidgeClassifier().fit(WIDE, TWO)
    huge.coef_ *= 1e40
    return {
        "labels": (
            lm.RidgeClassifier().fit(WIDE, labels),
            "several outputs cannot be ported; use MultiOutput",
        ),
        "class": (
            MultinomialNB().fit(WIDE, np.zeros(150)),
            "MultinomialNB was fitted on one class; fit it on",
        ),
        "cluster": (KMeans(1, n_init=1).fit(WIDE), "has one cluster; fit it with n_clusters=2"),
        "bisecting": (BisectingKMeans(3).fit(WIDE), "BisectingKMeans cannot be ported; use KMeans"),
        "infinite": (broken, "LogisticRegression has weights that are not finite; fit it again"),
        "huge": (huge, "beyond float32; scale the features"),
    }


@pytest.mark.parametrize("name", refused())
def test_refusals_say_what_to_do(name: str) -> None:
    estimator, message = refused()[name]
    with pytest.raises(UnsupportedError, match=message):
        mm.port(estimator)


def test_integers_need_calibration_and_room() -> None:
    estimator = lm.LogisticRegression().fit(WIDE, TWO)
    with pytest.raises(UnsupportedError, match="calibration"):
        mm.port(estimator, dtype="int16")
    estimator.coef_ *= 1e12
    one = lm.SGDOneClassSVM().fit(WIDE)
    one.coef_ = one.coef_ * 1e12
    with pytest.raises(UnsupportedError, match="too large for integers; scale the features"):
        mm.port(one, dtype="int16", calibration=IRIS)


def test_ties_go_to_the_first() -> None:
    """Of equal scores scikit-learn takes the first; a score of nothing is the first of two classes."""
    several, two = (lm.RidgeClassifier().fit(WIDE, y) for y in (SPECIES, TWO))
    several.coef_[:] = several.coef_[0]
    several.intercept_[:] = 0.5
    two.coef_[:], two.intercept_ = np.array([[1.0, -1.0, 0.0, 0.0]]), np.zeros(1)
    rows = np.repeat(np.array([[1, 1, 5, 7]], np.float32), 5, axis=0)
    for estimator in (several, two):
        for options in ({}, {"dtype": "int16", "calibration": IRIS, "min_agreement": 0}):
            program = mm.transpile(estimator, name="ties", **options)
            expected = estimator.predict(rows.astype(float))
            np.testing.assert_array_equal(program.predict(rows), expected)
            assert expected[0] == estimator.classes_[0]


def test_verify_sees_another_model() -> None:
    """What the contract leaves open is read from the estimator, so that a wrong header has no excuse."""
    for estimator in (
        lm.LogisticRegression(),
        MultinomialNB(),
        KMeans(3, n_init=1),
        lm.SGDOneClassSVM(nu=0.3),
    ):
        estimator.fit(WIDE, SPECIES)
        program = mm.transpile(estimator, name="wrong")
        assert program.verify(IRIS)
        for attribute in ("coef_", "feature_log_prob_", "cluster_centers_"):
            if hasattr(estimator, attribute):
                setattr(estimator, attribute, getattr(estimator, attribute)[::-1] * -1.1)
        assert not program.verify(IRIS)


HOSTILE = {
    "plain": lambda rng, n: (rng.normal(size=(4, n)), rng.normal(size=4)),
    "bias": lambda rng, n: (rng.normal(size=(3, n)) * 1e-3, np.array([1e6, -1e6, 0.0])),
    "all positive": lambda rng, n: (np.ones((2, n)), np.ones(2)),
    "one large": lambda rng, n: (np.where(np.arange(n) == n // 2, 1e6, 1e-3)[None], np.zeros(1)),
    "zero": lambda rng, n: (np.zeros((2, n)), np.array([0.0, 3.0])),
    "nothing": lambda rng, n: (np.zeros((2, n)), np.zeros(2)),
    "unlike": lambda rng, n: (rng.normal(size=(3, n)) * [[1e6], [1.0], [1e-6]], np.array([0.0, 1e3, -1e-3])),
    "tiny": lambda rng, n: (np.full((1, n), 1e-20), np.full(1, 1e-22)),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("n", [1, 2, 64, 2000])
@pytest.mark.parametrize(("dtype", "width"), [("int16", "int16"), ("int16", "int8"), ("int8", "int8")])
@pytest.mark.parametrize("options", [{}, {"by_row": True}, {"whole": True, "finest": 2.0**-30}], ids=str)
def test_no_sum_of_any_input_leaves_32_bits(kind: str, n: int, dtype: Any, width: Any, options: Any) -> None:
    """Inputs chosen against each row: all extremes, the value that stands for NaN included."""
    weights, bias = HOSTILE[kind](np.random.default_rng(n), n)
    inputs = Input(n, dtype, exponents=np.full(n, 3, np.int32))
    if options.get("whole") and max(np.abs(weights).max(), np.abs(bias).max()) > 1e4:
        pytest.skip("units of one or less")
    matrix = Matrix(weights, bias).scaled(inputs, width, **options)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    integers = matrix.weights.astype(np.int64)
    rows = np.concatenate([np.where(integers > 0, a, b) for a, b in ((low, high), (high, low), (-high, low))])
    products = rows @ integers.T
    largest = np.iinfo(np.int32).max
    assert np.abs(products).max() <= largest
    scores = matrix.scores(rows.astype(dtype))
    assert np.abs(scores).max() <= largest
    # No bit is wasted: the weights are as wide as their type, or a sum as large as its.
    fullest = max(np.abs(integers).max() / np.iinfo(width).max, np.abs(scores).max() / largest)
    assert fullest > 0.24 or options.get("finest") or not np.abs(bias).max()
    # And what is left is the score.
    exact = rows @ (weights * inputs.unit).T + bias
    terms = np.abs(rows).sum(axis=1, keepdims=True) / 2 + 2
    shift = 0 if matrix.shift is None else matrix.shift.astype(int)
    off = np.abs(scores * matrix.unit - exact) / matrix.unit
    assert (off <= np.ldexp(terms, -shift) + 2).all()


@pytest.mark.parametrize("n_rows", [20, 1000])
def test_rounding_together_changes_scores_less(n_rows: int) -> None:
    """Also on other rows like those that were known, and of fewer rows than features."""
    weights = lm.LogisticRegression(max_iter=300).fit(DIGITS[:500], DIGIT[:500]).coef_
    known, other = DIGITS[:n_rows], DIGITS[1000:]
    scaled = weights * 127 / np.abs(weights).max()
    together, lost = rounded_together(scaled, known, 127)
    assert np.abs(together).max() <= 127
    assert (together == np.rint(together)).all()
    for rows in (known, other):
        off = rows @ (together - scaled).T + lost
        assert np.std(off) < np.std(rows @ (np.rint(scaled) - scaled).T) / 1.2


def test_rounding_together_keeps_to_the_proof() -> None:
    """Weights whose sum is as large as it may be leave no room for others than the nearest."""
    inputs = Input(600, "int16", exponents=np.zeros(600, np.int32))
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.integers(-3000, 3000, (50, 1)), 600, axis=1).astype(np.int16)
    weights = Matrix(np.full((1, 600), 109.49), np.zeros(1))
    assert abs(rounded_together(weights.weights, rows, 127)[0]).sum() > 600 * 109
    matrix = weights.scaled(inputs, "int8", rows=rows)
    assert matrix.fits(32768)
    assert not replace(matrix, weights=matrix.weights + np.int8(1)).fits(32768)


def test_more_features_than_a_sum_has_room_for() -> None:
    inputs = Input(140_000, "int16", exponents=np.zeros(140_000, np.int32))
    with pytest.raises(UnsupportedError, match="so many features"):
        Matrix(np.ones((1, 140_000)), np.zeros(1)).scaled(inputs, "int8")


def test_a_score_may_be_as_far_from_another_as_integers_go() -> None:
    """Differences of two scores take 33 bits; the exponential is of the 32 that are meant."""
    estimator = lm.LogisticRegression(max_iter=500).fit(WIDE, SPECIES)
    estimator.coef_[:] = np.array([[1.0], [-1.0], [0.5]]) * 1e3
    estimator.intercept_[:] = [4e9, -4e9, 0]
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=IRIS, min_agreement=0)
    assert program.verify(IRIS)
    scores = program.model.scores(np.full((1, 4), 32767, np.int16))
    assert np.ptp(scores) > 2**31


@pytest.mark.parametrize("scale", [1.0, 1e-3, 50.0])
@pytest.mark.parametrize("n", [1, 3, 40])
def test_clipped_probabilities_of_integers(n: int, scale: float) -> None:
    scores = np.random.default_rng(n).normal(size=(500, n)) * scale
    scores[0], scores[1], scores[2] = -5.0, 5.0, 0.0
    scores[3, 1:] = -1.0
    unit = 2.0**-20
    integers = np.rint(scores / unit).astype(np.int64)
    got = integer_probabilities(integers, "clipped", unit) / 2**15
    # Where next to nothing is shared, a unit is a large share.
    whole = (np.clip(scores, -1, 1) + 1).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        got, probabilities(scores, "clipped"), rtol=0, atol=4e-5 + (n > 1) * 1e-4 / max(whole.min(), 1e-3)
    )


def test_float32_stays_within_its_bounds() -> None:
    """Sums in float32 in several orders, with products rounded or fused."""
    rng = np.random.default_rng(0)
    for n in (1, 7, 64, 500):
        matrix = Matrix(rng.normal(size=(5, n)), rng.normal(size=5)).rounded()
        X = (rng.normal(size=(200, n)) * 10.0 ** rng.integers(-3, 4, (200, 1))).astype(np.float32)
        bound, exact = matrix.rounding(X), matrix.scores(X)
        assert bound is not None
        for order in (slice(None), slice(None, None, -1)):
            rounded = np.zeros((200, 5), np.float32)
            fused = matrix.bias + np.zeros((200, 5), np.float32)
            for x, w in zip(X.T[order], matrix.weights.T[order], strict=True):
                rounded = rounded + x[:, None] * w
                fused = (fused + x[:, None].astype(float) * w).astype(np.float32)
            for sums in (rounded + matrix.bias, fused):
                assert (np.abs(sums - exact) <= bound).all()
        assert (bound <= 1e-7 * (n + 4) * matrix.magnitude(X) + 1e-30).all()


def test_weights_that_are_zero_are_left_out() -> None:
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(10, 64)).astype(np.float32)

    def names(weights: NDArray[Any]) -> list[str]:
        return [x.name for x in layouts(Matrix(weights, np.zeros(len(weights), np.float32)), "f32")]

    assert names(dense) == ["rows"]
    framed = dense.copy()
    framed[:, :9] = framed[:, 50:] = 0
    [rows] = [x.build() for x in layouts(Matrix(framed, np.zeros(10, np.float32)), "f32") if x.name == "rows"]
    assert rows["first"] == 8
    assert rows["rows"].weights.shape == (10, 44)
    holes = dense.copy()
    holes[:, rng.random(64) < 0.5] = 0
    assert "gathered" in names(holes)
    scattered = np.where(rng.random((10, 64)) < 0.1, dense, 0)
    assert "scattered" in names(scattered)
    # One row is gathered as well as paired.
    assert names(scattered[:1]) == ["rows", "gathered"]
    assert names(np.zeros((3, 64), np.float32)) == ["rows"]


def test_layouts_cost_what_they_save() -> None:
    """A tenth of the weights: a tenth of the cycles, and about half of the flash on a core without an FPU."""
    program = SPARSE.transpile()
    of = {x.name: x for x in program.model.layouts()}
    assert of["scattered"].cycles["cortex-m0plus"] < 0.4 * of["rows"].cycles["cortex-m0plus"]
    assert of["scattered"].flash["cortex-m0plus"] < of["rows"].flash["cortex-m0plus"]
    assert SPARSE.transpile(optimize="size").layout == "scattered"


UNSEEN: dict[str, tuple[Any, Any]] = {
    "linsvc_digits": (LinearSVC(random_state=0), load_digits),
    "logreg_digits": (lm.LogisticRegression(max_iter=1000), load_digits),
    "lda_digits": (LinearDiscriminantAnalysis(), load_digits),
    "counts_digits": (MultinomialNB(), load_digits),
    "kmeans_digits": (KMeans(10, n_init=1, random_state=0), load_digits),
    "logreg_cancer": (lm.LogisticRegression(max_iter=1000), load_breast_cancer),
    "ridge_wine": (lm.RidgeClassifier(), load_wine),
}


@pytest.mark.parametrize("name", UNSEEN)
@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
def test_rows_that_calibration_did_not_see(name: str, dtype: str) -> None:
    estimator, load = UNSEEN[name]
    X, y = load(return_X_y=True)
    train, test, y_train, _ = train_test_split(X, y, random_state=0)
    if load is not load_digits:
        scaler = StandardScaler().fit(train)
        train, test = scaler.transform(train), scaler.transform(test)
    train, test = (rows.astype(np.float32) for rows in (train, test))
    estimator = copy.deepcopy(estimator).fit(train.astype(float), y_train)
    options = {} if dtype == "float32" else {"dtype": dtype, "calibration": train, "min_agreement": 0.97}
    program = mm.transpile(estimator, name="unseen", **options)
    right = np.mean(program.predict(test) == estimator.predict(test.astype(float)))
    assert right >= {"float32": 1.0, "int16": 0.99, "int8": 0.97}[dtype]


def test_weights_are_as_narrow_as_they_may_be() -> None:
    estimator = LinearSVC(random_state=0).fit(DIGITS / 16, DIGIT)
    rows = (DIGITS / 16).astype(np.float32)
    kernels = {
        w: mm.transpile(estimator, name="w", dtype="int16", calibration=rows, weights=w).model.kernel
        for w in (None, "int8", "int16")
    }
    assert kernels == {None: "i16w8", "int8": "i16w8", "int16": "i16"}
    with pytest.raises(UnsupportedError, match="weights='int16' with inputs of int8"):
        mm.port(estimator, dtype="int8", calibration=rows, weights="int16")
