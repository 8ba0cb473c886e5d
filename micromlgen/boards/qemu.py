"""Cores that QEMU executes; their firmware reads and writes files of the host by semihosting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from micromlgen.boards.core import PROGRAM, Core
from micromlgen.boards.toolchain import C_FOLDER


@dataclass(frozen=True)
class _Qemu(Core):
    """A core under QEMU's instruction counting.

    Instructions are not cycles: memory has no wait states, and a division counts one.
    """

    #: QEMU and its machine.
    machine: tuple[str, ...] = ()
    #: Options that say what the processor is.
    processor: tuple[str, ...] = ()

    #: Each instruction takes 2 ** shift ns of virtual time.
    shift: ClassVar[int] = 0

    def _booting(self, measure: bool) -> list[str]:
        counting = ["-icount", f"shift={self.shift}"] if measure else []
        quiet = ["-display", "none", "-monitor", "none", "-serial", "none"]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        return [*self.machine, *quiet, *semihosting, *counting, "-kernel", PROGRAM]


@dataclass(frozen=True)
class CortexM(_Qemu):
    """A Cortex-M on one of QEMU's MPS2 boards."""

    prefix: ClassVar[str] = "arm-none-eabi-"
    harness: ClassVar[str] = "cortex_m.c"
    # The boards' timers run at 25 MHz. With 256 ns for an instruction they tick 6.4 times in each,
    # so that one execution gives the exact count, up to 6.7e8 instructions in 32 bits.
    shift: ClassVar[int] = 8
    ticks: ClassVar[float] = 2**8 * 25e6 / 1e9

    def _compiler(self) -> list[str]:
        return ["arm-none-eabi-gcc", "-mthumb", *self.processor]

    def _linking(self) -> list[str]:
        # The entry only matters to `compile`: a booting processor looks into its vector table.
        script = ["-T", str(C_FOLDER / "mps2.ld"), "-Wl,--entry=main"]
        return ["--specs=nano.specs", "-nostartfiles", "-Wl,--gc-sections", *script]


@dataclass(frozen=True)
class RiscV(_Qemu):
    """A 32-bit RISC-V on QEMU's `virt` board, whose `rdinstret` is exact."""

    prefix: ClassVar[str] = "riscv64-unknown-elf-"
    harness: ClassVar[str] = "riscv.c"

    def _compiler(self) -> list[str]:
        return ["riscv64-unknown-elf-gcc", "--specs=picolibc.specs", *self.processor]

    def _linking(self) -> list[str]:
        # For picolibc's linker script: the board's RAM, one half in the role of flash.
        memory = {"flash": 0x80000000, "flash_size": 4 << 20, "ram": 0x80400000, "ram_size": 4 << 20}
        return ["-Wl,--gc-sections", *(f"-Wl,--defsym=__{name}={value:#x}" for name, value in memory.items())]
