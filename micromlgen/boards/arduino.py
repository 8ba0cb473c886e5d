"""Arduino sketches on a simulated Uno or Mega: built with the real Arduino core, reached over a serial port.

The simulator is simavr, with a small program around it (``arduino.c``) that gives the board's UART a
pseudo-terminal. QEMU boots the same sketches, but it has no 8-bit timers: ``delay`` never returns, ``millis``
stands still and the time limits of ``Serial.readBytes`` never pass.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from micromlgen.errors import ToolchainError

CORE = Path("/usr/share/arduino/hardware/arduino/avr")
F_CPU = 16_000_000

# As the core's platform.txt has them. -fno-fat-lto-objects and -flto make the link see the sketch as a whole.
_COMMON = ["-c", "-g", "-Os", "-w", "-ffunction-sections", "-fdata-sections", "-flto"]
_COMPILE = {
    ".c": ["avr-gcc", *_COMMON, "-std=gnu11", "-fno-fat-lto-objects"],
    ".cpp": ["avr-g++", *_COMMON, "-std=gnu++11", "-fpermissive", "-fno-exceptions", "-fno-threadsafe-statics"],
    ".S": ["avr-gcc", "-c", "-g", "-x", "assembler-with-cpp", "-flto"],
}
_LINK = ["avr-gcc", "-w", "-Os", "-g", "-flto", "-fuse-linker-plugin", "-Wl,--gc-sections"]
# WString.cpp sizes a buffer with this macro, which avr-libc's <float.h> lacks in C++11: digits of a float.
_CORE_ONLY = ["-DDECIMAL_DIG=9"]


@dataclass(frozen=True)
class _Board:
    mcu: str
    name: str
    variant: str
    flash: int
    ram: int


_BOARDS = {
    "uno": _Board("atmega328p", "AVR_UNO", "standard", flash=32_256, ram=2_048),
    "mega": _Board("atmega2560", "AVR_MEGA2560", "mega", flash=253_952, ram=8_192),
}


@dataclass(frozen=True)
class Sketch:
    """A built sketch: its ELF file, and the bytes that the Arduino IDE would report."""

    elf: Path
    flash: int
    ram: int


def include_flags(board: str) -> list[str]:
    """Flags with which avr-gcc compiles a file for this board that includes the real ``Arduino.h``.

    The folders are given with ``-I``, because avr-g++ takes ``-isystem`` headers for C.

    Examples
    --------
    >>> include_flags("uno")[0]
    '-mmcu=atmega328p'
    """
    it = _board(board)
    folders = [CORE / "cores" / "arduino", CORE / "variants" / it.variant]
    for folder in folders:
        if not folder.is_dir():
            raise ToolchainError(f"{folder} is missing; on Debian: apt-get install arduino-core-avr")
    defines = [f"-DF_CPU={F_CPU}L", "-DARDUINO=10819", f"-DARDUINO_{it.name}", "-DARDUINO_ARCH_AVR"]
    return [f"-mmcu={it.mcu}", *defines, *(f"-I{folder}" for folder in folders)]


def build_sketch(sketch: Path, board: str, out: Path) -> Sketch:
    """Build a sketch as the Arduino IDE does, without its libraries.

    Parameters
    ----------
    sketch : Path
        A ``.ino`` file, or a folder with one; it may include headers that stand beside it. ``Arduino.h`` is
        included before its first line. Prototypes are not invented as in the IDE: declare before use.
    board : {"uno", "mega"}
    out : Path
        Folder for the object and ELF files; made if need be.

    Raises
    ------
    ToolchainError
        The compiler or the core is missing, the sketch does not compile, or it is too big for the board.
    """
    ino = _ino(sketch)
    flags = include_flags(board)
    out.mkdir(parents=True, exist_ok=True)
    compiled, elf = out / f"{ino.name}.o", out / f"{ino.name}.elf"
    prelude = ["-include", "Arduino.h", "-x", "c++"]
    _run([*_COMPILE[".cpp"], *flags, f"-I{ino.parent}", *prelude, str(ino), "-o", str(compiled)])
    _run([*_LINK, flags[0], str(compiled), str(_core_archive(board)), "-lm", "-o", str(elf)])
    built = Sketch(elf, *_sizes(elf))
    it = _board(board)
    if built.flash > it.flash or built.ram > it.ram:
        raise ToolchainError(
            f"{ino.name} is too big for {board}: flash {built.flash} of {it.flash} bytes, "
            f"RAM {built.ram} of {it.ram} bytes"
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
        The simulator is missing, or the sketch ran into an instruction that the board does not have.
    """
    command = [str(_simulator()), _board(board).mcu, str(F_CPU), str(elf)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout and process.stderr
        port = process.stdout.readline().strip()
        try:
            if port:
                yield port
        finally:
            if process.poll() is not None or not port:
                raise ToolchainError(f"{elf.name} on the simulated {board}: {process.stderr.read().strip()}")
            process.terminate()


def _board(name: str) -> _Board:
    if name not in _BOARDS:
        raise ToolchainError(f"no Arduino core for board {name!r}; use one of {', '.join(_BOARDS)}")
    return _BOARDS[name]


def _ino(sketch: Path) -> Path:
    found = sorted(sketch.glob("*.ino")) if sketch.is_dir() else [sketch]
    if len(found) != 1 or not found[0].is_file():
        raise ToolchainError(f"{sketch} must be a .ino file or a folder with exactly one")
    return found[0]


def _sizes(elf: Path) -> tuple[int, int]:
    listing = _run(["avr-size", "-A", str(elf)])
    size = {name: int(n) for name, n in re.findall(r"^(\.\w+)\s+(\d+)", listing, re.MULTILINE)}
    flash = size[".text"] + size.get(".data", 0)
    return flash, size.get(".data", 0) + size.get(".bss", 0) + size.get(".noinit", 0)


def _core_archive(board: str) -> Path:
    """The Arduino core for this board, compiled once per user."""
    flags = [*include_flags(board), *_CORE_ONLY]
    folders = [CORE / "cores" / "arduino", CORE / "variants" / _board(board).variant]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    sources = [path for path in files if path.suffix in _COMPILE]

    def build(scratch: Path) -> Path:
        def compile_one(source: Path) -> str:
            made = str(scratch / f"{source.name}.o")
            _run([*_COMPILE[source.suffix], *flags, str(source), "-o", made])
            return made

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compile_one, sources))
        archive = scratch / "core.a"
        _run(["avr-gcc-ar", "rcs", str(archive), *objects])
        return archive

    recipe = repr((_COMPILE, flags, _run(["avr-gcc", "--version"])))
    return _cached(f"arduino-{board}.a", [recipe.encode(), *map(Path.read_bytes, files)], build)


