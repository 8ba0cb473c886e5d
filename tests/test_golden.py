"""The generated C of a few tiny models, to be read and to be compared: see tests/golden/update.py."""

from __future__ import annotations

import pytest

from micromlgen.boards import STRICT, core
from tests.golden.update import FOLDER, GOLDEN, header


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_header(name: str) -> None:
    stored = (FOLDER / f"{name}.h").read_text(encoding="ascii")
    assert header(name) == stored, "if this is meant: python -m tests.golden.update"


@pytest.mark.parametrize("name", GOLDEN)
def test_chance_has_no_part_in_a_golden_model(name: str) -> None:
    assert all(header(name, seed) == header(name) for seed in (1, 2, 3))


def test_every_stored_header_has_its_model() -> None:
    assert {path.stem for path in FOLDER.glob("*.h")} == set(GOLDEN)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_all_golden_headers_meet_in_one_program(language: str) -> None:
    files = {f"{name}.h": (FOLDER / f"{name}.h").read_text() for name in GOLDEN}
    includes = "".join(f'#include "{name}"\n' for name in files)
    files["main.c"] = f"{includes}{includes}int main(void) {{ return 0; }}\n"
    core("host").compile(files, language=language, flags=STRICT)
