"""A CSV file that only grows: what is in it stays, whatever happens to the program or the machine."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from micromlgen.errors import OverwriteError

#: Seconds between two moments at which the disk has everything.
_SYNC = 1.0


class Journal:
    """Appends rows to a file, which is made with a line of names if it is not there.

    Parameters
    ----------
    path : Path
    names : sequence of str

    Raises
    ------
    OverwriteError
        If the file has other columns.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        there = path.is_file() and path.stat().st_size > 0
        if there:
            _mend(path)
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                known = next(csv.reader(file), [])
            if known != list(names):
                raise OverwriteError(
                    f"{path} has other columns ({', '.join(known[:12])}): choose another file"
                )
        self._file = path.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._synced = float("-inf")
        if not there:
            self._writer.writerow(names)

    def add(self, rows: Iterable[Sequence[Any]], now: float) -> None:
        """Append rows; the system has them at once, the disk within a second of `now`'s clock."""
        self._writer.writerows(rows)
        self._file.flush()
        if now - self._synced >= _SYNC:
            os.fsync(self._file.fileno())
            self._synced = now

    def close(self) -> None:
        """Let the disk have everything."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def _mend(path: Path) -> None:
    """Cut off a last line that was not written to its end."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - (1 << 20))
        file.seek(start)
        tail = file.read()
        if not tail.endswith(b"\n") and b"\n" in tail:
            file.truncate(start + tail.rindex(b"\n") + 1)
