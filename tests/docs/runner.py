"""Run the snippets of a page as a reader would: one after another, in one folder.

* ``python``: executed, in one namespace for the page.
* ``sh``: `micromlgen` is run with the files that its examples name, `check` with a simulated Uno;
  `collect` and `monitor`, which take their time, are parsed. Extras that `pip` installs, targets of `make`
  and modules of `python` must exist.
* ``cpp``: a sketch, built for an Uno with the real Arduino core, and booted where an output is printed below.
* ``c``: compiled on this host with strict flags, and run where it has a main.
* ``cmake``: configured and built, beside what was saved before.
* ``text``: what the block above prints, see `alike`.
* ``none``: not run: what files and errors look like.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import serial
import skops.io
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from micromlgen.boards import arduino
from micromlgen.cli.app import cli, run
from tests.docs.pages import ROOT, Snippet

_STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wpedantic"]


def alike(printed: str, expected: str) -> bool:
    """Whether a text is what was expected: figures may be off by a third, but for 0 and 1.

    So the figures of the guide are of the right size, and need no edit at every byte that is saved. ``...``
    stands for anything, and white space for any other.
    """
    parts = re.split(r"(\d+(?:\.\d+)?|\.\.\.|\s+)", expected.strip())
    found = re.fullmatch("".join(map(_pattern, parts)), printed.strip(), re.DOTALL)
    figures = [float(part) for part in parts if part[:1].isdigit()]
    return found is not None and all(
        abs(float(got) - figure) <= (figure / 3 if figure not in (0, 1) else 0)
        for got, figure in zip(found.groups(), figures, strict=True)
    )


def _pattern(part: str) -> str:
    if part[:1].isdigit():
        return r"(\d+(?:\.\d+)?)"
    if part == "...":
        return ".*?"
    return r"\s+" if part.isspace() else re.escape(part)


class Page:
    """A folder with what the examples of commands name, and a namespace.

    Parameters
    ----------
    folder : Path
        The current folder.
    boards : bool
        Whether compilers and simulators of boards may be used; else what needs them is left out.
    compares : bool
        Whether what is printed is compared.
    """

    def __init__(self, folder: Path, boards: bool, compares: bool = True) -> None:
        self.folder, self.boards, self.compares = folder, boards, compares
        self.names: dict[str, Any] = {}
        self.ran: list[str] = []

    def run(self, snippet: Snippet) -> str | None:
        """Run it, and compare what it prints; give that."""
        block = snippet.block
        assert block.kind in _RUNNERS, f"{block.where}: {block.kind!r} is none of {', '.join(_RUNNERS)}, none"
        runner, on_boards = _RUNNERS[block.kind]
        if on_boards and not self.boards:
            return None
        printed = runner(self, snippet)
        self.ran.append(block.kind)
        if self.compares and snippet.output is not None and printed is not None:
            told = f"{block.where} prints\n{printed}\nrather than\n{snippet.output}"
            assert alike(printed, snippet.output), told
        return printed

    def python(self, snippet: Snippet) -> str:
        """Execute, with lines as they are in the page."""
        block = snippet.block
        code = compile("\n" * block.line + block.text, str(block.page), "exec")
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, self.names)
        return out.getvalue()

    def sh(self, snippet: Snippet) -> str:
        """Each line by itself."""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
            for line in snippet.block.text.replace("\\\n", " ").splitlines():
                if words := shlex.split(line, comments=True):
                    self._command(words, f"{snippet.block.where}: {line}")
        return out.getvalue()

    def _command(self, words: list[str], where: str) -> None:
        name, *rest = words
        if name == "micromlgen" and rest[0] == "check":
            with self._checked() as port:
                rest[rest.index("--port") + 1] = port
                assert run(rest) == 0, where
        elif name == "micromlgen" and "--port" in rest:
            command, *arguments = rest
            with cli.commands[command].make_context(command, arguments):
                pass
        elif name == "micromlgen":
            assert self.boards or rest[0] != "footprint", where
            assert run(rest) == 0, where
        elif name == "pip":
            known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
            what = re.fullmatch(r"(\w+)(?:\[(.*)\])?", rest[-1])
            assert rest[0] == "install", where
            assert what, where
            assert what[1] == known["name"], where
            assert set(filter(None, (what[2] or "").split(","))) <= set(known["optional-dependencies"]), where
        elif name == "make":
            assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), where
        elif name in ("python", "bash"):
            module = ROOT / rest[1].replace(".", "/") if rest[0] == "-m" else ROOT / rest[0]
            assert module.exists(), where
        else:
            raise AssertionError(f"{where}: such commands are not tried")

    @contextlib.contextmanager
    def _checked(self) -> Iterator[str]:
        """The port of a simulated Uno with the check sketch that was made last."""
        [*_, protocol] = sorted(self.folder.glob("*/mml2_check.h"), key=lambda path: path.stat().st_mtime)
        elf = arduino.build_sketch(protocol.parent, "uno", self.folder / ".check").elf
        with arduino.boot(elf, "uno") as port:
            yield port

    def cpp(self, snippet: Snippet) -> str | None:
        """Build the sketch; with an output, boot it and read as many lines."""
        text = snippet.block.text
        if "setup()" not in text:
            text += "void setup() { Serial.begin(115200); }\n"
        source = self.folder / ".sketch" / "sketch.ino"
        source.parent.mkdir(exist_ok=True)
        for path in self.folder.glob("*.h"):
            (source.parent / path.name).write_text(path.read_text())
        source.write_text(text)
        libraries = [path.parent for path in self.folder.rglob("library.properties")]
        libraries = [folder for folder in libraries if (folder / "src").is_dir()]
        elf = arduino.build_sketch(source, "uno", self.folder / ".build", libraries).elf
        if snippet.output is None:
            return None
        lines = len(snippet.output.splitlines())
        with arduino.boot(elf, "uno") as port, serial.Serial(port, 115_200, timeout=10) as board:
            return "".join(board.readline().decode().replace("\r", "") for _ in range(lines))

    def c(self, snippet: Snippet) -> str | None:
        """Compile, and run a main."""
        has_main = "int main(" in snippet.block.text
        source = self.folder / "snippet.c"
        source.write_text(snippet.block.text)
        what = ["-o", "snippet", "-lm"] if has_main else ["-c", "-o", "snippet.o"]
        self._execute(["cc", *_STRICT, "snippet.c", *what], snippet)
        return self._execute(["./snippet"], snippet) if has_main else None

    def cmake(self, snippet: Snippet) -> None:
        """Configure and build."""
        (self.folder / "CMakeLists.txt").write_text(snippet.block.text)
        self._execute(["cmake", "-S", ".", "-B", "made"], snippet)
        self._execute(["cmake", "--build", "made"], snippet)

    def _execute(self, argv: list[str], snippet: Snippet) -> str:
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{snippet.block.where}: {done.stdout}{done.stderr}"
        return done.stdout


Runner = Callable[[Page, Snippet], str | None]
#: Fence: what runs it, and whether that needs compilers of boards.
_RUNNERS: dict[str, tuple[Runner, bool]] = {
    "python": (Page.python, False),
    "sh": (Page.sh, True),
    "cpp": (Page.cpp, True),
    "c": (Page.c, False),
    "cmake": (Page.cmake, True),
}


def furnish(folder: Path) -> None:
    """Put the files into a folder that examples of commands name."""
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    for name, seed in (("forest.skops", 0), ("newer.skops", 1)):
        skops.io.dump(RandomForestClassifier(10, random_state=seed).fit(X, y), folder / name)
    for name, rows in (("train.csv", X), ("test.csv", X[::3])):
        np.savetxt(folder / name, rows, fmt="%.9g", delimiter=",")
