"""Arduino sketches on a simulated Uno or Mega: built with the real Arduino core, reached over a serial port.

The simulator is simavr, with a small program around it (``c/arduino.c``) that gives the board's UART a
pseudo-terminal. QEMU boots the same sketches, but it has no 8-bit timers: ``delay`` never returns, ``millis``
stands still and the time limits of ``Serial.readBytes`` never pass.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from micromlgen.boards.cache import cached
from micromlgen.boards.catalog import board as board_named
from micromlgen.boards.toolchain import C_FOLDER, execute, host_compiler
from micromlgen.errors import ToolchainError

CORE = Path("/usr/share/arduino/hardware/arduino/avr")

# Board: what the core calls it, and the folder with its pins.
_BOARDS = {"uno": ("AVR_UNO", "standard"), "mega": ("AVR_MEGA2560", "mega")}

# As the core's platform.txt has them. -flto -fno-fat-lto-objects lets the link see the sketch as a whole.
_CC = ["avr-gcc", "-c", "-g", "-Os", "-w", "-std=gnu11", "-ffunction-sections", "-fdata-sections"]
_CXX = ["avr-g++", "-c", "-g", "-Os", "-w", "-std=gnu++11", "-ffunction-sections", "-fdata-sections"]
_COMPILE = {
    ".c": [*_CC, "-flto", "-fno-fat-lto-objects"],
    ".cpp": [*_CXX, "-flto", "-fpermissive", "-fno-exceptions", "-fno-threadsafe-statics"],
    ".S": ["avr-gcc", "-c", "-g", "-x", "assembler-with-cpp", "-flto"],
}
_LINK = ["avr-gcc", "-w", "-Os", "-g", "-flto", "-fuse-linker-plugin", "-Wl,--gc-sections"]
# WString.cpp sizes a buffer with this macro, which avr-gcc 5's <float.h> lacks in C++11: digits of a float.
_CORE_ONLY = ["-DDECIMAL_DIG=9"]


@dataclass(frozen=True)
class Sketch:
    """A built sketch: its ELF file, and the bytes that the Arduino IDE would report."""

    elf: Path
    flash: int
    ram: int


def include_flags(board: str) -> list[str]:
    """List the flags with which avr-gcc compiles a file for this board that includes the real ``Arduino.h``.

    The folders are given with ``-I``, because avr-g++ takes ``-isystem`` headers for C.

    Examples
    --------
    >>> include_flags("uno")[0]
    '-mmcu=atmega328p'
    """
    folders = _core_folders(board)
    it = board_named(board)
    defines = [f"-DF_CPU={it.clock_hz}L", "-DARDUINO=10819", f"-DARDUINO_{_BOARDS[board][0]}"]
    return [f"-mmcu={it.mcu}", *defines, "-DARDUINO_ARCH_AVR", *(f"-I{folder}" for folder in folders)]


def build_sketch(sketch: Path, board: str, out: Path, libraries: Sequence[Path] = ()) -> Sketch:
    """Build a sketch as the Arduino IDE does.

    Parameters
    ----------
    sketch : Path
        A ``.ino`` file, or a folder with one; C and C++ files beside it are compiled too. ``Arduino.h`` is
        included before its first line. Prototypes are not invented as in the IDE: declare before use.
    board : {"uno", "mega"}
    out : Path
        Folder for the object and ELF files; made if need be.
    libraries : sequence of Path
        Arduino libraries, each with a folder ``src``, that the sketch includes headers of.

    Raises
    ------
    ToolchainError
        The compiler or the core is missing, the sketch does not compile, or it is too big for the board.
    """
    ino = _ino(sketch).resolve()
    out = out.resolve()
    flags = include_flags(board)
    out.mkdir(parents=True, exist_ok=True)
    folders = [ino.parent, *((library / "src").resolve() for library in libraries)]
    flags += [f"-I{folder}" for folder in folders]
    compiled, elf = [f"{ino.name}.o"], f"{ino.name}.elf"
    prelude = ["-include", "Arduino.h", "-x", "c++"]
    execute([*_COMPILE[".cpp"], *flags, *prelude, str(ino), "-o", compiled[0]], out, f"compiling {ino.name}")
    for source in sorted(path for folder in folders for path in folder.iterdir()):
        if source.suffix in (".c", ".cpp"):
            compiled.append(f"{source.name}.o")
            execute(
                [*_COMPILE[source.suffix], *flags, str(source), "-o", compiled[-1]],
                out,
                "compiling the sketch",
            )
    link = [*_LINK, flags[0], *compiled, str(_core_archive(board)), "-lm", "-o", elf]
    execute(link, out, f"linking {ino.name}")
    built = Sketch(out / elf, *_sizes(out / elf))
    room = board_named(board)
    if built.flash > room.flash:  # the linker counts the boot loader's part as free
        raise ToolchainError(
            f"{ino.name} is too big for {room.title}: {built.flash} of {room.flash} bytes of flash"
        )
    return built


@contextmanager
def boot(elf: Path, board: str) -> Iterator[str]:
    """Play a board that runs this ELF file, and give the path of its serial port.

    The board runs while somebody holds the port open, and starts anew each time it is opened, as an Uno does.
    A second of its time takes at least a second, except while it has bytes to receive: those it may take
    faster, yet in its own time they arrive at the sketch's baud rate.

    Raises
    ------
    ToolchainError
        The simulator is missing, or the sketch wrote beyond the RAM or ran beyond the flash.
    """
    it = board_named(board)
    command = [str(_simulator()), it.mcu, str(it.clock_hz), str(elf)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = process.stdout.readline().strip()
        try:
            if port:
                yield port
        finally:
            process.terminate()
            if process.wait() != -signal.SIGTERM:  # it had ended before
                raise ToolchainError(f"{elf.name} on the simulated {board}: {process.stderr.read().strip()}")


def _core_folders(board: str) -> list[Path]:
    if board not in _BOARDS:
        raise ToolchainError(f"sketches are built for {' and '.join(_BOARDS)} only, not for {board!r}")
    folders = [CORE / "cores" / "arduino", CORE / "variants" / _BOARDS[board][1]]
    for folder in folders:
        if not folder.is_dir():
            raise ToolchainError(f"{folder} not found: apt-get install arduino-core-avr")
    return folders


def _ino(sketch: Path) -> Path:
    found = list(sketch.glob("*.ino")) if sketch.is_dir() else [sketch]
    if len(found) != 1 or not found[0].is_file():
        raise ToolchainError(f"{sketch} must be a .ino file, or a folder with exactly one")
    return found[0]


def _sizes(elf: Path) -> tuple[int, int]:
    """Sum the sections as platform.txt does: flash and RAM."""
    listing = execute(["avr-size", "-A", elf.name], elf.parent, "measuring the sketch")
    size = {name: int(n) for name, n in re.findall(r"^(\.\w+)\s+(\d+)", listing, re.MULTILINE)}
    flash, ram = [".text", ".data"], [".data", ".bss", ".noinit"]
    return sum(size.get(name, 0) for name in flash), sum(size.get(name, 0) for name in ram)


def _core_archive(board: str) -> Path:
    """Compile the Arduino core for this board, once per user."""
    files = sorted(path for folder in _core_folders(board) for path in folder.rglob("*") if path.is_file())
    flags = [*include_flags(board), *_CORE_ONLY]

    def build(scratch: Path) -> Path:
        def compile_one(source: Path) -> str:
            made = f"{source.name}.o"
            execute(
                [*_COMPILE[source.suffix], *flags, str(source), "-o", made], scratch, "compiling the core"
            )
            return made

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compile_one, (path for path in files if path.suffix in _COMPILE)))
        execute(["avr-gcc-ar", "rcs", "core.a", *objects], scratch, "archiving the core")
        return scratch / "core.a"

    recipe = repr((_COMPILE, flags, execute(["avr-gcc", "--version"], CORE, "asking avr-gcc its version")))
    return cached(f"arduino-{board}.a", [recipe.encode(), *map(Path.read_bytes, files)], build)


def _simulator() -> Path:
    """Compile ``c/arduino.c``, once per user."""
    source = C_FOLDER / "arduino.c"

    def build(scratch: Path) -> Path:
        command = [*host_compiler(), "-O2", str(source), "-o", "arduino", "-lsimavr"]
        try:
            execute(command, scratch, "building the simulated Arduino")
        except ToolchainError as error:
            raise ToolchainError(f"{error}\napt-get install libsimavr-dev") from None
        return scratch / "arduino"

    return cached("arduino-simulator", [source.read_bytes()], build)
