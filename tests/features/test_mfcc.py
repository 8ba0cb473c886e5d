"""MelSpectrogram and MFCC: frames, C and boards, and the options that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from micromlgen.boards import STRICT, board, core
from micromlgen.calls import predict_call
from micromlgen.features import MFCC, MelSpectrogram
from tests.cases import SANITIZE, Case
from tests.features.speech import voiced
from tests.features.windows import stacked

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


def test_frames_follow_one_another() -> None:
    X = voiced(3, 512 + 3 * 160, -10)
    options: dict[str, Any] = {"sample_rate": 16000, "hop_length": 160, "top_db": 180}
    whole = MFCC(**options).fit(X)
    each = [MFCC(**options).transform(X[:, 160 * t : 160 * t + 512]) for t in range(4)]
    np.testing.assert_array_equal(whole.transform(X), np.concatenate(each, axis=1))
    assert whole.get_feature_names_out()[[0, 13]].tolist() == ["mfcc0_0", "mfcc0_1"]


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
        (MFCC(2000, preset="python_speech_features", n_fft=64, delta=2, normalize="mean"), 300),
        (MFCC(8000, n_fft=8, n_mels=3, n_mfcc=3, hop_length=1, lifter=1000, normalize="variance"), 600),
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
        (MFCC(**SMALL, n_mfcc=6, delta=1, normalize="variance", top_db=180).fit(stacked(200)), 200),
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
        ({"frame_length": 600}, r"frame_length=600: an integer from 1 to n_fft=512"),
        (
            {"sample_rate": 44100, "preset": "python_speech_features"},
            r"frame_length=1103: an integer from 1 to n_fft=512 is needed",
        ),
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
