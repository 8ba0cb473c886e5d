"""Sketches on simulated boards: recordings take the sensor's place, and each is answered with a line.

An Uno and a Mega run the sketch as the Arduino IDE builds it, with the real core of AVR boards, and talk over
a serial port. The cores of other boards are in no package: there the same ``.ino`` is compiled with
``c/Arduino.h`` for the board's kind of processor, and QEMU runs it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import serial
from numpy.typing import NDArray
from rich.progress import track

from micromlgen.boards import Call, arduino
from micromlgen.boards import board as board_named
from micromlgen.program import Program

C_FOLDER = Path(__file__).parent / "c"
AVR_BOARDS = ("uno", "mega")

#: Longest answer to a recording.
_ANSWER = 64
_TIMEOUT = 20.0


def prepare(example: Path, programs: Iterable[Program], out: Path) -> Path:
    """Write a sketch to `out`, with the headers that it includes: what one opens in the Arduino IDE.

    Parameters
    ----------
    example : Path
        Folder with a ``.ino`` of the same name.
    programs : iterable of Program
    out : Path
        Made if need be; the sketch goes to a folder in it.
    """
    folder = out / example.name
    folder.mkdir(parents=True, exist_ok=True)
    for source in (example / f"{example.name}.ino", C_FOLDER / "recorded.h"):
        shutil.copy(source, folder)
    for program in programs:
        program.save(folder, force=True)
    return folder


def replay(folder: Path, board: str, recordings: NDArray[np.int16]) -> list[str]:
    """Let the sketch in `folder` answer each recording on the simulated board.

    Parameters
    ----------
    recordings : int16 array of shape (n, n_numbers)
        What the sketch reads until it answers with a line; its state lasts from one to the next.

    Raises
    ------
    ToolchainError
        If a tool is missing, the sketch does not compile or fit, or it crashes.
    """
    rows = recordings.astype("<i2", copy=False)
    return _over_serial(folder, board, rows) if board in AVR_BOARDS else _under_qemu(folder, board, rows)


def _over_serial(folder: Path, board: str, rows: NDArray[np.int16]) -> list[str]:
    ino = folder / f"{folder.name}.ino"
    copy = folder.parent / "replay"
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    (copy / ino.name).write_text("#define RECORDED\n" + ino.read_text())
    sketch = arduino.build_sketch(copy, board, copy / "build")
    with arduino.boot(sketch.elf, board) as path, serial.Serial(path, 115_200, timeout=_TIMEOUT) as port:
        if port.readline().strip() != b"ready":
            raise SystemExit(f"{ino.name} does not say that it is ready")
        answers = []
        for row in track(rows, f"asking the {board}", transient=True):
            port.write(row.tobytes())
            answers.append(port.readline().decode("ascii", "replace").strip())
    return answers


def _under_qemu(folder: Path, board: str, rows: NDArray[np.int16]) -> list[str]:
    ino = (folder / f"{folder.name}.ino").read_text()
    text = f"#define RECORDED\n#include <Arduino.h>\n{ino}"
    header = inlined(text, (folder, C_FOLDER))
    played = rows.view(np.int8)
    statement = f"replay(x, {played.shape[1]}, y, {_ANSWER});"
    call = Call(header, played, statement, "int8", _ANSWER)
    said = board_named(board).core.run([call], language="c++", measure=False)[0].y
    return [row.tobytes().rstrip(b"\0").decode("ascii", "replace").strip() for row in said]


def inlined(text: str, folders: tuple[Path, ...]) -> str:
    """The text with what it includes from these folders in place."""

    def content(match: re.Match[str]) -> str:
        for folder in folders:
            if (file := folder / match[1]).is_file():
                return inlined(file.read_text(), folders)
        return match[0]

    return re.sub(r'^#include ["<]([\w.]+)[">]$', content, text, flags=re.MULTILINE)
