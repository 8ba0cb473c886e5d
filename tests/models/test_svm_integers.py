"""Support vector machines in integers: what they agree on, and that nothing leaves 32 bits."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR, NuSVC

import micromlgen as mm
from micromlgen.boards import Call, core
from micromlgen.calls import twin_calls
from micromlgen.errors import UnsupportedError
from micromlgen.models import _matrix, _svm_model
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_integer import IntegerExpansion, IntegerPoly, IntegerRbf, Norms
from micromlgen.models._svm_model import OnSums
from micromlgen.models._svm_quantize import Precision
from micromlgen.models.svm import Svc
from micromlgen.render import _environment
from tests.cases import Case, in_layout
from tests.models import test_svm, test_svm_outliers, test_svm_regression
from tests.models.test_svm import CANCER, CULTIVAR, MALIGNANT, MANY, RBF, SCALED, WINE, decided, on_digits
from tests.models.test_tree import DIGIT, DIGITS, SPECIES

CASES: list[Case] = []
HELD_OUT = [
    (SVC(gamma=0.05), CANCER, MALIGNANT),
    (SVC(kernel="poly", gamma=0.1, coef0=1.0), WINE, CULTIVAR),
    (SVC(kernel="sigmoid"), CANCER, MALIGNANT),
    (SVC(kernel="linear"), DIGITS[::2], DIGIT[::2]),
    (SVC(), DIGITS[::2] / 16, DIGIT[::2]),
    (NuSVC(nu=0.1), WINE, CULTIVAR),
]


def test_integers_need_finite_numbers_and_a_sane_gamma() -> None:
    broken = copy.deepcopy(RBF.estimator)
    broken.support_vectors_[0, 0] = np.nan
    with pytest.raises(UnsupportedError, match="not finite; fit it again"):
        mm.transpile(broken)
    with pytest.raises(UnsupportedError, match="gamma is too large"):
        mm.transpile(SVC(gamma=1e9).fit(SCALED, SPECIES), dtype="int8", calibration=SCALED)
    with pytest.raises(UnsupportedError, match="weights='int16' with inputs of int8"):
        mm.transpile(RBF.estimator, dtype="int8", calibration=SCALED, weights="int16")


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize(
    ("estimator", "X", "y"), HELD_OUT, ids=[str(e) + str(X.shape) for e, X, _ in HELD_OUT]
)
def test_integers_agree_on_rows_that_calibration_did_not_see(
    estimator: Any, X: Any, y: Any, dtype: str
) -> None:
    train, test, y_train, _ = train_test_split(X, y, random_state=1)
    model = make_pipeline(StandardScaler(), estimator).fit(train, y_train)
    program = mm.transpile(model, name="svm", dtype=dtype, calibration=train)
    rows = test.astype(np.float32)
    sure = decided(program, rows)
    agreed = program.predict(rows)[sure] == model.predict(rows.astype(float))[sure]
    assert agreed.mean() >= 0.99 or (~agreed).sum() <= 1


def integer_models() -> list[tuple[str, OnSums]]:
    out = []
    for case in [*test_svm.CASES, *test_svm_outliers.CASES, *test_svm_regression.CASES]:
        program = case.transpile()
        if program.model.input.is_integer:
            out.append((case.name, program.model))
    return out


def test_no_extreme_leaves_the_integers() -> None:
    """Every sum of corners of the encoded cube, in exact arithmetic, is what 32 bits hold."""
    rng = np.random.default_rng(0)
    for name, model in integer_models():
        n, top = model.input.n_features, model.input.highest
        Q = rng.choice(np.array([-top, top], model.input.dtype), (400, n))
        if isinstance(model.sums, Matrix):
            continue
        assert isinstance(model.sums, IntegerExpansion), name
        signs = np.sign(model.rows.weights).astype(model.input.dtype)
        Q = np.concatenate([Q, signs * top, -signs * top, np.full((1, n), np.iinfo(model.input.dtype).min)])
        Q = Q.astype(model.input.dtype)
        assert np.abs(model.sums.sums(Q)).max() < 2**31, name
        most = 32767
        if isinstance(model.sums, IntegerPoly) and model.sums.down is not None:
            most = 2**31 >> model.sums.down >> 16
        reach = model.sums.duals.magnitude() * most + np.abs(model.sums.duals.constant.astype(np.int64))
        assert reach.max() < 2**31, name
        if isinstance(model.sums, IntegerRbf):
            far = (np.abs(model.rows.weights.astype(np.int64)) << model.sums.shift) + top
            assert (far**2).sum(axis=1).max() < 2**32, name
        else:
            most = max(top, -int(np.iinfo(model.input.dtype).min))
            products = np.abs(model.rows.weights.astype(np.int64)).sum(axis=1) * most
            assert products.max() + abs(model.sums.constant) < 2**31, name
        if isinstance(model.sums, IntegerPoly):
            assert model.sums.most << model.sums.left < 2**32
            assert model.sums.most << model.sums.left >> model.sums.right < 2**16


def test_support_vectors_that_are_integers_keep_their_scale() -> None:
    program = mm.transpile(
        SVC(gamma=0.001).fit(DIGITS[:300], DIGIT[:300]), name="svm", dtype="int8", calibration=DIGITS[:300]
    )
    assert not program.model.input.exponents.any()
    np.testing.assert_array_equal(program.model.rows.weights, program.estimator.support_vectors_)


def test_features_far_from_zero_are_centered() -> None:
    X = (WINE[:, [0, 2, 7]] * 0.01 + 100).astype(np.float32)
    estimator = SVC(gamma=2000, C=10).fit(X.astype(float), CULTIVAR)
    program = mm.transpile(estimator, name="svm", dtype="int16", calibration=X)
    assert program.model.input.center is not None
    assert program.verify(X).agreement >= 0.99


@pytest.mark.boards
@pytest.mark.parametrize("largest", [600, 1900, 2500])
def test_several_vectors_at_a_time_end_with_their_table(
    monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    """Tables of AVR's largest objects are cut as well where rows are multiplied several at a time."""
    monkeypatch.setattr(_matrix, "_LARGEST_OBJECT", largest)
    program = mm.transpile(MANY.estimator, name="cut", dtype="int8", calibration=MANY.X, min_agreement=0)
    assert isinstance(program.model, Svc)
    assert len(program.model.rows.tables) > 2
    Q = program.quantize(MANY.X[:9])
    for layout in program.model.layouts():
        cut = in_layout(program, "cut", layout)
        assert ("mml2_dots_" in cut.header) == ("together" in layout.name)
        calls = twin_calls(cut.model, cut.header, cut.name, Q)
        results = core("cortex-m4f").run([each.call for each in calls], measure=False)
        assert not any(each.differs(got.y).any() for each, got in zip(calls, results, strict=True))


