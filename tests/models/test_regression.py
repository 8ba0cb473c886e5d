"""Numbers that are products with the features, or exponentials of them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from sklearn import linear_model as lm
from sklearn.cross_decomposition import CCA, PLSCanonical, PLSRegression
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.svm import LinearSVR
from sklearn.tree import DecisionTreeRegressor

import micromlgen as mm
from micromlgen import fixedpoint
from micromlgen.boards import STRICT, Call, core
from micromlgen.calls import predict_call
from micromlgen.errors import UnsupportedError
from micromlgen.render import _environment
from tests.cases import Case, integer_cases
from tests.models.test_tree import DIABETES, PROGRESSION

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:sklearn.*"),
]

ROWS = DIABETES[:120].astype("f4")
X = ROWS.astype(float)
Y = PROGRESSION[:120]
SEVERAL = np.stack([Y, 1e4 + Y**2 / 10, X[:, 0] + X[:, 3]], axis=1)
ON_TEN = (10 * ROWS).astype(float)

FLOAT = [
    Case("reg_line", lm.LinearRegression().fit(X, Y), ROWS),
    Case("reg_outputs", lm.Ridge(0.01).fit(X, SEVERAL), ROWS),
    Case("reg_lasso", lm.Lasso(0.5).fit(X, Y), ROWS),
    Case("reg_poisson", lm.PoissonRegressor(alpha=1e-3).fit(ON_TEN, Y), ON_TEN.astype("f4")),
]
CASES = [
    *FLOAT,
    *integer_cases(FLOAT[:1]),
    *integer_cases(FLOAT[1:2], ("int16",)),
    *integer_cases(FLOAT[2:], ("int8",)),
]

ONE = [
    lm.LinearRegression(),
    lm.LinearRegression(fit_intercept=False),
    lm.LinearRegression(positive=True),
    lm.ARDRegression(),
    lm.BayesianRidge(),
    lm.ElasticNet(0.01),
    lm.ElasticNetCV(cv=2),
    lm.HuberRegressor(max_iter=1000),
    lm.Lars(),
    lm.LarsCV(cv=2),
    lm.Lasso(),
    lm.LassoCV(cv=2),
    lm.LassoLars(0.1),
    lm.LassoLarsCV(cv=2),
    lm.LassoLarsIC(),
    lm.OrthogonalMatchingPursuit(),
    lm.OrthogonalMatchingPursuitCV(cv=2),
    lm.QuantileRegressor(alpha=0.01, solver="highs"),
    lm.Ridge(),
    lm.RidgeCV(),
    lm.RANSACRegressor(random_state=0),
    lm.SGDRegressor(random_state=0),
    lm.TheilSenRegressor(max_subpopulation=50, random_state=0),
    lm.TweedieRegressor(power=0, alpha=0.01),
    lm.TweedieRegressor(power=1.5, alpha=1e-3, link="identity"),
    LinearSVR(random_state=0, C=100.0),
    PLSRegression(3),
]
MANY = [
    lm.LinearRegression(),
    lm.Ridge(np.array([0.1, 0.2, 0.3])),
    lm.RidgeCV(),
    lm.Lasso(0.01),
    lm.Lars(),
    lm.OrthogonalMatchingPursuit(),
    lm.MultiTaskElasticNet(0.1),
    lm.MultiTaskElasticNetCV(cv=2),
    lm.MultiTaskLasso(0.1),
    lm.MultiTaskLassoCV(cv=2),
    lm.RANSACRegressor(random_state=0),
    PLSRegression(3),
    PLSCanonical(2),
    CCA(2),
]
LOGARITHMIC = [
    lm.PoissonRegressor(alpha=1e-3),
    lm.GammaRegressor(alpha=1e-3),
    lm.TweedieRegressor(power=1.5, alpha=1e-3),
    lm.TweedieRegressor(power=0, link="log", alpha=1e-3),
    lm.TweedieRegressor(power=3, alpha=1e-3, fit_intercept=False),
]


def called(value: Any) -> str:
    """Name of a case in a report."""
    return str(value).replace("\n", " ")


def assert_answers(estimator: Any, rows: Any = ROWS, of_span: float = 2e-5, **options: Any) -> None:
    expected = estimator.predict(rows.astype(float))
    got = mm.transpile(estimator, name="line", **options).predict(rows)
    assert got.shape == (expected.shape if expected.ndim == 1 or expected.shape[1] > 1 else (len(rows),))
    span, size = np.ptp(expected, axis=0), np.abs(expected).max(axis=0)
    allowed = of_span * np.where(span > 1e-9 * size, span, size) + 1e-6 * size
    assert (np.abs(got - expected.reshape(got.shape)) <= allowed).all()


@pytest.mark.parametrize("estimator", ONE, ids=called)
def test_one_number(estimator: Any) -> None:
    fitted = copy.deepcopy(estimator).fit(X, Y)
    assert_answers(fitted)
    assert_answers(fitted, of_span=4e-3, dtype="int16", calibration=ROWS)


@pytest.mark.parametrize("estimator", MANY, ids=called)
def test_several_numbers(estimator: Any) -> None:
    """Of very different size: each row of integers has a unit of its own before it takes the common one."""
    fitted = copy.deepcopy(estimator).fit(X, SEVERAL)
    assert_answers(fitted, of_span=1e-3)
    assert_answers(fitted, of_span=4e-3, dtype="int16", calibration=ROWS)


@pytest.mark.parametrize("estimator", LOGARITHMIC, ids=called)
def test_exponentials(estimator: Any) -> None:
    fitted = copy.deepcopy(estimator).fit(ON_TEN, Y / 50)
    assert_answers(fitted, ON_TEN.astype("f4"))
    assert_answers(fitted, ON_TEN.astype("f4"), of_span=4e-3, dtype="int16", calibration=ON_TEN)


@pytest.mark.skipif("PassiveAggressiveRegressor" not in dir(lm), reason="gone")
def test_passive_aggressive() -> None:
    assert_answers(lm.PassiveAggressiveRegressor(random_state=0).fit(X, Y))


def test_one_column_is_one_number() -> None:
    for estimator in (
        lm.LinearRegression(),
        lm.Ridge(),
        PLSRegression(2),
        lm.RANSACRegressor(random_state=0),
    ):
        assert_answers(copy.deepcopy(estimator).fit(X, Y[:, None]))


def test_sparse_coefficients() -> None:
    estimator = lm.Lasso().fit(X, Y)
    sparse = lm.SGDRegressor(penalty="l1", alpha=0.1, random_state=0).fit(X, Y)
    dense = mm.port(sparse)
    assert mm.port(sparse.sparsify()) == dense
    assert_answers(estimator)


def test_the_old_classname() -> None:
    """micromlgen 1.x: LinearRegression ignored it."""
    header = mm.port(lm.LinearRegression().fit(X, Y), classname="HousePrice")
    assert "class HousePrice" in header
    assert "house_price_predict(" in header


def test_a_consensus_of_trees_is_a_tree() -> None:
    tree = lm.RANSACRegressor(DecisionTreeRegressor(max_depth=2), min_samples=0.5, random_state=0).fit(X, Y)
    assert mm.verify(tree, ROWS)


def test_refusals_say_what_to_do() -> None:
    unlinked = lm.PoissonRegressor().fit(ON_TEN, Y)
    unlinked._base_loss.link = object()
    with pytest.raises(
        UnsupportedError, match="with a object cannot be ported; use link='log' or 'identity'"
    ):
        mm.port(unlinked)
    vast = lm.PoissonRegressor().fit(ON_TEN, Y)
    vast.intercept_ = 90.0
    with pytest.raises(UnsupportedError, match="beyond float32; scale the targets"):
        mm.port(vast, dtype="int16", calibration=ON_TEN)
    other = PLSRegression(2).fit(X, Y)
    other._x_mean = other._x_mean + 1
    other._x_std = other._x_std * 3
    other.predict = lambda rows: np.zeros(len(rows))
    with pytest.raises(UnsupportedError, match="predicts otherwise than by its coef_"):
        mm.port(other)


@pytest.mark.parametrize("intercept", [0.0, 1e4, -1e7, 3e8])
def test_a_large_intercept_costs_no_weight_its_bits(intercept: float) -> None:
    """The sum of products has a unit of its own, finer than what int32 leaves beside the intercept."""
    estimator = lm.LinearRegression().fit(X, Y)
    estimator.intercept_ = intercept
    program = mm.transpile(estimator, name="offset", dtype="int16", calibration=ROWS)
    off = np.abs(program.predict(ROWS) - estimator.predict(X))
    # Integers resolve the answer to 2^-31 of the intercept.
    assert (off <= 2e-3 * np.ptp(Y) + 2 * abs(intercept) * 2.0**-31).all()
    assert program.verify(ROWS)


def test_rows_that_calibration_did_not_see() -> None:
    features, y = load_diabetes(return_X_y=True)
    train, test, y_train, _ = train_test_split(features.astype(np.float32), y, random_state=0)
    for estimator in (lm.LinearRegression(), lm.Lasso(0.1), lm.PoissonRegressor(alpha=1e-4)):
        estimator.fit(train.astype(float), y_train)
        expected = estimator.predict(test.astype(float))
        for dtype, allowed in (("float32", 1e-5), ("int16", 5e-3), ("int8", 0.1)):
            options = {} if dtype == "float32" else {"dtype": dtype, "calibration": train, "min_agreement": 0}
            got = mm.transpile(estimator, name="unseen", **options).predict(test)
            off = np.abs(got - expected) / np.ptp(expected)
            assert np.mean(off <= allowed) >= 0.99


def test_logarithmic_answers_saturate() -> None:
    estimator = lm.PoissonRegressor(alpha=1e-3).fit(ON_TEN, Y)
    program = mm.transpile(estimator, name="top", dtype="int16", calibration=ON_TEN)
    extreme = np.where(estimator.coef_ > 0, 32767, -32767).astype(np.int16)[None]
    rows = np.concatenate([extreme, -extreme])
    highest, lowest = program.predict_index(rows).tolist()
    assert highest == fixedpoint.EXP_ONE
    assert 0 < lowest < fixedpoint.EXP_ONE / 1e3
    top = fixedpoint.EXP_ONE * program.model.output_scale
    assert 15 * Y.max() / 2 < top < 17 * 2 * Y.max()
    call = predict_call(program.model, program.header, program.name, rows)
    [result] = core("host").run([call], flags=STRICT, measure=False)
    assert result.y.ravel().tolist() == [highest, lowest]


def exponentials(where: str) -> None:
    """`<n>_exp` over all of its range, to 22 bits."""
    text = (
        '{% import "exp.h.j2" as exp %}#include <stdint.h>\n#include <string.h>\n'
        "static inline int32_t mml2_bits(const float *x) { int32_t b; memcpy(&b, x, 4); return b; }\n"
        '{{ exp.helpers() }}{{ exp.exp_float("m") }}'
    )
    header = _environment().from_string(text).render()
    s = np.concatenate([np.linspace(-88, 88, 4001), np.linspace(-1, 1, 501), [-0.0, 1e-38, -1e30, 1e30]])
    s = s.astype(np.float32)[:, None]
    [result] = core(where).run([Call(header, s, "y[0] = m_exp(x[0]);", "float32")], measure=False)
    exact = np.exp(np.minimum(s.astype(float), fixedpoint.EXP_LARGEST))
    normal = exact > 2.0**-125
    off = np.abs(result.y / np.where(normal, exact, 1) - 1)
    assert (off <= np.abs(np.clip(s, -88, 88)) * 2.0**-22 + 1e-6)[normal].all()
    assert (np.abs(result.y)[~normal] <= 2.0**-124).all()


def test_exponentials_of_all_sizes() -> None:
    exponentials("host")


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus"])
def test_exponentials_of_all_sizes_on_boards(name: str) -> None:
    exponentials(name)


def test_verify_sees_another_model() -> None:
    for estimator in (lm.Ridge(), lm.PoissonRegressor()):
        estimator.fit(ON_TEN, Y)
        program = mm.transpile(estimator, name="wrong")
        assert program.verify(ON_TEN)
        estimator.coef_ = estimator.coef_ * 1.001
        assert not program.verify(ON_TEN)
