"""Samples from lines: how many columns, how often, and where something is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from micromlgen.serial.lines import Line, LineReader

#: Lines of one number of columns, one after another, that settle it.
_STEADY = 5
#: Bytes after so many seconds of silence begin a line: sketches print lines in one go.
_SILENCE = 0.05
#: A gap is longer than so many samples usually take, and than this many seconds.
_GAP_SAMPLES, _GAP = 10, 0.25
#: The rate is that of so many samples.
_RATE_OVER = 1000


class Sample(NamedTuple):
    """Numbers that a sketch printed on one line."""

    time: float
    #: Samples of one segment follow each other; between two segments something may be missing.
    segment: int
    values: tuple[float, ...]


@dataclass
class Sampler:
    """Finds samples in what arrives.

    Parameters
    ----------
    opened : float
        When the port was opened.

    Attributes
    ----------
    columns : int or None
        Numbers on a line; None until enough lines have told.
    names : tuple of str
        Of the columns, if the sketch prints them.
    noise : int
        Lines that were no samples.
    segment : int
        The current one; it changes after noise, gaps and interruptions.
    """

    opened: float
    columns: int | None = None
    names: tuple[str, ...] = ()
    noise: int = 0
    segment: int = 0
    _lines: LineReader = field(default_factory=LineReader)
    #: Samples until the columns are known.
    _waiting: list[Sample] = field(default_factory=list)
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=_RATE_OVER))
    _broken: bool = False
    _silent: bool = True

    def feed(self, data: bytes, now: float) -> list[Sample]:
        """Samples that these bytes, which have arrived now, complete."""
        if data and self._silent:
            self._silent = False
            if now - self.opened >= _SILENCE:
                self._lines.trust()
        out: list[Sample] = []
        for line in self._lines.feed(data):
            out += self._take(line, now)
        return out

    def interrupt(self, now: float) -> None:
        """The port has gone: what follows is another segment."""
        self._lines.restart()
        self.opened, self._silent = now, True
        self._broken = True

    @property
    def unsettled(self) -> bool:
        """Whether there were lines of numbers, and no number of columns yet."""
        return bool(self._waiting)

    @property
    def promising(self) -> bool:
        """Whether these are so few that the next ones may settle it, of a slow sketch."""
        return 0 < len(self._waiting) < 2 * _STEADY

    @property
    def rate(self) -> float:
        """Samples in a second, of the current segment; 0 until it is known."""
        span = self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0
        return (len(self._times) - 1) / span if span > 0 else 0.0

    def _take(self, line: Line, now: float) -> list[Sample]:
        if line.names and len(line.names) in (self.columns or len(line.names), len(line.values)):
            self.names = line.names
        if not line.values or self.columns not in (None, len(line.values)):
            # A sketch prints names as it starts: a sample may be missing before them too.
            self.noise += not line.names
            self._broken = True
            return []
        self._begin_segment(now)
        self._times.append(now)
        sample = Sample(now, self.segment, line.values)
        if self.columns is not None:
            return [sample]
        self._waiting = [*self._waiting, sample]
        counts = [len(each.values) for each in self._waiting[-_STEADY:]]
        if len(counts) < _STEADY or len(set(counts)) > 1:
            return []
        return self._settle(counts[0])

    def _begin_segment(self, now: float) -> None:
        usual = 1 / self.rate if len(self._times) >= _STEADY and self.rate else float("inf")
        late = self._times and now - self._times[-1] > max(_GAP, _GAP_SAMPLES * usual)
        if late or (self._broken and self._times):
            self.segment += 1
            self._times.clear()
        self._broken = False

    def _settle(self, columns: int) -> list[Sample]:
        """The number of columns is known; those that have waited are samples or not."""
        self.columns = columns
        kept = [sample for sample in self._waiting if len(sample.values) == columns]
        self.noise += len(self._waiting) - len(kept)
        self._waiting = []
        if len(self.names) != columns:
            self.names = ()
        return kept

    def titles(self) -> Sequence[str]:
        """Names of the columns, made up where the sketch has none."""
        if self.columns is not None and len(self.names) == self.columns:
            return self.names
        return [f"c{i}" for i in range(self.columns or 0)]
