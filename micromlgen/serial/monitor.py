"""Watch a board predict: its answers, their drift from the training data, another model beside it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.companion import Companion
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Classifier
from micromlgen.program import Program
from micromlgen.serial.drift import Drift, drifts
from micromlgen.serial.journal import Journal
from micromlgen.serial.port import Port, SerialError
from micromlgen.serial.samples import Sample
from micromlgen.serial.stream import PATIENCE, Stream

#: Rows that drift is measured over, and latencies that are kept.
_RECENT = 500
#: Seconds from one measurement of the drift to the next.
_EVERY = 0.5


@dataclass(frozen=True)
class Prediction:
    """One line of a board.

    Attributes
    ----------
    features : tuple of float
    answer : str
        The label of the class, or the numbers that the board printed.
    probability : float or None
    microseconds : float
    other : str
        Answer of the other model; empty without one, or where it refuses the features.
    """

    features: tuple[float, ...]
    answer: str
    probability: float | None
    microseconds: float
    other: str = ""


@dataclass
class Watched:
    """What was seen, as it grows. Drift is that of the last 500 predictions.

    Attributes
    ----------
    answers : Counter
        How often the board gave each answer; of classifiers only.
    compared, same : int
        Predictions that the other model answered too, and those with the board's answer.
    differences : Counter of (board's answer, the other's)
    drift : list of Drift
        Per feature; empty before there are 100 rows.
    """

    names: tuple[str, ...]
    predictions: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    last: Prediction | None = None
    latency: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    compared: int = 0
    same: int = 0
    differences: Counter[tuple[str, str]] = field(default_factory=Counter)
    drift: list[Drift] = field(default_factory=list)
    noise: int = 0
    interruptions: int = 0
    error: str = ""

    def drifting(self) -> list[str]:
        """Features that drift, the farthest first."""
        order = sorted(range(len(self.drift)), key=lambda i: -self.drift[i].psi)
        return [f"{self.names[i]} ({self.drift[i].psi:.2f})" for i in order if self.drift[i]]

    def __str__(self) -> str:
        lines = [f"{self.predictions} predictions, {self.noise} lines of noise"]
        if self.answers:
            lines.append("  " + ", ".join(f"{label}: {n}" for label, n in self.answers.most_common(10)))
        if self.latency:
            lines.append(
                f"  latency: mean {np.mean(self.latency):.0f} us, at most {max(self.latency):.0f} us"
            )
        if not self.drift:
            lines.append("  drift: too few rows to tell")
        else:
            told = self.drifting()
            lines.append(f"  drift (PSI): {', '.join(told[:10]) if told else 'none'}")
        if self.compared:
            lines.append(f"  the other model agrees on {self.same} of {self.compared}")
            for (a, b), n in self.differences.most_common(5):
                lines.append(f"    board {a}, other {b}: {n}")
        return "\n".join([*lines, *([f"  {self.error}"] if self.error else [])])


def monitor(
    port: Port,
    companion: Companion,
    log: Path | None = None,
    other: Program | None = None,
    seconds: float | None = None,
    show: Callable[[Watched], None] = lambda state: None,
) -> Watched:
    """Read predictions of a board until time is over or somebody interrupts.

    The board prints lines of `Companion.columns`, as the sketches of `Program.new` and the example of the
    Arduino library do.

    Parameters
    ----------
    port : Port
    companion : Companion
        Of the header on the board.
    log : Path, optional
        CSV file to append to: time, the columns, the answer as text, and the other's.
    other : Program, optional
        Another model, which the twin computes on the same features.
    seconds : float, optional
    show : callable, optional
        Is given the state again and again.

    Raises
    ------
    UnsupportedError
        If the other model takes other features.
    OverwriteError
        If the log has other columns.
    SerialError
        If the board prints other lines.
    """
    watch = _Watch(companion, other)
    stream = Stream(port, len(companion.columns))
    names = ["time", *companion.columns, "label", *(["other"] if other else [])]
    journal = None
    started = port.now()
    try:
        while not watch.state.error and (seconds is None or port.now() - started < seconds):
            samples = _read(stream, companion)
            rows = [watch.take(sample, started) for sample in samples]
            if log is not None and rows:
                journal = journal or Journal(log, names)
                journal.add(rows, port.now())
            watch.update(stream, port.now())
            show(watch.state)
    except KeyboardInterrupt:
        pass  # the usual way to end
    finally:
        watch.measure()
        if journal is not None:
            journal.close()
    return watch.state


def _read(stream: Stream, companion: Companion) -> list[Sample]:
    try:
        return stream.read()
    except SerialError as error:
        if not stream.sampler.noise:
            raise
        n, last = len(companion.columns), ", ".join(companion.columns[-4:])
        raise SerialError(
            f"{stream.port.name} sends no lines of {n} numbers within {PATIENCE:g} s: does a sketch of "
            f"{companion.name} run there, which prints {last} at the end?"
        ) from error


class _Watch:
    """Makes predictions of samples, and counts."""

    def __init__(self, companion: Companion, other: Program | None) -> None:
        n = len(companion.features)
        if other is not None and other.model.input.n_features != n:
            raise UnsupportedError(
                f"the other model takes {other.model.input.n_features} features, the board's {n}"
            )
        self._companion, self._other = companion, other
        self._measured = float("-inf")
        self._rows: deque[tuple[float, ...]] = deque(maxlen=_RECENT)
        self.state = Watched(companion.columns[:n])

    def take(self, sample: Sample, started: float) -> list[Any]:
        """Count a line; gives its row for the log."""
        it = self._prediction(sample.values)
        state = self.state
        state.predictions += 1
        state.last = it
        state.latency.append(it.microseconds)
        self._rows.append(it.features)
        if self._companion.labels:
            state.answers[it.answer] += 1
        if it.other:
            state.compared += 1
            state.same += it.other == it.answer
            if it.other != it.answer:
                state.differences[it.answer, it.other] += 1
        values = [repr(value).removesuffix(".0") for value in sample.values]
        return [f"{sample.time - started:.6f}", *values, it.answer, *([it.other] if self._other else [])]

    def measure(self) -> None:
        """Measure the drift of the last rows."""
        rows = np.array(self._rows, np.float32).reshape(-1, len(self.state.names))
        self.state.drift = drifts(self._companion.features, rows)

    def update(self, stream: Stream, now: float) -> None:
        """Bring the state up to date with the line, and now and then the drift."""
        if now - self._measured >= _EVERY:
            self._measured = now
            self.measure()
        self.state.noise, self.state.interruptions = stream.sampler.noise, stream.interruptions
        if stream.lost:
            self.state.error = f"{stream.port.name} has gone for good"

    def _prediction(self, values: tuple[float, ...]) -> Prediction:
        companion = self._companion
        n = len(companion.features)
        has_probability = "probability" in companion.columns
        answers = values[n : len(values) - 1 - has_probability]
        return Prediction(
            features=values[:n],
            answer=self._text(answers),
            probability=values[-2] if has_probability else None,
            microseconds=values[-1],
            other=self._other_answer(values[:n]),
        )

    def _text(self, answers: tuple[float, ...]) -> str:
        labels = self._companion.labels
        if labels and answers[0] in range(len(labels)):
            return labels[int(answers[0])]
        return " ".join(f"{answer:g}" for answer in answers)

    def _other_answer(self, features: tuple[float, ...]) -> str:
        if self._other is None:
            return ""
        rows: NDArray[Any] = np.array([features], np.float32)
        if self._other.model.input.samples:
            samples = np.nan_to_num(rows).clip(-32768, 32767).astype(np.int16)
            if (samples != rows).any():
                return ""
            rows = samples
        try:
            with np.errstate(over="ignore"):
                [answer] = self._other.predict(rows)
        except UnsupportedError:  # infinite, or missing where it follows none
            return ""
        if isinstance(self._other.model, Classifier) and self._other.model.n_outputs == 1:
            return str(answer)
        return " ".join(f"{value:g}" for value in np.ravel(answer))
