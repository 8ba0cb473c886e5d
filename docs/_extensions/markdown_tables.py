"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Head and rows, cells between bars."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def bytes_of(number: float) -> str:
    """Bytes, in KB from 10,000 on."""
    return f"{number:.0f} B" if number < 10_000 else f"{number / 1000:.1f} KB"


def time_of(ms: float) -> str:
    """A time that is given in ms, with two or three digits."""
    if ms < 1:
        return f"{1000 * ms:.3g} µs"
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"
