"""Streams that keep what is computed of frames, each once, rather than the samples of windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

import micromlgen as mm
from micromlgen.boards import STRICT, Call, core
from micromlgen.calls import twin_calls
from micromlgen.features import (
    FFT,
    MFCC,
    BandPower,
    FIRFilter,
    MelSpectrogram,
    SpectralShape,
    Statistics,
    Windower,
)
from micromlgen.streams import Framing
from tests.cases import SANITIZE, Case
from tests.features.windows import stacked

SMALL: dict[str, Any] = {"sample_rate": 4000, "n_fft": 64, "n_mels": 9}
CEPSTRA = {**SMALL, "n_mfcc": 6}
BLOCK = {"precision": "int16"}


def model(*steps: Any, n: int) -> Any:
    """Steps and a model of what they give, of windows of n samples."""
    X = stacked(n)
    return make_pipeline(*steps, StandardScaler(), LogisticRegression()).fit(X, np.arange(len(X)) % 2)


def emphasised(n: int, hop: int, **options: Any) -> Any:
    return make_pipeline(Windower(n, hop), MFCC(**CEPSTRA, pre_emphasis=0.97, **options)).fit(stacked(n))


def windows(length: int, hop: int, *steps: Any, n_channels: int = 1) -> Any:
    """Extractors side by side, if several, of windows."""
    behind = steps[0] if len(steps) == 1 else make_union(*steps)
    return make_pipeline(Windower(length, hop, n_channels=n_channels), behind).fit(
        stacked(length * n_channels)
    )


def bands(**options: Any) -> BandPower:
    return BandPower([(0, 500), (500, 1200), (1200, 2000)], 4000, 64, **options)


def shape(*features: str, **options: Any) -> SpectralShape:
    return SpectralShape(4000, list(features), 64, **options)


CASES = [
    Case("frames_bands", windows(160, 32, bands(n_channels=2), n_channels=2), stacked(320)),
    Case(
        "frames_union",
        windows(160, 64, bands(**BLOCK), shape("peaks", "flux", "rolloff", **BLOCK)),
        stacked(160),
    ),
    Case("frames_emphasised", emphasised(170, 32, energy=True), stacked(170)),
    Case(
        "frames_mel",
        make_pipeline(Windower(160, 64), MelSpectrogram(**SMALL)).fit(stacked(160)),
        stacked(160),
    ),
]


def framing(estimator: Any) -> Framing | None:
    stream = mm.transpile(estimator, name="heard").model.streamed()
    assert stream is not None
    return stream.framing


@pytest.mark.parametrize(
    ("estimator", "n"),
    [
        (emphasised(170, 64), 170),  # every second frame is the first one of a window too
        (emphasised(300, 200, hop_length=80), 300),  # windows share samples, but no frame
        (emphasised(300, 300, hop_length=66, precision="int16"), 300),  # samples between windows are left out
        (emphasised(300, 300, hop_length=100), 300),  # and between frames
        (make_pipeline(Windower(400, 16), MelSpectrogram(**SMALL, hop_length=16)).fit(stacked(400)), 400),
        (MelSpectrogram(**SMALL, top_db=180).fit(stacked(400)), 400),
        (MFCC(**CEPSTRA, delta=2, normalize="variance").fit(stacked(400)), 400),
        (
            model(
                FIRFilter([0.5, 0.5], 2),
                Windower(200, 32),
                MFCC(**CEPSTRA, delta=1, normalize="mean", top_db=180, energy=True),
                n=450,
            ),
            450,
        ),
        (model(FIRFilter([0.5, 0.5]), MFCC(**CEPSTRA, pre_emphasis=0.9), n=450), 450),
        (model(MFCC(**CEPSTRA), n=450), 450),
        (bands().fit(stacked(400)), 400),
        (windows(170, 100, bands(hop_length=50, output="relative", n_channels=3), n_channels=3), 510),
        (windows(200, 200, bands(hop_length=66, output="log", n_channels=8), n_channels=8), 1600),
        (windows(170, 100, bands()), 170),  # the next frame is there before a window is over
        (windows(160, 32, shape("flux", **BLOCK)), 160),
        (windows(160, 32, shape("flux", "centroid", n_channels=2), n_channels=2), 320),
        (windows(160, 64, shape("rolloff", "peaks", "flux")), 160),
        (windows(400, 400, shape("flatness", "bandwidth")), 400),
        (windows(170, 32, Statistics(["std"]), bands(), shape("flux")), 170),  # beside samples
        (windows(160, 64, bands(), shape("centroid", hop_length=16)), 160),  # not the same frames
        (windows(160, 32, bands(n_channels=2), MelSpectrogram(**SMALL), n_channels=2), 320),
        (
            windows(
                160,
                32,
                bands(n_channels=2, **BLOCK),
                Statistics(["mean"], n_channels=2),
                shape("flux", n_channels=2, **BLOCK),
                n_channels=2,
            ),
            320,
        ),
        (
            model(
                FIRFilter([0.5, 0.5]),
                Windower(160, 32),
                make_union(MFCC(**CEPSTRA, pre_emphasis=0.9), Statistics(["std"])),
                n=200,
            ),
            200,
        ),
        (
            windows(160, 32, bands(), shape("centroid"), MFCC(**CEPSTRA, delta=1), MelSpectrogram(**SMALL)),
            160,
        ),
        (windows(160, 64, bands(), shape("peaks", "flux"), MFCC(**CEPSTRA, pre_emphasis=0.9, **BLOCK)), 160),
        (
            windows(
                200,
                32,
                bands(n_channels=3, **BLOCK),
                shape("flux", n_channels=3, **BLOCK),
                shape("flux", "rolloff", n_channels=3, window=None),
                n_channels=3,
            ),
            600,
        ),
        (
            windows(
                200,
                32,
                MFCC(**CEPSTRA, pre_emphasis=0.9, energy=True, **BLOCK),
                MelSpectrogram(**SMALL, pre_emphasis=0.9, top_db=180, **BLOCK),
            ),
            200,
        ),
        (
            model(
                FIRFilter([0.5, 0.5]),
                Windower(160, 32),
                make_union(bands(), MelSpectrogram(**SMALL, spectrum="magnitude")),
                n=200,
            ),
            200,
        ),
    ],
    ids=lambda value: str(value).replace("\n", "")[:60],
)
def test_a_stream_of_frames_is_the_twin(estimator: Any, n: int) -> None:
    """Which computes windows from their samples; each is ready at its last one."""
    assert framing(estimator) is not None
    program = mm.transpile(estimator, name="heard")
    expected = twin_calls(program.model, program.header, program.name, stacked(n))[-1]
    result = core("host").run([expected.call], flags=(*SANITIZE, *STRICT), measure=False)[0]
    assert expected.y.any()
    assert not expected.differs(result.y).any()


@pytest.mark.parametrize(
    ("length", "hop"),
    [(170, 32), (170, 100), (170, 110), (170, 170), (160, 64)],  # four of them with samples behind frames
)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_window_is_ready_at_its_last_sample(length: int, hop: int, n_channels: int) -> None:
    assert ready(windows(length, hop, bands(n_channels=n_channels), n_channels=n_channels)) == list(
        range(length - 1, 600, hop)
    )


def test_one_whose_samples_are_kept_too() -> None:
    assert ready(windows(170, 32, bands(), Statistics(["mean"]))) == list(range(169, 600, 32))


def ready(estimator: Any) -> list[int]:
    """Samples of 600 behind which a window of frames is ready."""
    stream = mm.transpile(estimator, name="heard").model.streamed()
    assert stream is not None
    assert stream.framing is not None
    n_channels = stream.n_channels
    program = mm.transpile(estimator, name="heard")
    pushed = f"static heard_stream_t s; y[0] = heard_stream_push(&s, {'x[0]' if n_channels == 1 else 'x'});"
    recording = np.resize(stacked(64), (600, n_channels))
    result = core("host").run([Call(program.header, recording, pushed)], measure=False)[0]
    return np.flatnonzero(result.y).tolist()


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(Windower(160, 48), MFCC(**CEPSTRA)).fit(stacked(160)),  # one and a half frames
        MFCC(**CEPSTRA).fit(stacked(64)),  # one frame
        MFCC(**CEPSTRA, hop_length=4).fit(stacked(160)),  # more numbers than samples
        make_pipeline(Windower(160, 32, n_channels=2), MFCC(**CEPSTRA)).fit(stacked(320)),
        Statistics().fit(stacked(64)),
        windows(160, 160, bands(), Statistics()),  # which needs the samples, and shares no frames
        windows(160, 32, make_union(bands(), shape("centroid")), Statistics()),
        windows(64, 32, FFT(64, "hann", "power", **BLOCK), shape("centroid", **BLOCK)),
        windows(160, 32, MelSpectrogram(**SMALL), Statistics(n_channels=2), n_channels=2),
    ],
    ids=lambda value: str(value).replace("\n", "")[:60],
)
def test_other_windows_are_kept_as_samples(estimator: Any) -> None:
    assert framing(estimator) is None


def test_frames_and_bytes() -> None:
    shared = Framing(length=64, hop=32, count=9, kept=10, window_hop=64, looks_back=True)
    assert (shared.shared, shared.passed, shared.firsts, shared.last_hop) == (True, 2, 4, 32)
    assert shared.n_bytes == 2 * (65 + 10 * 13) + 4
    apart = Framing(length=64, hop=32, count=9, kept=10, window_hop=320, looks_back=True)
    assert (apart.shared, apart.passed, apart.firsts, apart.last_hop) == (False, 9, 0, 64)
    assert not Framing(64, 32, 9, 10, 48, False).possible
    of_channels = Framing(64, 32, 9, 10, 64, False, n_channels=3, carried=34)
    assert of_channels.n_bytes == 2 * (3 * 64 + 10 * 9) + 4 * 34 + 4
    assert of_channels.pays
    assert not Framing(64, 32, 2, 40, 96, False).pays  # 292 bytes, of 192
    behind = Framing(64, 32, 9, 10, 320, False, rest=10)
    assert (behind.distinct, behind.ready) == (behind, 10)
    soon = Framing(64, 32, 9, 10, 260, False, rest=10)  # the next window's first frame is there before
    assert (soon.distinct.length, soon.distinct.rest) == (74, 0)


@pytest.mark.boards
def test_its_ram_and_cycles() -> None:
    """Of keywords on an Uno: 16 frames of 32 ms, every 16 ms."""
    n = 256 + 15 * 128
    keywords = MFCC(8000, n_fft=256, n_mels=20, n_mfcc=12, precision="int16")
    estimator = make_pipeline(Windower(n, 128), keywords).fit(stacked(n))
    found = framing(estimator)
    assert found is not None
    program = mm.transpile(estimator, name="heard")
    touched = (
        "static heard_stream_t s; int16_t k; for (k = 0; k < 128; ++k) y[0] = heard_stream_push(&s, x[k]);"
    )
    call = Call(program.header, stacked(128)[:6], touched, "int16")
    assert core("avr").size(call).ram == found.n_bytes < 1200
    hop = core("avr").run([call], flags=("-O2", *STRICT))[0]
    assert hop.cost.max() < 300_000  # a frame; there are 256 000 in 16 ms at 16 MHz


@pytest.mark.boards
def test_bands_and_shapes_of_windows_that_overlap() -> None:
    """A hop has one new frame, where a window has seven; channels beside one another."""
    every, one = [
        mm.transpile(
            windows(
                256,
                hop,
                BandPower([(0, 500), (500, 2000)], 4000, 64, n_channels=2, **BLOCK),
                shape("centroid", "flux", n_channels=2, **BLOCK),
                n_channels=2,
            ),
            name="heard",
        ).stream_footprint("pico", np.resize(stacked(64), (512, 2)))
        for hop in (256, 32)
    ]
    assert one.state == 2 * (128 + 7 * 20) + 4 * 68 + 4
    assert one.cycles_max < every.cycles_mean / 4
