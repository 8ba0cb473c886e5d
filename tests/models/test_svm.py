"""Support vector classifiers: every kernel and option."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, NuSVC, OneClassSVM

import micromlgen as mm
from micromlgen.errors import UnsupportedError
from micromlgen.models import _svm_coupling as coupling
from micromlgen.models._svm_duals import Duals, pairs
from micromlgen.models._svm_expansion import Expansion
from micromlgen.models._svm_float import FloatExpansion, floats
from micromlgen.models.svm import Svc
from tests.cases import Case, in_layout, integer_cases
from tests.models.test_tree import DIGIT, DIGITS, IRIS, SPECIES

# What leaves scikit-learn is tested for as long as it is there.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:sklearn.*")

TWO = SPECIES == 2
CANCER, MALIGNANT = load_breast_cancer(return_X_y=True)
WINE, CULTIVAR = load_wine(return_X_y=True)
SCALED = StandardScaler().fit_transform(IRIS).astype(np.float32)
FEW = slice(None, None, 3)


def quietly(fit: Callable[[], Any]) -> Any:
    """A fitted estimator; what it warns of is not what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return fit()


def on_iris(name: str, estimator: Any, y: Any = SPECIES) -> Case:
    fitted = quietly(lambda: estimator.fit(SCALED[FEW].astype(float), None if y is None else y[FEW]))
    return Case(name, fitted, SCALED)


def on_digits(name: str, estimator: Any) -> Case:
    return Case(name, estimator.fit(DIGITS[:90] / 16, DIGIT[:90]), (DIGITS[90:130] / 16).astype("f4"))


RBF = on_iris("svm_rbf", SVC(C=3, break_ties=True))
BINARY = on_iris("svm_binary", SVC(probability=True, random_state=0), TWO)
LINEAR = on_digits("svm_linear", SVC(kernel="linear"))
MANY = on_digits("svm_many", SVC(gamma=0.05, decision_function_shape="ovo"))
POLY = on_iris("svm_poly", SVC(kernel="poly", coef0=0.5, probability=True, random_state=0))
SIGMOID = on_iris("svm_sigmoid", SVC(kernel="sigmoid", gamma=0.2, coef0=-0.1), TWO)
CASES = [
    *(RBF, BINARY, LINEAR, MANY, POLY, SIGMOID),
    *integer_cases([RBF, POLY]),
    *integer_cases([MANY, BINARY], ("int8",)),
    *integer_cases([LINEAR, SIGMOID], ("int16",)),
]


def kernels() -> list[dict[str, Any]]:
    return [
        {"kernel": "linear"},
        {"kernel": "rbf"},
        {"kernel": "rbf", "gamma": "auto"},
        {"kernel": "rbf", "gamma": 3.0},
        {"kernel": "poly"},
        {"kernel": "poly", "degree": 2, "coef0": -1.0, "gamma": 0.3},
        {"kernel": "poly", "degree": 5, "coef0": 1.0},
        {"kernel": "poly", "degree": 1, "coef0": 2.0},
        {"kernel": "poly", "degree": 0},
        {"kernel": "sigmoid", "gamma": 0.1, "coef0": 0.2},
        {"kernel": "rbf", "gamma": 0.0},
    ]


def decided(program: mm.Program, X: NDArray[np.float32]) -> NDArray[np.bool_]:
    return ~program.model.undecided(program.estimator, X.astype(float))[:, 0]


