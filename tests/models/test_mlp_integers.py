"""Multi-layer perceptrons in integers."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from micromlgen.boards import Call, core
from micromlgen.calls import predict_call, twin_calls
from micromlgen.errors import UnsupportedError
from micromlgen.models._activations import curve_of
from micromlgen.models._mlp_integer import Hidden
from micromlgen.render import _environment
from tests.cases import SANITIZE, Case, in_layout, integer_cases
from tests.models.test_mlp import ACTIVATIONS, LABELS, TEN, Y, net
from tests.models.test_mlp import CASES as FLOATS
from tests.models.test_tree import DIGIT, DIGITS, IRIS, SPECIES

CASES = [
    *integer_cases([FLOATS[0]]),
    *integer_cases([FLOATS[1], FLOATS[4]], ("int8",)),
    *integer_cases([FLOATS[2], FLOATS[5], *FLOATS[6:]], ("int16",)),
]


def sparse(activation: str) -> Any:
    """A network most of whose blocks of four inputs are 0; how well it reads is not what is tested."""
    estimator = copy.deepcopy(net(MLPClassifier, (10, 9), activation, DIGITS / 16, DIGIT, max_iter=5))
    rng = np.random.default_rng(0)
    for coef, share in zip(estimator.coefs_, (0.25, 0.7, 0.7), strict=True):
        coef *= np.repeat(rng.random((-(-len(coef) // 4), coef.shape[1])) < share, 4, axis=0)[: len(coef)]
    estimator.coefs_[1][:, 0] = 0.0
    return estimator


def shared() -> Any:
    """A network whose weights are multiples of a third of the largest of their layer."""
    estimator = copy.deepcopy(net(MLPClassifier, (12, 15), "relu", DIGITS / 16, DIGIT, max_iter=5))
    for coef in estimator.coefs_:
        coef[:] = np.rint(coef / np.abs(coef).max() * 3) / 3
    return estimator


SIXTEENTHS = (DIGITS[:100] / 16).astype("f4")
CASES += integer_cases(
    [
        *(Case(f"mlp_blocks_{name}", sparse(name), SIXTEENTHS) for name in ("relu", "tanh")),
        Case("mlp_codes", shared(), SIXTEENTHS),
    ],
    ("int8",),
)


def data(name: str) -> tuple[Any, Any, tuple[int, ...]]:
    if name == "digits":
        return DIGITS / 16, DIGIT, (32, 16)
    load = load_breast_cancer if name == "cancer" else load_wine
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y, (16,) if name == "cancer" else (12, 8)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
@pytest.mark.parametrize("name", ["digits", "cancer", "wine"])
def test_rows_that_neither_training_nor_calibration_saw(name: str, activation: str, dtype: str) -> None:
    X, y, layers = data(name)
    train, test, y_train, _ = train_test_split(X.astype("f4"), y, random_state=0)
    estimator = net(MLPClassifier, layers, activation, train, y_train, max_iter=150)
    program = mm.transpile(estimator, name="net", dtype=dtype, calibration=train)
    agreement = (program.predict(test) == estimator.predict(test.astype(float))).mean()
    assert agreement >= 0.99
    off = np.abs(program.predict_proba(test) - estimator.predict_proba(test.astype(float)))
    assert off.mean() <= (0.002 if dtype == "int16" else 0.02)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("kind", "y"), [("line", Y), ("several", np.stack([Y, 2 - Y], axis=1))])
def test_numbers(kind: str, y: Any, activation: str) -> None:
    estimator = net(MLPRegressor, (8,), activation, TEN, y, max_iter=2000)
    expected = estimator.predict(TEN.astype(float))
    program = mm.transpile(estimator, dtype="int16", calibration=TEN)
    off = np.abs(program.predict(TEN) - expected).max(axis=0) / np.ptp(expected, axis=0)
    assert np.max(off) <= 0.003
    assert program.verify(TEN)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_labels(dtype: str) -> None:
    estimator = net(MLPClassifier, (8,), "relu", IRIS, LABELS, max_iter=400)
    program = mm.transpile(estimator, dtype=dtype, calibration=IRIS)
    assert (program.predict(IRIS) == estimator.predict(IRIS.astype(float))).mean() >= 0.99
    second = np.stack([p[:, 1] for p in program.predict_proba(IRIS)], axis=1)
    assert np.abs(second - estimator.predict_proba(IRIS.astype(float))).mean() <= 0.02


def test_a_scaler_folds_into_the_steps_of_the_features() -> None:
    X, y = load_wine(return_X_y=True)
    X = X.astype("f4")
    scaler = StandardScaler().fit(X.astype(float))
    last = net(MLPClassifier, (8,), "relu", scaler.transform(X[::2].astype(float)), y[::2], max_iter=300)
    estimator = Pipeline([("scaler", scaler), ("net", last)])
    program = mm.transpile(estimator, name="wine", dtype="int8", calibration=X[::2])
    assert (program.predict(X[1::2]) == estimator.predict(X[1::2].astype(float))).mean() >= 0.98
    assert program.verify(X[1::2])


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_input_overflows_a_sum(activation: str, dtype: str) -> None:
    """Each neuron is given what makes its sum largest, and smallest."""
    estimator = net(MLPClassifier, (9, 7), activation, DIGITS / 16, DIGIT, max_iter=5)
    estimator.coefs_[1] *= 1e4 if activation in ("relu", "identity") else 10
    model: Any = mm.transpile(estimator, dtype=dtype, calibration=DIGITS[:200] / 16, min_agreement=0.0).model
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    for rows in (*(layer.rows for layer in model.integers.hidden), model.integers.last):
        up = np.where(rows.weights > 0, most, least).astype(np.int64)
        down = np.where(rows.weights > 0, least, most).astype(np.int64)
        for x in (up, down):
            exact = (x * rows.weights).sum(axis=1)
            assert (np.abs(exact) < 2**31).all()
            assert (np.abs(exact + rows.bias) < 2**31).all()
    for layer in model.integers.hidden:
        if layer.short:
            products = np.abs(layer.rows.weights.astype(np.int64)).sum(axis=1) * 128
            assert (products < 2**23).all()
            bias = np.abs(layer.rows.bias.astype(np.int64))
            assert (products * layer.multiplier + bias < 2**31).all()
    hostile = np.random.default_rng(0).choice([least, -1, 0, 1, most], (50, 64)).astype(dtype)
    assert (model.predict(hostile) < 10).all()


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_curves_are_as_exact_as_their_steps(activation: str, dtype: str) -> None:
    curve = curve_of(activation, dtype)
    assert curve is not None
    at = np.arange(-curve.most, curve.most + 1)
    z = at * curve.step
    exact = np.tanh(z) if activation == "tanh" else 1 / (1 + np.exp(-z))
    got = (curve(at) - curve.zero) * curve.unit
    assert np.abs(got - exact).max() <= (0.51 / 127 if dtype == "int8" else 5e-4)
    assert (curve(at) == -curve(-at)).all()
    assert (np.diff(curve(at)) >= 0).all()


def test_dead_and_lonely_neurons() -> None:
    """One that never fires, one input, features that are always the same, and one neuron a layer."""
    X = np.zeros((60, 3), np.float32)
    X[:, 1] = np.linspace(-1, 1, 60)
    estimator = net(MLPClassifier, (3, 1, 2), "relu", X, X[:, 1] > 0.2, max_iter=5)
    estimator.coefs_[0][:, 0], estimator.intercepts_[0][0] = 0.1, -50
    for dtype in ("int16", "int8"):
        program = mm.transpile(estimator, dtype=dtype, calibration=X, min_agreement=0.9)
        assert program.verify(X)
    lonely = net(MLPClassifier, (4,), "tanh", X[:, 1:2], X[:, 1] > 0.2, max_iter=500)
    assert mm.transpile(lonely, dtype="int8", calibration=X[:, 1:2]).verify(X[:, 1:2])


def test_integers_as_they_are() -> None:
    X = np.random.default_rng(0).integers(0, 2, (80, 5)).astype("f4")
    estimator = net(MLPClassifier, (6,), "relu", X, X.sum(axis=1) > 2, max_iter=500)
    program = mm.transpile(estimator, dtype="int8", calibration=X)
    assert (program.quantize(X) == X).all()
    np.testing.assert_array_equal(program.predict(X), estimator.predict(X.astype(float)))


def test_calibration_rows_are_needed() -> None:
    with pytest.raises(UnsupportedError, match="dtype='int8' needs calibration=X, typical rows"):
        mm.port(FLOATS[0].estimator, dtype="int8")


def test_weights_that_no_step_fits() -> None:
    estimator = copy.deepcopy(FLOATS[1].estimator)
    estimator.coefs_[0] *= 1e6
    with pytest.raises(UnsupportedError, match=r"MLPClassifier: weights are too large .* a wider dtype"):
        mm.port(estimator, dtype="int8", calibration=IRIS)


def test_width_of_weights_is_the_users_choice() -> None:
    estimator = net(MLPClassifier, (8,), "relu", IRIS, SPECIES, max_iter=300)
    for weights in ("int8", "int16"):
        model: Any = mm.transpile(
            estimator, dtype="int16", calibration=IRIS, weights=weights, min_agreement=0.9
        ).model
        assert {layer.rows.weights.dtype.name for layer in model.integers.hidden} == {weights}


SUMS = [0, 1, -1, 65535, 65536, -65536, 12345678, -7654321, 2**30 - 1, 1 - 2**30, -(2**30) + 65535]
FACTORS = [1, 2, 255, 256, 257, 32768, 65534, 65535]


@pytest.mark.boards
@pytest.mark.parametrize("name", ["host", "avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_products_are_rounded_exactly(name: str) -> None:
    source = '{% import "multipliers.h.j2" as multipliers %}#include <stdint.h>\n{{ multipliers.wide() }}'
    header = _environment().from_string(source).render()
    rng = np.random.default_rng(0)
    sums = [*SUMS, *rng.integers(1 - 2**30, 2**30, 40).tolist()]
    pairs = [(s, f) for s in sums for f in [*FACTORS, int(rng.integers(1, 65536))]]
    halves = np.array([[s >> 16, s & 0xFFFF, f] for s, f in pairs])
    rows = halves.astype(np.uint16).view(np.int16)
    for half in (0, 0x8000):
        both = "(int32_t)((uint32_t)(uint16_t)x[0] << 16 | (uint16_t)x[1])"
        call = Call(header, rows, f"y[0] = mml2_scaled_16({both}, (uint16_t)x[2], {half}u);")
        flags = SANITIZE if name == "host" else ("-Os",)
        [result] = core(name).run([call], measure=False, flags=flags)
        assert result.y[:, 0].tolist() == [(s * f + half) >> 16 for s, f in pairs]


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_the_twin_rounds_once(dtype: str) -> None:
    model: Any = mm.transpile(FLOATS[0].estimator, dtype=dtype, calibration=IRIS, min_agreement=0.0).model
    layer: Hidden = model.integers.hidden[0]
    assert layer.short == (dtype == "int8")
    half, low, high = (0, -128, 127) if layer.short else (1 << (layer.shift - 1), 0, 32767)
    Q: NDArray[Any] = model.input.encode(IRIS)
    for row, out in zip(Q[:20].tolist(), layer.predict(Q[:20]).tolist(), strict=True):
        for w, b, m, got in zip(
            layer.rows.weights.tolist(), layer.rows.bias.tolist(), layer.multiplier.tolist(), out, strict=True
        ):
            product = sum(x * k for x, k in zip(row, w, strict=True))
            exact = product * m + b if layer.short else (product + b) * m
            assert got == min(max((exact + half) >> layer.shift, low), high)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_sums_that_32_bits_do_not_scale(activation: str) -> None:
    """Features so far apart that a neuron may be thousands of steps beyond where it saturates."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 6)).astype("f4")
    estimator = net(MLPClassifier, (5,), activation, X, X[:, 0] > 0, max_iter=100)
    estimator.coefs_[0][1:] *= 80.0
    estimator.coefs_[0][:, 1] = [0.001, 0, 0, 0, 0, 0]
    program = mm.transpile(estimator, dtype="int8", calibration=X, min_agreement=0.0)
    model: Any = program.model
    assert model.integers.hidden[0].short == (activation == "relu")
    assert program.verify(X)


