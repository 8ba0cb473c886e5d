"""Running compilers and simulators, and saying what to do when one is missing or fails."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from micromlgen.errors import ToolchainError

C_FOLDER = Path(__file__).parent / "c"

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Wshadow", "-Werror")
"""Warnings under which every generated header compiles, and the firmware around it."""

LANGUAGES = {
    "c": ("-x", "c", "-std=c99"),
    "c++": ("-x", "c++", "-std=c++11", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"),
}

TIMEOUT = 600.0
"""Seconds until a compiler or simulator is given up."""

_PACKAGES = {
    "avr-": "gcc-avr avr-libc",
    "arm-none-eabi-": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "riscv64-unknown-elf-": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    "xtensa-lx106-elf-": "gcc-xtensa-lx106 picolibc-xtensa-lx106-elf",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-": "qemu-system-misc",
    "": "gcc binutils",
}
"""Debian packages by the beginning of the tool's name; the first that matches counts."""

_ERROR = r" error: (?!ld returned)|undefined reference|multiple definition|is not within region"
_ERRORS = 5
_TAIL = 2000


def execute(argv: Sequence[str], folder: Path, what: str) -> str:
    """Run a tool in a folder and return its standard output.

    Raises
    ------
    ToolchainError
        If the tool is missing, returns an error or does not finish; `what` begins the message.
    """
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},  # messages in the one language that is read here
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
        )
    except FileNotFoundError:
        packages = next(names for start, names in _PACKAGES.items() if argv[0].startswith(start))
        raise ToolchainError(f"{argv[0]} not found: apt-get install {packages}") from None
    except subprocess.TimeoutExpired:
        raise ToolchainError(f"{what} did not finish within {TIMEOUT:g} s") from None
    if done.returncode:
        raise ToolchainError(f"{what} failed ({done.returncode}):\n{_telling(done.stderr)}")
    return done.stdout


def _telling(output: str) -> str:
    """Pick the first errors of a compiler or linker, or else the end of what a program said."""
    errors = [line for line in output.splitlines() if re.search(_ERROR, line)]
    return "\n".join(errors[:_ERRORS]) or output[-_TAIL:]


def host_compiler() -> list[str]:
    """Find the C compiler of this machine: $CC, `cc`, or the one in the ziglang wheel.

    Raises
    ------
    ToolchainError
        If there is none.
    """
    if named := os.environ.get("CC"):
        return shlex.split(named)
    if shutil.which("cc"):
        return ["cc"]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise ToolchainError("no C compiler: apt-get install gcc, or set CC, or pip install ziglang")
