"""``python -m bench``: install the peers, measure, report."""

from __future__ import annotations

import argparse
import os
import sys

from bench import environments

_ALL, _MEASURE, _REPORT, _SCALE = "all", "measure", "report", "scale"


def main() -> int:
    """Read the command line; everything else happens in the bench's own environment."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        (_ALL, "measure, measure port itself, report"),
        (_MEASURE, "measure tools on models, into bench/results.json"),
        (_REPORT, "write tables and plots from what was measured"),
        (_SCALE, "measure port on forests of up to a million nodes, into bench/scale.json"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        if name in (_ALL, _MEASURE):
            command.add_argument(
                "--model", action="append", default=[], help="only this one; may be repeated"
            )
            command.add_argument("--tool", action="append", default=[], help="only this one; may be repeated")
            command.add_argument("--jobs", type=int, default=os.cpu_count(), help="cells measured at a time")
    arguments = parser.parse_args()
    try:
        environments.enter()
        return _run(arguments)
    except environments.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    from bench import report, results, scale, sweep  # what they import is in the environment alone

    status = 0
    if arguments.command in (_ALL, _MEASURE):
        found = results.load()
        try:
            sweep.sweep(found, arguments.model, arguments.tool, arguments.jobs, print_line)
        finally:
            found.save()
    everything = arguments.command == _ALL and not (arguments.model or arguments.tool)
    if everything or arguments.command == _SCALE:
        status = scale.run(print_line)
    if arguments.command in (_ALL, _REPORT):
        report.write(results.load(), print_line)
    return status


def print_line(text: str) -> None:
    """Progress, a line each, at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