def test_more_inputs_than_three_bytes_add_up() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 520)).astype("f4")
    estimator = net(MLPClassifier, (5,), "relu", X, X[:, 0] > 0, max_iter=20)
    assert mm.transpile(estimator, dtype="int8", calibration=X, min_agreement=0.0).verify(X[:20])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_sparse_layers_stay_sparse_and_pay(activation: str) -> None:
    estimator = sparse(activation)
    program = mm.transpile(estimator, dtype="int8", calibration=SIXTEENTHS, min_agreement=0.0)
    model: Any = program.model
    assert (model.integers.hidden[0].rows.weights != 0).mean() <= 0.35
    assert len(model.integers.hidden[1].rows.weights) < 9
    dense, *others = program.model.layouts()
    assert program.layout == "blocks"
    for core_name in dense.flash:
        assert others[-1].flash[core_name] < dense.flash[core_name]
        assert others[-1].cycles[core_name] < 0.9 * dense.cycles[core_name]
    full = net(MLPClassifier, (10, 9), activation, DIGITS / 16, DIGIT, max_iter=5)
    assert mm.transpile(full, dtype="int8", calibration=SIXTEENTHS, min_agreement=0.0).layout == "layers"


def test_shared_weights_stay_shared_and_are_small() -> None:
    program = mm.transpile(shared(), dtype="int8", calibration=SIXTEENTHS, min_agreement=0.0, optimize="size")
    model: Any = program.model
    matrices = [*(layer.rows for layer in model.integers.hidden), model.integers.last]
    assert all(len(np.unique(rows.weights)) <= 7 for rows in matrices)
    assert len(set(model.input.exponents.tolist())) == 1
    assert program.layout == "codes"
    dense, *_, coded = model.layouts()
    assert all(coded.flash[name] < dense.flash[name] for name in dense.flash)
    assert mm.transpile(
        shared(), dtype="int8", calibration=SIXTEENTHS, min_agreement=0.0, optimize="speed"
    ).layout in ("layers", "layers by length", "blocks")


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_layers_large_enough_for_several_rows_at_once(name: str) -> None:
    """And rows whose number is no multiple of those."""
    estimator = net(MLPClassifier, (35, 10), "relu", DIGITS / 16, DIGIT, max_iter=5)
    program = mm.transpile(estimator, name="net", dtype="int8", calibration=SIXTEENTHS, min_agreement=0.0)
    assert any(program.model.layouts()[0].build()["fours"])
    rng = np.random.default_rng(0)
    rows = np.concatenate([program.quantize(SIXTEENTHS[:20]), rng.integers(-128, 128, (20, 64)).astype("i1")])
    pairs = twin_calls(program.model, program.header, program.name, rows)
    results = core(name).run([pair.call for pair in pairs], measure=False, flags=("-O2",))
    for pair, result in zip(pairs, results, strict=True):
        assert not pair.differs(result.y).any()


