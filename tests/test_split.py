"""A header in two files: the same functions and answers, one copy of the tables."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

import micromlgen as mm
from micromlgen.boards import STRICT, arduino, core
from micromlgen.calls import quantize_call, twin_calls
from micromlgen.program import Program
from micromlgen.split import split
from tests.cases import representatives
from tests.conformance.test_host import batched
from tests.test_cformat import every_compiler


def joined(program: Program) -> str:
    """Both files as one text, for what takes one header."""
    header, source = split(program.header, program.name)
    return header + source.replace(f'#include "{program.name.snake}.h"\n', "")


def programs() -> list[tuple[Program, np.ndarray]]:
    return [(program, X) for _, program, X in representatives()]


def test_every_function_of_a_header_is_declared_once() -> None:
    for program, _ in programs():
        n = program.name.snake
        header = split(program.header, program.name).header.split("namespace ")[0]
        declared = re.findall(rf"^\w.*\b({n}_\w+)\(.*\);$", header, re.MULTILINE)
        assert len(set(declared)) == len(declared)
        used = {each.call.statement for each in twin_calls(program.model, "", program.name, blank(program))}
        called = {name for statement in used for name in re.findall(rf"\b({n}_\w+)\(", statement)}
        assert called <= set(declared)


def blank(program: Program) -> np.ndarray:
    inputs = program.model.input
    return np.zeros((1, inputs.n_features), inputs.dtype)


def test_answers_stay_the_same() -> None:
    wrong = []
    for batch in batched(programs()[::2], 80):
        expected = []
        for program, X in batch:
            model, name, text = program.model, program.name, joined(program)
            expected += twin_calls(model, text, name, model.input.encode(X))
            if model.input.quantizes:
                call = quantize_call(model, text, name, X)
                expected.append(expected[-1]._replace(call=call, y=model.input.encode(X), within=None))
        results = core("host").run([each.call for each in expected], flags=("-O1", *STRICT), measure=False)
        pairs = zip(expected, results, strict=True)
        wrong += [each.call.statement for each, result in pairs if each.differs(result.y).any()]
    assert not wrong


@every_compiler
def test_the_header_is_included_anywhere(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    files, includes = {}, ""
    for program, _ in programs()[::9]:
        n = program.name.snake
        files[f"{n}.h"], files[f"{n}.c"] = split(program.header, program.name)
        includes += f'#include "{n}.h"\n'
    files["main.c"] = f"{includes}{includes}int main(void) {{ return 0; }}\n"
    files["other.c"] = f"{includes}int other(void);\nint other(void) {{ return 1; }}\n"
    core("host").compile(files, language=language, flags=(*flags, *STRICT))


USES = """
#include "model.h"
{before}
void setup() {{ Serial.begin(9600); }}
void loop() {{
    static model_input_t x[MODEL_N_FEATURES];
    x[0] = Serial.read();
    Serial.print(model_predict(x){there});
}}
"""


@pytest.mark.boards
def test_tables_are_there_once_and_what_is_not_called_is_dropped(tmp_path: Path) -> None:
    X = np.random.default_rng(0).integers(-100, 100, (300, 8)).astype(np.float32)
    forest = RandomForestClassifier(10, random_state=0).fit(X, (X[:, 0] * X[:, 1] > 0) + (X[:, 2] > 50))
    program = mm.transpile(forest, name="model", dtype="int16", optimize="size")

    def flash(layout: str, files: int) -> int:
        folder = tmp_path / f"{layout}{files}"
        folder.mkdir()
        program.save(folder, layout=layout)
        there = " + there(x)" if files == 2 else ""
        (folder / f"{folder.name}.ino").write_text(
            USES.format(before="int there(const model_input_t *);" if there else "", there=there)
        )
        if there:
            (folder / "there.cpp").write_text(
                '#include "model.h"\nint there(const model_input_t *x) { return model_predict(x); }\n'
            )
        return arduino.build_sketch(folder, "uno", folder / "build").flash

    tables = int(re.findall(r"(\d+) bytes of tables", program.header)[0])
    sizes = {(layout, files): flash(layout, files) for layout in ("header", "split") for files in (1, 2)}
    assert sizes["header", 2] - sizes["header", 1] > tables
    assert sizes["split", 2] - sizes["split", 1] < tables / 4
    assert abs(sizes["split", 1] - sizes["header", 1]) < 60


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "lx106"])
def test_it_compiles_for_every_core(name: str) -> None:
    files, includes, uses = {}, "", ""
    for program, _ in programs()[::20]:
        n = program.name.snake
        files[f"{n}.h"], files[f"{n}.c"] = split(program.header, program.name)
        includes += f'#include "{n}.h"\n'
        uses += f"(any){n}_{'transform' if program.model.kind == 'transformer' else 'predict'}, "
    keep = f"typedef void (*any)(void);\nvolatile any used[] = {{ {uses}}};\n"
    files["main.c"] = f"{includes}{keep}int main(void) {{ return !used[0]; }}\n"
    core(name).compile(files, flags=("-Os", *STRICT))
