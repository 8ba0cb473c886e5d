"""A serial port, as much of it as is needed: bytes, and the time."""

from __future__ import annotations

import time
from typing import Protocol

from micromlgen.errors import MicromlgenError

BAUD = 115_200
#: Seconds until a port that takes no bytes counts as gone.
_WRITE = 5.0


class SerialError(MicromlgenError, OSError):
    """A port cannot be opened, has gone, or says what cannot be understood."""

    def __str__(self) -> str:
        return str(self.args[0])


class Port(Protocol):
    """Bytes from and to a board."""

    name: str

    def now(self) -> float:
        """Seconds of a clock that never goes back."""

    def read(self, timeout: float) -> bytes:
        """What has arrived, as soon as there is something; nothing after `timeout` seconds.

        Raises
        ------
        SerialError
            If the port has gone.
        """

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises
        ------
        SerialError
            If the port has gone.
        """

    def reopen(self) -> bool:
        """Try to open a port that has gone; whether it is back. Takes some time if not."""

    def close(self) -> None:
        """Let the port go."""


class SerialPort:
    """A port of this machine, by pyserial.

    Parameters
    ----------
    name : str
        As the system names it: ``/dev/ttyACM0``, ``COM3``.
    baud : int
    """

    #: Seconds between two tries to open a port that has gone.
    PAUSE = 0.5

    def __init__(self, name: str, baud: int = BAUD) -> None:
        try:
            import serial
        except ImportError:
            raise SerialError("serial ports need pyserial: pip install 'micromlgen[serial]'") from None
        self.name, self._baud, self._serial = name, baud, serial
        self._failed = (serial.SerialException, OSError, TypeError)  # the last where it is closed meanwhile
        try:
            self._port = serial.Serial(name, baud, timeout=0, write_timeout=_WRITE)
        except (serial.SerialException, ValueError) as error:
            raise SerialError(f"{name} cannot be opened: {_reason(error)}") from None

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def read(self, timeout: float) -> bytes:
        """As `Port`.

        Raises
        ------
        SerialError
            If the port has gone: the board was unplugged, or starts anew.
        """
        try:
            self._port.timeout = max(timeout, 0)
            first = self._port.read(1)
            return bytes(first + self._port.read(self._port.in_waiting))
        except self._failed as error:
            raise SerialError(f"{self.name} has gone: {_reason(error)}") from None

    def write(self, data: bytes) -> None:
        """As `Port`.

        Raises
        ------
        SerialError
            As `read`.
        """
        try:
            self._port.write(data)
        except self._failed as error:
            raise SerialError(f"{self.name} has gone: {_reason(error)}") from None

    def reopen(self) -> bool:
        """As `Port`."""
        self.close()
        try:
            self._port = self._serial.Serial(self.name, self._baud, timeout=0, write_timeout=_WRITE)
        except self._failed:
            time.sleep(self.PAUSE)
            return False
        return True

    def close(self) -> None:
        """As `Port`."""
        self._port.close()


def _reason(error: Exception) -> str:
    """What pyserial says, without what it repeats."""
    text = str(error)
    inside = text[text.find("[") :] if "[Errno" in text else text
    return inside.split("] ")[-1].split(": '")[0]
