"""A virtual environment for each tool, with pinned versions; made where it is missing.

``requirements/<tool>.txt`` says what is in it, and its first line which release of the tool is measured. All
of them have the same scikit-learn, so that a fitted model can be handed over as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
_REQUIREMENTS = HERE / "requirements"
_HOME = "bench"


class BenchError(Exception):
    """What whoever runs the bench can mend; the message says what is wrong."""


class InstallError(BenchError):
    """A peer could not be installed; the message is pip's."""


def peers() -> list[str]:
    """Names of the peers: the modules under ``peers/``."""
    return sorted(path.stem for path in (HERE / "peers").glob("*.py") if path.stem != "__init__")


def release(tool: str) -> tuple[str, str]:
    """Distribution and version of a peer.

    Examples
    --------
    >>> release("timber")
    ('timber-compiler', '0.6.0')
    """
    distribution, version = _pins(tool).splitlines()[0].split("==")
    return distribution, version


def python(tool: str) -> Path:
    """Python of a tool's environment, which is made first where it is missing or its pins have changed.

    Raises
    ------
    InstallError
        If pip fails: the message has its last lines.
    """
    folder = CACHE / "environments" / tool
    ready, program = folder / "pins", folder / "bin" / "python"
    if ready.exists() and ready.read_text() == _pins(tool):
        return program
    print(f"bench: installing {tool}", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    command = [program, "-m", "pip", "install", "-q", "-r", _REQUIREMENTS / f"{tool}.txt"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        raise InstallError((errors or done.stderr.splitlines() or ["pip failed"])[-1].strip())
    ready.write_text(_pins(tool))
    return program


def enter() -> None:
    """Go on in the bench's own environment: this process is replaced unless it is there already."""
    program = python(_HOME)
    if Path(sys.prefix).resolve() != program.parents[1].resolve():
        os.chdir(HERE.parent)
        os.execv(program, [str(program), "-m", "bench", *sys.argv[1:]])


def _pins(tool: str) -> str:
    """What decides whether an environment is up to date: its requirements and those that they include."""
    text = (_REQUIREMENTS / f"{tool}.txt").read_text()
    return text.replace("-r common.txt\n", (_REQUIREMENTS / "common.txt").read_text())
