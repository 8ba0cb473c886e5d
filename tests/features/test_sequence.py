"""Filters, windows and extractors in sequence, from samples to an answer, in rows and in streams."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import signal
from sklearn.base import clone
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.boards import STRICT, Call, core
from micromlgen.calls import twin_calls
from micromlgen.errors import UnsupportedError
from micromlgen.features import FFT, DCRemoval, FIRFilter, IIRFilter, Statistics, Windower
from micromlgen.split import split
from tests.cases import Case
from tests.features.windows import stacked

LOWPASS = signal.butter(2, 0.2, output="sos")
TAPS = signal.firwin(9, 0.3)
IIR, IIR3 = IIRFilter(LOWPASS), IIRFilter(LOWPASS, n_channels=3)
W40, S3 = Windower(40, 20, n_channels=3), Statistics(n_channels=3)


def recorded(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three channels that move in three ways, and which way each frame is of."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(0, 3, n // 100), 100)
    size = np.array([300.0, 2000.0, 9000.0])[labels][:, None]
    turn = 0.05 * np.cumsum(1.0 + labels)[:, None] + [0.0, 1.0, 2.0]
    noise = rng.normal(0, 200, (len(labels), 3)) + np.array([8000, 0, -3000])
    return np.rint(size * np.sin(turn) + noise).clip(-32768, 32767).astype(np.int16), labels


RECORDING, LABELS = recorded(4000, 0)
ROWS, Y = Windower(40, 20, n_channels=3).split(RECORDING, LABELS, lead=8)


def activity(*last: Any) -> Any:
    """A filter that runs on, windows that overlap, features side by side, some of which centre windows."""
    features = make_union(
        Statistics(["mean", "std", "zero_crossings"], n_channels=3),
        make_pipeline(DCRemoval(n_channels=3), Statistics(["rms", "max"], n_channels=3)),
    )
    return make_pipeline(clone(IIR3), clone(W40), features, StandardScaler(), *last).fit(ROWS, Y)


FOREST = activity(RandomForestClassifier(6, max_depth=4, random_state=0))
LOGISTIC = activity(LogisticRegression(max_iter=2000))
TONES = make_pipeline(FIRFilter(TAPS, 2), Windower(32, 8), FFT(32, output="power")).fit(stacked(64))
IN_INTEGERS = {"dtype": "int16", "calibration": ROWS, "min_agreement": 0.9}
CASES = [
    Case("activity_forest", FOREST, ROWS[:20]),
    Case(
        "activity_logistic_int16",
        LOGISTIC,
        ROWS[:20],
        {"dtype": "int16", "calibration": ROWS, "min_agreement": 0.9},
    ),
    Case("filtered_tones", TONES, stacked(64)),
    Case(
        "filters_alone", make_pipeline(IIRFilter(LOWPASS), FIRFilter(TAPS, 3)).fit(stacked(30)), stacked(30)
    ),
]


@pytest.mark.parametrize(
    "estimator",
    [
        FOREST,
        LOGISTIC,
        activity(Ridge()),
        activity(IsolationForest(n_estimators=5, random_state=0)),
        activity(),
        make_pipeline(FIRFilter(TAPS, n_channels=3), clone(S3)).fit(ROWS),
        make_pipeline(FIRFilter(TAPS, 4, n_channels=3), DecisionTreeClassifier(max_depth=3)).fit(ROWS, Y),
        make_pipeline(clone(W40), clone(S3), StandardScaler(), LogisticRegression()).fit(ROWS, Y),
        make_pipeline(DCRemoval(n_channels=3), Windower(20, n_channels=3), Statistics(n_channels=3)).fit(
            ROWS
        ),
        make_pipeline(Windower(40, n_channels=3), IIRFilter(LOWPASS, n_channels=3)).fit(ROWS),
        make_pipeline(make_pipeline(IIRFilter(LOWPASS), FIRFilter(TAPS)), make_pipeline(FIRFilter(TAPS))).fit(
            ROWS
        ),
    ],
    ids=lambda estimator: re.sub(r"\s+|array\(.*?\)", "", str(estimator))[:70],
)
def test_rows_and_streams_are_ported(estimator: Any) -> None:
    program = mm.transpile(estimator, name="moved")
    report = program.verify(ROWS)  # the stream too
    assert report, str(report)
    assert report.agreement == 1.0


def test_a_stream_runs_filters_on() -> None:
    """Features of windows are those of the filtered recording."""
    program = mm.transpile(activity(), name="moved")
    filtered = (
        IIRFilter(LOWPASS, n_channels=3).fit(RECORDING.reshape(1, -1)).transform(RECORDING.reshape(1, -1))
    )
    windows = Windower(40, 20, n_channels=3).split(filtered.reshape(-1, 3))
    behind = activity()[2:]
    np.testing.assert_allclose(program.stream(RECORDING), behind.transform(windows), rtol=1e-5, atol=1e-5)


def test_a_row_with_enough_lead_is_a_window_of_a_stream() -> None:
    """Of an FIR filter: its taps less one are enough."""
    windower = Windower(32, 16)
    rows = windower.split(RECORDING[:, 0], lead=16)
    program = mm.transpile(make_pipeline(FIRFilter(TAPS), windower, Statistics()).fit(rows), name="moved")
    np.testing.assert_array_equal(program.predict(rows), program.stream(RECORDING[:, 0])[1:])
    early = windower.split(RECORDING[:, 0])
    program = mm.transpile(make_pipeline(FIRFilter(TAPS), windower, Statistics()).fit(early), name="moved")
    assert (program.predict(early) != program.stream(RECORDING[:, 0])).any(axis=1)[1:].mean() > 0.9


def test_the_stream_answers_as_the_board_does() -> None:
    """Sample by sample, on the twin's own recording."""
    program = mm.transpile(FOREST, name="moved")
    stream = program.model.streamed()
    assert stream is not None
    assert (stream.length, stream.hop, stream.n_channels) == (40, 20, 3)
    n = program.model.input.n_features
    rows = RECORDING.ravel()[: RECORDING.size // n * n].reshape(-1, n)
    calls = [each.call for each in twin_calls(program.model, program.header, program.name, rows)]
    streamed = next(call for call in calls if "moved_stream_predict(" in call.statement)
    answers = core("host").run([streamed], flags=("-O1", *STRICT), measure=False)[0].y[:, 0]
    expected = program.stream(rows.reshape(-1, 3))
    np.testing.assert_array_equal(answers[1:], expected)  # the first hop completes no window
    assert (program.stream(RECORDING) == LABELS[39::20]).mean() > 0.9


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_boards_stream_the_same(name: str) -> None:
    calls = []
    for case in CASES:
        program = case.transpile(name=f"streamed_{case.name}")
        calls += twin_calls(program.model, program.header, program.name, program.quantize(case.X))[-1:]
    for each, result in zip(calls, core(name).run([c.call for c in calls], measure=False), strict=True):
        assert not each.differs(result.y).any()


def test_what_a_stream_says_of_windows() -> None:
    """As the methods say it of rows, which an FIR filter makes the same where they have its lead."""
    windower = Windower(32, 16)
    rows = windower.split(RECORDING[:800, 0], lead=16)
    y = np.arange(len(rows)) % 3
    filtered = make_pipeline(FIRFilter(TAPS), windower, Statistics(), StandardScaler(), LogisticRegression())
    for dtype in ("float32", "int16"):
        program = mm.transpile(
            filtered.fit(rows, y), name="moved", dtype=dtype, calibration=rows, min_agreement=0
        )
        for method in ("predict", "predict_proba", "decision_function"):
            said = program.stream(RECORDING[:800, 0], method)
            np.testing.assert_array_equal(said[1:], getattr(program, method)(rows))
    detector = mm.transpile(activity(IsolationForest(n_estimators=5, random_state=0)), name="moved")
    scores = detector.stream(RECORDING, "score_samples")
    assert scores.shape == detector.stream(RECORDING).shape
    outliers = detector.stream(RECORDING) < 0
    np.testing.assert_array_equal(detector.stream(RECORDING, "decision_function") < 0, outliers)
    assert detector.stream(RECORDING[:39], "score_samples").shape == (0,)
    with pytest.raises(UnsupportedError, match="method='proba': use one of predict, predict_proba, "):
        detector.stream(RECORDING, "proba")
    with pytest.raises(UnsupportedError, match="IsolationForest has no predict_proba"):
        detector.stream(RECORDING, "predict_proba")


@pytest.mark.boards
def test_the_cost_of_a_stream() -> None:
    program = mm.transpile(FOREST, name="moved")
    cost = program.stream_footprint("uno", RECORDING)
    assert cost.state == 2 * 40 * 3 + 3 * 4 * 4 + 2
    assert cost.state == cost.ram
    assert cost.hop == 20
    assert cost.cycles_mean == pytest.approx(20 * cost.push_mean + cost.answer_mean, rel=0.1)
    assert cost.push_mean < cost.push_max < cost.answer_mean <= cost.answer_max < cost.cycles_mean
    assert cost.busy(100) == pytest.approx(cost.time_ms * 100 / 20 / 1000)
    assert f"{cost.push_mean:.0f} cycles a sample" in str(cost)
    assert 0.5 < program.stream_footprint("uno").cycles_mean / cost.cycles_mean < 2
    tones = mm.transpile(TONES, name="tones").stream_footprint("uno")
    assert tones.hop == 16
    assert tones.answer_mean > 10_000  # of each window: the filter gives the first of two


def test_a_window_is_ready_once_and_a_stream_starts_again() -> None:
    program = mm.transpile(Windower(3, 2).fit(stacked(3)), name="windows")
    pushed = "y[k] = (int16_t)windows_stream_push(&s, x[k]);"
    count = f"windows_stream_t s; int16_t k; windows_stream_init(&s); for (k = 0; k < 8; ++k) {pushed}"
    call = Call(program.header, stacked(8), count, "int16", 8)
    result = core("host").run([call], flags=("-O1", *STRICT), measure=False)[0]
    assert result.y.tolist() == [[0, 0, 1, 0, 1, 0, 1, 0]] * len(stacked(8))


@pytest.mark.boards
def test_a_stream_takes_the_ram_that_its_macro_tells() -> None:
    program = mm.transpile(FOREST, name="moved")
    call = Call(
        program.header,
        ROWS[:1],
        "y[0] = (int32_t)MOVED_STREAM_BYTES;",
    )
    told = int(core("avr").run([call])[0].y[0, 0])
    assert told == 2 * 40 * 3 + 3 * 4 * 4 + 2
    touched = Call(program.header, ROWS[:1], "static moved_stream_t s; y[0] = moved_stream_push(&s, x);")
    assert core("avr").size(touched).ram == told


def test_what_is_not_called_costs_nothing() -> None:
    program = mm.transpile(FOREST, name="moved")
    whole = Call(program.header, ROWS[:1], "y[0] = moved_predict(x);", "int16")
    start = program.header.index("/* Before the first sample. */")
    end = program.header.index("/* The label itself")
    without = Call(program.header[:start] + program.header[end:], ROWS[:1], whole.statement, "int16")
    assert core("cortex-m0plus").size(whole) == core("cortex-m0plus").size(without)


def test_the_header_tells_of_its_stream() -> None:
    header = mm.port(FOREST, name="moved")
    for text in (
        "Sample by sample: a window of 40 every 20, filters running on",
        "#define MOVED_STREAM_LENGTH 40",
        "#define MOVED_STREAM_HOP 20",
        "#define MOVED_STREAM_CHANNELS 3",
        "static inline int moved_stream_push(moved_stream_t *s, const int16_t *sample)",
        "static inline int moved_stream_predict(const moved_stream_t *s)",
        "static inline void moved_stream_predict_proba(const moved_stream_t *s, moved_output_t *out)",
    ):
        assert text in header


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            make_pipeline(FFT(32), IIRFilter(LOWPASS).fit(stacked(34))),
            "IIRFilter takes samples: it cannot be behind FFT",
        ),
        (
            make_pipeline(FIRFilter(TAPS, 2).fit(stacked(32)), FFT(32)),
            r"FIRFilter gives windows of 16 samples, FFT takes 32; fit them together, or put Windower\(32\)",
        ),
        (
            make_pipeline(Windower(15).fit(stacked(15)), Statistics(n_channels=3).fit(stacked(15))),
            "Windower has n_channels=1, Statistics has 3; use the same",
        ),
        (
            make_pipeline(
                IIRFilter(LOWPASS, n_channels=3).fit(stacked(15)), FIRFilter(TAPS).fit(stacked(15))
            ),
            "IIRFilter has n_channels=3, FIRFilter has 1; use the same",
        ),
        (
            make_pipeline(StandardScaler().fit(stacked(8)), IIRFilter(LOWPASS).fit(stacked(8))),
            "make it the first",
        ),
        (
            make_pipeline(DCRemoval(), Windower(16, hop=8), Statistics()).fit(stacked(16)),
            r"Windower\(hop=8\) is behind DCRemoval, which needs windows itself: put Windower before that",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_in_sequence_is_refused(estimator: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        mm.port(estimator, name="no")


def test_a_recording_of_less_than_a_window_tells_no_cost() -> None:
    with pytest.raises(UnsupportedError, match="recording has 39 samples of a channel; a window has 40"):
        mm.transpile(FOREST, name="moved").stream_footprint("uno", RECORDING[:39])


def test_what_takes_no_samples_has_no_stream() -> None:
    features = np.random.default_rng(0).normal(size=(30, 3))
    program = mm.transpile(LogisticRegression().fit(features, np.arange(30) % 2), name="plain")
    with pytest.raises(UnsupportedError, match="LogisticRegression takes features, not samples"):
        program.stream(RECORDING)
    assert "stream" not in program.header


def test_a_recording_shorter_than_a_window_gives_none() -> None:
    assert mm.transpile(FOREST, name="moved").stream(RECORDING[:39]).shape == (0,)


def test_recordings_of_another_kind_are_refused() -> None:
    program = mm.transpile(FOREST, name="moved")
    with pytest.raises(UnsupportedError, match=r"has shape \(4000, 2\); \(n_samples, 3\) is needed"):
        program.stream(RECORDING[:, :2])
    with pytest.raises(UnsupportedError, match="recording has dtype float64; int16 samples are needed"):
        program.stream(RECORDING / 2)


def test_a_header_in_two_files_has_its_stream() -> None:
    program = mm.transpile(FOREST, name="moved")
    parts = split(program.header, program.name)
    main = (
        '#include "moved.h"\nint main(void)\n{\n    static moved_stream_t s;\n'
        "    const int16_t x[3] = {1, 2, 3};\n"
        "    moved_stream_init(&s);\n    return moved_stream_push(&s, x) ? moved_stream_predict(&s) : 0;\n}\n"
    )
    files = {"moved.h": parts.header, "moved.c": parts.source, "main.c": main}
    core("host").compile(files, flags=("-O1", *STRICT))
    assert "_part0_push" not in parts.header  # what a stream calls itself stays inside