@pytest.mark.parametrize("y", [TWO, np.array(["c", "a", "b"])[SPECIES]], ids=["two", "three"])
@pytest.mark.parametrize("options", kernels(), ids=str)
@pytest.mark.parametrize("kind", [SVC, NuSVC])
def test_classifiers_answer_as_scikit_learn(kind: Any, options: dict[str, Any], y: Any) -> None:
    for shape in ("ovr", "ovo"):
        estimator = kind(**options, decision_function_shape=shape, **({"nu": 0.1} if kind is NuSVC else {}))
        try:
            estimator.fit(SCALED[::2].astype(float), y[::2])
        except ValueError:
            assert kind is NuSVC  # which takes no constant kernel
            continue
        program, wide = mm.transpile(estimator, name="svm"), SCALED.astype(float)
        sure = decided(program, SCALED)
        assert sure.mean() > 0.95 or options.get("degree") == 0 or options.get("gamma") == 0.0
        np.testing.assert_array_equal(program.predict(SCALED)[sure], estimator.predict(wide)[sure])
        right = estimator.decision_function(wide)
        np.testing.assert_allclose(program.decision_function(SCALED)[sure], right[sure], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly"])
@pytest.mark.parametrize("data", [(IRIS, TWO), (IRIS, SPECIES), (DIGITS[:400], DIGIT[:400])])
def test_probabilities_are_those_of_scikit_learn(kernel: str, data: tuple[Any, Any]) -> None:
    X, y = StandardScaler().fit_transform(data[0]).astype(np.float32), data[1]
    estimator = SVC(kernel=kernel, probability=True, random_state=0).fit(X[::2].astype(float), y[::2])
    right = estimator.predict_proba(X.astype(float))
    np.testing.assert_allclose(mm.transpile(estimator, name="svm").predict_proba(X), right, atol=1e-4)
    program = mm.transpile(estimator, name="svm", dtype="int16", calibration=X[::2], min_agreement=0.97)
    assert np.abs(program.predict_proba(X) - right).mean() < 0.005


@pytest.mark.parametrize("n", [2, 3, 7, 20])
def test_integer_coupling_stays_in_32_bits_and_near_the_exact_one(n: int) -> None:
    rng = np.random.default_rng(n)
    r = expit(rng.normal(scale=4, size=(300, n * (n - 1) // 2)))
    r[:20] = np.round(r[:20])  # sure of contradictions
    whole = np.clip(np.rint(r * 65536), 1, 65535).astype(np.int64)
    got = coupling.integer_coupled(whole, n) / 32768
    right, doubt = coupling.coupled(whole / 65536, n)
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=n * 2.0**-15)
    near = doubt[:, 0] == 0
    assert np.abs(got - right)[near].mean() < 2e-3


def test_ties_of_votes_go_to_the_first_class() -> None:
    """Three classes that beat each other in turn."""
    rng = np.random.default_rng(0)
    estimator = SVC(gamma=1, C=100).fit(rng.normal(size=(60, 2)), np.arange(60) % 3)
    grid = np.stack(np.meshgrid(*[np.linspace(-4, 4, 60)] * 2), -1).reshape(-1, 2).astype(np.float32)
    pairwise = copy.copy(estimator).set_params(decision_function_shape="ovo").decision_function(grid)
    won = np.stack([(pairwise[:, 0] > 0), (pairwise[:, 2] > 0), (pairwise[:, 1] < 0)], axis=1)
    circles = won.all(axis=1) | ~won.any(axis=1)
    assert circles.sum() > 20
    for break_ties in (False, True):
        estimator.break_ties = break_ties
        program = mm.transpile(estimator, name="svm")
        sure = decided(program, grid)
        np.testing.assert_array_equal(program.predict(grid)[sure], estimator.predict(grid)[sure])
        assert (program.predict(grid)[sure & circles] == 0).all() != break_ties


def test_a_knockout_finds_the_winner_of_all_votes() -> None:
    """Also where no class beats all others: random weights have many circles."""
    rng = np.random.default_rng(0)
    estimator = SVC(kernel="linear").fit(rng.normal(size=(90, 4)), np.arange(90) % 6)
    X = rng.normal(scale=3, size=(500, 4)).astype(np.float32)
    program = mm.transpile(estimator, name="svm")
    layouts = {layout.name: layout for layout in program.model.layouts()}
    assert program.layout == "knockout products"
    wins = program.model.values(X) > 0
    votes = np.zeros((len(X), 6), int)
    for p, (i, j) in enumerate(pairs(6)):
        votes[:, i] += wins[:, p]
        votes[:, j] += ~wins[:, p]
    assert (votes.max(axis=1) < 5).sum() > 50
    for layout in layouts.values():
        assert in_layout(program, "svm", layout).verify(X)


def test_vectors_are_stored_once_and_idle_ones_not_at_all() -> None:
    values = np.array([[1.0, 2.0, 0.0, -1.0, 3.0], [0.5, 0.5, 0.0, 1.0, -1.0]])
    vectors = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 3.0], [1.0, 2.0], [4.0, 5.0]])
    duals = Duals(values, np.array([0, 3, 4, 5]), np.zeros(3))
    kept, merged = duals.without(vectors)
    np.testing.assert_array_equal(kept, [[1.0, 2.0], [1.0, 2.0], [4.0, 5.0]])
    np.testing.assert_array_equal(merged.values, [[3.0, -1.0, 3.0], [1.0, 1.0, -1.0]])
    assert merged.starts.tolist() == [0, 1, 2, 3]
    X = np.random.default_rng(0).normal(size=(9, 2))
    np.testing.assert_allclose(merged.sums(X @ kept.T), duals.sums(X @ vectors.T))


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_a_class_may_have_no_vectors(dtype: str) -> None:
    estimator = copy.deepcopy(MANY.estimator)
    counts = estimator.n_support_
    keep = np.repeat(np.arange(10), counts) != 4
    estimator._n_support = np.where(np.arange(10) == 4, 0, counts).astype(np.int32)
    for name in ("support_", "support_vectors_"):
        setattr(estimator, name, getattr(estimator, name)[keep])
    estimator.dual_coef_ = estimator._dual_coef_ = np.ascontiguousarray(estimator.dual_coef_[:, keep])
    program = Case("svm_none", estimator, MANY.X).transpile(
        dtype=dtype, calibration=None if dtype == "float32" else MANY.X
    )
    sums = program.model.sums
    assert sums.duals.starts[4] == sums.duals.starts[5]
    sure = decided(program, MANY.X)
    np.testing.assert_array_equal(
        program.predict(MANY.X)[sure], estimator.predict(MANY.X.astype(float))[sure]
    )
    for layout in program.model.layouts():
        assert in_layout(program, "svm_none", layout).verify(MANY.X)


