"""MelSpectrogram and MFCC: the field's definitions, in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from micromlgen.boards import STRICT, board, core
from micromlgen.calls import predict_call
from micromlgen.features import MFCC, MelSpectrogram
from micromlgen.features.logmel import LogMel
from micromlgen.features.mfcc import cosines
from tests.cases import SANITIZE, Case
from tests.features.speech import voiced
from tests.features.windows import every_kind, stacked

PRESETS: list[dict[str, Any]] = [
    {},
    {"preset": "librosa", "n_fft": 512, "n_mels": 40, "n_mfcc": 13},
    {"preset": "torchaudio", "n_mels": 40, "n_mfcc": 13},
    {"preset": "python_speech_features"},
    {"spectrum": "magnitude", "log": "log2"},
]
SMALL: dict[str, Any] = {"sample_rate": 4000, "n_fft": 64, "n_mels": 9}
CASES = [
    Case("mel_one", MelSpectrogram(**SMALL, log="db"), stacked(64)),
    Case("mfcc_one", MFCC(**SMALL, n_mfcc=6, top_db=180), stacked(64)),
    Case("mfcc_block", MFCC(**SMALL, n_mfcc=6, precision="int16").fit(stacked(96)), stacked(96)),
    Case(
        "mfcc_deltas", MFCC(**SMALL, n_mfcc=3, delta=2, normalize="variance").fit(stacked(160)), stacked(160)
    ),
    Case("mfcc_speech", MFCC(2000, preset="python_speech_features", n_fft=64).fit(stacked(90)), stacked(90)),
    Case(
        "mfcc_slaney",
        MFCC(**SMALL, n_mfcc=5, mel_norm="slaney", mel_scale="slaney").fit(stacked(128)),
        stacked(128),
    ),
]


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


def test_a_short_frame_of_a_long_transform() -> None:
    """Sums of powers may exceed the largest one by far."""
    loud = np.where(np.arange(40) % 20 < 10, 32767, -32768).astype(np.int16)
    X = np.stack(
        [loud, np.full(40, -32768, np.int16), np.where(np.arange(40) == 20, -32768, 0).astype(np.int16)]
    )
    for energy in (False, True):
        mfcc = MFCC(16000, n_fft=4096, frame_length=40, n_mels=8, n_mfcc=8, energy=energy)
        program = mm.transpile(mfcc, name="heard")
        call = predict_call(program.model, program.header, program.name, X)
        result = core("host").run([call], flags=(*SANITIZE, *STRICT), measure=False)[0]
        np.testing.assert_array_equal(result.y, mfcc.transform(X))
        np.testing.assert_allclose(mfcc.dequantize(mfcc.transform(X)), mfcc.reference(X), atol=0.02)


def test_error_of_a_block() -> None:
    """Small but where bands are weak, which the noise of int16 reaches."""
    mfcc = MFCC(8000, n_fft=256, n_mels=20, precision="int16")
    white = np.rint(np.random.default_rng(0).normal(0, 6000, (60, 256))).clip(-32768, 32767).astype(np.int16)
    levels = [voiced(60, 256, -level, 8000) for level in (0, 6, 20, 40, 60)]
    deviation = mfcc.reference(np.concatenate([white, *levels])).std(axis=0)

    def error(X: np.ndarray) -> np.ndarray:
        return np.abs(mfcc.dequantize(mfcc.transform(X)) - mfcc.reference(X)) / deviation

    for X in levels:
        assert np.sqrt((error(X) ** 2).mean()) < 0.02
        assert error(X).max() < 0.2
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


def test_frames_follow_one_another() -> None:
    X = voiced(3, 512 + 3 * 160, -10)
    options: dict[str, Any] = {"sample_rate": 16000, "hop_length": 160, "top_db": 180}
    whole = MFCC(**options).fit(X)
    each = [MFCC(**options).transform(X[:, 160 * t : 160 * t + 512]) for t in range(4)]
    np.testing.assert_array_equal(whole.transform(X), np.concatenate(each, axis=1))
    assert whole.get_feature_names_out()[[0, 13]].tolist() == ["mfcc0_0", "mfcc0_1"]


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


@pytest.mark.parametrize("normalize", ["mean", "variance"])
def test_cepstra_are_normalised_over_frames(normalize: str) -> None:
    X = voiced(4, 256 + 20 * 128, -6, 8000) // np.linspace(1, 9, 256 + 20 * 128).astype(np.int16)
    options: dict[str, Any] = {"sample_rate": 8000, "n_fft": 256, "n_mels": 20}
    ours, plain = MFCC(**options, normalize=normalize).fit(X), MFCC(**options).fit(X)
    frames = plain.reference(X).reshape(4, 21, 13)
    expected = frames - frames.mean(axis=1, keepdims=True)
    if normalize == "variance":
        expected /= frames.std(axis=1, keepdims=True)
    np.testing.assert_allclose(ours.reference(X), expected.reshape(4, -1), atol=1e-9)
    error = np.abs(ours.dequantize(ours.transform(X)) - ours.reference(X)).reshape(4, 21, 13)
    # Half a step of what comes out, and two of what came in.
    scale = frames.std(axis=1, keepdims=True) if normalize == "variance" else 1.0
    own, of_plain = (mfcc.extraction().unit()[:13] for mfcc in (ours, plain))
    assert (error <= 0.5 * own + (2 + np.abs(expected) / 2) * of_plain / scale).all()
    silence = np.zeros((1, X.shape[1]), np.int16)
    assert not ours.transform(silence).any()


@pytest.mark.parametrize(
    ("extractor", "n"),
    [
        (MelSpectrogram(16000), 512),
        (MFCC(16000, n_fft=256, frame_length=201, hop_length=100, pre_emphasis=0.9, mel_norm="slaney"), 600),
        (MFCC(16000, preset="python_speech_features"), 720),
        (MFCC(22050, preset="librosa"), 3000),
        (MFCC(8000, n_fft=128, n_mels=21, spectrum="magnitude", energy=True, lifter=22), 128),
        (MFCC(44100, n_fft=4096, n_mels=255, n_mfcc=255, floor=1e-18), 4096),
        (MFCC(44100, n_fft=4096, n_mels=255, n_mfcc=255, floor=1e-18, precision="int16"), 4096),
        (MFCC(16000, preset="python_speech_features", precision="int16"), 720),
        (MelSpectrogram(8000, n_fft=128, n_mels=21, spectrum="magnitude", precision="int16"), 256),
        (MFCC(16000, preset="tensorflow"), 1024),
        (MFCC(16000, preset="tensorflow", n_fft=512, offset=1.0, energy=True, precision="int16"), 512),
        (MFCC(16000, offset=1e-12, edges="mels"), 512),
        (MFCC(16000, offset=1e-5, mel_norm="slaney", energy=True, fmin=300, fmax=5000), 512),
        (MFCC(16000, offset=1e-5, mel_norm="slaney", energy=True, precision="int16"), 512),
        (MFCC(16000, spectrum="magnitude", energy=True, fmin=300, fmax=5000), 512),
        (MFCC(8000, n_fft=64, n_mels=12, n_mfcc=7, normalize="mean", delta=1, delta_width=1), 400),
        (MFCC(8000, n_fft=64, n_mels=12, n_mfcc=7, normalize="variance", delta=2), 700),
        (MFCC(8000, n_fft=64, n_mels=12, n_mfcc=7, normalize="variance", energy=True), 64),
    ],
    ids=lambda value: str(value).replace("\n", "")[:50],
)
def test_c_is_the_twin(extractor: Any, n: int) -> None:
    X = np.concatenate([stacked(n), voiced(2, n, -1), voiced(2, n, -50)])
    fitted = clone(extractor).fit(X)
    program = mm.transpile(fitted, name="heard")
    call = predict_call(program.model, program.header, program.name, X)
    result = core("host").run([call], flags=(*SANITIZE, *STRICT), measure=False)[0]
    np.testing.assert_array_equal(result.y, fitted.transform(X))


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_boards_give_the_twin(name: str) -> None:
    calls, twins = [], []
    for extractor, n in (
        (MFCC(8000, n_fft=256, n_mels=20), 256),
        (MelSpectrogram(16000, log="db"), 512),
        (MFCC(2000, preset="python_speech_features", n_fft=64).fit(stacked(90)), 90),
        (MFCC(8000, n_fft=128, n_mels=20, mel_norm="slaney", pre_emphasis=0.97, precision="int16"), 128),
    ):
        program = mm.transpile(extractor, name=f"heard{n}")
        calls.append(predict_call(program.model, program.header, program.name, stacked(n)))
        twins.append(extractor.transform(stacked(n)))
    for result, twin in zip(core(name).run(calls, flags=("-O2", *STRICT)), twins, strict=True):
        np.testing.assert_array_equal(result.y, twin)


@pytest.mark.boards
@pytest.mark.parametrize(("name", "most"), [("cortex-m0plus", 72_000), ("cortex-m4f", 29_000)])
def test_instructions_of_a_frame(name: str, most: int) -> None:
    """Whatever the level: faint samples are shifted up, which takes no more."""
    X = np.concatenate([stacked(512), voiced(2, 512, -1), voiced(2, 512, -60)])
    program = mm.transpile(MFCC(16000), name="heard")
    call = predict_call(program.model, program.header, program.name, X)
    result = core(name).run([call], flags=("-O2", *STRICT))[0]
    np.testing.assert_array_equal(result.y, program.model.predict(X))
    assert result.cost.max() < most


@pytest.mark.boards
@pytest.mark.parametrize("flags", ["-Os", "-O2"])
def test_real_time_on_an_uno(flags: str) -> None:
    """A frame of 32 ms in 16 ms and 1.2 KB of RAM, in the precision that has little error."""
    program = mm.transpile(MFCC(8000, n_fft=256, n_mels=20), name="heard")
    call = predict_call(program.model, program.header, program.name, stacked(256))
    result = board("uno").core.run([call], flags=(flags, *STRICT))[0]
    np.testing.assert_array_equal(result.y, program.model.predict(stacked(256)))
    assert result.cost.max() <= 250_000
    assert result.stack <= 1228


@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
def test_from_samples_to_a_word(dtype: str) -> None:
    X = np.concatenate([voiced(60, 256, -6, 8000), voiced(60, 256, -6, 16000)])
    y = np.repeat(["low", "high"], 60)
    model = make_pipeline(MFCC(8000, n_fft=256, n_mels=20), StandardScaler(), LogisticRegression()).fit(X, y)
    program = mm.transpile(model, name="spoken", dtype=dtype, calibration=X)
    report = program.verify(X)
    assert report, str(report)
    assert report.agreement >= 0.97


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"preset": "kaldi"},
            r"preset='kaldi': use one of librosa, torchaudio, python_speech_features, tensorflow",
        ),
        ({"sample_rate": 0}, r"sample_rate=0: a number of samples in a second"),
        ({"sample_rate": np.inf}, r"sample_rate=inf: a number of samples in a second"),
        ({"n_fft": 512.0}, r"n_fft=512.0: a power of two from 8 to 4096"),
        ({"n_mels": True}, r"n_mels=True: an integer from 1 to 255"),
        ({"fmax": np.nan}, r"fmax=nan: a number of Hz"),
        ({"n_fft": 400}, r"n_fft=400: a power of two from 8 to 4096"),
        ({"frame_length": 600}, r"frame_length=600: an integer from 1 to 512"),
        ({"fmax": 9000}, r"fmax=9000: 0 <= fmin=0.0 < fmax <= sample_rate / 2"),
        ({"n_mfcc": 50}, r"n_mfcc=50: an integer from 1 to n_mels=40"),
        ({"log": "log10"}, r"log='log10': use one of 'ln', 'log2', 'db'"),
        ({"floor": 0}, r"floor=0: a number from 1e-18 to 1"),
        ({"pre_emphasis": 1.0}, r"pre_emphasis=1.0: a number from 0 to below 1"),
        ({"window": "hanning"}, r"window='hanning' is none of scipy"),
        ({"fmin": 10, "fmax": 20}, r"no bin lies between fmin=10 and fmax=20"),
        ({"top_db": -3}, r"top_db=-3: a number of dB up to 180"),
        ({"offset": -1}, r"offset=-1: a number from 0 to 1"),
        ({"delta": 3}, r"delta=3: use one of 0, 1, 2"),
        ({"delta_width": 0}, r"delta_width=0: an integer from 1 to 9"),
        ({"normalize": "cmvn"}, r"normalize='cmvn': use one of None, 'mean', 'variance'"),
        ({"dct": "full"}, r"dct='full': use one of 'ortho', 'htk'"),
        ({"precision": "int8"}, r"precision='int8': use one of 'int32', 'int16'"),
        ({"lifter": -1}, r"lifter=-1: an integer from 0"),
        ({"full_scale": 0.5}, r"full_scale=0.5: a number from 1 to 32768"),
        ({"sample_rate": float("inf")}, r"sample_rate=inf: a number of samples in a second"),
        ({"preset": []}, r"preset=\[\]: use one of librosa"),
        ({"delta": 1.0}, r"delta=1.0: use one of 0, 1, 2"),
        ({"energy": "log"}, r"energy='log': use one of False, True"),
        ({"window": ()}, r"window=\(\) is none of scipy"),
    ],
)
def test_unfit_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"MFCC: " + message):
        mm.port(MFCC(**{"sample_rate": 16000, **options}))


def test_integers_of_numpy_are_integers() -> None:
    """As searches over np.arange pass them."""
    given = {"n_fft": 512, "hop_length": 256, "n_mels": 20, "n_mfcc": 8, "delta": 1, "lifter": 22}
    X = np.random.default_rng(0).integers(-999, 999, (2, 2000)).astype(np.int16)
    expected = MFCC(8000, **given).fit(X).transform(X)
    numpys = {name: np.int64(value) for name, value in given.items()}
    np.testing.assert_array_equal(MFCC(np.float32(8000), **numpys).fit(X).transform(X), expected)


def test_windows_shorter_than_a_frame_are_refused() -> None:
    with pytest.raises(ValueError, match=r"MFCC: windows have 300 samples; a frame has 512"):
        MFCC(16000).fit(np.zeros((1, 300), np.int16))
    with pytest.raises(ValueError, match=r"dtype float64; int16 samples are needed"):
        MFCC(16000).fit(np.zeros((1, 512)))
