"""Training that knows of int8."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier

import micromlgen as mm
from micromlgen.nn import prune, quantize_aware
from micromlgen.nn._network import subject
from micromlgen.nn.quantize_aware import Int8
from tests.nn.nets import diabetes, digits, fitted, nonzeros, reader


def test_int8_loses_nothing() -> None:
    train, test, y, y_test = digits()
    before = pickle.dumps(reader())
    aware = quantize_aware(reader(), train, y, epochs=50)
    assert pickle.dumps(reader()) == before
    program = mm.transpile(aware, dtype="int8", calibration=train)
    assert (program.predict(test) == y_test).mean() >= reader().score(test, y_test) - 0.005
    assert aware.compression_.function == "quantize_aware"


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh"])
def test_other_activations(activation: str) -> None:
    X, y = load_iris(return_X_y=True)
    net = MLPClassifier((8,), activation=activation, random_state=0, max_iter=800, learning_rate_init=0.01)
    aware = quantize_aware(fitted(net, X, y), X, y)
    assert aware.score(X, y) >= 0.95
    assert aware.compression_.int8_after >= 0.95


def test_numbers() -> None:
    net, X, y = diabetes()
    aware = quantize_aware(net, X, y, epochs=40)
    assert aware[-1].compression_.int8_after >= aware[-1].compression_.int8_before - 0.02


def test_pruned_weights_stay_0() -> None:
    train, _, y, _ = digits()
    small = prune(reader(), train, y, keep=0.25, epochs=40)
    assert nonzeros(quantize_aware(small, train, y, epochs=5)) == nonzeros(small)


def test_what_training_sees_is_on_the_grid() -> None:
    """Weights times the steps of the inputs are multiples of a 127th of each neuron's largest."""
    train, _, _, _ = digits()
    network = subject(reader(), "test").network
    seen = Int8(network, train.astype(float))
    folded = seen.weights(0, network.coefs[0]) * seen.units[:, None]
    steps = folded / (np.abs(folded).max(axis=0) / 127)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
    out, passes = seen.values(1, np.array([[-1.0, 0.3, 1e9]]))
    assert passes is not None
    assert passes.tolist() == [[True, True, False]]
    assert out[0, 2] == pytest.approx(seen.tops[0])
