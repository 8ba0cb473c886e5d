"""Spectra at a few frequencies: near those of float64, at any frequency and length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.calls import twin_calls
from micromlgen.errors import UnsupportedError
from micromlgen.features import FFT, Goertzel, Windower
from tests.cases import SANITIZE, Case
from tests.features.windows import stacked, tone

DTMF = [697, 770, 852, 941, 1209, 1336, 1477, 1633]
#: Both ends, halves and quarters, low and odd ones, of 8000 Hz.
EVERYWHERE = [0, 5, 50, 440.5, 1000, 1999.9, 2000, 2000.1, 3000, 3333, 3990, 4000]
CASES = [
    Case("goertzel_magnitude", Goertzel([0, 440, 3200], 8000).fit(stacked(50)), stacked(50)),
    Case("goertzel_power", Goertzel([60, 1999], 8000, "power").fit(stacked(50)), stacked(50)),
]


@pytest.mark.parametrize("n", [1, 2, 50, 205])
def test_magnitudes_are_those_of_float64(n: int) -> None:
    X = stacked(n)
    fitted = Goertzel(EVERYWHERE, 8000).fit(X)
    reference = fitted.reference(X)
    off = np.abs(fitted.dequantize(fitted.transform(X)) - reference)
    # A step a sample, the root's 2^-13, and what the rounded frequency turns by.
    model = fitted.extraction()
    turned = 2 * np.pi * model.off / 8000 * n**2 / 2 * np.abs(X.astype(float)).mean(axis=1, keepdims=True)
    assert model.off < 0.05
    assert (off <= (n + 4) * model.unit() + reference * 2.0**-13 + turned).all()
    assert np.abs(off).max() <= 2e-4 * n * 32768


def test_it_is_the_fft_at_its_bins() -> None:
    X = stacked(256)
    bins = [3, 31, 64, 100]
    fitted = Goertzel(np.array(bins) * 8000 / 256, 8000).fit(X)
    fft = FFT(256, output="magnitude").fit(X)
    near = fft.dequantize(fft.transform(X))[:, bins]
    np.testing.assert_allclose(fitted.dequantize(fitted.transform(X)), near, atol=200, rtol=2e-3)


def test_powers_are_the_squares() -> None:
    X = stacked(205)
    power, magnitude = Goertzel(DTMF, 8000, "power").fit(X), Goertzel(DTMF, 8000).fit(X)
    roots = np.sqrt(power.dequantize(power.transform(X)))
    tolerance = np.sqrt(4 * power.extraction().unit())
    np.testing.assert_allclose(
        roots, magnitude.dequantize(magnitude.transform(X)), rtol=3e-4, atol=tolerance.max()
    )
    assert power.get_feature_names_out()[0] == "power_697"


@pytest.mark.parametrize("n", [16, 205, 1000])
def test_the_loudest_resonance_stays_in_range(n: int) -> None:
    frequencies = [f for f in EVERYWHERE if 300 < f < 3700]
    waves = np.sin(2 * np.pi * np.outer(frequencies, np.arange(n)) / 8000 + 0.1)
    X = np.where(waves >= 0, 32767, -32768).astype(np.int16)
    fitted = Goertzel(frequencies, 8000).fit(X)
    assert np.abs(fitted.transform(X).astype(np.int64)).max() <= fitted.extraction().top
    assert (np.abs(fitted.dequantize(fitted.transform(X)) / fitted.reference(X) - 1).diagonal() < 1e-3).all()


def assert_c_is_the_twin(where: str, flags: tuple[str, ...]) -> None:
    expected = []
    for n in (1, 50, 205):
        for output in ("magnitude", "power"):
            square = np.where(np.arange(n) // 4 % 2, 32767, -32768).astype(np.int16)
            X = np.concatenate([stacked(n), square[None]])
            estimator = Goertzel(EVERYWHERE, 8000, output).fit(X)
            program = mm.transpile(estimator, name=f"goertzel_{output}{n}")
            expected += twin_calls(program.model, program.header, program.name, X)
    results = core(where).run([each.call for each in expected], flags=(*flags, *STRICT), measure=False)
    for each, result in zip(expected, results, strict=True):
        np.testing.assert_array_equal(result.y, each.y)


def test_c_is_the_twin_under_sanitizers() -> None:
    assert_c_is_the_twin("host", SANITIZE)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_boards_give_the_same(name: str) -> None:
    assert_c_is_the_twin(name, ("-Os", "-flto") if name == "avr" else ("-O2",))  # as Arduino does


def test_from_a_recording_to_tones() -> None:
    recording = np.concatenate([tone(1000, 1000 * f / 8000, 9000, 500) for f in (697, 1209, 697)])
    labels = np.repeat([697, 1209, 697], 1000)
    windower = Windower(100, 50)
    rows, y = windower.split(recording, labels)
    heard = make_pipeline(windower, Goertzel([697, 1209], 8000), LogisticRegression()).fit(rows, y)
    program = mm.transpile(heard, name="heard")
    np.testing.assert_array_equal(program.stream(recording), heard.predict(rows))
    assert (program.stream(recording) == y).mean() > 0.95
    assert program.verify(rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"frequencies": [5000]},
            "frequencies from 5000 to 5000 Hz; use some from 0 to half",
        ),
        ({"frequencies": [-1]}, "frequencies from -1 to -1 Hz"),
        ({"frequencies": [np.nan]}, "frequencies from nan"),
        ({"frequencies": []}, r"frequencies has shape \(0,\); at least one"),
        ({"frequencies": "A4"}, "frequencies is not an array of numbers"),
        ({"frequencies": [50], "sample_rate": 0}, "sample_rate=0; a number of Hz is needed"),
        ({"frequencies": [50], "output": "phase"}, "output='phase'; use one of magnitude, power"),
    ],
    ids=str,
)
def test_unfit_parameters_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"Goertzel: {message}"):
        Goertzel(**{"sample_rate": 8000, **options}).fit(stacked(8))


def test_windows_that_sums_cannot_hold_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="sums over 1000 samples at 1 Hz leave 32 bits; use shorter"):
        Goertzel([1], 8000).fit(np.zeros((1, 1000), np.int16))
