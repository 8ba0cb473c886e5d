"""Nets in the conformance suite; what their operators compute is held to the runtimes in tests/nn."""

from __future__ import annotations

import numpy as np
import pytest

import micromlgen as mm
from micromlgen.boards import STRICT, Call, core
from micromlgen.errors import UnsupportedError
from micromlgen.models import _graph_scale as scaling
from micromlgen.models._graph_input import NetInput
from micromlgen.nn import load_tflite
from tests.cases import Case
from tests.nn import graphs, oracles

_RNG = np.random.default_rng(0)
_IMAGES = _RNG.normal(0, 1, (12, 144)).astype(np.float32)
_WORDS = _RNG.normal(0, 1, (24, 78)).astype(np.float32)
CASES = [
    Case("net_words", load_tflite(graphs.words()), 20 * _WORDS[:12] - 20),
    Case("net_residual", load_tflite(graphs.residual(), classes=["a", "b", "c"], rounding="double"), _IMAGES),
    Case("net_dense", load_tflite(graphs.dense()), _RNG.normal(0, 8, (20, 20)).astype(np.float32)),
    Case(
        "net_one", load_tflite(graphs.dense(sizes=(6, 5, 1))), _RNG.normal(0, 8, (20, 6)).astype(np.float32)
    ),
    Case("net_words_float", load_tflite(graphs.words("float32")), _WORDS[:8]),
    Case("net_residual_float", load_tflite(graphs.residual("float32"), classes=range(3)), _IMAGES[:8]),
    Case(
        "net_calibrated",
        load_tflite(graphs.words("float32"), classes=list("abcd")),
        _WORDS,
        {"dtype": "int8", "calibration": _WORDS, "min_agreement": 0.0},
    ),
]


def test_a_net_in_float_is_that_of_its_runtime() -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    assert litert
    for contents in (graphs.words("float32"), graphs.residual("float32"), graphs.dense("float32")):
        net = load_tflite(contents)
        X = _RNG.normal(0, 1, (20, net.n_features_in_)).astype(np.float32)
        y = net.graph.floats(X)[net.graph.output]
        np.testing.assert_allclose(y.reshape(20, -1), oracles.litert(contents, X), rtol=1e-4, atol=1e-5)


def test_bounds_hold_and_tell_something() -> None:
    """Sums in float32, in the order of NumPy, are off by less; not by orders of magnitude."""
    net = load_tflite(graphs.residual("float32"))
    X = _RNG.normal(0, 1, (30, 144)).astype(np.float32)
    program = mm.transpile(net, name="net")
    by = program.model.off(X)
    run = Call(program.header, X, "net_predict(x, y);", "float32", 3)
    off = np.abs(core("host").run([run], flags=("-O1", *STRICT))[0].y - program.model.numbers(X))
    assert (off <= by).all()
    assert by.max() < 1e-3 * np.ptp(program.model.numbers(X))


def test_a_net_in_float_becomes_one_in_int8() -> None:
    net = load_tflite(graphs.words("float32"))
    X, unseen = (_RNG.normal(0, 1, (n, 78)).astype(np.float32) for n in (200, 400))
    program = mm.transpile(net, name="net", dtype="int8", calibration=X)
    assert (program.predict(unseen) == net.predict(unseen)).mean() >= 0.98
    shares = net.graph.floats(unseen)[net.graph.output]
    assert np.abs(program.predict_proba(unseen) - shares).max() < 0.03
    with pytest.raises(UnsupportedError, match="needs calibration=X"):
        mm.transpile(net, dtype="int8")


@pytest.mark.parametrize("kind", ["residual", "dense"])
def test_numbers_of_calibrated_nets_are_near(kind: str) -> None:
    net = load_tflite(getattr(graphs, kind)("float32"))
    X, unseen = (_RNG.normal(0, 1, (n, net.n_features_in_)).astype(np.float32) for n in (200, 300))
    program = mm.transpile(net, name="net", dtype="int8", calibration=X, min_agreement=0.0)
    exact = net.predict(unseen)
    assert np.sqrt(((program.predict(unseen) - exact) ** 2).mean()) < 0.06 * exact.std()


def test_multipliers_that_round_once_are_those_of_float64() -> None:
    rng = np.random.default_rng(1)
    factors = np.concatenate([rng.uniform(1e-5, 0.9, 40), 2.0 ** -np.arange(1, 12), 1 / np.arange(2, 40)])
    most = np.minimum(300 / factors, 2.0**22)
    found = scaling.once(factors, most, 256)
    assert found is not None
    for factor, limit, multiplier, shift in zip(factors, most, *found, strict=True):
        ties = np.rint((np.arange(256) + 0.5) / factor).astype(np.int64)
        x = np.concatenate([ties + k for k in range(-2, 3)])
        x = x[(x >= 0) & (x <= limit)]
        x = np.concatenate([x, -x])
        exact = x * factor
        expected = np.sign(exact) * np.floor(np.abs(exact) + 0.5)
        got = scaling.rounded_once(x, multiplier, shift)
        within = np.abs(expected) <= 256
        np.testing.assert_array_equal(got[within], expected[within])


def test_real_numbers_become_the_integers_of_litert() -> None:
    inputs = NetInput.of(7, 0.5, -100)
    x = np.array([[0.0, 0.25, -0.25, 1e9, -np.inf, np.nan, 3.2]], np.float32)
    assert inputs.encode(x).tolist() == [[-100, -99, -101, 127, -128, -100, -94]]


@pytest.mark.parametrize(("a", "b"), [(-(2**31), 5), (7, 2**31 - 1), (-3, 1 << 30), (0, 9)])
def test_products_are_halved_to_the_nearest(a: int, b: int) -> None:
    exact = a * b / 2**31
    assert abs(int(scaling.doubling_high(np.array([a]), b)[0]) - exact) <= 0.5
