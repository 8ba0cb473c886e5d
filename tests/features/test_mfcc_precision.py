"""How near MelSpectrogram and MFCC in integers come to their definitions in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from micromlgen.features import MFCC, MelSpectrogram
from micromlgen.features.logmel import LogMel
from micromlgen.features.mfcc import cosines
from tests.features.speech import voiced
from tests.features.windows import every_kind

PRESETS: list[dict[str, Any]] = [
    {},
    {"preset": "librosa", "n_fft": 512, "n_mels": 40, "n_mfcc": 13},
    {"preset": "torchaudio", "n_mels": 40, "n_mfcc": 13},
    {"preset": "python_speech_features"},
    {"spectrum": "magnitude", "log": "log2"},
]


@pytest.mark.parametrize("options", PRESETS, ids=str)
def test_error_is_small_at_any_level(options: dict[str, Any]) -> None:
    mfcc = MFCC(16000, **options)
    n = mfcc.extraction().input.n_features
    white = np.rint(np.random.default_rng(0).normal(0, 6000, (40, n))).clip(-32768, 32767).astype(np.int16)
    levels = [voiced(40, n, -level) for level in (0, 6, 20, 40, 60)]
    deviation = mfcc.reference(np.concatenate([white, *levels])).std(axis=0)
    kinds = every_kind(n)
    others = [kinds[name][None] for name in ("square", "impulse", "faint", "silent", "quiet", "random")]
    for X in (white, *levels, *others):
        error = np.abs(mfcc.dequantize(mfcc.transform(X)) - mfcc.reference(X))
        assert (error <= 0.02 * deviation).all()


@pytest.mark.parametrize("sequence", [{"delta": 2}, {"normalize": "mean"}], ids=str)
@pytest.mark.parametrize("options", PRESETS, ids=str)
def test_what_differs_little_between_frames_is_right(
    options: dict[str, Any], sequence: dict[str, Any]
) -> None:
    """Differences are in steps of their own size, however large coefficients may be."""
    mfcc = MFCC(16000, **options, **sequence)
    given = mfcc.extraction().mel.given
    n = given.frame_length + 4 * given.hop_length
    white = np.rint(np.random.default_rng(0).normal(0, 6000, (20, n))).clip(-32768, 32767).astype(np.int16)
    X = np.concatenate([white, *(voiced(20, n, -level) for level in (0, 20, 40, 60))])
    fades = np.linspace(0, 3, len(X))[:, None] * np.linspace(0, 1, n)  # the energy differs too
    X = np.rint(X / (1 + fades)).astype(np.int16)
    exact = mfcc.fit(X).reference(X)
    error = np.abs(mfcc.dequantize(mfcc.transform(X)) - exact)
    assert (error <= 0.02 * exact.std(axis=0)).all()


def beside_tones(n: int) -> NDArray[np.int16]:
    """Bands far below others: of tones in noise, clipped ones, squares, noise beside a constant."""
    t, rng = np.arange(n), np.random.default_rng(5)
    turn = 2 * np.pi * rng.uniform(0.01, 0.45, (24, 1)) * t + 1
    waves = [
        30000 * np.sin(turn) + rng.normal(0, 30, (24, n)),
        300 * np.sin(turn) + rng.normal(0, 1, (24, n)),
        90000 * np.sin(turn) + rng.normal(0, 3, (24, n)),
        40000 * np.sign(np.sin(turn / 3)),
        rng.integers(-9000, 9000, (24, 1)) + rng.normal(0, 10, (24, n)),
    ]
    return np.rint(np.concatenate(waves)).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize("options", PRESETS, ids=str)
def test_bands_far_below_the_loudest_are_right(options: dict[str, Any]) -> None:
    mfcc = MFCC(16000, **options)
    n = mfcc.extraction().input.n_features
    deviation = mfcc.reference(np.concatenate([voiced(40, n, level) for level in (0, -20, -60)])).std(axis=0)
    X = beside_tones(n)
    error = np.abs(mfcc.dequantize(mfcc.transform(X)) - mfcc.reference(X)) / deviation
    assert np.sqrt((error**2).mean()) < 0.015
    assert error.max() < 0.08


@pytest.mark.parametrize("precision", ["int32", "int16"])
@pytest.mark.parametrize("offset", [1e-6, 1e-3])
def test_an_offset_is_added_to_energies_that_have_their_norm(offset: float, precision: str) -> None:
    mel = MelSpectrogram(16000, mel_norm="slaney", offset=offset, precision=precision)
    X = np.concatenate([voiced(5, 512, level) for level in (0, -20, -40)])
    error = mel.dequantize(mel.transform(X)) - mel.reference(X)
    np.testing.assert_allclose(error, 0, atol=0.02 if precision == "int32" else 0.3)


@pytest.mark.parametrize("energy", [False, True])
def test_filters_without_bins_hear_nothing(energy: bool) -> None:
    """Corners that are rounded to the same bin."""
    options: dict[str, Any] = {"n_fft": 128, "n_mels": 40, "edges": "bins", "mel_norm": "slaney"}
    mfcc = MFCC(16000, **options, n_mfcc=40, energy=energy)
    X = voiced(5, 128, -6)
    assert np.isfinite(mfcc.reference(X)).all()
    np.testing.assert_allclose(mfcc.dequantize(mfcc.transform(X)), mfcc.reference(X), atol=0.1)


def test_error_of_a_block() -> None:
    """Small but where bands are weak, which the noise of int16 reaches."""
    mfcc = MFCC(8000, n_fft=256, n_mels=20, precision="int16")
    white = np.rint(np.random.default_rng(0).normal(0, 6000, (60, 256))).clip(-32768, 32767).astype(np.int16)
    levels = [voiced(60, 256, -level, 8000) for level in (0, 6, 20, 40, 60)]
    deviation = mfcc.reference(np.concatenate([white, *levels])).std(axis=0)

    def error(X: np.ndarray) -> np.ndarray:
        return np.abs(mfcc.dequantize(mfcc.transform(X)) - mfcc.reference(X)) / deviation

    for X in levels:
        assert np.sqrt((error(X) ** 2).mean()) < 0.01
        assert error(X).max() < 0.05
    kinds = every_kind(256)
    for X in (white, *(kinds[k][None] for k in ("square", "impulse", "faint", "silent", "quiet", "random"))):
        assert error(X).max() <= 0.05


@pytest.mark.parametrize(
    "options", [*PRESETS, {"preset": "tensorflow"}, {"n_mels": 81, "top_db": 20}], ids=str
)
def test_no_logs_leave_the_width_of_coefficients(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that may be in one window: with the signs of a row, as far apart as they get."""
    cepstra = MFCC(16000, **options).extraction()
    mel = cepstra.mel
    signs = np.sign(cosines(mel.given))
    apart = mel.highest - mel.lowest if mel.range is None else min(mel.range, mel.highest - mel.lowest)
    high = np.where(signs > 0, mel.highest, mel.highest - apart)
    low = np.where(signs > 0, mel.lowest + apart, mel.lowest)
    logs = np.concatenate([high, 2 * mel.highest - apart - high, low, 2 * mel.lowest + apart - low])
    exact = logs / 512 @ cosines(mel.given).T
    logs = logs.astype(np.int64)[:, None]
    monkeypatch.setattr(LogMel, "with_energy", lambda *_: (logs, logs[:, :, 0]))
    got = cepstra.predict(np.zeros((len(logs), cepstra.input.n_features), np.int16))  # in int16
    off = np.abs(got / 2.0**cepstra.fraction - exact)[:, int(mel.given.energy) :]
    assert (off <= 16 * 2.0 ** -cepstra.fraction[int(mel.given.energy) :]).all()


def test_the_highest_log_is_the_loudest_signals() -> None:
    for options in (
        *PRESETS,
        {"preset": "tensorflow"},
        {"mel_norm": "slaney", "full_scale": 1, "window": "boxcar"},
    ):
        mel = MelSpectrogram(16000, **{k: v for k, v in options.items() if k != "n_mfcc"}).extraction()
        n, t = mel.input.n_features, np.arange(mel.input.n_features)
        squares = [
            np.where(np.sin(2 * np.pi * f * t + 1e-3) > 0, 32767, -32768) for f in (0, 0.01, 0.1, 0.3, 0.5)
        ]
        highest = mel.predict(np.stack([*squares, np.full(n, -32768)]).astype(np.int16)).max()
        assert mel.highest - 6 * 512 < highest < mel.highest


@pytest.mark.parametrize("precision", ["int32", "int16"])
def test_silence_is_the_floor(precision: str) -> None:
    mel = MelSpectrogram(16000, log="db", floor=1e-6, precision=precision)
    silence = np.zeros((1, 512), np.int16)
    np.testing.assert_allclose(mel.dequantize(mel.transform(silence)), -60, atol=mel.extraction().step / 2)
    np.testing.assert_allclose(mel.reference(silence), -60)
