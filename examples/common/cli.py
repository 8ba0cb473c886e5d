"""The command line of an example."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from examples.common.outcome import Outcome

Run = Callable[[str, Path, bool], Outcome]
"""Board, folder for what is made, and whether to be quick, with less that is trained on or answered."""


def main(example: Path, run: Run, boards: Sequence[str], arguments: Sequence[str] | None = None) -> int:
    """Run an example from the command line; 0 if the board answers every recording as Python does.

    Parameters
    ----------
    example : Path
        Its folder.
    run : callable
    boards : sequence of str
        Those that its sketch is made for; the first is the default.
    """
    parser = argparse.ArgumentParser(prog=f"python -m examples {example.name}")
    parser.add_argument("--board", choices=boards, default=boards[0])
    parser.add_argument("--out", type=Path, default=Path("build"), help="where the sketch goes, in a folder")
    parser.add_argument("--quick", action="store_true", help="train on less, ask the board less")
    parser.add_argument("--keep-plot", action="store_true", help="replace the plot of the README")
    options = parser.parse_args(arguments)

    begun = time.monotonic()
    out = options.out / example.name
    out.mkdir(parents=True, exist_ok=True)
    outcome = run(options.board, out, options.quick)
    outcome.show()
    outcome.save(out / "outcome.json")
    if options.keep_plot:
        shutil.copy(outcome.plot, example)
    print(f"{example.name}: {time.monotonic() - begun:.0f} s; open {out / example.name} in the Arduino IDE")
    return 0 if outcome.wrong == 0 else 1
