"""Frames on a serial line: COBS between zeros, with a CRC-32. What goes wrong in one ends with it.

COBS: S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Trans. Networking 7(2), 1999.
The check sketch (templates/sketches/check.h.j2) has the other end, and describes the payload.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from cobs import cobs

VERSION = 1
HELLO, PREDICT = 1, 2
HELLO_REPLY, PREDICT_REPLY, READY = 0x81, 0x82, 0x83

_HEAD = struct.Struct("<BBH")
_CRC = struct.Struct("<I")


@dataclass(frozen=True)
class Frame:
    """The payload of a frame: type, sequence number (16 bits), and what follows."""

    type: int
    sequence: int
    body: bytes = b""

    @property
    def payload(self) -> bytes:
        """Bytes that the CRC is of."""
        return _HEAD.pack(self.type, VERSION, self.sequence) + self.body

    @property
    def crc(self) -> int:
        """CRC-32 of the payload."""
        return binascii.crc32(self.payload)

    def encode(self) -> bytes:
        """The frame on the line. Its first zero ends what noise may have begun."""
        return b"\0" + bytes(cobs.encode(self.payload + _CRC.pack(self.crc))) + b"\0"


@dataclass
class Decoder:
    """Finds the frames in what arrives.

    Attributes
    ----------
    received, frames : int
        Bytes that arrived, and frames among them.
    noise : bytes
        The last bytes that were no frame.
    spoilt : int
        Pieces between zeros that were no frame.
    """

    #: Longest piece that is kept: no frame is as long, whatever noise does.
    LONGEST = 1 << 20

    received: int = 0
    frames: int = 0
    spoilt: int = 0
    noise: bytes = b""
    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Frames that these bytes complete."""
        self.received += len(data)
        self._rest += data
        *pieces, rest = self._rest.split(b"\0")
        self._rest = bytearray(rest[-self.LONGEST :])
        for piece in pieces:
            if not piece:
                continue
            frame = _decoded(bytes(piece))
            if frame is None:
                self.spoilt += 1
                self.noise = (self.noise + piece)[-256:]
            else:
                self.frames += 1
                yield frame

    @property
    def unexplained(self) -> bytes:
        """The last bytes that are no frame, those of an unfinished one included."""
        return (self.noise + self._rest)[-256:]


def _decoded(piece: bytes) -> Frame | None:
    try:
        content = bytes(cobs.decode(piece))
    except cobs.DecodeError:
        return None
    if len(content) < _HEAD.size + _CRC.size:
        return None
    payload, crc = content[: -_CRC.size], _CRC.unpack(content[-_CRC.size :])[0]
    kind, version, sequence = _HEAD.unpack(payload[: _HEAD.size])
    if binascii.crc32(payload) != crc or version != VERSION:
        return None
    return Frame(kind, sequence, payload[_HEAD.size :])
