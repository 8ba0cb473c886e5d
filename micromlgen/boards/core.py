"""What every core does: build one firmware from calls, boot it once, measure and weigh it."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from micromlgen.boards import firmware
from micromlgen.boards.call import Call, Result, Size
from micromlgen.boards.toolchain import C_FOLDER, LANGUAGES, execute
from micromlgen.errors import UnsupportedError

PROGRAM = "firmware.elf"


@dataclass(frozen=True)
class Core(ABC):
    """A kind of processor: how to compile for it, and how to execute what was compiled.

    Its costs count from just before the call of a function around the statement to just after its
    return. Everything that surrounds that call is measured with an empty statement and taken off.
    """

    name: str
    #: The core that this one behaves like when integers are compared and added; itself where empty.
    like: str = field(default="", kw_only=True)
    #: Cycles that a `unit` takes on average, where it isn't a cycle itself.
    cpi: float = field(default=1.0, kw_only=True)

    #: Whether a run can be measured, and what `Result.cost` counts then.
    measures: ClassVar[bool] = True
    unit: ClassVar[str] = "instructions"
    #: Beginning of the names of this core's binutils.
    prefix: ClassVar[str] = ""
    #: File under ``c/`` that feeds the rows.
    harness: ClassVar[str]
    #: Where the firmware keeps one row and one result, aligned for any type of the core's.
    buffers: ClassVar[str] = (
        "static unsigned char input[{x_bytes}] __attribute__((aligned));\n"
        "static unsigned char output[{y_bytes}] __attribute__((aligned));"
    )

    @property
    def _ticks(self) -> float:
        """Ticks of the simulator's clock in one `unit`."""
        return 1.0

    @property
    def substitutes(self) -> frozenset[str]:
        """Routines linked in place of the chip's own, so that what calls them costs about as much there."""
        return frozenset()

    @property
    def plans_like(self) -> str:
        """Name of the core whose estimates choose a layout for this one."""
        return self.like or self.name

    @property
    def call_cost(self) -> int:
        """Cost of an empty statement: the call and the return alone."""
        return 2

    @abstractmethod
    def _compiler(self) -> list[str]:
        """Compiler with all options that say what the processor is."""

    @abstractmethod
    def _linking(self) -> list[str]:
        """Options for linking a program with its own `main`."""

    @abstractmethod
    def _booting(self, measure: bool) -> list[str]:
        """Command that executes the firmware in the current folder."""

    def run(
        self,
        calls: Sequence[Call],
        *,
        language: str = "c",
        flags: Sequence[str] = ("-Os",),
        measure: bool = True,
    ) -> list[Result]:
        """Execute every call for each of its rows, all in one firmware that is booted once.

        Parameters
        ----------
        calls : sequence of Call
        language : {"c", "c++"}
        flags : sequence of str
            Further options for the compiler.
        measure : bool
            Whether to count cycles or instructions and stack; without it, QEMU runs faster. The host
            never does.

        Raises
        ------
        ToolchainError
            If a tool is missing, the source does not compile, or the firmware crashes or hangs.
        """
        measure = measure and self.measures
        defines = ("-DMEASURE",) if measure else ()
        with self._built(calls, language, (*flags, *defines)) as folder:
            firmware.write_rows(folder, calls)
            execute(self._booting(measure), folder, f"the firmware on {self.name}")
            ys = firmware.read_results(folder, calls)
            if not measure:
                return [Result(y, np.full(len(y), np.nan), 0) for y in ys]
            costs = firmware.read_costs(folder, calls)
        # Rounded because a clock of another rate than the processor's is read between its ticks.
        return [
            Result(y, np.rint(count / self._ticks) + self.call_cost, stack)
            for y, (count, stack) in zip(ys, costs, strict=True)
        ]

    def size(self, call: Call, *, language: str = "c", flags: Sequence[str] = ("-Os",)) -> Size:
        """Weigh a call: the difference to the same firmware with an empty statement, in bytes.

        Parameters and errors are those of `run`.
        """
        flash, ram = self._sections(call, language, flags)
        empty_flash, empty_ram = self._sections(replace(call, statement=""), language, flags)
        return Size(flash - empty_flash, ram - empty_ram)

    def symbols(self, call: Call, *, language: str = "c", flags: Sequence[str] = ("-Os",)) -> set[str]:
        """Name everything that a call brings into the firmware, routines of the libraries included.

        Parameters and errors are those of `run`.
        """
        with_call = self._names(call, language, flags)
        return with_call - self._names(replace(call, statement=""), language, flags)

    def compile(
        self, files: Mapping[str, str], *, language: str = "c", flags: Sequence[str] = ("-Os",)
    ) -> None:
        """Compile and link files (name to text) that have a `main`; the program is thrown away.

        Raises
        ------
        ToolchainError
            If that fails: the message has the first errors.
        """
        with tempfile.TemporaryDirectory() as name:
            self._compile(Path(name), files, language, flags)

    @contextmanager
    def _built(self, calls: Sequence[Call], language: str, flags: Sequence[str]) -> Iterator[Path]:
        """Build the firmware in a folder of its own."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self._compile(folder, firmware.source(calls, self.harness, self.buffers), language, flags)
            yield folder

    def _compile(self, folder: Path, files: Mapping[str, str], language: str, flags: Sequence[str]) -> None:
        if language not in LANGUAGES:
            raise UnsupportedError(f"language {language!r} is not known: use one of {', '.join(LANGUAGES)}")
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        sources = [name for name in files if not name.endswith(".h")]
        options = [*LANGUAGES[language], "-ffunction-sections", "-fdata-sections", f"-I{C_FOLDER}", *flags]
        argv = [*self._compiler(), *options, *sources, "-x", "none", *self._linking(), "-lm", "-o", PROGRAM]
        execute(argv, folder, f"compiling for {self.name}")

    def _sections(self, call: Call, language: str, flags: Sequence[str]) -> tuple[int, int]:
        with self._built([call], language, flags) as folder:
            return self._weigh(folder)

    def _weigh(self, folder: Path) -> tuple[int, int]:
        """Bytes of flash and of RAM that the firmware in this folder takes."""
        table = execute([f"{self.prefix}size", PROGRAM], folder, "size").splitlines()
        text, data, bss = map(int, table[1].split()[:3])
        return text + data, data + bss

    def _names(self, call: Call, language: str, flags: Sequence[str]) -> set[str]:
        with self._built([call], language, flags) as folder:
            table = execute([f"{self.prefix}nm", PROGRAM], folder, "nm").splitlines()
        return {line.split()[-1] for line in table}