@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly"])
def test_sparse_training_data_make_no_difference(kernel: str) -> None:
    dense = SVC(kernel=kernel).fit(IRIS.astype(float), SPECIES)
    sparse = SVC(kernel=kernel, gamma=dense._gamma).fit(csr_matrix(IRIS.astype(float)), SPECIES)
    got, right = (mm.transpile(e, name="svm").decision_function(IRIS) for e in (sparse, dense))
    np.testing.assert_allclose(got, right, atol=1e-2)
    np.testing.assert_array_equal(
        mm.transpile(sparse, name="svm").predict(IRIS), sparse.predict(csr_matrix(IRIS))
    )


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            SVC(kernel="precomputed"),
            "SVC kernel 'precomputed' cannot be ported; use linear, poly, rbf or sigmoid",
        ),
        (OneClassSVM(kernel=lambda a, b: a @ b.T), "OneClassSVM kernel as a callable cannot be ported"),
        (SVC(break_ties=True, decision_function_shape="ovo"), "use decision_function_shape='ovr'"),
    ],
)
def test_what_cannot_be_ported_is_refused(estimator: Any, message: str) -> None:
    X = SCALED @ SCALED.T if estimator.kernel == "precomputed" else SCALED
    with pytest.raises(UnsupportedError, match=message):
        mm.transpile(estimator.fit(X, SPECIES))


def test_features_that_all_vectors_share_are_left_out() -> None:
    X = DIGITS[:200] / 16
    unused = np.flatnonzero(~X.any(axis=0))
    assert unused.size > 2
    for kernel in ("linear", "rbf", "poly"):
        program = mm.transpile(
            SVC(kernel=kernel).fit(X, DIGIT[:200]), name="svm", dtype="int8", calibration=X, min_agreement=0.9
        )
        chosen = next(layout for layout in program.model.layouts() if layout.name.startswith("gathered"))
        assert chosen.build()["rows"].weights.shape[1] <= 64 - unused.size


