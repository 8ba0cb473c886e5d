"""SpectralShape: librosa's definitions, in integers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from sklearn.pipeline import make_union

import micromlgen as mm
from micromlgen.calls import predict_call
from micromlgen.errors import UnsupportedError
from micromlgen.features import BandPower, SpectralShape, Statistics
from micromlgen.features.spectralshape import FEATURES, _reference_of
from tests.cases import Case
from tests.features.runs import assert_same
from tests.features.windows import for_spectra as windows
from tests.features.windows import stacked

CASES = [
    Case("shape_one", SpectralShape(100, n_fft=32).fit(stacked(32)), stacked(32)),
    Case("shape_block", SpectralShape(100, n_fft=32, precision="int16").fit(stacked(40)), stacked(40)),
    Case("shape_frames", SpectralShape(100, FEATURES, 16, n_channels=2).fit(stacked(64)), stacked(64)),
]
RATE, ROLL = 1000, 0.85
#: Of the largest magnitude: how far the transform's are off.
NOISE = 2.0**-14


@pytest.mark.parametrize("window", ["hann", None])
@pytest.mark.parametrize(("n_fft", "n"), [(8, 12), (64, 128), (256, 512), (4096, 6144)])
def test_features_of_magnitudes_that_are_a_little_off(n_fft: int, n: int, window: str | None) -> None:
    X = windows(n)
    fitted = SpectralShape(RATE, FEATURES, n_fft, window, n_peaks=2).fit(X)
    returned = fitted.transform(X)
    assert np.abs(returned).max() < 2**30
    names = list(fitted.get_feature_names_out())
    got = dict(zip(names, fitted.dequantize(returned).T, strict=True))
    exact = dict(zip(names, fitted.reference(X).T, strict=True))
    values = 1.0 if window is None else signal.get_window(window, n_fft)
    spacing, bins, before = RATE / n_fft, np.arange(n_fft // 2 + 1), None
    for t in range(1 + (n - n_fft) // (n_fft // 2)):
        frame = X[:, t * n_fft // 2 :][:, :n_fft]
        s = np.abs(np.fft.rfft(frame * values))
        total, most = s.sum(axis=1), NOISE * s.max(axis=1)
        unit = 1 / np.maximum(total, 1e-9)
        center = exact[f"centroid_{t}"] / spacing
        apart = np.abs(bins - center[:, None])
        off = np.abs(got[f"centroid_{t}"] / spacing - center)
        assert (off <= 2.0**-13 * center + 2.0**-12 + most * apart.sum(axis=1) * unit).all()
        wide = exact[f"bandwidth_{t}"] / spacing
        off = np.abs((got[f"bandwidth_{t}"] / spacing) ** 2 - wide**2)
        assert (off <= 2.0**-12 * wide**2 + 2.0**-12 + most * (apart**2).sum(axis=1) * unit).all()
        at = np.rint(got[f"rolloff_{t}"] / spacing).astype(int)
        sums = np.concatenate([np.zeros((len(s), 1)), np.cumsum(s, axis=1)], axis=1)
        slack = 2.0**-14 * total + most * len(bins)
        rows = np.arange(len(s))
        assert (sums[rows, at + 1] >= ROLL * total - slack - 1e-9).all()
        assert (sums[rows, at] <= ROLL * total + slack).all()
        assert np.abs(got[f"flatness_{t}"] - exact[f"flatness_{t}"]).max() <= 0.001
        for i in range(2):
            bin_ = np.rint(got[f"peak{i}_frequency_{t}"] / spacing).astype(int)
            high = np.where(bin_ > 0, s[rows, bin_], 0)
            true = 10 ** (exact[f"peak{i}_power_{t}"] / 20)
            own = np.clip(np.rint(exact[f"peak{i}_frequency_{t}"] / spacing).astype(int), 1, len(bins) - 2)
            lower = np.maximum(s[rows, own - 1], s[rows, own + 1])
            clear = (true > 100 * most) & (true > 1) & (true - lower > 4 * most)
            assert (high[clear] >= true[clear] - 2 * most[clear]).all()
            off = got[f"peak{i}_power_{t}"] - 20 * np.log10(np.maximum(high, 1e-9))
            assert (np.abs(off) <= 0.01 + 9 * most / np.maximum(high, 1e-9))[clear].all()
        if before is not None:
            off = np.abs(got[f"flux_{t}"] - exact[f"flux_{t}"])
            step = fitted.extraction().unit()[names.index(f"flux_{t}")]
            noise = np.sqrt(len(bins)) * (most + before)
            assert (off <= 2.0**-13 * exact[f"flux_{t}"] + step + noise).all()
        before = most


def test_the_reference_is_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    x = windows(256)[:1].astype(float)
    S = np.abs(np.fft.rfft(x * signal.get_window("hann", 256)))[0][:, None]
    options = {"S": S, "sr": RATE, "n_fft": 256}
    theirs = [
        librosa.feature.spectral_centroid(**options),
        librosa.feature.spectral_bandwidth(**options),
        librosa.feature.spectral_rolloff(**options),
        librosa.feature.spectral_flatness(S=S),
    ]
    ours = SpectralShape(RATE, FEATURES[:4]).fit(windows(256)).reference(windows(256)[:1])
    np.testing.assert_allclose(ours[0], [float(v.ravel()[0]) for v in theirs], rtol=1e-6)


@pytest.mark.parametrize("window", ["hann", None])
@pytest.mark.parametrize(("n_fft", "n"), [(16, 40), (256, 512), (2048, 4096)])
def test_magnitudes_and_features_of_a_block(n_fft: int, n: int, window: str | None) -> None:
    """Magnitudes are a little off, features are those of these magnitudes."""
    X = windows(n)
    fitted = SpectralShape(RATE, FEATURES, n_fft, window, precision="int16").fit(X)
    definition = fitted.extraction()
    s, shift = definition.frames.magnitudes(X)
    step = definition.frames.step_of_magnitude
    s = s * step * 2.0 ** -shift[..., None]
    values = None if window is None else signal.get_window(window, n_fft)
    exact = np.abs(definition.frames.reference(X.astype(float), values))
    off = (np.abs(s - exact) / np.maximum(exact.max(axis=2, keepdims=True), 1e-9))[exact.max(axis=2) > 0]
    assert np.sqrt((off**2).mean()) <= 2.0**-13
    assert off.max() <= 2.0**-8
    names = list(fitted.get_feature_names_out())
    got = dict(zip(names, fitted.dequantize(fitted.transform(X)).T, strict=True))
    for t in range(2):
        for feature, relative, absolute in (
            ("centroid", 2.0**-13, RATE * 2.0**-16),
            ("bandwidth", 2.0**-12, RATE * 2.0**-7 / n_fft),
            ("flatness", 0, 0.001),
            ("flux", 2.0**-12, step * 2.0**definition.flux_bits),
        ):
            if feature == "flux" and not t:
                continue
            # Of flatness no magnitude counts as less than a step.
            least = (step * 2.0 ** -shift[:, t])[:, None] if feature == "flatness" else 0
            own = _reference_of(feature, np.maximum(s[:, t], least), s[:, t - 1], definition, ROLL)[:, 0]
            # Where frames differ in their exponents, the quieter one counts in steps of the louder.
            coarse = np.sqrt(n_fft) * step * 2.0 ** -shift.min(axis=1)
            bound = relative * own + absolute + (coarse if feature == "flux" else 0)
            assert (np.abs(got[f"{feature}_{t}"] - own) <= bound).all(), feature


def test_peaks_are_the_largest_that_scipy_finds() -> None:
    x = windows(256)[:1]
    s = np.abs(np.fft.rfft(x * signal.get_window("hann", 256)))[0]
    at = signal.find_peaks(s)[0]
    at = at[np.argsort(-s[at])][:3]
    fitted = SpectralShape(RATE, "peaks").fit(x)
    for peaks in (fitted.reference(x)[0], fitted.dequantize(fitted.transform(x))[0]):
        np.testing.assert_allclose(peaks[::2], at * RATE / 256)
        np.testing.assert_allclose(peaks[1::2], 20 * np.log10(s[at]), atol=0.02)


def test_silence() -> None:
    silent = np.zeros((1, 128), np.int16)
    fitted = SpectralShape(RATE, FEATURES, 64, n_peaks=1).fit(silent)
    for values in (fitted.dequantize(fitted.transform(silent)), fitted.reference(silent)):
        got = dict(zip(fitted.get_feature_names_out(), values[0], strict=True))
        assert got["centroid_0"] == got["bandwidth_0"] == got["rolloff_0"] == got["flux_1"] == 0
        assert got["flatness_0"] == 1
        assert got["peak0_frequency_0"] == 0
        np.testing.assert_allclose(got["peak0_power_0"], 10 * np.log10(2.0**-10))


def test_more_peaks_than_there_can_be() -> None:
    """The bins at both ends are none, whatever the number asked for."""
    X = stacked(8)
    several = SpectralShape(RATE, "peaks", 8, None, n_peaks=3).fit(X)
    many = SpectralShape(RATE, "peaks", 8, None, n_peaks=16).fit(X)
    got, reference = many.dequantize(many.transform(X)), many.reference(X)
    assert got.shape == reference.shape == (len(X), 32)
    np.testing.assert_array_equal(got[:, :6], several.dequantize(several.transform(X)))
    for values in (got, reference):
        np.testing.assert_array_equal(values[:, 6::2], 0)
        np.testing.assert_allclose(values[:, 7::2], 10 * np.log10(2.0**-10))


@pytest.mark.parametrize("where", ["host", pytest.param("boards", marks=pytest.mark.boards)])
def test_c_is_the_twin(where: str) -> None:
    calls, twins = [], []
    for i, (features, n_fft, n, window, channels, precision) in enumerate(
        [
            (FEATURES, 8, 16, None, 1, "int32"),
            (FEATURES, 64, 200, "hann", 3, "int32"),
            (("peaks", "centroid"), 64, 64, "hann", 1, "int32"),
            (("flux",), 128, 256, "hamming", 2, "int32"),
            (("bandwidth", "rolloff", "flatness"), 256, 256, None, 1, "int32"),
            (FEATURES, 8, 16, None, 1, "int16"),
            (FEATURES, 64, 200, "hann", 3, "int16"),
            (("bandwidth", "flux"), 256, 512, None, 1, "int16"),
        ]
    ):
        X = windows(n * channels)
        options = {"n_peaks": 5 if n_fft == 8 else 3, "n_channels": channels, "precision": precision}
        fitted = SpectralShape(RATE, features, n_fft, window, **options).fit(X)
        program = mm.transpile(fitted, name=f"shape{i}")
        calls.append(predict_call(program.model, program.header, program.name, X))
        twins.append(fitted.transform(X))
    assert_same(where, calls, twins)


def test_names() -> None:
    fitted = SpectralShape(RATE, ("flux", "peaks"), 16, n_peaks=1, n_channels=2).fit(stacked(48))
    each = ["peak0_frequency_0", "peak0_power_0", "flux_1", "peak0_frequency_1", "peak0_power_1"]
    assert fitted.get_feature_names_out().tolist() == [f"{name}_{c}" for c in (0, 1) for name in each]
    assert SpectralShape(RATE, "rolloff").get_feature_names_out().tolist() == ["rolloff"]


def test_spectra_of_several_extractors_side_by_side() -> None:
    X = stacked(64)
    union = make_union(
        SpectralShape(100, n_fft=64), BandPower([(0, 10), (10, 50)], 100, 64), Statistics()
    ).fit(X)
    program = mm.transpile(union, name="spectra")
    np.testing.assert_array_equal(program.transform(X), union.transform(X))
    assert program.verify(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ["slope"]}, r"'slope' is none of centroid, bandwidth, rolloff, flatness, flux, peaks"),
        ({"features": []}, r"name each feature once, and at least one"),
        ({"features": "flux"}, r"'flux' is between frames; windows have one: make them longer"),
        ({"roll_percent": 85}, r"roll_percent=85; a number above 0 and below 1 is needed"),
        ({"n_peaks": 0}, r"n_peaks=0; an integer from 1 to 16 is needed"),
        ({"n_fft": 65}, r"n_fft=65; a power of two from 8 to 4096 is needed"),
        ({"precision": 16}, r"precision=16: use 'int32' or 'int16'"),
        ({"sample_rate": -1}, r"sample_rate=-1: a number of Hz is needed"),
    ],
)
def test_what_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"SpectralShape: {message}"):
        SpectralShape(**{"sample_rate": RATE, "n_fft": 64, **options}).fit(stacked(64))  # type: ignore[arg-type]
