"""Multi-layer perceptrons."""

from __future__ import annotations

import copy
import inspect
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from micromlgen.boards import core
from micromlgen.calls import predict_call
from micromlgen.convert import convert
from micromlgen.errors import UnsupportedError
from micromlgen.models._activations import FUNCTIONS
from micromlgen.models._layers import merged as merged_layers
from micromlgen.models._layers import without_idle
from micromlgen.models._matrix import Matrix
from tests.cases import Case
from tests.conformance.test_headers import SOFT_FLOAT
from tests.models.test_tree import DIABETES, DIGIT, DIGITS, IRIS, PROGRESSION, SPECIES

WIDE = IRIS.astype(float)
TEN = (10 * DIABETES[:80]).astype("f4")
Y = PROGRESSION[:80] / 100
LABELS = np.stack([SPECIES == 2, SPECIES > 0, IRIS[:, 0] > 5.5], axis=1).astype(int)
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
HAS_POISSON = "loss" in inspect.signature(MLPRegressor).parameters


def net(kind: Any, layers: tuple[int, ...], activation: str, X: Any, y: Any, **more: Any) -> Any:
    """A fitted network; that it could learn on is not what is tested."""
    options = {"hidden_layer_sizes": layers, "activation": activation, "random_state": 0, "max_iter": 60}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind(**{**options, **more}).fit(X.astype(float), y)


CASES = [
    Case("mlp_relu", net(MLPClassifier, (7, 5), "relu", IRIS, SPECIES), IRIS),
    Case("mlp_tanh", net(MLPClassifier, (6,), "tanh", IRIS, SPECIES == 2), IRIS),
    Case("mlp_labels", net(MLPClassifier, (5, 4, 3), "logistic", IRIS, LABELS), IRIS),
    Case("mlp_line", net(MLPRegressor, (3,), "identity", TEN, Y), TEN),
    Case("mlp_outputs", net(MLPRegressor, (5,), "relu", TEN, np.stack([Y, -Y], axis=1)), TEN),
    Case("mlp_curve", net(MLPRegressor, (4, 3), "logistic", TEN, Y), TEN),
    # Its second layer has more bytes than AVR's largest object.
    Case("mlp_large", net(MLPClassifier, (90, 95), "relu", IRIS, SPECIES, max_iter=3), IRIS[::5]),
]
if HAS_POISSON:
    CASES.append(Case("mlp_poisson", net(MLPRegressor, (4,), "relu", TEN, Y, loss="poisson"), TEN))


