"""One text on one core: bytes, cycles, stack, and whether it is right there."""

from __future__ import annotations

import re
import resource
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench import store
from bench.environments import HERE
from bench.exams import Exam
from micromlgen import boards
from micromlgen.boards import Call, core
from micromlgen.boards.toolchain import execute
from micromlgen.errors import ToolchainError

CORES = {
    "avr": "ATmega2560",
    "cortex-m0plus": "Cortex-M0+",
    "cortex-m4f": "Cortex-M4F",
    "rv32imc": "RV32IMC",
}
"""Name in `micromlgen.boards`, and in the tables."""

#: Seconds of processor time for a compiler or simulator.
PATIENCE = 240
_MOST_MEMORY = 8 << 30
#: Everything that a language needs to accept code that is not as strict as ours.
_LENIENT = {"c": ("-std=gnu99",), "c++": ("-std=gnu++11", "-fpermissive")}
_SHIM = HERE / "shim"
_TOOLS = {
    "avr": ("avr-gcc",),  # simavr has no command that says its version
    "cortex-m0plus": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "cortex-m4f": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "rv32imc": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
    "host": ("cc",),
}


@dataclass(frozen=True, eq=False)
class Task:
    """A text and the rows that it is to be run on; the core "host" only answers."""

    text: str
    language: str
    is_regressor: bool
    core: str
    exam: Exam

    @property
    def key(self) -> str:
        """Name of the result: it depends on nothing but the text, the rows and the ruler."""
        arrays = (self.exam.rows, np.asarray(self.exam.expected, np.float64), np.float64(self.exam.allowed))
        flags = repr(_flags(self))
        return store.key(self.text, flags, self.core, ruler(self.core), *(a.tobytes() for a in arrays))


def versions(name: str) -> list[str]:
    """First line of what a core's compiler and simulator say of themselves."""
    return [execute([tool, "--version"], Path.cwd(), tool).splitlines()[0].strip() for tool in _TOOLS[name]]


@cache
def ruler(name: str) -> str:
    """All that decides about a measurement besides its task: compiler, simulator, harness, shims."""
    folder = Path(boards.__file__).parent
    shims = (path for path in _SHIM.rglob("*") if path.is_file())
    sources = [*folder.glob("*.py"), *folder.glob("c/*"), *shims]
    return store.key(*versions(name), *(path.read_bytes() for path in sorted(sources)))


def limit() -> None:
    """Bound what the processes that this one starts may take; for the initialiser of a pool."""
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE + 5))
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


def measure(task: Task) -> dict[str, Any]:
    """Build and run; what fails is ``{"error": why}``."""
    kind, ctype = ("float32", "float") if task.is_regressor else ("int16", "int16_t")
    call = Call(task.text, task.exam.rows, f"y[0] = ({ctype})entry(x);", kind)
    try:
        return _figures(task, call) if core(task.core).measures else _answers(task, call)
    except ToolchainError as error:
        return {"error": explain(str(error))}


def _flags(task: Task) -> tuple[str, ...]:
    """Options for the compiler, but for the shims' folders: where they are decides nothing."""
    level = "-Os" if core(task.core).measures else "-O1"
    return (level, *_LENIENT[task.language], "-w")


def _build(task: Task) -> dict[str, Any]:
    folders = (f"-I{_SHIM}", f"-idirafter{_SHIM / 'cxx'}")
    return {"language": task.language, "flags": (*_flags(task), *folders)}


def _answers(task: Task, call: Call) -> dict[str, Any]:
    result = core(task.core).run([call], **_build(task), measure=False)[0]
    return {"agreement": task.exam.agreement(result.y[:, 0])}


def _figures(task: Task, call: Call) -> dict[str, Any]:
    size = core(task.core).size(call, **_build(task))
    result = core(task.core).run([call], **_build(task))[0]
    return {
        "flash": size.flash,
        "ram": size.ram,
        "stack": result.stack,
        "cycles_mean": round(float(result.cost.mean()), 1),
        "cycles_max": float(result.cost.max()),
        "agreement": task.exam.agreement(result.y[:, 0]),
    }


_EXPLANATIONS = (
    (r"not within region|overflowed by|will not fit|relocation truncated", "does not fit"),
    (
        r"is too large|size of array|exceeds maximum object size",
        "has a table too large for the compiler",
    ),
    (r"CPU time limit|\(-24\)|\(-9\)|did not finish", f"takes more than {PATIENCE} s of processor time"),
    (r"out of memory|cannot allocate|bad_alloc", "takes more memory to compile than there is"),
)


def explain(message: str) -> str:
    r"""One line without paths for what a compiler, linker or simulator said.

    Examples
    --------
    >>> explain("compiling for avr failed (1):\nld: address 0x8027c8 is not within region `data'")
    'does not fit'
    """
    for pattern, meaning in _EXPLANATIONS:
        if re.search(pattern, message):
            return meaning
    if found := re.search(r"error: (.*)|(undefined reference to .*)", message):
        return f"does not compile: {found[1] or found[2]}"
    return f"fails: {message.splitlines()[-1]}"
