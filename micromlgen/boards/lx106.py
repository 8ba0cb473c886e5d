"""The Xtensa LX106 of an ESP8266, executed by QEMU."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from micromlgen.boards.cache import cached
from micromlgen.boards.core import PROGRAM
from micromlgen.boards.qemu import Qemu
from micromlgen.boards.toolchain import C_FOLDER, execute
from micromlgen.errors import ToolchainError

_PICOLIBC = Path("/usr/lib/xtensa-lx106-elf/picolibc.specs")
_ROM = ("lx106_rom.c", "lx106_rom_float.h")
# -mlongcalls and what follows as in the platform.txt of the ESP8266's Arduino core.
_GCC = ("xtensa-lx106-elf-gcc", f"--specs={_PICOLIBC}", "-mlongcalls", "-mtext-section-literals")


@dataclass(frozen=True)
class Lx106(Qemu):
    """An LX106 on QEMU's `sim` machine.

    Constants are in RAM, as on an ESP8266, unless their section is `.irom.text.*` (PROGMEM). Float arithmetic
    and division call the chip's ROM and cost no flash. The instructions counted there are those of
    ``c/lx106_rom.c``, since the chip's are not public.
    """

    prefix: ClassVar[str] = "xtensa-lx106-elf-"
    harness: ClassVar[str] = "lx106.c"
    # The cycle counter runs at 40 MHz of virtual time: 10.24 ticks for an instruction of 256 ns.
    shift: ClassVar[int] = 8

    @property
    def _ticks(self) -> float:
        return float(40_000_000 << self.shift) / 1e9

    @property
    def _machine(self) -> tuple[str, ...]:
        return ("qemu-system-xtensa", "-M", "sim", "-cpu", "lx106")

    @property
    def substitutes(self) -> frozenset[str]:
        """The routines of the chip's ROM."""
        names = re.findall(r"^ROM\((\w+)\)", (C_FOLDER / _ROM[0]).read_text(encoding="utf-8"), re.MULTILINE)
        return frozenset(f"__{name}" for name in names)

    def _compiler(self) -> list[str]:
        if not _PICOLIBC.exists():  # gcc says no more than that it can't read it
            raise ToolchainError(f"{_PICOLIBC} not found: apt-get install picolibc-xtensa-lx106-elf")
        return [*_GCC, "-falign-functions=4"]

    def _linking(self) -> list[str]:
        script = ["-T", str(C_FOLDER / "lx106.ld"), "-Wl,--entry=main"]
        return ["-nostartfiles", "-Wl,--gc-sections", str(_rom()), *script]

    def _weigh(self, folder: Path) -> tuple[int, int]:
        """Sections by their names in ``c/lx106.ld``: the ROM doesn't count, and constants are RAM."""
        listing = execute([f"{self.prefix}size", "-A", PROGRAM], folder, "size")
        size = {name: int(n) for name, n in re.findall(r"^(\.\w+)\s+(\d+)", listing, re.MULTILINE)}
        text, library, data, bss = (size.get(name, 0) for name in (".text", ".library", ".data", ".bss"))
        return text + library + data, data + bss


def _rom() -> Path:
    """Compile ``c/lx106_rom.c``, once per user."""

    def build(scratch: Path) -> Path:
        command = [*_GCC, "-O2", "-std=c99", "-c", str(C_FOLDER / _ROM[0]), "-o", "rom.o"]
        execute(command, scratch, "building the ROM of the LX106")
        return scratch / "rom.o"

    sources = [(C_FOLDER / name).read_bytes() for name in _ROM]
    return cached("lx106-rom.o", [repr(_GCC).encode(), *sources], build)
