"""Boards, lines and clocks that tests play: in simulated time, with faults by the number of a seed."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from micromlgen.boards import STRICT
from micromlgen.boards.toolchain import execute, host_compiler
from micromlgen.layouts import project_files, write
from micromlgen.program import Program
from micromlgen.serial.port import SerialError

#: Seconds that a byte takes at 115200 baud.
BYTE = 10 / 115_200

_SHIM = """
#include "mml2_check.h"
static void (*sink)(const uint8_t *, uint8_t);
static void mml2_check_write(const uint8_t *bytes, uint8_t length) { sink(bytes, length); }
void plug(void (*to)(const uint8_t *, uint8_t));
void plug(void (*to)(const uint8_t *, uint8_t)) { sink = to; }
void receive(uint8_t byte);
void receive(uint8_t byte) { mml2_check_receive(byte); }
void restart(void);
void restart(void)
{
    mml2_check_length = 0;
    mml2_check_left = mml2_check_long = 0;
    mml2_check_code = 0xff;
    mml2_check_ready();
}
"""


class CheckBoard:
    """The check sketch's own C, compiled for this machine, as a board that answers bytes by bytes.

    Parameters
    ----------
    program : Program
    folder : Path
        Where it is built.
    clock : str
        C of an Arduino.h, for a board that has a clock.
    """

    def __init__(self, program: Program, folder: Path, clock: str = "") -> None:
        files = project_files(
            "arduino", "sketch", program.model, program.header, program.name, None, check=True
        )
        start = "#define ARDUINO 1\n#include <Arduino.h>\n" if clock else ""
        write(folder, {**files, "shim.c": start + _SHIM, "Arduino.h": clock}, force=True)
        sources = ["shim.c", f"{program.name.snake}.c"]
        flags = ["-std=c99", "-O1", "-fPIC", "-shared", "-I.", *STRICT, "-o", "board.so"]
        execute([*host_compiler(), *flags, *sources, "-lm"], folder, "compiling the board")
        self._c = ctypes.CDLL(str(folder / "board.so"))
        self._said = b""
        kind = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint8), ctypes.c_uint8)
        self._sink = kind(self._write)
        self._c.plug(self._sink)

    def _write(self, data: ctypes.Array[ctypes.c_uint8], length: int) -> None:
        self._said += bytes(data[:length])

    def receive(self, data: bytes) -> bytes:
        for byte in data:
            self._c.receive(byte)
        said, self._said = self._said, b""
        return said

    def restart(self) -> bytes:
        self._c.restart()
        return self.receive(b"")


Fault = Callable[[bytes], bytes]


def clean(data: bytes) -> bytes:
    return data


class Line:
    """A port with a board at its end, a clock of its own, and faults in both directions.

    Parameters
    ----------
    receive : callable
        What the board says to bytes.
    restart : callable, optional
        What it says when it starts.
    fault : callable
        Changes bytes on their way, to the board and from it.
    reset_at : collection of int
        Numbers of the writes at which the board resets, and hears nothing for a boot loader's 1.5 s.
    gone_at : collection of int
        Numbers of the reads at which the port goes; it is back at the third attempt to open it.
    """

    name = "line"

    def __init__(
        self,
        receive: Callable[[bytes], bytes],
        restart: Callable[[], bytes] = bytes,
        fault: Fault = clean,
        reset_at: tuple[int, ...] = (),
        gone_at: tuple[int, ...] = (),
    ) -> None:
        self._receive, self._restart, self._fault = receive, restart, fault
        self._reset_at, self._gone_at = reset_at, gone_at
        self._clock, self._deaf_until = 0.0, -1.0
        self._due: deque[tuple[float, bytes]] = deque()
        self._writes = self._reads = self._tries = 0
        self.closed = False

    def now(self) -> float:
        return self._clock

    def say(self, data: bytes, after: float = 0.0) -> None:
        """Let the board say something, by itself."""
        at = max(self._clock + after, self._due[-1][0] if self._due else 0.0)
        for byte in self._fault(data):
            at += BYTE
            self._due.append((at, bytes([byte])))

    def read(self, timeout: float) -> bytes:
        self._reads += 1
        if self._reads in self._gone_at:
            self._tries = 3
        if self._tries:
            raise SerialError(f"{self.name} has gone")
        until = self._clock + timeout
        if not self._due or self._due[0][0] > until:
            self._clock = until
            return b""
        self._clock = max(self._clock, self._due[0][0])
        out = b""
        while self._due and self._due[0][0] <= self._clock + 0.002:  # a system hands out more than a byte
            out += self._due.popleft()[1]
        return out

    def write(self, data: bytes) -> None:
        if self._tries:
            raise SerialError(f"{self.name} has gone")
        self._writes += 1
        self._clock += len(data) * BYTE
        if self._writes in self._reset_at:
            self._deaf_until = self._clock + 1.5
            self._due.clear()
            self.say(self._restart(), after=1.5)
        elif self._clock > self._deaf_until:
            self.say(self._receive(self._fault(data)))

    def reopen(self) -> bool:
        self._clock += 0.5
        self._tries = max(0, self._tries - 1)
        self._due.clear()
        return not self._tries

    def close(self) -> None:
        self.closed = True


def bit_flips(seed: int, share: float = 0.002) -> Fault:
    draw = np.random.default_rng(seed)

    def fault(data: bytes) -> bytes:
        flipped = draw.random(len(data)) < share
        return bytes(b ^ (1 << int(draw.integers(8)) if f else 0) for b, f in zip(data, flipped, strict=True))

    return fault


def losses(seed: int, share: float = 0.002) -> Fault:
    draw = np.random.default_rng(seed)
    return lambda data: bytes(b for b in data if draw.random() >= share)


def repeats(seed: int, share: float = 0.002) -> Fault:
    draw = np.random.default_rng(seed)
    return lambda data: b"".join(bytes([b]) * (1 + (draw.random() < share)) for b in data)


def bursts(seed: int, share: float = 0.1) -> Fault:
    """Noise in place of what was said, zeros included, now and then."""
    draw = np.random.default_rng(seed)

    def fault(data: bytes) -> bytes:
        noise = draw.bytes(int(draw.integers(1, 60))) if draw.random() < share else b""
        return noise + data[len(noise) :] if draw.random() < 0.5 else noise + data

    return fault


def other_baud(ratio: float) -> Fault:
    """What a UART reads whose bits last `1 / ratio` of the sender's: 8N1, each bit sampled at its middle."""

    def fault(data: bytes) -> bytes:
        sent = [bit for b in data for bit in (0, *(b >> i & 1 for i in range(8)), 1)] + [1] * 20
        out, at = [], 0.0
        while at < len(sent) - 12 * max(1.0, 1 / ratio):
            if sent[int(at)]:
                at = int(at) + 1.0
                continue
            bits = [sent[int(at + (i + 1.5) / ratio)] for i in range(8)]
            out.append(sum(bit << i for i, bit in enumerate(bits)))
            at += 9.5 / ratio
        return bytes(out)

    return fault


