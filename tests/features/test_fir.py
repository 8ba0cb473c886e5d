"""FIR filters and decimation: exact sums, rounded once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.calls import predict_call, twin_calls
from micromlgen.errors import UnsupportedError
from micromlgen.features import FIRFilter
from tests.cases import SANITIZE, Case
from tests.features.windows import stacked

RNG = np.random.default_rng(0)
#: Taps and decimation: symmetric and not, odd and even, each remainder by 4, one, few, large, faint.
DESIGNS: dict[str, tuple[Any, int]] = {
    "even": (signal.firwin(32, 0.3), 1),
    "odd": (signal.firwin(33, 0.2), 4),
    "even_halves": (signal.firwin(30, 0.5), 2),
    "odd_halves": (signal.firwin(31, 0.5), 3),
    "general": (RNG.normal(0, 0.2, 29), 1),
    "general_even": (RNG.normal(0, 0.2, 28), 5),
    "difference": ([1.0, -1.0], 1),
    "one": ([0.7], 2),
    "three": ([0.25, 0.5, 0.25], 1),
    "antisymmetric": (signal.firwin2(18, [0, 1], [0, 1], antisymmetric=True), 1),
    "loud": (RNG.normal(0, 9, 12), 1),
    "faint": (RNG.normal(0, 1e-4, 12), 1),
    "full_scale": (np.where(np.arange(40) % 3, 1.0, -1.0), 1),
}
CASES = [
    Case("fir_decimating", FIRFilter(*DESIGNS["odd"]).fit(stacked(70)), stacked(70)),
    Case("fir_general", FIRFilter(*DESIGNS["general"], n_channels=2).fit(stacked(60)), stacked(60)),
]


def worst(taps: Any, n: int) -> np.ndarray:
    """Windows of full scale, one output of which is as large as it gets."""
    h = np.resize(np.asarray(taps)[::-1], n)
    return np.where(np.stack([h, -h]) >= 0, 32767, -32768).astype(np.int16)


@pytest.mark.parametrize("name", DESIGNS)
def test_outputs_are_within_the_bound_of_scipy(name: str) -> None:
    taps, decimation = DESIGNS[name]
    X = np.concatenate([stacked(200), worst(taps, 200)])
    fitted = FIRFilter(taps, decimation).fit(X)
    reference = fitted.reference(X)
    kept = signal.upfirdn(taps, X.astype(float), down=decimation, axis=1)[:, : reference.shape[1]]
    np.testing.assert_allclose(reference, kept, atol=1e-6)
    off = np.abs(fitted.transform(X) - np.clip(reference, -32768, 32767))
    assert off.max() <= fitted.error_bound
    # One rounding of each tap, and that of the output: 2^-15 of the largest, or of all of them by 2.
    model = fitted.extraction()
    assert fitted.error_bound <= 0.5 + len(model.taps) * 2.0 ** (14 - model.bits)
    assert np.abs(model.taps.astype(int)).sum() * 32768 + 2 ** (model.bits - 1) < 2**31


def test_taps_that_integers_hold_give_exact_sums() -> None:
    X = stacked(64)
    fitted = FIRFilter([0.25, 0.5, 0.25]).fit(X)
    assert fitted.error_bound == 0.5
    np.testing.assert_array_equal(fitted.transform(X), np.floor(fitted.reference(X) + 0.5))


def test_what_leaves_int16_saturates() -> None:
    X = np.full((1, 8), 30000, np.int16)
    assert FIRFilter([1.0, 1.0]).fit(X).transform(X).tolist() == [[30000, *[32767] * 7]]
    assert FIRFilter([-1.0, -1.0]).fit(X).transform(X).tolist() == [[-30000, *[-32768] * 7]]


def test_decimation_keeps_the_first_of_each() -> None:
    X = stacked(50)
    whole = FIRFilter(DESIGNS["odd"][0]).fit(X).transform(X)
    np.testing.assert_array_equal(FIRFilter(DESIGNS["odd"][0], 4).fit(X).transform(X), whole[:, ::4])


@pytest.mark.boards
def test_outputs_that_are_not_kept_are_not_computed() -> None:
    X = stacked(256)[:1]
    calls = []
    for decimation in (1, 8):
        program = mm.transpile(FIRFilter(signal.firwin(64, 0.1), decimation).fit(X), name=f"by{decimation}")
        calls.append(predict_call(program.model, program.header, program.name, X))
    every, one_of_eight = (result.cost[0] for result in core("cortex-m0plus").run(calls))
    assert one_of_eight < every / 4


def test_symmetric_taps_take_half_a_table() -> None:
    tables = {name: FIRFilter(*DESIGNS[name]).extraction(64).table.size for name in DESIGNS}
    assert tables["even"] == 16
    assert tables["odd"] == 17
    assert tables["general"] == 29
    assert tables["antisymmetric"] == 18


def assert_c_is_the_twin(where: str, n: int, flags: tuple[str, ...]) -> None:
    expected = []
    for name, (taps, decimation) in DESIGNS.items():
        for channels in (1, 3):
            X = np.concatenate([stacked(n), worst(taps, n)])
            estimator = FIRFilter(taps, decimation, n_channels=channels).fit(X)
            program = mm.transpile(estimator, name=f"fir_{name}{channels}")
            expected += twin_calls(program.model, program.header, program.name, X)
    results = core(where).run([each.call for each in expected], flags=(*flags, *STRICT), measure=False)
    for each, result in zip(expected, results, strict=True):
        np.testing.assert_array_equal(result.y, each.y)


def test_c_is_the_twin_under_sanitizers() -> None:
    assert_c_is_the_twin("host", 150, SANITIZE)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_boards_give_the_same(name: str) -> None:
    assert_c_is_the_twin(name, 48, ("-Os", "-flto") if name == "avr" else ("-O2",))  # as Arduino does


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"taps": []}, r"taps has shape \(0,\); \(n_taps,\) is needed, at most 1024"),
        ({"taps": np.eye(2)}, r"taps has shape \(2, 2\)"),
        ({"taps": [1.0, np.inf]}, "numbers that are not finite, or nothing but zeros"),
        ({"taps": [0.0, 0.0]}, "nothing but zeros"),
        ({"taps": [9999.7, 0.3]}, r"may be off by \d+ steps, since taps have 16 bits; scale them"),
        ({"taps": [40000.0]}, "taps sum up to more than 32767; scale them"),
        ({"taps": "firwin"}, "taps is not an array of numbers"),
        ({"taps": [1.0], "decimation": 0}, "decimation=0; an integer from 1 to 256"),
        ({"taps": [1.0], "decimation": 2.0}, "decimation=2.0; an integer"),
        ({"taps": np.ones(200), "n_channels": 50}, "200 taps of 50 channels; use at most 8192 in all"),
        ({"taps": [1.0], "n_channels": 5}, "windows of 8 samples are none of 5 channels"),
    ],
    ids=str,
)
def test_unfit_parameters_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"FIRFilter: .*{message}"):
        FIRFilter(**options).fit(stacked(8))
