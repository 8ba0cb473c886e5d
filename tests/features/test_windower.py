"""Windows of recordings, rows that have a lead, and streams of windows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import micromlgen as mm
from micromlgen.errors import UnsupportedError
from micromlgen.features import Windower
from tests.cases import Case
from tests.features.windows import every_kind, stacked

CASES = [Case("windower", Windower(8, 3, n_channels=2).fit(stacked(20)), stacked(20))]
RECORDING = every_kind(200)["white"]


def test_rows_are_windows_already() -> None:
    X = stacked(16)
    fitted = Windower(8, n_channels=2).fit(X)
    np.testing.assert_array_equal(fitted.transform(X), X)
    np.testing.assert_array_equal(fitted.reference(X), X)
    assert fitted.get_feature_names_out()[-1] == "x7_1"


def test_a_row_gives_its_last_samples() -> None:
    X = stacked(20)
    np.testing.assert_array_equal(
        Windower(4, n_channels=3).fit(stacked(18)).transform(stacked(18)), stacked(18)[:, 6:]
    )
    np.testing.assert_array_equal(Windower(15, 5).fit(X).transform(X), X[:, 5:])


def test_a_recording_is_split_into_rows() -> None:
    rows = Windower(50, 20).split(RECORDING)
    assert rows.shape == (8, 50)
    np.testing.assert_array_equal(rows[3], RECORDING[60:110])
    np.testing.assert_array_equal(Windower(50).split(RECORDING), RECORDING.reshape(4, 50))
    with_lead = Windower(50, 20).split(RECORDING, lead=10)
    np.testing.assert_array_equal(with_lead[3], RECORDING[60:120])
    pairs = np.stack([RECORDING, -(RECORDING // 2)], axis=1)
    np.testing.assert_array_equal(Windower(50, 20, n_channels=2).split(pairs)[3], pairs[60:110].ravel())


def test_a_window_has_the_label_of_most_of_its_frames() -> None:
    labels = np.repeat(["walk", "run", "walk"], [70, 60, 70])
    rows, y = Windower(50, 20).split(RECORDING, labels)
    assert len(rows) == len(y)
    assert y.tolist() == ["walk"] * 3 + ["run"] * 3 + ["walk"] * 2
    # Of the lead nothing is asked; of as many frames the first label in order counts.
    assert Windower(50, 20).split(RECORDING, labels, lead=50)[1][1:3].tolist() == ["run", "run"]
    assert Windower(2).split(RECORDING[:4], [1, 0, 2, 2])[1].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("length", "hop", "channels"), [(8, 8, 1), (8, 3, 1), (9, 1, 2), (5, 5, 3), (1, 1, 1)]
)
def test_a_stream_gives_the_windows_of_split(length: int, hop: int, channels: int) -> None:
    recording = RECORDING[: 180 // channels * channels].reshape(-1, channels)
    windower = Windower(length, hop, n_channels=channels)
    rows = windower.split(recording)
    program = mm.transpile(windower.fit(rows), name="windows")
    np.testing.assert_array_equal(program.stream(recording), rows)
    assert program.verify(rows)
    kept = 2 * channels * (length - hop)
    assert ("memmove(s->window" in program.header) == (kept > 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Windower(8, 9).fit(stacked(8)), "hop=9 is more than length=8; use at most the length"),
        (lambda: Windower(0).fit(stacked(8)), "length=0; a number of frames is needed"),
        (lambda: Windower(8, 0).fit(stacked(8)), "hop=0; a number of frames is needed"),
        (lambda: Windower(8.0).fit(stacked(8)), "length=8.0; a number of frames"),  # type: ignore[arg-type]
        (
            lambda: Windower(9).fit(stacked(8)),
            r"rows have 8 samples; 9 frames, 9 samples, are needed",
        ),
        (
            lambda: Windower(40000, n_channels=2).fit(stacked(8)),
            "windows of 80000 samples; at most",
        ),
        (lambda: Windower(2, n_channels=3).fit(stacked(8)), "windows of 8 samples are none of 3 channels"),
        (lambda: Windower(8).split(RECORDING[:7]), "recording has 7 frames; a row has 8"),
        (lambda: Windower(8).split(RECORDING, lead=-1), "lead=-1; a number of frames, or 0"),
        (lambda: Windower(8).split(RECORDING, [1, 2]), r"labels have shape \(2,\); \(200,\) is needed"),
        (lambda: Windower(8).split(RECORDING / 2), "recording has dtype float64; int16 samples are needed"),
        (lambda: Windower(8).split(RECORDING.astype(int) * 2), "recording has samples from"),
        (
            lambda: Windower(8, n_channels=2).split(RECORDING),
            r"shape \(200,\); \(n_samples, 2\) is needed",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"Windower: .*{message}"):
        call()
