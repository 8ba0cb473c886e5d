"""Questions to the check sketch and its answers, through whatever the line does to them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from micromlgen.serial.frames import (
    HELLO,
    HELLO_REPLY,
    PREDICT,
    PREDICT_REPLY,
    READY,
    Decoder,
    Frame,
)
from micromlgen.serial.port import Port, SerialError

_HELLO = struct.Struct("<IIBBBBI")
_REPLY = struct.Struct("<II")
#: A question is asked again after this many seconds, beyond the time that its bytes take.
_WAIT = 1.0
#: So often: together more than a boot loader's wait and the reset of a board that hangs.
_TRIES = 8
#: Slowest line that a wait allows for.
_BYTES_PER_SECOND = 960


class Hello(NamedTuple):
    """What the board says of itself."""

    identity: int
    n_features: int
    item_size: int
    n_outputs: int
    hertz: int


class Reply(NamedTuple):
    """The answer to a row: 4 bytes of each output, and ticks of the board's clock."""

    answers: bytes
    cost: int


@dataclass
class Link:
    """A conversation, in which the computer asks and the board answers.

    Attributes
    ----------
    retries : int
        Questions that were asked again.
    resets : int
        Times that the board said to have started, after its first answer.
    """

    port: Port
    decoder: Decoder = field(default_factory=Decoder)
    retries: int = 0
    resets: int = 0
    _sequence: int = 0
    _answered: int = 0

    def hello(self) -> Hello:
        """Ask the board what it runs.

        Raises
        ------
        SerialError
            If it does not answer; the message says what may be the cause.
        """
        reply = self._ask(Frame(HELLO, self._next()), HELLO_REPLY, _HELLO.size)
        identity, n_features, item_size, outputs, more_outputs, _, hertz = _HELLO.unpack(reply.body)
        return Hello(identity, n_features, item_size, outputs | more_outputs << 8, hertz)

    def predict(self, row: bytes, n_outputs: int) -> Reply:
        """Let the board predict a row.

        Raises
        ------
        SerialError
            As `hello`.
        """
        question = Frame(PREDICT, self._next(), row)
        reply = self._ask(question, PREDICT_REPLY, _REPLY.size + 4 * n_outputs)
        return Reply(reply.body[_REPLY.size :], _REPLY.unpack_from(reply.body)[1])

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return self._sequence

    def _ask(self, question: Frame, kind: int, size: int) -> Frame:
        """The reply of this kind and size to this very question."""
        data = question.encode()
        wait = _WAIT + (len(data) + size) / _BYTES_PER_SECOND
        for tried in range(_TRIES):
            self.retries += tried > 0
            try:
                self.port.write(data)
                reply = self._reply(question, kind, size, self.port.now() + wait)
            except SerialError:
                self.port.reopen()
                continue
            if reply is not None:
                self._answered += 1
                return reply
        raise SerialError(self._diagnosis())

    def _reply(self, question: Frame, kind: int, size: int, deadline: float) -> Frame | None:
        while (left := deadline - self.port.now()) > 0:
            for frame in self.decoder.feed(self.port.read(left)):
                if frame.type == READY:
                    self.resets += self._answered > 0
                    return None  # what was asked is lost: ask again
                if frame.type != kind or frame.sequence != question.sequence or len(frame.body) != size:
                    continue
                # A reply names the bytes that it answers: one to another question is none to this.
                if kind != PREDICT_REPLY or _REPLY.unpack_from(frame.body)[0] == question.crc:
                    return frame
        return None

    def _diagnosis(self) -> str:
        """Why there may be no answer, by what has arrived."""
        name, seen, noise = self.port.name, self.decoder, self.decoder.unexplained
        readable = sum(byte in b"\r\n\t" or 32 <= byte < 127 for byte in noise)
        if self._answered:
            return f"{name}: {self._answered} answers, then none to {_TRIES} tries: is the board still there?"
        if not seen.received:
            return f"{name} is silent: is this the port of a board that runs the check sketch?"
        if seen.frames:
            return f"{name} sends frames, but no answer: does another model's check sketch run there?"
        if noise and readable > 0.9 * len(noise):
            return f"{name} sends text and no frames: it runs another sketch than check"
        return f"{name} sends bytes that are no frames: is the baud rate right, and the sketch check?"