@pytest.mark.parametrize("scaler", [MinMaxScaler((-2, 2)), StandardScaler()])
@pytest.mark.parametrize("kernel", ["rbf", "poly", "sigmoid", "linear"])
def test_scalers_before_the_machine(kernel: str, scaler: Any) -> None:
    model = make_pipeline(scaler, SVC(kernel=kernel, C=0.5)).fit(WINE[::2], CULTIVAR[::2])
    X = WINE.astype(np.float32)
    right = model.predict(X.astype(float))
    for dtype in ("float32", "int16"):
        program = mm.transpile(model, name="svm", dtype=dtype, calibration=None if dtype == "float32" else X)
        sure = decided(program, X)
        assert sure.mean() > 0.95
        assert (program.predict(X)[sure] == right[sure]).mean() >= (1.0 if dtype == "float32" else 0.99)


def test_one_factor_for_all_features_becomes_part_of_the_kernel() -> None:
    """Rows divided by 16 before the machine, as a MinMaxScaler does with a common range."""
    X = np.concatenate([np.zeros((1, 4)), np.full((1, 4), 8.0), IRIS.astype(float)])
    y = np.concatenate([[0, 1], SPECIES])
    for kernel in ("rbf", "poly", "sigmoid"):
        model = make_pipeline(MinMaxScaler(), SVC(kernel=kernel, gamma=1.0)).fit(X, y)
        program = mm.transpile(model, name="svm")
        assert isinstance(program.model, Svc)
        np.testing.assert_allclose(program.decision_function(IRIS), model.decision_function(IRIS), atol=1e-4)


def floats_of(estimator: Any) -> tuple[Expansion, FloatExpansion]:
    model = mm.transpile(estimator, name="svm").model
    assert isinstance(model.exact, Expansion)
    return model.exact, floats(model.exact)


def test_distances_in_float_lose_no_more_than_is_promised() -> None:
    """In float32 arithmetic, one rounding after another, in both forms, far from zero too."""
    rng = np.random.default_rng(0)
    for offset, gamma in ((0.0, 0.05), (0.0, 5.0), (30.0, 0.5), (300.0, 0.5)):
        X = (rng.normal(size=(200, 12)) + offset).astype(np.float32)
        exact, known = floats_of(SVC(gamma=gamma).fit(X.astype(float), rng.integers(0, 2, 200)))
        right = exact.sums(X)
        assert (np.abs(known.sums(X) - right) <= 1e-5 * exact.magnitude(X)).all()
        assert known.rounding(X).max() <= 2e-5 * exact.magnitude(X).max()
        v, x = known.vectors.weights, X if known.center is None else X - known.center
        k = np.zeros((len(X), len(v)), np.float32)
        square, dots = np.zeros(len(X), np.float32), np.zeros(k.shape, np.float32)
        for i in range(12):
            square += x[:, i] * x[:, i]
            dots += x[:, i, None] * v[:, i]
            k += (x[:, i, None] - v[:, i]) ** 2
        t = k * known.constant
        if known.form == "products":
            t = (square * known.constant)[:, None] - (known.vectors.bias + dots)
        sums = known.duals.sums(np.exp(-np.maximum(t.astype(np.float64), 0)) * 2**30)
        assert (np.abs(sums - known.sums(X)) <= known.rounding(X)).all()


def test_vectors_far_from_zero_and_narrow_kernels() -> None:
    """Their peaks are so narrow that products, which cancel there, must not be taken for harmless."""
    rng = np.random.default_rng(5)
    X = rng.normal([0, 1000, 101_325], size=(120, 3)).astype(np.float32)
    y = (X @ [1.0, 1.0, 1.0] > 102_325).astype(int) + (X[:, 0] > 0.5)
    estimator = SVC(gamma=0.3, C=10).fit(X.astype(float), y)
    program = mm.transpile(estimator, name="far")
    exact = estimator.decision_function(X.astype(float))
    assert np.abs(program.decision_function(X) - exact).max() < 1e-4
    assert program.verify(X)


