"""Run examples: ``python -m examples`` all of them, ``python -m examples gestures --help`` one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from examples.common import cli

ROOT = Path(__file__).parent
NAMES = sorted(path.parent.name for path in ROOT.glob("*/run.py"))


def main(arguments: list[str]) -> int:
    """Run the example that is named first, with the options behind it, or all; 0 if all agree."""
    named = arguments[:1] if arguments and not arguments[0].startswith("-") else []
    if unknown := set(named) - set(NAMES):
        raise SystemExit(f"{', '.join(unknown)}: no such example; there are {', '.join(NAMES)}")
    codes = []
    for name in named or NAMES:
        module = importlib.import_module(f"examples.{name}.run")
        codes.append(cli.main(ROOT / name, module.run, module.BOARDS, arguments[len(named) :]))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
