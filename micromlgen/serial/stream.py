"""Samples of a port that may go and come back."""

from __future__ import annotations

from micromlgen.serial.port import Port, SerialError
from micromlgen.serial.samples import Sample, Sampler

#: Seconds until a board that prints nothing usable is given up, and a port that has gone.
PATIENCE, AWAY = 10.0, 30.0
_READ = 0.25


class Stream:
    """What a board prints, read piece by piece.

    Parameters
    ----------
    port : Port
    columns : int, optional
        Numbers on a line, where that is known.

    Attributes
    ----------
    sampler : Sampler
    interruptions : int
        Times that the port went.
    lost : bool
        Whether the port went for good.
    """

    def __init__(self, port: Port, columns: int | None = None) -> None:
        self.port = port
        self.sampler = Sampler(port.now(), columns)
        self.interruptions = 0
        self.lost = False
        self._opened = port.now()
        self._begun = False
        self._away_since: float | None = None

    def read(self) -> list[Sample]:
        """Samples that have arrived, after a quarter of a second at the latest; there may be none.

        Raises
        ------
        SerialError
            If there never were any, and the patience is over.
        """
        if self._away_since is not None:
            return self._come_back(self._away_since)
        try:
            data = self.port.read(_READ)
        except SerialError:
            self._away_since = self.port.now()
            self.sampler.interrupt(self._away_since)
            self.interruptions += 1
            return []
        now = self.port.now()
        samples = self.sampler.feed(data, now)
        self._begun = self._begun or bool(samples)
        if not self._begun and now - self._opened > PATIENCE and not self.sampler.promising:
            raise SerialError(self._diagnosis())
        return samples

    def _come_back(self, since: float) -> list[Sample]:
        if self.port.reopen():
            self._away_since = None
        else:
            self.lost = self.port.now() - since > AWAY
        return []

    def _diagnosis(self) -> str:
        name = self.port.name
        if self.sampler.noise or self.sampler.unsettled:
            return f"{name} sends no steady lines of numbers: is the baud rate right, and the sketch?"
        return f"{name} sends no lines of numbers within {PATIENCE:g} s: is this the board's port?"
