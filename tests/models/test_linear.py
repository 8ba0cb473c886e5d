"""Classes by products with the features: linear classifiers, discriminants, counts, clusters, one class."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sefr import SEFR
from sklearn import linear_model as lm
from sklearn.cluster import AffinityPropagation, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import RBFSampler
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC

import micromlgen as mm
from micromlgen.errors import UnsupportedError
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


def test_columns_with_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(WIDE, columns=["a", "b", "c", "d"])
    named = lm.LogisticRegression(max_iter=500).fit(frame, SPECIES)
    plain = lm.LogisticRegression(max_iter=500).fit(WIDE, SPECIES)
    assert mm.port(named) == mm.port(plain)
    assert mm.verify(named, frame)


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
    alike = np.repeat(IRIS[:, :1], 4, axis=1)
    for estimator in (several, two):
        for options in ({}, {"dtype": "int16", "calibration": alike, "min_agreement": 0}):
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


def test_a_score_may_be_as_far_from_another_as_integers_go() -> None:
    """Differences of two scores take 33 bits; the exponential is of the 32 that are meant."""
    estimator = lm.LogisticRegression(max_iter=500).fit(WIDE, SPECIES)
    estimator.coef_[:] = np.array([[1.0], [-1.0], [0.5]]) * 1e3
    estimator.intercept_[:] = [4e9, -4e9, 0]
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=IRIS, min_agreement=0)
    assert program.verify(IRIS)
    scores = program.model.scores(np.full((1, 4), 32767, np.int16))
    assert np.ptp(scores) > 2**31


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


@pytest.mark.parametrize("kind", [lm.LogisticRegression, LinearSVC, SVC], ids=lambda e: e.__name__)
@pytest.mark.parametrize("data", ["digits", "wine"])
def test_few_calibration_rows_do_not_flatter_narrow_weights(kind: Any, data: str) -> None:
    """8 bits answer all of so few training rows, and 2 % of the others otherwise."""
    X, y = {"digits": load_digits, "wine": load_wine}[data](return_X_y=True)
    X = X.astype(np.float32)
    options = {SVC: {"kernel": "linear"}, LinearSVC: {"random_state": 0}}.get(kind, {})
    few, rest, labels, _ = train_test_split(X, y, train_size=80, random_state=1, stratify=y)
    estimator = make_pipeline(StandardScaler(), kind(**options)).fit(few.astype(float), labels)
    program = mm.transpile(estimator, name="model", dtype="int16", calibration=few)
    assert (program.predict(rest) == estimator.predict(rest.astype(float))).mean() >= 0.99


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


@pytest.mark.parametrize("options", [{}, {"dtype": "int16", "calibration": IRIS}], ids=["float32", "int16"])
def test_sefr_of_1_x(options: Any) -> None:
    estimator = SEFR()
    with pytest.raises(ValueError, match="SEFR is not fitted"):
        mm.port(estimator)
    estimator.fit(IRIS, TWO.astype(int))
    report = mm.verify(estimator, IRIS, name="sefr", **options)
    assert report, str(report)
    assert report.agreement > 0.98


@pytest.mark.parametrize(
    ("module", "name", "remedy"),
    [
        ("skrvm.rvm", "RVC", r"use SVC\(probability=True\), or LogisticRegression"),
        ("skrvm.rvm", "RVR", "use SVR, or GaussianProcessRegressor"),
        ("sklearn_rvm.em_rvm", "EMRVC", r"use SVC\(probability=True\)"),
    ],
)
def test_what_1_x_ported_of_a_dead_package_is_refused(module: str, name: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=f"{name} cannot be ported; {remedy}"):
        mm.port(type(name, (), {"__module__": module})())


@pytest.mark.parametrize("kind", [MeanShift, AffinityPropagation], ids=lambda k: k.__name__)
@pytest.mark.filterwarnings("ignore")
def test_clusters_that_were_found_otherwise_have_centres_too(kind: Any) -> None:
    estimator = kind().fit(IRIS.astype(float))
    report = mm.verify(estimator, IRIS)
    assert report, str(report)
    estimator.cluster_centers_ = estimator.cluster_centers_[:1]
    with pytest.raises(ValueError, match=f"{kind.__name__} found no two clusters; use other parameters"):
        mm.transpile(estimator, name="no")


def test_beside_other_products_there_is_no_kernel_for_answers() -> None:
    """Which would be one more: a pipeline that multiplies before shares what it has."""
    own = lm.RidgeClassifier()
    alone, folded, beside, votes = (
        mm.port(estimator.fit(WIDE, SPECIES))
        for estimator in (
            own,
            make_pipeline(PolynomialFeatures(), own),
            make_pipeline(RBFSampler(n_components=5, random_state=0), own),
            VotingClassifier([("a", own), ("b", lm.Perceptron())]),
        )
    )
    assert "mml2_best" in alone
    assert "mml2_best" in folded
    assert "mml2_best" not in beside + votes
    assert "mml2_row_f32" in beside
