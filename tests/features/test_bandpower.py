"""BandPower: Welch's method in integers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from sklearn.pipeline import make_union

import micromlgen as mm
from micromlgen.calls import predict_call
from micromlgen.errors import UnsupportedError
from micromlgen.features import FFT, BandPower, Statistics
from tests.cases import Case
from tests.features.runs import assert_same
from tests.features.windows import for_spectra as windows
from tests.features.windows import stacked

BANDS = {"low": (0, 13), "mid": (13, 30), "high": (30, 50)}
CASES = [
    Case("bands", BandPower(BANDS, 100, 32).fit(stacked(32)), stacked(32)),
    Case("bands_log", BandPower(BANDS, 100, 16, output="log", n_channels=2).fit(stacked(80)), stacked(80)),
    Case("bands_block", BandPower(BANDS, 100, 16, precision="int16").fit(stacked(40)), stacked(40)),
    Case("bands_relative", BandPower(BANDS, 100, 16, None, output="relative").fit(stacked(40)), stacked(40)),
]


@pytest.mark.parametrize("window", ["hann", None, "flattop"])
@pytest.mark.parametrize(("n_fft", "n"), [(8, 8), (64, 300), (256, 1024), (512, 512), (4096, 4096)])
def test_welchs_method_of_scipy(n_fft: int, n: int, window: str | None) -> None:
    X, edges = windows(n), [(0, 12), (12, 30), (20, 50), (0, 50)]
    fitted = BandPower(edges, 100, n_fft, window).fit(X)
    exact = fitted.reference(X)
    f, density = signal.welch(
        X.astype(float), 100, window or "boxcar", n_fft, n_fft - n_fft // 2, detrend=False, axis=1
    )
    bins = [(f >= low) & ((f < high) | (high == 50)) for low, high in edges]
    theirs = np.stack([density[:, band].sum(axis=1) * 100 / n_fft for band in bins], axis=1)
    np.testing.assert_allclose(exact, theirs, rtol=1e-9, atol=1e-9)
    of, _ = fitted.extraction().powers(X)
    off = np.abs(of.m * 2.0**of.e - exact)
    bound = 2.0**-11 * exact + (2.0**-21 + 2.0**-27 * n_fft) * exact[:, 3:] + 1e-6
    assert (off <= bound).all()
    assert (np.abs(fitted.dequantize(fitted.transform(X)) - exact) <= bound + 1).all()


@pytest.mark.parametrize("window", ["hann", None])
@pytest.mark.parametrize(("n_fft", "n"), [(8, 8), (64, 300), (256, 1024), (4096, 4096)])
def test_error_of_a_block(n_fft: int, n: int, window: str | None) -> None:
    """As the contract tells it: of the power of all bins."""
    X = windows(n)
    fitted = BandPower([(0, 12), (12, 30), (0, 50)], 100, n_fft, window, precision="int16").fit(X)
    exact = fitted.reference(X)
    of, _ = fitted.extraction().powers(X)
    off = np.abs(of.m * 2.0**of.e - exact) / np.maximum(exact[:, 2:], 1e-9)
    assert np.sqrt((off**2).mean()) <= 2.0**-13
    assert off.max() <= 2.0**-11
    assert any("2^-13 of the power of all bins" in line for line in fitted.extraction().contract())


def test_outputs() -> None:
    X = windows(256)
    for output, bound in (("log", 0.02), ("relative", 0.0005)):
        fitted = BandPower(BANDS, 100, 128, output=output).fit(X)
        power = BandPower(BANDS, 100, 128).fit(X).reference(X)
        clear = power > 1e-5 * power.sum(axis=1, keepdims=True)
        assert np.abs(fitted.dequantize(fitted.transform(X)) - fitted.reference(X))[clear].max() <= bound
    silent = np.zeros((1, 256), np.int16)
    for output, value in (("power", 0), ("relative", 0), ("log", 10 * np.log10(2.0**-10))):
        fitted = BandPower(BANDS, 100, 128, output=output).fit(silent)
        np.testing.assert_allclose(fitted.dequantize(fitted.transform(silent)), value)
        np.testing.assert_allclose(fitted.reference(silent), value)


def test_the_largest_power_is_held() -> None:
    lowest = np.full((1, 64), -32768, np.int16)
    fitted = BandPower([(0, 50)], 100, 64, None).fit(lowest)
    np.testing.assert_allclose(fitted.reference(lowest), 2.0**30)
    assert fitted.transform(lowest)[0, 0] >= 2**30 - 2**20
    assert fitted.transform(lowest)[0, 0] < 2**30


@pytest.mark.parametrize("where", ["host", pytest.param("boards", marks=pytest.mark.boards)])
def test_c_is_the_twin(where: str) -> None:
    calls, twins = [], []
    for i, (n_fft, n, window, channels, output, precision) in enumerate(
        [
            (8, 8, None, 1, "power", "int32"),
            (64, 200, "hann", 3, "log", "int32"),
            (64, 64, "hann", 1, "relative", "int32"),
            (128, 256, "hamming", 2, "relative", "int32"),
            (256, 256, None, 1, "power", "int32"),
            (8, 8, None, 1, "power", "int16"),
            (64, 200, "hann", 3, "log", "int16"),
            (256, 512, "hann", 1, "relative", "int16"),
        ]
    ):
        X = windows(n * channels)
        options = {"output": output, "n_channels": channels, "precision": precision}
        fitted = BandPower(BANDS, 100, n_fft, window, **options).fit(X)
        program = mm.transpile(fitted, name=f"bands{i}")
        calls.append(predict_call(program.model, program.header, program.name, X))
        twins.append(fitted.transform(X))
    assert_same(where, calls, twins)


def test_names() -> None:
    fitted = BandPower([(0.5, 4), (4, 8)], 100, n_channels=2)
    names = ["band_0.5_4_0", "band_4_8_0", "band_0.5_4_1", "band_4_8_1"]
    assert fitted.get_feature_names_out().tolist() == names
    assert BandPower(BANDS, 100).get_feature_names_out().tolist() == ["low", "mid", "high"]


def test_side_by_side_with_other_extractors() -> None:
    X = stacked(64)
    union = make_union(
        Statistics(["mean", "entropy"]), BandPower(BANDS, 100, 64, output="log"), FFT(64, "hann", "log")
    ).fit(X)
    program = mm.transpile(union, name="both")
    np.testing.assert_array_equal(program.transform(X), union.transform(X))
    assert program.verify(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": []}, r"bands=\[\]: pairs of Hz are needed, the lower one first, from 0 to"),
        ({"bands": [(5, 4)]}, r"pairs of Hz are needed"),
        ({"bands": [(0, 60)]}, r"sample_rate / 2 = 50"),
        ({"bands": [(0, 1, 2)]}, r"pairs of Hz are needed"),
        ({"bands": "delta"}, r"bands='delta': pairs of Hz are needed"),
        ({"bands": [(1, 1.2)]}, r"no bin lies from 1 to 1.2 Hz; they are 1.5625 Hz apart"),
        ({"output": "energy"}, r"output='energy': use one of power, log, relative"),
        ({"bands": [(0, 9)], "output": "relative"}, r"output='relative' is of several bands; there is one"),
        ({"sample_rate": "100"}, r"sample_rate='100': a number of Hz is needed"),
        ({"n_fft": 100}, r"n_fft=100; a power of two from 8 to 4096 is needed"),
        ({"precision": "int8"}, r"precision='int8': use 'int32' or 'int16'"),
        ({"hop_length": 0}, r"hop_length=0; an integer from 1 to 32768 is needed"),
        ({"n_channels": 2}, r"windows have 64 samples; of each of 2 channels n_fft=64 or more are needed"),
        ({"window": "hanning?"}, r"window='hanning\?' is none of scipy"),
    ],
)
def test_what_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"BandPower: .*{message}"):
        BandPower(**{"bands": BANDS, "sample_rate": 100, "n_fft": 64, **options}).fit(stacked(64))  # type: ignore[arg-type]