def _simulator() -> Path:
    """The program of ``arduino.c``, compiled once per user."""
    source = Path(__file__).with_suffix(".c")

    def build(scratch: Path) -> Path:
        program = scratch / "arduino"
        command = ["cc", "-std=gnu11", "-O2", str(source), "-o", str(program), "-lsimavr"]
        _run(command, hint="simavr is needed; on Debian: apt-get install libsimavr-dev")
        return program

    return _cached("arduino-simulator", [source.read_bytes()], build)


def _cached(name: str, ingredients: Iterable[bytes], build: Callable[[Path], Path]) -> Path:
    """The file that `build` makes in a folder given to it, kept for as long as the ingredients are the same."""
    digest = hashlib.sha256()
    for ingredient in ingredients:
        digest.update(hashlib.sha256(ingredient).digest())
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "micromlgen"
    target = folder / f"{digest.hexdigest()[:16]}-{name}"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            build(Path(scratch)).replace(target)  # in one step: processes that build it at once do not meet
    return target


def _run(command: Sequence[str], hint: str = "") -> str:
    """Standard output of a command; the hint is what to do if it fails."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        package = "gcc" if command[0] == "cc" else "gcc-avr"
        raise ToolchainError(f"{command[0]} is not on PATH; on Debian: apt-get install {package}") from None
    except subprocess.CalledProcessError as error:
        raise ToolchainError(f"{' '.join(command)}\n{error.stderr}{hint}") from None
