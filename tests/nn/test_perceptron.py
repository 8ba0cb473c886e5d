"""Perceptrons in the arithmetic of other runtimes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import micromlgen as mm
from micromlgen.errors import UnsupportedError
from micromlgen.nn import as_net
from tests.cases import Case

QUICK = {"max_iter": 150, "random_state": 0, "tol": 5e-3, "learning_rate_init": 0.01}
DIGITS, DIGIT = load_digits(return_X_y=True)
DIGITS = (DIGITS / 16).astype(np.float32)
TRAIN, TEST, LEARNT, ASKED = train_test_split(DIGITS, DIGIT, random_state=0)
CANCER, MALIGNANT = load_breast_cancer(return_X_y=True)
CANCER = scale(CANCER).astype(np.float32)
SUGAR, PROGRESS = load_diabetes(return_X_y=True)
SUGAR = (SUGAR * 10).astype(np.float32)
RELU = MLPClassifier((32, 16), **QUICK).fit(TRAIN, LEARNT)
INT8 = {"dtype": "int8", "calibration": TRAIN[:300], "min_agreement": 0}
CASES = [
    Case("net_of_digits", as_net(MLPClassifier((8,), **QUICK).fit(TRAIN, LEARNT)), TEST[:60], options=INT8)
]


@pytest.mark.parametrize("rounding", ["single", "double"])
def test_digits_in_the_bytes_of_another_runtime(rounding: str) -> None:
    net = as_net(RELU, rounding)
    assert (net.predict(TEST) == RELU.predict(TEST)).all()
    program = mm.transpile(net, name="digits", dtype="int8", calibration=TRAIN)
    assert program.verify(TEST)
    assert (program.predict(TEST) == RELU.predict(TEST)).mean() >= 0.98


def test_the_two_ways_to_round_differ() -> None:
    one, two = (
        mm.transpile(as_net(RELU, rounding), name="digits", dtype="int8", calibration=TRAIN).model
        for rounding in ("single", "double")
    )
    Q = one.input.encode(TEST)
    assert (one.numbers(Q) != two.numbers(Q)).any()


@pytest.mark.parametrize("activation", ["tanh", "logistic", "identity"])
def test_two_classes_and_other_activations(activation: str) -> None:
    mlp = MLPClassifier((8,), activation=activation, **QUICK).fit(CANCER, MALIGNANT == 1)
    net = as_net(mlp)
    assert (net.predict(CANCER) == mlp.predict(CANCER)).all()
    program = mm.transpile(net, name="cells", dtype="int8", calibration=CANCER[:300])
    assert program.verify(CANCER[300:])
    assert (program.predict(CANCER[300:]) == mlp.predict(CANCER[300:])).mean() >= 0.98


def test_numbers() -> None:
    mlp = MLPRegressor(hidden_layer_sizes=(10,), **{**QUICK, "max_iter": 1000, "tol": 1e-2}).fit(
        SUGAR, PROGRESS
    )
    net = as_net(mlp)
    np.testing.assert_allclose(net.predict(SUGAR), mlp.predict(SUGAR), rtol=1e-5)
    program = mm.transpile(net, name="sugar", dtype="int8", calibration=SUGAR, min_agreement=0)
    assert np.median(np.abs(program.predict(SUGAR) - mlp.predict(SUGAR))) < 0.02 * np.ptp(PROGRESS)


def test_refusals() -> None:
    chain = make_pipeline(StandardScaler(), MLPClassifier((4,), **QUICK)).fit(CANCER, MALIGNANT)
    with pytest.raises(UnsupportedError, match="as_net takes a perceptron alone"):
        as_net(chain)
    several = MLPClassifier((4,), **QUICK).fit(CANCER, np.stack([MALIGNANT, 1 - MALIGNANT], axis=1))
    with pytest.raises(UnsupportedError, match="one target of classes; fit a perceptron for each"):
        as_net(several)
    with pytest.raises(UnsupportedError, match="rounding='thrice': use 'single' or 'double'"):
        as_net(RELU, "thrice")
    with pytest.raises(UnsupportedError, match="as_net"):
        as_net(StandardScaler().fit(CANCER))
