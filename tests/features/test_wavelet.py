"""Wavelet: energies as pywt has them, in integers."""

from __future__ import annotations

import numpy as np
import pytest

import micromlgen as mm
from micromlgen.calls import predict_call
from micromlgen.errors import UnsupportedError
from micromlgen.features import Wavelet
from micromlgen.features._daubechies import FILTERS, taps, transform
from micromlgen.features._powers import Powers
from tests.cases import Case
from tests.features.runs import assert_same
from tests.features.windows import for_moments as windows

SHAPES = [(32, 2), (64, 3), (96, 4), (256, 5), (1024, 7), (8192, 10)]
CASES = [
    Case("wavelet_haar", Wavelet("haar", 3).fit(windows(24)), windows(24)),
    Case("wavelet_log", Wavelet("db2", 2, "log", n_channels=2).fit(windows(32)), windows(32)),
    Case("wavelet_relative", Wavelet("db3", 2, "relative").fit(windows(20)), windows(20)),
]


def shapes(wavelet: str) -> list[tuple[int, int]]:
    """Lengths and levels that the filter fits."""
    return [(n, levels) for n, levels in SHAPES if n >= len(FILTERS[wavelet]) << (levels - 1)]


@pytest.mark.parametrize("wavelet", list(FILTERS))
def test_the_reference_is_pywts(wavelet: str) -> None:
    pywt = pytest.importorskip("pywt")
    for n, levels in [(32, 2), (256, 5), (8192, 10)]:
        x = windows(n).astype(float)
        coefficients = [
            (c * c).sum(axis=1) for c in pywt.wavedec(x, wavelet, mode="periodization", level=levels)
        ]
        ours = Wavelet(wavelet, levels).fit(windows(n)).reference(windows(n))
        np.testing.assert_allclose(ours, np.stack(coefficients, axis=1), rtol=1e-9, atol=1e-3)


@pytest.mark.parametrize("wavelet", list(FILTERS))
def test_energies_in_integers(wavelet: str) -> None:
    rng = np.random.default_rng(0)
    for n, levels in shapes(wavelet):
        quiet = rng.integers(-3, 4, (10, n))
        X = np.concatenate([windows(n), quiet, quiet + 12000]).astype(np.int16)
        fitted = Wavelet(wavelet, levels).fit(X)
        exact = fitted.reference(X)
        total = exact.sum(axis=1, keepdims=True)
        of, _ = fitted.extraction().powers(X)
        off = np.abs(np.sqrt(of.m * 2.0**of.e) - np.sqrt(exact))
        assert (off <= levels * (2.0**-15 * (np.sqrt(exact) + np.sqrt(total)) + 2.0**-13 * np.sqrt(n))).all()
        step = fitted.extraction().unit()[0]
        got = fitted.dequantize(fitted.transform(X))
        assert (np.abs(got - of.m * 2.0**of.e) <= step).all()
        np.testing.assert_allclose(total[:, 0], (X.astype(float) ** 2).sum(axis=1))
        if levels < 10:
            loud = exact > 1e-3 * total
            for output, bound in (("log", 0.05), ("relative", 0.0005)):
                other = Wavelet(wavelet, levels, output).fit(X)
                assert np.abs(other.dequantize(other.transform(X)) - other.reference(X))[loud].max() <= bound


def test_logarithms_of_nothing_are_the_floor() -> None:
    silent = np.zeros((1, 64), np.int16)
    for output, value in (("log", 10 * np.log10(2.0**-10)), ("power", 0), ("relative", 0)):
        fitted = Wavelet("db4", 3, output).fit(silent)
        np.testing.assert_allclose(fitted.dequantize(fitted.transform(silent)), value)
        np.testing.assert_allclose(fitted.reference(silent), value)


@pytest.mark.parametrize("wavelet", list(FILTERS))
def test_the_largest_coefficients_fit(wavelet: str) -> None:
    """Samples at their extremes with the signs of each level's own filters, at all places."""
    n, levels = 512, 6
    h = taps(wavelet)
    impulses = [transform(np.eye(n, dtype=np.int16) * 16384, h, levels)]
    most = 0
    for level in impulses[0]:
        signs = np.where(level[:, level.shape[1] // 2] > 0, 32767, -32768).astype(np.int16)[None]
        most = max(most, *(int(np.abs(v).max()) for v in transform(signs, h, levels)))
    assert 2**28 < most < 2**30


@pytest.mark.parametrize("where", ["host", pytest.param("boards", marks=pytest.mark.boards)])
def test_c_is_the_twin(where: str) -> None:
    calls, twins = [], []
    for i, (wavelet, n, levels, channels, output) in enumerate(
        [
            ("haar", 32, 5, 1, "power"),
            ("db2", 64, 4, 3, "log"),
            ("db3", 96, 4, 1, "relative"),
            ("db4", 64, 3, 2, "power"),
            ("db4", 192, 1, 1, "log"),
        ]
    ):
        X = windows(n * channels)
        fitted = Wavelet(wavelet, levels, output, n_channels=channels).fit(X)
        program = mm.transpile(fitted, name=f"w{i}")
        calls.append(predict_call(program.model, program.header, program.name, X))
        twins.append(fitted.transform(X))
    assert_same(where, calls, twins)


def test_names_and_order() -> None:
    fitted = Wavelet("haar", 2, n_channels=2).fit(windows(8))
    assert fitted.get_feature_names_out().tolist() == ["a2_0", "d2_0", "d1_0", "a2_1", "d2_1", "d1_1"]
    x = np.array([[3, -3, 3, -3, 3, -3, 3, -3]], np.int16)  # as high as it gets
    powers: Powers = Wavelet("haar", 2).fit(x).extraction().powers(x)[0]  # type: ignore[attr-defined]
    np.testing.assert_allclose(powers.m * 2.0**powers.e, [[0, 0, 72]], atol=0.01)


@pytest.mark.parametrize(
    ("options", "n", "message"),
    [
        ({"wavelet": "db5"}, 64, "Wavelet: wavelet='db5': use one of haar, db2, db3, db4"),
        ({"output": "energy"}, 64, "Wavelet: output='energy': use one of power, log, relative"),
        ({"levels": 0}, 64, "Wavelet: levels=0; an integer from 1 to 10 is needed"),
        ({"n_channels": 0}, 64, "Wavelet: n_channels=0; an integer from 1 to 255"),
        ({}, 60, "windows of 60 samples; of each of 1 channels a multiple of 8, from 32 to 8192, is needed"),
        ({"wavelet": "haar", "n_channels": 3}, 64, "of each of 3 channels a multiple of 8, from 8 to 8192"),
        ({"levels": 4}, 32, "a multiple of 16, from 64 to 8192, is needed"),
    ],
)
def test_what_is_refused(options: dict[str, object], n: int, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        Wavelet(**options).fit(windows(n))  # type: ignore[arg-type]


def test_it_is_fitted_before_it_is_ported() -> None:
    with pytest.raises(UnsupportedError, match="Wavelet is not fitted; call fit"):
        mm.port(Wavelet())
