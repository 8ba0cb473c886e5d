"""Extractors side by side, of which those that read the same spectra share them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_union

import micromlgen as mm
from micromlgen.boards import core
from micromlgen.calls import predict_call
from micromlgen.features import FFT, MFCC, BandPower, MelSpectrogram, SpectralShape, Statistics
from micromlgen.features.beside import Beside
from tests.cases import Case
from tests.features.runs import assert_same
from tests.features.windows import for_spectra as windows
from tests.features.windows import stacked

BANDS = [(0, 13), (13, 30), (30, 50)]
MEL: dict[str, Any] = {"sample_rate": 100, "n_fft": 64, "n_mels": 8}
CEPSTRA = {**MEL, "n_mfcc": 5}
BLOCK = {"precision": "int16"}
CASES = [
    Case(
        "shared_powers",
        make_union(MFCC(**CEPSTRA), Statistics(), BandPower(BANDS, 100, 64)).fit(stacked(128)),
        stacked(128),
    ),
    Case(
        "shared_block",
        make_union(
            FFT(32, "hann", "log", "int16"),
            SpectralShape(100, n_fft=32, **BLOCK),
            BandPower(BANDS, 100, 32, **BLOCK),
        ).fit(stacked(32)),
        stacked(32),
    ),
]


def shape(*features: str, **options: Any) -> SpectralShape:
    return SpectralShape(100, list(features), 64, **options)


def bands(**options: Any) -> BandPower:
    return BandPower(BANDS, 100, 64, **options)


def unions(options: dict[str, Any]) -> list[tuple[int, list[Any], list[tuple[int, ...]]]]:
    """Samples of a window, extractors, and which of them share."""
    short: dict[str, Any] = {"pre_emphasis": 0.9, "frame_length": 50, **options}
    block = options == BLOCK
    return [
        (64, [bands(**options), shape("centroid", "peaks", **options), Statistics()], [(0, 1)]),
        (160, [shape("flux", **options), shape("rolloff", **options), bands(**options)], [(0, 1, 2)]),
        (
            480,
            [shape("flux", "peaks", n_channels=3, **options), bands(n_channels=3, output="log", **options)],
            [(0, 1)],
        ),
        (
            256,
            [
                MFCC(**CEPSTRA, delta=1, energy=True, **options),
                bands(**options),
                MelSpectrogram(**MEL, spectrum="magnitude", **options),
            ],
            [(0, 1, 2)],
        ),
        (256, [MFCC(**CEPSTRA, **short), MelSpectrogram(**MEL, top_db=180, **short)], [(0, 1)]),
        (
            64,
            [
                FFT(64, "hann", "power", **options),
                MFCC(**CEPSTRA, **options),
                FFT(64, "hann", "complex", **options),
                shape("flatness", **options),
                FFT(64, "hann", "log", **options),
            ],
            [(0, 1, 2, 3, 4)] if block else [(1, 3)],
        ),
    ]


@pytest.mark.parametrize("where", ["host", pytest.param("boards", marks=pytest.mark.boards)])
@pytest.mark.parametrize("options", [{}, BLOCK], ids=["int32", "int16"])
def test_c_is_the_twin(where: str, options: dict[str, Any]) -> None:
    """Whose parts know nothing of each other."""
    calls, twins = [], []
    every = unions(options) if where == "host" else unions(options)[int(options == BLOCK) :: 2]
    for i, (n, parts, shared) in enumerate(every):
        X = windows(n)[::2]
        union = make_union(*parts).fit(X)
        program = mm.transpile(union, name=f"side{i}")
        assert isinstance(program.model, Beside)
        assert [group.numbers for group in program.model.groups] == shared
        calls.append(predict_call(program.model, program.header, program.name, X))
        twins.append(union.transform(X))
    assert_same(where, calls, twins)


def test_other_spectra_are_not_shared() -> None:
    parts = [
        bands(),
        bands(window=None),
        bands(hop_length=20),
        bands(precision="int16"),
        shape("rolloff", window="hamming"),
        BandPower(BANDS, 100, 32),
        MFCC(**CEPSTRA, pre_emphasis=0.5),
        FFT(128, "hann", "log"),
    ]
    program = mm.transpile(make_union(*parts).fit(stacked(128)), name="side")
    assert isinstance(program.model, Beside)
    assert not program.model.groups


def test_shared_tables_are_there_once() -> None:
    X = stacked(64)
    alone = [mm.transpile(part.fit(X), name="alone") for part in (bands(), shape("rolloff"))]
    union = mm.transpile(make_union(bands(), shape("rolloff")).fit(X), name="side")
    assert union.header.count("_twiddles[") == 1
    assert union.header.count("_window[") == 1
    layout = union.model.layouts()[0]
    twice = [sum(program.model.layouts()[0].tables) for program in alone]
    assert sum(layout.tables) == sum(twice) - 2 * (2 * 17) - 2 * 33
    assert layout.cycles["avr"] < 0.8 * sum(program.model.layouts()[0].cycles["avr"] for program in alone)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m4f"])
def test_two_cost_little_more_than_one(name: str) -> None:
    X = np.asarray(windows(256)[:4], np.int16)
    both = [BandPower(BANDS, 100, 256), MFCC(100, n_fft=256, n_mels=20)]
    cycles = []
    for estimator in (both[1].fit(X), make_union(*both).fit(X)):
        program = mm.transpile(estimator, name="side")
        call = predict_call(program.model, program.header, program.name, X)
        cycles.append(core(name).run([call], flags=("-O2",))[0].cost.mean())
    assert cycles[1] < 1.2 * cycles[0]