def test_few_rows_are_multiplied_one_by_one() -> None:
    layout = mm.transpile(
        FLOATS[0].estimator, dtype="int8", calibration=IRIS, min_agreement=0.0
    ).model.layouts()[0]
    assert not any(layout.build()["fours"])


@pytest.mark.boards
@pytest.mark.parametrize("estimator", [sparse("relu"), shared()], ids=["blocks", "codes"])
def test_tables_may_lie_across_64_kb_of_flash(estimator: Any) -> None:
    program = mm.transpile(estimator, name="net", dtype="int8", calibration=SIXTEENTHS, min_agreement=0.0)
    Q = program.quantize(SIXTEENTHS[:20])
    where = '__attribute__((section(".progmem.data")))'
    before = "".join(f"static const unsigned char pad{i}[32700] {where} = {{1}};\n" for i in range(2))
    far = " + ".join(f"pgm_read_byte_far(pgm_get_far_address(pad{i}))" for i in range(2))
    for i, layout in enumerate(program.model.layouts()):
        case = in_layout(program, f"net{i}", layout)
        call = predict_call(case.model, f"#include <avr/pgmspace.h>\n{before}{case.header}", case.name, Q)
        call = replace(call, statement=f"{call.statement} if ({far} != 2) y[0] = 99;")
        [result] = core("avr").run([call], measure=False, flags=("-Os",))
        assert (result.y.ravel() == case.predict_index(Q)).all()


def test_biases_that_are_all_positive_are_signed() -> None:
    """Of four bytes: they are added to sums that have a sign."""
    net = MLPClassifier((3,), max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning):
        net.fit(IRIS.astype(float), SPECIES)
    net.intercepts_[0] = np.array([50.0, 40.0, 60.0])
    program = mm.transpile(net, name="positive", dtype="int16", calibration=IRIS, min_agreement=0.0)
    assert (program.model.integers.hidden[0].rows.bias > 0xFFFF).all()
    assert program.verify(IRIS)