class Printer(Line):
    """A board that prints a line each `period` seconds, numbered from its last start.

    Parameters
    ----------
    line : callable
        The text of line number i.
    greeting : bytes
        What it prints as it starts.
    reset_after : collection of float
        Seconds at which it resets, in the middle of a line, and prints nothing for 1.5 s.
    """

    def __init__(
        self,
        line: Callable[[int], str],
        period: float = 0.01,
        greeting: bytes = b"",
        reset_after: tuple[float, ...] = (),
        **faults: Any,
    ) -> None:
        super().__init__(lambda data: b"", **faults)
        self._line, self._period, self._greeting = line, period, greeting
        self._reset_after = list(reset_after)
        self._index, self._next = 0, 0.0
        self.printed = 0
        self.say(greeting)

    def read(self, timeout: float) -> bytes:
        while self._next <= self._clock + timeout:
            self._print()
        return super().read(timeout)

    def reopen(self) -> bool:
        back = super().reopen()
        self._next = max(self._next, self._clock)
        return back

    def _print(self) -> None:
        text = self._line(self._index).encode() + b"\r\n"
        self._index += 1
        at = self._next - self._clock
        self._next += self._period
        if self._reset_after and self._next > self._reset_after[0]:
            self._reset_after.pop(0)
            self._index = 0
            self._next += 1.5
            self.say(text[: len(text) // 2], at)
            self.say(self._greeting, at + 1.5)
            return
        self.printed += 1
        self.say(text, at)
