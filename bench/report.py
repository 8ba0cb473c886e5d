"""Puts tables and plots where people read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench import scale, tables
from bench.environments import HERE, BenchError
from bench.results import Results
from bench.targets import summary

README = HERE.parent / "README.md"
BENCH_README = HERE / "README.md"


class MarkerError(BenchError):
    """A file has no place for what is to be written into it."""


def replace_between(text: str, name: str, content: str) -> str:
    r"""Put `content` between ``<!-- bench:<name> -->`` and ``<!-- /bench:<name> -->``.

    Examples
    --------
    >>> replace_between("a\n<!-- bench:t -->\nold\n<!-- /bench:t -->\nb", "t", "new\n")
    'a\n<!-- bench:t -->\nnew\n<!-- /bench:t -->\nb'

    Raises
    ------
    MarkerError
        If the markers are not there exactly once each, in this order.
    """
    begin, end = f"<!-- bench:{name} -->\n", f"<!-- /bench:{name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise MarkerError(f"needed are one line '{begin.strip()}' and one line '{end}' after it")
    head, rest = text.split(begin)
    return head + begin + content + end + rest.split(end)[1]


def rewrite(path: Path, name: str, content: str) -> None:
    """Replace between the markers of a file.

    Raises
    ------
    MarkerError
        As `replace_between`; the message names the file.
    """
    try:
        text = replace_between(path.read_text(encoding="utf-8"), name, content)
    except MarkerError as error:
        raise MarkerError(f"{path.name}: {error}") from None
    path.write_text(text, encoding="utf-8")


def write(results: Results, say: Callable[[str], None]) -> None:
    """Write the README's tables, all results, the plots; and say how we stand."""
    from bench import plots  # here, because matplotlib is in the bench's own environment alone

    rewrite(README, "table", tables.comparison(results))
    rewrite(README, "others", tables.others(results))
    (HERE / "RESULTS.md").write_text(tables.everything(results), encoding="utf-8")
    plots.draw(results, HERE / "plots")
    if found := scale.load():
        rewrite(BENCH_README, "scale", scale.table(found))
        plots.draw_scale(found, HERE / "plots")
    for line in summary(results):
        say(line)
