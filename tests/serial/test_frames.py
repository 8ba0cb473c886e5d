"""Frames: what arrives is what was sent, whatever else arrives."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from cobs import cobs

from micromlgen.serial.frames import Decoder, Frame
from tests.serial.boards import bit_flips, bursts, losses, repeats

DRAW = np.random.default_rng(0)
BODIES = [
    b"",
    b"\0",
    b"\0" * 300,
    bytes(range(256)),
    b"x" * 253,
    b"x" * 254,
    b"x" * 255,
    *map(DRAW.bytes, (9, 999)),
]
FRAMES = [Frame(1 + i, 65_535 - i, body) for i, body in enumerate(BODIES)]


def test_the_bytes_of_a_frame() -> None:
    payload = b"\x02\x01\x34\x12row"
    encoded = Frame(2, 0x1234, b"row").encode()
    assert (encoded[:1], encoded[-1:]) == (b"\0", b"\0")
    assert cobs.decode(encoded[1:-1]) == payload + zlib.crc32(payload).to_bytes(4, "little")


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
def test_they_arrive_in_any_pieces(step: int) -> None:
    data = b"".join(frame.encode() for frame in FRAMES)
    decoder, got = Decoder(), []
    for i in range(0, len(data), step):
        got += decoder.feed(data[i : i + step])
    assert got == FRAMES
    assert (decoder.received, decoder.frames, decoder.spoilt) == (len(data), len(FRAMES), 0)


@pytest.mark.parametrize("garbage", [b"hello\r\n", b"\0\0\0", b"\x05ab", b"\xff" * 600, bytes(range(1, 256))])
def test_a_frame_after_garbage_is_found(garbage: bytes) -> None:
    for frame in FRAMES:
        decoder = Decoder()
        assert list(decoder.feed(garbage + frame.encode())) == [frame]
        assert list(decoder.feed(frame.encode()[:5])) == []
        assert list(decoder.feed(frame.encode())) == [frame]


@pytest.mark.parametrize("fault", [bit_flips, losses, repeats, bursts])
def test_nothing_but_what_was_sent_is_taken_for_a_frame(fault: object) -> None:
    frames = [Frame(2, i, DRAW.bytes(40)) for i in range(3000)]
    decoder = Decoder()
    got = [frame for each in map(fault(1), (f.encode() for f in frames)) for frame in decoder.feed(each)]
    assert set(got) <= set(frames)
    assert len(frames) * 0.5 < len(got) < len(frames)
    assert decoder.spoilt > 0


def test_other_versions_and_short_payloads_are_none() -> None:
    for payload in (b"\x02\x02\0\0row", b"\x02", b""):
        content = payload + zlib.crc32(payload).to_bytes(4, "little")
        assert list(Decoder().feed(b"\0" + cobs.encode(content) + b"\0")) == []


def test_endless_noise_does_not_fill_the_memory() -> None:
    decoder = Decoder()
    for _ in range(40):
        assert list(decoder.feed(b"\x55" * 100_000)) == []
    assert len(decoder._rest) <= decoder.LONGEST
    assert list(decoder.feed(FRAMES[0].encode())) == [FRAMES[0]]
