"""The plain C in dsp/: each file stands alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from micromlgen.boards import STRICT, core
from micromlgen.render import source

DSP = Path(__file__).parents[2] / "dsp"


@pytest.mark.parametrize(("compiler", "language"), [("gcc", "c"), ("gcc", "c++"), ("clang", "c")])
@pytest.mark.parametrize("stem", [path.stem for path in sorted(DSP.glob("*.h"))])
def test_each_file_compiles_alone(
    monkeypatch: pytest.MonkeyPatch, stem: str, language: str, compiler: str
) -> None:
    monkeypatch.setenv("CC", compiler)
    main = f'#include <stdint.h>\n#include <string.h>\n#include "{stem}.h"\nint main(void) {{ return 0; }}\n'
    core("host").compile({"main.c": main}, language=language, flags=("-O1", f"-I{DSP}", *STRICT))


def test_a_header_has_each_file_once() -> None:
    text = source("bins")
    assert text.index("MICROMLGEN_LOG2_2") < text.index("MICROMLGEN_BINS_2")
    assert text.count("#ifndef MICROMLGEN_FLASH_AT_2") == 1
    assert "#include" not in text  # flash.h, which includes some, is in every generated header already
