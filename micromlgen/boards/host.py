"""The machine we are on: for checking results quickly, under sanitizers if wanted; it measures nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from micromlgen.boards.core import PROGRAM, Core
from micromlgen.boards.toolchain import host_compiler


@dataclass(frozen=True)
class Host(Core):
    """A process of this machine."""

    # A desktop processor's time says nothing about a microcontroller's.
    measures: ClassVar[bool] = False
    harness: ClassVar[str] = "host.c"
    buffers: ClassVar[str] = "static unsigned char *input, *output;"

    def _compiler(self) -> list[str]:
        return host_compiler()

    def _linking(self) -> list[str]:
        return []

    def _booting(self, measure: bool) -> list[str]:
        return [f"./{PROGRAM}"]