@pytest.mark.boards
@pytest.mark.parametrize("name", ["host", "avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_wide_powers_of_many_classes(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(_svm_model, "PRECISIONS", {"int16": (Precision("int16", "int16", fine=True),)})
    case = on_digits("steep", SVC(kernel="poly", degree=5, coef0=-0.2))
    program = mm.transpile(case.estimator, name="steep", dtype="int16", calibration=case.X)
    Q = program.quantize(case.X)
    ways = {
        layout.name.removeprefix("gathered ").removesuffix(" together") for layout in program.model.layouts()
    }
    assert ways == {"masked products", "direct products"}
    for layout in program.model.layouts():
        rendered = in_layout(program, "steep", layout)
        calls = twin_calls(rendered.model, rendered.header, rendered.name, Q)
        results = core(name).run([each.call for each in calls], measure=False)
        assert not any(each.differs(got.y).any() for each, got in zip(calls, results, strict=True))


def test_norms_are_as_narrow_as_they_differ() -> None:
    narrowed = Norms.of(np.array([70_000, 100_000, 134_000]))
    assert (narrowed.least, narrowed.above.dtype) == (70_000, np.uint16)
    np.testing.assert_array_equal(narrowed.values, [70_000, 100_000, 134_000])
    kept = Norms.of(np.array([-3, 100, 1000]))
    assert (kept.least, kept.above.dtype) == (0, np.int16)
    np.testing.assert_array_equal(kept.values, [-3, 100, 1000])


def test_steep_powers_of_which_15_bits_are_too_few() -> None:
    X, y = CANCER.astype(np.float32), MALIGNANT
    steep = make_pipeline(StandardScaler(), SVC(kernel="poly", degree=5)).fit(X[::2].astype(float), y[::2])
    program = mm.transpile(steep, name="steep", dtype="int16", calibration=X[::2])
    assert (program.predict(X[1::2]) == steep.predict(X[1::2].astype(float))).mean() >= 0.98


@pytest.mark.boards
@pytest.mark.parametrize("name", ["host", "avr", "cortex-m0plus", "cortex-m4f"])
def test_products_of_kernels_and_coefficients(name: str) -> None:
    values = np.array([-32768, -32767, -256, -255, -128, -1, 0, 1, 127, 128, 255, 256, 32767], np.int16)
    X = np.array([(a, b, low) for a in values for b in values for low in (0, 1, -1, -32768)], np.int16)
    text = _environment().from_string(
        '{% import "svm_coefficients.h.j2" as c %}#include <stdint.h>\n'
        "{{ c.product_i16w8() }}{{ c.product_i32w16() }}"
    )
    statement = (
        "y[0] = mml2_product_i16w8(x[0], (int8_t)x[1]); "
        "y[1] = mml2_product_i32w16((int32_t)((uint32_t)(uint16_t)x[0] << 16 | (uint16_t)x[2]), x[1]);"
    )
    [result] = core(name).run([Call(text.render(), X, statement, "int32", 2)], measure=False)
    a, b, low = X.T.astype(np.int64)
    exact = np.stack([a * b.astype(np.int8), (a * 65536 + (low & 65535)) * b >> 16], axis=1)
    np.testing.assert_array_equal(result.y, exact)


def test_vectors_of_8_bits_and_features_of_16() -> None:
    """Digits are integers as they are, and vectors of a byte each lose nothing."""
    X, y = DIGITS[:150], DIGIT[:150]
    estimator = SVC(gamma=1e-3).fit(X.astype(float), y)
    program = mm.transpile(estimator, name="digits", dtype="int16", calibration=X)
    assert program.model.kernel == "i16w8"
    report = program.verify(X[:40])
    assert report, str(report)


@pytest.mark.parametrize(("X", "y"), [(WINE, CULTIVAR), (CANCER, MALIGNANT)], ids=["wine", "cancer"])
def test_powers_of_rows_beyond_the_calibration(X: Any, y: Any) -> None:
    """They do not saturate, and neither do a few large ones leave the others no bits."""
    known, other, own, _ = train_test_split(X.astype(np.float32), y, test_size=0.5, random_state=0)
    estimator = make_pipeline(StandardScaler(), SVR(kernel="poly")).fit(known.astype(float), own)
    program = mm.transpile(estimator, name="powers", dtype="int16", calibration=known, min_agreement=0.98)
    off = np.abs(program.predict(other) - estimator.predict(other.astype(float)))
    span = np.ptp(estimator.predict(known.astype(float)))
    assert (off < 0.01 * span).mean() > 0.985
    assert np.median(off) < 0.005 * span


@pytest.mark.parametrize("options", [{}, {"gamma": "auto", "C": 10}], ids=str)
def test_borders_that_training_rows_are_not_near(options: dict[str, Any]) -> None:
    """Rows to come are nearer to them than the vectors, which training kept off."""
    draw = {"n_informative": 5, "n_redundant": 0, "n_clusters_per_class": 1, "random_state": 14}
    X, y = make_classification(500, 10, n_classes=3, **draw)
    X = X.astype(np.float32)
    machine = make_pipeline(RobustScaler(), SVC(**options)).fit(X[:250].astype(float), y[:250])
    program = mm.transpile(machine, name="svm", dtype="int16", calibration=X[:250])
    assert (program.predict(X) == machine.predict(X.astype(float))).mean() >= 0.995
