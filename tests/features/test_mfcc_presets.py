"""MelSpectrogram and MFCC by their presets and options: what the field's libraries give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from micromlgen.features import MFCC, MelSpectrogram
from tests.features.speech import voiced


@pytest.mark.parametrize("n_mels", [40, 128])
@pytest.mark.parametrize(("htk", "norm"), [(True, None), (True, "slaney"), (False, None), (False, "slaney")])
def test_filters_are_librosas(n_mels: int, htk: bool, norm: str | None) -> None:
    librosa = pytest.importorskip("librosa")
    options = {"mel_scale": "htk" if htk else "slaney", "mel_norm": norm}
    bank = MFCC(16000, n_fft=2048, n_mels=n_mels, fmin=50, fmax=7000, **options).extraction().mel.bank
    theirs = librosa.filters.mel(
        sr=16000, n_fft=2048, n_mels=n_mels, fmin=50, fmax=7000, htk=htk, norm=norm, dtype=np.float64
    )
    np.testing.assert_allclose(bank.matrix(), theirs, atol=1e-12)


def test_the_preset_of_librosa_is_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    X = voiced(4, 2048 + 3 * 512, -6, 22050)
    theirs = librosa.feature.mfcc(y=X / 32768.0, sr=22050, center=False)  # (n, coefficients, frames)
    ours = MFCC(22050, preset="librosa")
    np.testing.assert_allclose(ours.reference(X), theirs.transpose(0, 2, 1).reshape(4, -1), atol=1e-4)
    np.testing.assert_allclose(ours.dequantize(ours.fit(X).transform(X)), ours.reference(X), atol=0.3)
    theirs = librosa.feature.melspectrogram(y=X / 32768.0, sr=22050, center=False)
    theirs = np.stack([librosa.power_to_db(each) for each in theirs])
    ours = MelSpectrogram(22050, preset="librosa")
    np.testing.assert_allclose(ours.reference(X), theirs.transpose(0, 2, 1).reshape(4, -1), atol=1e-4)


@pytest.mark.parametrize(
    ("sample_rate", "options", "of_mel"),
    [
        (4000, {"n_fft": 128, "n_mels": 12, "n_mfcc": 12, "lifter": 22}, {}),
        (11025, {"n_fft": 1024, "n_mels": 97, "n_mfcc": 31, "fmin": 20}, {"norm": None}),
        (
            48000,
            {"n_fft": 4096, "n_mels": 128, "n_mfcc": 128, "fmax": 19200},
            {"htk": True, "window": "blackman"},
        ),
        (
            22050,
            {"n_fft": 512, "n_mels": 9, "n_mfcc": 5, "lifter": 7},
            {"htk": True, "norm": None, "power": 1},
        ),
    ],
)
def test_librosas_options_are_librosas(
    sample_rate: int, options: dict[str, Any], of_mel: dict[str, Any]
) -> None:
    librosa = pytest.importorskip("librosa")
    hop = options["n_fft"] * 3 // 5
    X = voiced(3, options["n_fft"] + 2 * hop, -6, sample_rate)
    mels = {k: v for k, v in {"fmax": None, **options}.items() if k not in ("n_mfcc", "lifter")}
    theirs = librosa.feature.melspectrogram(
        y=X / 32768.0, sr=sample_rate, hop_length=hop, center=False, **mels, **of_mel
    )
    to_db = librosa.power_to_db if of_mel.get("power", 2) == 2 else librosa.amplitude_to_db
    theirs = np.stack([to_db(each) for each in theirs])
    theirs = librosa.feature.mfcc(S=theirs, n_mfcc=options["n_mfcc"], lifter=options.get("lifter", 0))
    ours = MFCC(
        sample_rate,
        preset="librosa",
        hop_length=hop,
        window=of_mel.get("window"),
        mel_scale="htk" if of_mel.get("htk") else None,
        mel_norm="none" if "norm" in of_mel else None,
        spectrum="magnitude" if of_mel.get("power") == 1 else None,
        **options,
    )
    theirs = theirs.transpose(0, 2, 1).reshape(len(X), -1)
    np.testing.assert_allclose(ours.reference(X), theirs, atol=1e-3)
    np.testing.assert_allclose(ours.dequantize(ours.fit(X).transform(X)), theirs, atol=0.5)


@pytest.mark.parametrize("sample_rate", [8000, 16000])
def test_the_preset_of_python_speech_features_is_it(sample_rate: int) -> None:
    psf = pytest.importorskip("python_speech_features")
    length, hop = int(0.025 * sample_rate + 0.5), int(0.01 * sample_rate + 0.5)
    X = voiced(4, length + 4 * hop, -6, sample_rate)
    ours = MFCC(sample_rate, preset="python_speech_features")
    theirs = np.stack([psf.mfcc(x, sample_rate, nfft=512).ravel() for x in X])
    np.testing.assert_allclose(ours.reference(X), theirs, atol=1e-9)
    np.testing.assert_allclose(ours.fit(X).dequantize(ours.transform(X)), theirs, atol=0.1)


def test_the_preset_of_torchaudio_is_its_formula() -> None:
    """As torchaudio.functional has it: too heavy a package to install for this."""
    X = voiced(4, 400, -6)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.abs(np.fft.rfft(X / 32768.0 * window, 512)) ** 2
    top = 2595 * np.log10(1 + 8000 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, 42) / 2595) - 1)
    slopes = corners[:, None] - np.linspace(0, 8000, 257)
    apart = np.diff(corners)[:, None]
    bank = np.maximum(0, np.minimum(-slopes[:-2] / apart[:-1], slopes[2:] / apart[1:]))
    decibels = 10 * np.log10(np.maximum(power @ bank.T, 1e-10))
    decibels = np.maximum(decibels, decibels.max(axis=1, keepdims=True) - 80)
    m = np.arange(40)
    rows = np.cos(np.pi / 40 * (m + 0.5) * np.arange(13)[:, None]) * np.sqrt(2 / 40)
    rows[0] /= np.sqrt(2)
    ours = MFCC(16000, preset="torchaudio", n_mels=40, n_mfcc=13)
    np.testing.assert_allclose(ours.reference(X), decibels @ rows.T, atol=1e-9)


def test_the_preset_of_tensorflow_is_its_guide() -> None:
    """Its functions as documented, in float64: the package is too heavy to install for this."""
    X = voiced(4, 1024, -6)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    spectrum = np.abs(np.fft.rfft(X / 32768.0 * window))

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)

    edges = np.linspace(mel(80.0), mel(7600.0), 82)
    bins = mel(np.linspace(0.0, 8000.0, 513)[1:])[:, None]  # without that of 0 Hz
    lower = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    upper = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bank = np.pad(np.maximum(0.0, np.minimum(lower, upper)), ((1, 0), (0, 0)))
    logs = np.log(spectrum @ bank + 1e-6)
    rows = 2 * np.cos(np.pi * np.arange(13)[:, None] * (2 * np.arange(80) + 1) / 160)
    theirs = logs @ rows.T / np.sqrt(2 * 80)
    ours = MFCC(16000, preset="tensorflow")
    np.testing.assert_allclose(ours.reference(X), theirs, atol=1e-9)
    np.testing.assert_allclose(ours.dequantize(ours.transform(X)), theirs, atol=0.02)
    mels = MelSpectrogram(16000, preset="tensorflow")
    np.testing.assert_allclose(mels.reference(X), logs, atol=1e-9)
    for level in (-1, -50, -90):
        X = voiced(4, 1024, level)
        np.testing.assert_allclose(mels.dequantize(mels.transform(X)), mels.reference(X), atol=0.01)


def test_deltas_are_those_of_python_speech_features() -> None:
    psf = pytest.importorskip("python_speech_features")
    X = voiced(3, 256 + 9 * 128, -6, 8000) // np.linspace(1, 9, 256 + 9 * 128).astype(np.int16)
    ours = MFCC(8000, n_fft=256, n_mels=20, top_db=180, delta=2, delta_width=3).fit(X)
    frames = ours.reference(X).reshape(3, 10, 3, 13)
    for x in frames:
        np.testing.assert_allclose(x[:, 1], psf.delta(x[:, 0], 3), atol=1e-12)
        np.testing.assert_allclose(x[:, 2], psf.delta(psf.delta(x[:, 0], 3), 3), atol=1e-12)
    error = ours.dequantize(ours.transform(X)) - ours.reference(X)
    assert (np.abs(error).max(axis=0) <= 0.02 + ours.extraction().unit()).all()
    names = ours.get_feature_names_out()
    assert names[[0, 13, 26, 39]].tolist() == ["mfcc0_0", "delta0_0", "delta_delta0_0", "mfcc0_1"]
