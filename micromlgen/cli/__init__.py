"""The command line: ``micromlgen --help``. It knows the rest of the package, and nothing there knows it."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        from micromlgen.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("click", "rich"):
            raise
        print(f"micromlgen: {error.name} is missing: pip install 'micromlgen[cli]'", file=sys.stderr)
        return 1
    return run(sys.argv[1:])
