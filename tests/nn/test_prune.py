"""Pruning of perceptrons."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops import io

import micromlgen as mm
from micromlgen.cli.models import read_model
from micromlgen.errors import UnsupportedError
from micromlgen.nn import prune
from tests.nn.nets import diabetes, digits, fitted, nonzeros, reader


@pytest.mark.parametrize(
    ("options", "kept", "most_lost"),
    [
        ({"keep": 0.25}, 0.25, 0.06),
        ({"keep": 0.25, "structure": "weights"}, 0.25, 0.02),
        ({"keep": 0.4, "scope": "layer", "structure": "weights", "steps": 4}, 0.4, 0.03),
        ({"structure": "2:4"}, 0.5, 0.02),
        ({"keep": 0.5, "structure": "weights", "steps": 1}, 0.5, 0.02),
    ],
)
def test_what_is_left_does_as_well(options: dict[str, Any], kept: float, most_lost: float) -> None:
    train, test, y, y_test = digits()
    small = prune(reader(), train, y, epochs=120, **options)
    assert sum(nonzeros(small)) == pytest.approx(kept * sum(nonzeros(reader())), rel=0.02)
    assert small.score(test, y_test) >= reader().score(test, y_test) - most_lost
    program = mm.transpile(small, dtype="int8", calibration=train)
    assert (program.predict(test) == small.predict(test)).mean() >= 0.99


def test_blocks_are_of_four_inputs() -> None:
    train, _, y, _ = digits()
    small = prune(reader(), train, y, keep=0.25, epochs=20)
    for coef in small.coefs_:
        blocks = (coef != 0).reshape(-1, 4, coef.shape[1]).any(axis=1)
        assert np.count_nonzero(coef) == 4 * blocks.sum()


def test_n_of_m_inputs() -> None:
    X, y = load_iris(return_X_y=True)
    net = fitted(MLPClassifier((7,), random_state=0, max_iter=200), X, y)
    small = prune(net, X, y, structure="1:3", epochs=30)
    for coef in small.coefs_:
        assert all(((coef[i : i + 3] != 0).sum(axis=0) <= 1).all() for i in range(0, len(coef), 3))
        assert (coef != 0).any(axis=0).all()


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_neurons_make_layers_smaller(scope: str) -> None:
    train, test, y, y_test = digits()
    small = prune(reader(), train, y, keep=0.5, structure="neurons", scope=scope, epochs=150)
    layers = small.get_params()["hidden_layer_sizes"]
    assert layers == tuple(len(b) for b in small.intercepts_[:-1])
    assert sum(layers) == 16
    assert scope == "global" or layers == (10, 6)
    assert small.score(test, y_test) >= reader().score(test, y_test) - 0.02
    cost = small.compression_
    assert cost.flash_after < 0.7 * cost.flash_before


def test_each_layer_keeps_something() -> None:
    train, _, y, _ = digits()
    small = prune(reader(), train, y, keep=0.001, epochs=0, steps=1)
    assert all(n > 0 for n in nonzeros(small))
    lonely = prune(reader(), train, y, keep=0.001, structure="neurons", epochs=0)
    assert [len(b) for b in lonely.intercepts_] == [1, 1, 10]


def test_the_given_estimator_and_the_seed() -> None:
    train, _, y, _ = digits()
    before = pickle.dumps(reader())
    a, b, c = (prune(reader(), train, y, epochs=4, steps=2, random_state=seed) for seed in (0, 0, 1))
    assert pickle.dumps(reader()) == before
    assert all((p == q).all() for p, q in zip(a.coefs_, b.coefs_, strict=True))
    assert any((p != q).any() for p, q in zip(a.coefs_, c.coefs_, strict=True))
    assert type(a) is MLPClassifier
    assert a.predict_proba(train).shape == (len(train), 10)


def test_a_pipeline_of_a_regressor() -> None:
    net, X, y = diabetes()
    small = prune(net, X, y, keep=0.5, epochs=100)
    assert small[0] is net[0]
    assert sum(nonzeros(small[-1])) == pytest.approx(0.5 * sum(nonzeros(net[-1])), abs=12)
    assert small.score(X, y) >= 0.4
    cost = small[-1].compression_
    assert cost.score_after == pytest.approx(small.score(X, y))
    assert cost.score_before == pytest.approx(net.score(X, y))


@pytest.mark.parametrize("labels", ["two", "several"])
def test_two_classes_and_several_labels(labels: str) -> None:
    X, species = load_iris(return_X_y=True)
    y: Any = np.array(["no", "yes"])[1 * (species == 2)]
    if labels == "several":
        y = np.stack([species == 0, species > 0], axis=1).astype(int)
    net = fitted(MLPClassifier((9,), random_state=0, max_iter=600, learning_rate_init=0.01), X, y)
    small = prune(net, X, y, keep=0.6)
    assert (small.predict(X) == y).mean() >= 0.95
    assert small.compression_.score_after >= small.compression_.score_before


def test_the_account() -> None:
    train, _, y, _ = digits()
    small = prune(reader(), train, y, keep=0.25, epochs=60)
    cost = small.compression_
    assert cost.nonzeros_before == sum(nonzeros(reader()))
    assert cost.nonzeros_after == sum(nonzeros(small))
    assert cost.score_after == small.score(train, y)
    assert cost.agreement == (small.predict(train) == reader().predict(train)).mean()
    program = mm.transpile(small, dtype="int8", calibration=train)
    assert cost.int8_after == (program.predict(train) == y).mean()
    assert cost.flash_after == round(min(x.flash["cortex-m0plus"] for x in program.model.layouts()))
    lines = str(cost).splitlines()
    assert lines[0] == f"prune: the same answer on {cost.agreement:.4f} of the rows"
    assert f"weights other than 0: {cost.nonzeros_before} before, {cost.nonzeros_after} after" in lines


def test_it_can_be_saved(tmp_path: Path) -> None:
    X, y = load_iris(return_X_y=True)
    net = fitted(MLPClassifier((5,), random_state=0, max_iter=50), X, y)
    small = prune(make_pipeline(StandardScaler().fit(X), net), X, y, epochs=2)
    io.dump(small, tmp_path / "small.skops")
    read = read_model(tmp_path / "small.skops", trust=False)
    assert read[-1].compression_ == small[-1].compression_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 0}, "keep=0: use a number above 0, up to 1"),
        ({"keep": 1.5}, "keep=1.5: use a number above 0, up to 1"),
        ({"structure": "rows"}, "structure='rows': use 'blocks', 'weights', 'neurons' or, say, '2:4'"),
        ({"structure": "5:4"}, "structure='5:4': of m inputs at least 1 and at most m are kept"),
        ({"structure": "2:4", "keep": 0.5}, "keep=0.5 beside structure='2:4': the latter says it already"),
        ({"scope": "net"}, "scope='net': use 'global' or 'layer'"),
        ({"steps": 0}, "steps=0: use an integer from 1 on"),
        ({"epochs": -1}, "epochs=-1: use an integer from 0 on"),
        ({"epochs": 1.5}, "epochs=1.5: use an integer from 0 on"),
        ({"learning_rate": 0.0}, "learning_rate=0.0: use a number above 0"),
        ({"learning_rate": 1e160, "epochs": 40}, "training diverged; use a smaller learning_rate"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    net, X, y = diabetes()
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        prune(net, X, y, **options)


def test_what_is_no_perceptron_and_rows_that_do_not_fit() -> None:
    X, y = load_iris(return_X_y=True)
    message = (
        "prune takes a fitted MLPClassifier or MLPRegressor, or a Pipeline that ends in one, not Logistic"
    )
    with pytest.raises(UnsupportedError, match=message):
        prune(LogisticRegression(max_iter=500).fit(X, y), X, y)
    net = fitted(MLPClassifier((5,), random_state=0, max_iter=5), X, y)
    with pytest.raises(UnsupportedError, match=r"X has shape \(150, 3\); rows of 4 features are needed"):
        prune(net, X[:, :3], y)
    with pytest.raises(UnsupportedError, match="y has 3 answers, X has 150 rows"):
        prune(net, X, y[:3])
    with pytest.raises(UnsupportedError, match="y has the class 5, which the estimator was not fitted on"):
        prune(net, X, y + 5)
    flat = fitted(MLPClassifier((), random_state=0, max_iter=5), X, y)
    with pytest.raises(UnsupportedError, match="structure='neurons' needs hidden layers, of which there are"):
        prune(flat, X, y, structure="neurons")