@pytest.mark.parametrize("layers", [(), (5,), (6, 4), (3, 8, 2, 5)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["two", "three", "labels"])
def test_classifiers_answer_as_scikit_learn(kind: str, activation: str, layers: tuple[int, ...]) -> None:
    names = np.array(["c", "a", "b"])
    y: Any = {"two": names[1 * (SPECIES == 2)], "three": names[SPECIES], "labels": LABELS}[kind]
    estimator = net(MLPClassifier, layers, activation, IRIS, y)
    program = mm.transpile(estimator, name="net")
    np.testing.assert_array_equal(program.predict(IRIS), estimator.predict(WIDE))
    proba = program.predict_proba(IRIS)
    if kind == "labels":
        proba = np.stack([p[:, 1] for p in proba], axis=1)
    np.testing.assert_allclose(proba, estimator.predict_proba(WIDE), atol=1e-5)


@pytest.mark.parametrize("layers", [(), (5,), (6, 4, 3)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("several", [False, True])
def test_regressors_answer_as_scikit_learn(activation: str, layers: tuple[int, ...], several: bool) -> None:
    y = np.stack([Y, 2 - Y, Y**2], axis=1) if several else Y
    estimator = net(MLPRegressor, layers, activation, TEN, y)
    expected = estimator.predict(TEN.astype(float))
    np.testing.assert_allclose(mm.transpile(estimator).predict(TEN), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(not HAS_POISSON, reason="not in this scikit-learn")
@pytest.mark.parametrize("several", [False, True])
def test_exponential_outputs(several: bool) -> None:
    y = np.stack([Y, 1 / Y], axis=1) if several else Y
    estimator = net(MLPRegressor, (6,), "tanh", TEN, y, loss="poisson")
    expected = estimator.predict(TEN.astype(float))
    program = mm.transpile(estimator)
    np.testing.assert_allclose(program.predict(TEN), expected, rtol=1e-5)
    assert program.verify(TEN)


@pytest.mark.parametrize("name", ["digits", "cancer"])
def test_rows_that_training_did_not_see(name: str) -> None:
    """The networks of the bench, and everything that their C and their twin say of the rows held back."""
    if name == "digits":
        X, y, layers = DIGITS / 16, DIGIT, (32, 16)
    else:
        X, y = load_breast_cancer(return_X_y=True)
        X, layers = StandardScaler().fit_transform(X), (16,)
    train, test, y_train, _ = train_test_split(X.astype(np.float32), y, random_state=0)
    estimator = net(MLPClassifier, layers, "relu", train, y_train, max_iter=200)
    program = mm.transpile(estimator, name="unseen")
    np.testing.assert_array_equal(program.predict(test), estimator.predict(test.astype(float)))
    assert program.verify(test)
    sure = ~program.model.undecided(estimator, test.astype(float))
    assert sure.mean() > 0.99


def test_refusals_say_what_to_do() -> None:
    estimator = copy.deepcopy(CASES[0].estimator)
    estimator.coefs_[1][0, 0] = np.nan
    with pytest.raises(UnsupportedError, match="MLPClassifier has weights that are not finite; fit it again"):
        mm.port(estimator)
    estimator = copy.deepcopy(CASES[0].estimator)
    estimator.activation = "softplus"
    with pytest.raises(
        UnsupportedError, match=r"activation='softplus'.*; use one of identity, logistic, tanh, relu"
    ):
        mm.port(estimator)
    with pytest.raises(UnsupportedError, match="MLPClassifier was fitted on one class; fit it on two"):
        mm.port(net(MLPClassifier, (2,), "relu", IRIS, np.zeros(150)))
    estimator = copy.deepcopy(CASES[3].estimator)
    estimator.out_activation_ = "softplus"
    with pytest.raises(UnsupportedError, match="MLPRegressor with the output 'softplus' cannot be ported"):
        mm.port(estimator)


def random_layers(rng: np.random.Generator, sizes: tuple[int, ...]) -> tuple[Matrix, ...]:
    pairs = zip(sizes[1:], sizes, strict=False)
    return tuple(Matrix(rng.normal(size=(m, n)) / np.sqrt(n), rng.normal(size=m)) for m, n in pairs)


def through(layers: tuple[Matrix, ...], activation: str, X: NDArray[Any]) -> NDArray[Any]:
    for layer in layers[:-1]:
        X = FUNCTIONS[activation](layer.scores(X))
    return layers[-1].scores(X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_idle_neurons_are_left_out(activation: str) -> None:
    """Those that nothing uses, those that use nothing; whole layers of them too."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 6))
    layers = random_layers(rng, (6, 8, 7, 3))
    expected = []
    for unused, constant in (([0, 3], [1, 3]), (range(8), []), ([], range(8)), ([0], range(8))):
        idle = copy.deepcopy(layers)
        idle[1].weights[:, list(unused)] = 1e-60
        idle[0].weights[list(constant)] = 1e-60
        expected.append(through(idle, activation, X))
        kept = without_idle(idle, FUNCTIONS[activation])
        np.testing.assert_allclose(through(kept, activation, X), expected[-1], rtol=0, atol=1e-12)
        idle_ones = len(set(unused) | set(constant))
        assert len(kept[0].bias) == max(8 - idle_ones, 1)
    assert without_idle(layers, FUNCTIONS[activation])[0].weights.shape == (8, 6)


def test_layers_without_an_activation_are_one() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 9))
    for sizes, shapes in (
        ((9, 8, 7, 2), [(2, 9)]),
        ((9, 2, 9), [(2, 9), (9, 2)]),  # a bottleneck has fewer weights than what it amounts to
        ((9, 20, 2, 9), [(2, 9), (9, 2)]),
        ((9, 1), [(1, 9)]),
    ):
        layers = random_layers(rng, sizes)
        merged = merged_layers(layers)
        assert [layer.weights.shape for layer in merged] == shapes
        np.testing.assert_allclose(through(merged, "identity", X), through(layers, "identity", X), atol=1e-12)


def in_float32(model: Any, X: NDArray[Any], order: slice) -> NDArray[np.float32]:
    """Scores as a float32 machine has them that adds in this order, with what the C's curves are off."""
    a = X
    for number, layer in enumerate(model.layers):
        sums = np.zeros((len(X), len(layer.bias)), np.float32)
        for x, w in zip(a.T[order], layer.weights.T[order], strict=True):
            sums = sums + x[:, None] * w
        a = sums + layer.bias
        if number + 1 < len(model.layers):
            a = FUNCTIONS[model.activation](a.astype(float)).astype(np.float32)
            if model.activation in ("tanh", "logistic"):
                a += np.where(np.arange(a.shape[1]) % 2, 8e-7, -8e-7).astype(np.float32)
    return a


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_stays_within_its_bounds(activation: str) -> None:
    estimator = net(MLPClassifier, (30, 20, 10), activation, IRIS, SPECIES)
    model = mm.transpile(estimator).model
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(300, 4)) * 10.0 ** rng.integers(-2, 3, (300, 1))).astype(np.float32)
    exact, bound = model.scores(X), model.rounding(X)
    for order in (slice(None), slice(None, None, -1)):
        off = np.abs(in_float32(model, X, order) - exact)
        assert (off <= bound).all()
    # And they are no wider than a few ten-thousandths of the scores.
    assert (bound <= 3e-4 * (1 + np.abs(exact).max(axis=1, keepdims=True))).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_moved_features_move_scores_within_bounds(activation: str) -> None:
    model = mm.transpile(net(MLPClassifier, (9, 5), activation, IRIS, SPECIES)).model
    rng = np.random.default_rng(0)
    by = np.full(IRIS.shape, 1e-3)
    most = model.moves(IRIS, by)
    for _ in range(20):
        moved = IRIS + by * rng.choice([-1, 1], IRIS.shape)
        assert (np.abs(model.scores(moved) - model.scores(IRIS)) <= most + 1e-9).all()


def curves(where: str, n: int) -> None:
    """One neuron whose weight is one shows its activation, on the whole axis."""
    special = [0.0, -0.0, 1e-20, -1e-6, 1e-39, 1e30, -1e30, 20.9999, 21.0, -10.5]
    x = np.concatenate([np.linspace(-30, 30, n), np.linspace(-1, 1, n), special]).astype("f4")[:, None]
    for activation, allowed in (("tanh", 2e-6), ("logistic", 1e-6)):
        estimator = net(MLPRegressor, (1,), activation, x, np.tanh(x.ravel() / 3), max_iter=2)
        estimator.coefs_ = [np.ones((1, 1)), np.ones((1, 1))]
        estimator.intercepts_ = [np.zeros(1), np.zeros(1)]
        program = mm.transpile(estimator, name="curve")
        call = predict_call(program.model, program.header, program.name, x)
        [result] = core(where).run([call], measure=False)
        exact = FUNCTIONS[activation](x.astype(float))
        assert np.abs(result.y - exact).max() <= allowed
        assert np.abs(result.y - exact).max() > 1e-9


def test_curves_are_as_exact_as_they_say() -> None:
    curves("host", 3001)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_curves_are_as_exact_without_an_fpu(name: str) -> None:
    """Their exponential and their quotient are integers where float routines would be called."""
    curves(name, 301)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "rv32imc"])
def test_no_float_routine_is_linked_for_a_class(name: str) -> None:
    for case in CASES[:3]:
        program = case.transpile()
        call = predict_call(program.model, program.header, program.name, case.X[:1])
        assert not {s for s in core(name).symbols(call) if SOFT_FLOAT.search(s)}


def test_verify_sees_another_model() -> None:
    for case in CASES[:4]:
        estimator = copy.deepcopy(case.estimator)
        program = mm.transpile(estimator, name="wrong")
        assert program.verify(case.X)
        estimator.coefs_ = [c * 1.05 for c in estimator.coefs_]
        estimator.intercepts_ = [-b for b in estimator.intercepts_]
        assert not program.verify(case.X)


def test_ties_go_to_the_first() -> None:
    estimator = copy.deepcopy(CASES[0].estimator)
    estimator.coefs_[-1][:] = estimator.coefs_[-1][:, :1]
    estimator.intercepts_[-1][:] = 0
    assert set(estimator.predict(WIDE)) == {0}
    assert set(mm.transpile(estimator).predict(IRIS)) == {0}


def test_a_scaler_before_it_costs_nothing() -> None:
    from micromlgen.affine import Affine

    model = convert(CASES[0].estimator)
    gain, offset = np.array([2.0, 0.5, 1.0, 3.0]), np.array([1.0, -1.0, 0.0, 0.5])
    behind = model.behind(Affine.elementwise(gain, offset))
    assert behind is not None
    np.testing.assert_allclose(behind.scores(WIDE), model.scores(WIDE * gain + offset), atol=1e-9)
    assert [layer.weights.shape for layer in behind.layers] == [layer.weights.shape for layer in model.layers]


@pytest.mark.boards
def test_weights_stay_in_flash_and_buffers_on_the_stack() -> None:
    program = CASES[0].transpile()
    [call] = [predict_call(program.model, program.header, program.name, IRIS[:3])]
    assert core("avr").size(call).ram == 0
    assert program.model.buffers == (7, 5)
    stack = core("avr").run([call])[0].stack
    assert stack <= 4 * (7 + 5) + 90