def test_steps_are_fine_enough_and_differences_fit() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for scale, gamma, offset in (
        (1, 0.05, 0),
        (100, 5e-4, 0),
        (0.01, 50.0, 3.0),
        (50, 1.0, 0),
        (1, 0.1, 1e6),
    ):
        X = rng.normal(scale=scale, size=(80, 9)) + offset
        known = floats_of(SVC(gamma=gamma).fit(X, rng.integers(0, 2, 80)))[1]
        steps = known.fixed
        if steps is None:
            continue
        found += 1
        assert np.abs(steps.vectors).max() + steps.most < 2**24
        assert np.abs(steps.vectors).max() < 2**23
        far = np.ldexp(float(steps.most - np.abs(steps.vectors).max()), -steps.exponent)
        assert gamma * far**2 > 21
        magnitude = np.abs(steps.duals.spread()).sum() / 4 + abs(float(steps.duals.constant[0]))
        assert magnitude + len(X) < 2**31
        triples = steps.triples.reshape(len(steps.vectors), -1, 3).astype(np.int64)
        np.testing.assert_array_equal(triples @ [1, 256, 65536] - 2**23, steps.vectors)
    assert found >= 3


def test_steps_saturate_and_masks_are_chosen_by_size() -> None:
    duals = Duals(np.eye(4), np.array([0, 1, 2, 3, 4, 4]), np.zeros(10))
    assert duals.mask is not None
    assert duals.mask.tolist() == [1, 2, 4, 8]
    np.testing.assert_array_equal(duals.stored, np.ones(4))
    assert Duals(np.ones((4, 4)), duals.starts, duals.constant).mask is None


@pytest.mark.filterwarnings("ignore")
def test_a_class_that_weighs_nothing() -> None:
    """libsvm leaves it out, and scikit-learn then gives the others' answers wrong names."""
    estimator = SVC().fit(IRIS, SPECIES, sample_weight=(SPECIES > 0).astype(float))
    with pytest.raises(UnsupportedError, match="a class whose rows all weigh nothing"):
        mm.transpile(estimator, name="no")


INSIDE: dict[str, Any] = {
    "one against the rest": OneVsRestClassifier(SVC(kernel="poly")),
    "one against one": OneVsOneClassifier(SVC()),
    "calibrated": CalibratedClassifierCV(SVC(), cv=3),
    "voting": VotingClassifier([("a", SVC()), ("b", NuSVC(nu=0.2)), ("c", LogisticRegression())]),
    "stacked": StackingClassifier([("a", SVC())], final_estimator=SVC(kernel="linear"), cv=3),
    "searched": GridSearchCV(SVC(), {"C": [0.5, 5], "kernel": ["rbf", "sigmoid"]}, cv=3),
    "behind components": make_pipeline(PCA(5), SVC()),
    "weighted classes": SVC(class_weight={"Barolo": 5, "Grignolino": 1, "*/": 0.2}),
}


@pytest.mark.parametrize("name", INSIDE)
def test_machines_inside_others(name: str) -> None:
    """And labels that are texts."""
    labels = np.array(["Barolo", "Grignolino", "*/"])[CULTIVAR]
    X = WINE.astype(np.float32)
    estimator = make_pipeline(StandardScaler(), INSIDE[name]).fit(X[::2].astype(float), labels[::2])
    expected = estimator.predict(X[1::2].astype(float))
    np.testing.assert_array_equal(mm.transpile(estimator, name="inside").predict(X[1::2]), expected)
    if name in ("searched", "behind components", "weighted classes"):
        program = mm.transpile(estimator, name="inside", dtype="int16", calibration=X[::2])
        assert (program.predict(X[1::2]) == expected).mean() >= 0.98


def test_probabilities_of_steep_sigmoids_are_not_promised() -> None:
    """Decisions that hardly differ, as of features of which one hides the others, are told by roundings."""
    steep = coupling.Platt(np.array([-4e7, 2.0, -1.0], np.float32), np.zeros(3, np.float32))
    decisions = np.array([[1e-6, 0.3, 1.0], [0.0, -0.1, 0.2], [-2e-7, 0.0, 0.1]])
    off = np.full((3, 1), 1e-3)
    known = steep.rounding(decisions, off, 3)
    for sign in (-1, 1):
        assert (np.abs(steep.pair(decisions + sign * off) - steep.pair(decisions)) <= known).all()
