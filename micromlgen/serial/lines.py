"""Lines of numbers, as sketches print them for the Serial Plotter and for data forwarders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

#: A longer line is noise.
_LONGEST = 16_384
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)
_LABEL = re.compile(r"[A-Za-z_][\w .()/%-]*")


@dataclass(frozen=True)
class Line:
    """A line: its numbers, or its names, or neither where it is noise.

    ``ax:1,ay:2`` has both.
    """

    text: str
    values: tuple[float, ...] = ()
    names: tuple[str, ...] = ()


def parse(text: str) -> Line:
    r"""A line's cells, divided by commas, tabs or semicolons, or else by blanks.

    >>> parse("1.5,-2\t3e2").values, parse("ax:1, ay:2").names
    ((1.5, -2.0, 300.0), ('ax', 'ay'))
    >>> parse("ax,ay").names, parse("1,,2").values, parse("ready").names
    (('ax', 'ay'), (), ('ready',))
    """
    stripped = text.strip()
    divider = r"[,;\t]" if re.search(r"[,;\t]", stripped) else r"\s+"
    cells = [cell.strip() for cell in re.split(divider, stripped)]
    if len(cells) > 1 and not cells[-1]:
        cells.pop()  # sketches that print a comma behind every number
    labels, numbers = [], []
    for cell in cells:
        label, colon, number = cell.rpartition(":")
        if colon and not _LABEL.fullmatch(label.strip()):
            return Line(text)
        labels.append(label.strip())
        numbers.append(number.strip())
    if all(map(_NUMBER.fullmatch, numbers)):
        names = tuple(labels) if all(labels) else ()
        return Line(text, tuple(map(float, numbers)), names)
    if not any(labels) and all(map(_LABEL.fullmatch, numbers)) and len(set(numbers)) == len(numbers):
        return Line(text, names=tuple(numbers))
    return Line(text)


@dataclass
class LineReader:
    """Divides what arrives into lines.

    The first piece after `restart` may be the end of a line, and is none unless `trust` is called.
    """

    _rest: bytearray = field(default_factory=bytearray)
    _whole: bool = False

    def feed(self, data: bytes) -> Iterator[Line]:
        """Lines that these bytes complete; empty ones are left out."""
        self._rest += data
        *pieces, rest = self._rest.split(b"\n")
        if len(rest) > _LONGEST:
            rest, self._whole = rest[:0], False
        self._rest = bytearray(rest)
        for piece in pieces:
            whole, self._whole = self._whole, True
            text = piece.decode("ascii", "replace").rstrip("\r")
            if whole and text.strip():
                yield parse(text)

    def trust(self) -> None:
        """What arrives next is known to begin a line."""
        self._whole = True

    def restart(self) -> None:
        """Forget a line that was begun: the port has gone, or the board has reset."""
        self._rest.clear()
        self._whole = False
