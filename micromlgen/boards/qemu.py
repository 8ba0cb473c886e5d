"""Cores that QEMU executes; their firmware reads and writes files of the host by semihosting."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from micromlgen.boards.core import PROGRAM, Core
from micromlgen.boards.toolchain import C_FOLDER


@dataclass(frozen=True)
class Qemu(Core):
    """A core under QEMU's instruction counting.

    Instructions are not cycles: memory has no wait states, and a division counts one.
    """

    #: Each instruction takes 2 ** shift ns of virtual time.
    shift: ClassVar[int] = 0

    @property
    @abstractmethod
    def _machine(self) -> tuple[str, ...]:
        """QEMU and its machine."""

    def _booting(self, measure: bool) -> list[str]:
        counting = ["-icount", f"shift={self.shift}"] if measure else []
        quiet = ["-display", "none", "-monitor", "none", "-serial", "none"]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        return [*self._machine, *quiet, *semihosting, *counting, "-kernel", PROGRAM]


@dataclass(frozen=True)
class Mps:
    """One of QEMU's models of Arm's MPS2 and MPS3 boards: where things are, as its reset state sees them.

    Parameters
    ----------
    name : str
    vectors, flash, ram : int
        Where the processor looks for its vectors, 4 MB or `size` for code and constants, and as much RAM.
    clock : str
        Kind and address of a counter, as a macro for ``c/cortex_m.c``.
    clock_hz : int
        What that counts.
    size : int
    """

    name: str
    vectors: int
    flash: int
    ram: int
    clock: str
    clock_hz: int
    size: int = 4 << 20


@dataclass(frozen=True, kw_only=True)
class CortexM(Qemu):
    """A Cortex-M on one of QEMU's MPS boards.

    Parameters
    ----------
    processor : tuple of str
        Options that say what the processor is.
    board : Mps
    """

    processor: tuple[str, ...]
    board: Mps

    prefix: ClassVar[str] = "arm-none-eabi-"
    harness: ClassVar[str] = "cortex_m.c"
    # The boards' timers run at 20 to 32 MHz. With 256 ns for an instruction they tick at least 5 times in
    # each, so that one execution gives the exact count, up to 5e8 instructions in 32 bits.
    shift: ClassVar[int] = 8

    @property
    def _machine(self) -> tuple[str, ...]:
        return ("qemu-system-arm", "-M", self.board.name)

    @property
    def _ticks(self) -> float:
        return float(self.board.clock_hz << self.shift) / 1e9

    def _compiler(self) -> list[str]:
        return ["arm-none-eabi-gcc", "-mthumb", *self.processor, f"-D{self.board.clock}"]

    def _linking(self) -> list[str]:
        # The entry only matters to `compile`: a booting processor looks into its vector table.
        script = ["-T", str(C_FOLDER / "mps.ld"), "-Wl,--entry=main"]
        places = {name: getattr(self.board, name) for name in ("vectors", "flash", "ram", "size")}
        symbols = [f"-Wl,--defsym=board_{name}={value:#x}" for name, value in places.items()]
        return ["--specs=nano.specs", "-nostartfiles", "-Wl,--gc-sections", *symbols, *script]


@dataclass(frozen=True, kw_only=True)
class RiscV(Qemu):
    """A 32-bit RISC-V on QEMU's `virt` board, whose `rdinstret` is exact.

    Parameters
    ----------
    processor : tuple of str
        Options that say what the processor is. QEMU's has all of RV32, of which each is a part.
    """

    processor: tuple[str, ...]

    prefix: ClassVar[str] = "riscv64-unknown-elf-"
    harness: ClassVar[str] = "riscv.c"

    @property
    def _machine(self) -> tuple[str, ...]:
        return ("qemu-system-riscv32", "-M", "virt", "-bios", "none")

    def _compiler(self) -> list[str]:
        return ["riscv64-unknown-elf-gcc", "--specs=picolibc.specs", *self.processor]

    def _linking(self) -> list[str]:
        # For picolibc's linker script: the board's RAM, one half in the role of flash.
        memory = {"flash": 0x80000000, "flash_size": 4 << 20, "ram": 0x80400000, "ram_size": 4 << 20}
        return ["-Wl,--gc-sections", *(f"-Wl,--defsym=__{name}={value:#x}" for name, value in memory.items())]
