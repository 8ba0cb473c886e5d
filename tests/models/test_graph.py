"""Nets in the conformance suite; what their operators compute is held to the runtimes in tests/nn."""

from __future__ import annotations

import numpy as np
import pytest

from micromlgen.models import _graph_scale as scaling
from micromlgen.models._graph_input import NetInput
from micromlgen.nn import load_tflite
from tests.cases import Case
from tests.nn import graphs

_RNG = np.random.default_rng(0)
CASES = [
    Case("net_words", load_tflite(graphs.words()), _RNG.normal(-20, 20, (12, 78)).astype(np.float32)),
    Case(
        "net_residual",
        load_tflite(graphs.residual(), classes=["a", "b", "c"], rounding="double"),
        _RNG.normal(0, 1, (12, 144)).astype(np.float32),
    ),
    Case("net_dense", load_tflite(graphs.dense()), _RNG.normal(0, 8, (20, 20)).astype(np.float32)),
    Case(
        "net_one", load_tflite(graphs.dense(sizes=(6, 5, 1))), _RNG.normal(0, 8, (20, 6)).astype(np.float32)
    ),
]


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
