"""Record labelled samples from any sketch that prints a line of numbers for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micromlgen.errors import UnsupportedError
from micromlgen.serial.journal import Journal
from micromlgen.serial.port import Port
from micromlgen.serial.recording import last_segment
from micromlgen.serial.samples import Sample
from micromlgen.serial.stream import Stream


@dataclass
class Collected:
    """What was recorded, as it grows.

    Attributes
    ----------
    names : sequence of str
        Of the columns.
    samples, segments, noise, interruptions : int
        Samples in the file by this recording, uninterrupted parts, lines that were no samples, and times
        that the port went.
    rate : float
        Samples in a second, of the current segment.
    recent : list of Sample
        The last ones.
    error : str
        Why it ended early; empty if it did not.
    """

    names: Sequence[str] = ()
    samples: int = 0
    segments: int = 0
    noise: int = 0
    interruptions: int = 0
    rate: float = 0.0
    recent: list[Sample] = field(default_factory=list)
    error: str = ""

    #: How many samples are kept in `recent`.
    RECENT = 200


def collect(
    port: Port,
    path: Path,
    label: str,
    seconds: float | None = None,
    samples: int | None = None,
    show: Callable[[Collected], None] = lambda state: None,
) -> Collected:
    """Append samples to a CSV file, until there are enough of them or somebody interrupts.

    Each row has the time in seconds since the start, a segment number (samples of one segment follow each
    other without a gap), the label and the columns. A row is in the file as soon as its line has arrived.
    Lines have no checksum: one that was spoilt into another such line is a sample.

    Parameters
    ----------
    port : Port
    path : Path
        A file that is there already must have the same columns, and grows.
    label : str
    seconds, samples : optional
        When to end: so long after the first sample, or after so many.
    show : callable, optional
        Is given the state again and again.

    Raises
    ------
    OverwriteError
        If the file has other columns.
    SerialError
        If the board prints no steady lines of numbers.
    """
    run = _Run(port, path, label, seconds, samples, show)
    try:
        while not run.done():
            run.step()
    except KeyboardInterrupt:
        pass  # the usual way to end
    finally:
        run.close()
    return run.state


class _Run:
    """A recording that goes on."""

    def __init__(
        self,
        port: Port,
        path: Path,
        label: str,
        seconds: float | None,
        samples: int | None,
        show: Callable[[Collected], None],
    ) -> None:
        if not label or not label.isprintable():
            raise UnsupportedError(f"label {label!r} is none: give it some letters")
        self._port, self._path, self._label, self._show = port, path, label, show
        self._seconds, self._samples = seconds, samples
        self._stream = Stream(port)
        self._sampler = self._stream.sampler
        self._journal: Journal | None = None
        self._first_segment = last_segment(path) + 1
        self._started: float | None = None
        self._until: float | None = None
        self.state = Collected()

    def done(self) -> bool:
        now = self._port.now()
        enough = self._samples is not None and self.state.samples >= self._samples
        over = self._until is not None and now >= self._until
        return enough or over or bool(self.state.error)

    def step(self) -> None:
        """Read once, and write what has arrived."""
        self._write(self._stream.read(), self._port.now())
        self.state.interruptions = self._stream.interruptions
        if self._stream.lost:
            self.state.error = f"{self._port.name} has gone for good; what it sent is in {self._path}"

    def _write(self, samples: Sequence[Sample], now: float) -> None:
        if self._samples is not None:
            samples = samples[: self._samples - self.state.samples]
        if samples:
            if self._journal is None:
                self._journal = Journal(self._path, recording_names(self._sampler.titles()))
                self._started = samples[0].time
                self._until = None if self._seconds is None else self._started + self._seconds
            self._journal.add(map(self._row, samples), now)
        state, sampler = self.state, self._sampler
        state.names, state.noise, state.rate = sampler.titles(), sampler.noise, sampler.rate
        state.samples += len(samples)
        state.segments = sampler.segment + (state.samples > 0)
        state.recent = [*state.recent, *samples][-state.RECENT :]
        self._show(state)

    def _row(self, sample: Sample) -> list[Any]:
        assert self._started is not None
        # The shortest text that is the same float64: what the sketch printed, and no more.
        values = [repr(value).removesuffix(".0") for value in sample.values]
        time = f"{sample.time - self._started:.6f}"
        return [time, self._first_segment + sample.segment, self._label, *values]

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()


def recording_names(columns: Sequence[str]) -> list[str]:
    """The line of names of a recording with these columns."""
    return ["time", "segment", "label", *columns]
