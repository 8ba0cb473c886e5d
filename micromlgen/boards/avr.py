"""AVR under libsimavr, cycle for cycle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from micromlgen.boards.cache import cached
from micromlgen.boards.core import PROGRAM, Core
from micromlgen.boards.toolchain import C_FOLDER, execute, host_compiler
from micromlgen.errors import ToolchainError

_RUNNER = ("avr_runner.c", "avr_signals.h", "rows.h")


@dataclass(frozen=True)
class Avr(Core):
    """An ATmega.

    Parameters
    ----------
    mcu : str
        Name that avr-gcc and simavr know.
    """

    mcu: str = ""

    unit: ClassVar[str] = "cycles"
    prefix: ClassVar[str] = "avr-"
    harness: ClassVar[str] = "avr.c"

    @property
    def call_cost(self) -> int:
        """Cost of an empty statement: a `call` of 4 cycles and a `ret` of 4, or 5 each beyond 128 KB."""
        return 10 if self.mcu.startswith("atmega256") else 8

    def _compiler(self) -> list[str]:
        return ["avr-gcc", f"-mmcu={self.mcu}", "-DF_CPU=16000000L", "-flto"]

    def _linking(self) -> list[str]:
        return ["-Wl,--gc-sections", "-Wl,--relax"]

    def _booting(self, measure: bool) -> list[str]:
        return [str(_runner()), self.mcu, PROGRAM]


def _runner() -> Path:
    """Find the simulator's program, or build it."""

    def build(scratch: Path) -> Path:
        command = [*host_compiler(), "-O2", str(C_FOLDER / _RUNNER[0]), "-o", "runner", "-lsimavr", "-lelf"]
        try:
            execute(command, scratch, "building the AVR simulator")
        except ToolchainError as error:
            raise ToolchainError(f"{error}\napt-get install libsimavr-dev libelf-dev") from None
        return scratch / "runner"

    return cached("avr-runner", [(C_FOLDER / name).read_bytes() for name in _RUNNER], build)
