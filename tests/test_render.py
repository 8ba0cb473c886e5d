"""The text of the header: harmless whatever it is made from, and the same every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.boards import STRICT, Call, core
from micromlgen.errors import UnsupportedError
from micromlgen.program import Program
from tests.test_cformat import every_compiler

IRIS, SPECIES = load_iris(return_X_y=True)
LABELS = [
    "",
    'say "hello"',
    "back\\slash",
    "ends in a backslash\\",
    '*/ #include </etc/passwd> /* "',
    "// line",
    "two\nlines\r\n",
    "??/ ??= ???",
    "%s %n {{ 7 * 7 }} {% raw %}",
    "größe 温度 🌡",
    "\x01" + "2",
    "0 begins with a digit",
    "lone \udc80 surrogate",
    "\x7f\x80",
    "x" * 255,
]


def labelled(labels: Any, name: str = "model", **options: Any) -> Program:
    """A tree with one leaf for each label."""
    X = np.arange(len(labels), dtype=np.float32)[:, None]
    y = np.arange(len(labels))
    tree = DecisionTreeClassifier().fit(X.repeat(3, axis=0), y.repeat(3))
    tree.classes_ = np.asarray(labels)  # in this order, not sorted
    return mm.transpile(tree, name=name, **options)


def label_call(program: Program, function: str = "label", most: int = 300) -> Call:
    """Copy the text of label x[0], with its end, into y."""
    name = f"{program.name.snake}_{function}"
    statement = f"const char *s = {name}(x[0]); int i; for (i = 0; i < {most}; ++i) "
    statement += "{ y[i] = (uint8_t)s[i]; if (!s[i]) break; }"
    n = len(program.model.classes[0])
    rows = np.array([*range(n), n, -1, 32767, -32768], np.int16)[:, None]
    return Call(program.header, rows, statement, "uint8", most)


@every_compiler
def test_labels_come_back_byte_for_byte(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    """And an index that is none gives an empty text."""
    monkeypatch.setenv("CC", compiler)
    program = labelled(np.array(LABELS, object))
    calls = [label_call(program), label_call(program, "label_P")]
    expected = [text.encode("utf-8", "surrogatepass") for text in LABELS] + [b""] * 4
    for result in core("host").run(calls, language=language, flags=flags, measure=False):
        assert [bytes(y).partition(b"\0")[0] for y in result.y] == expected


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        ([10, 20, 30], ["10", "20", "30"]),
        ([-1, 1], ["-1", "1"]),
        ([False, True], ["False", "True"]),
        ([0.5, 1.0], ["0.5", "1.0"]),
        (np.array(["b", "a"]), ["b", "a"]),
        (np.array([1, "one"], object), ["1", "one"]),
        ([2**40, -(2**40)], ["1099511627776", "-1099511627776"]),
    ],
    ids=str,
)
def test_labels_of_other_types_read_as_python_shows_them(labels: Any, texts: list[str]) -> None:
    [result] = core("host").run([label_call(labelled(labels))], flags=STRICT, measure=False)
    assert [bytes(y).partition(b"\0")[0].decode() for y in result.y[: len(texts)]] == texts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\0b", "contains a NUL"),
        ("x" * 1_000_000, "has 1000000 bytes, at most 255"),
        ("é" * 200, "has 400 bytes, at most 255"),
    ],
)
def test_labels_that_c_cannot_hold_are_refused(text: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        labelled(np.array(["fine", text], object))


def test_labels_that_are_too_long_together_are_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"the class labels have \d+ bytes.* fit on shorter labels"):
        labelled(np.array([f"{i:03}" * 80 for i in range(30)], object))


INTEGER_LABELS = [
    [10, 20, 30],
    [0, 1, 2],
    [5, 6],
    [-3, -2, -1],
    [-(2**31), 2**31 - 1],
    [-(2**31), -(2**31) + 1],
    [2**31 - 2, 2**31 - 1],
]


@pytest.mark.parametrize("labels", INTEGER_LABELS, ids=str)
def test_integer_labels_come_back_as_integers(labels: list[int]) -> None:
    program = labelled(labels)
    rows = np.arange(len(labels), dtype=np.int8)[:, None]
    call = Call(program.header, rows, "y[0] = model_class(x[0]);", "int32")
    for language in ("c", "c++"):
        [result] = core("host").run([call], language=language, flags=STRICT, measure=False)
        assert result.y.ravel().tolist() == labels


@pytest.mark.parametrize(
    "labels", [["a", "b"], [0.5, 1.5], [False, True], [0, 2**31], [-(2**31) - 1, 0]], ids=str
)
def test_labels_that_are_no_int32_have_no_class_function(labels: Any) -> None:
    assert "model_class(" not in labelled(labels).header


def test_classmap_gives_other_texts() -> None:
    tree = DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES)
    program = mm.transpile(tree, name="iris", classmap={0: "setosa", 2: 'vir"ginica*/'})
    [result] = core("host").run([label_call(program)], flags=STRICT, measure=False)
    assert [bytes(y).partition(b"\0")[0] for y in result.y[:3]] == [b"setosa", b"1", b'vir"ginica*/']
    assert program.predict(IRIS).tolist() == tree.predict(IRIS.astype("f4")).tolist()


TITLES = [
    "X*/",
    "X/*",
    "X*\\",
    "X\\*",
    "X??/",
    "X???/",
    "X\\",
    'X"',
    "X\n#error",
    "Größe",
    "X{{ 1 }}",
    "X" * 5000,
]


@every_compiler
def test_estimators_with_hostile_names_give_a_harmless_banner(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    calls = []
    for i, title in enumerate(TITLES):
        estimator = type(title, (DecisionTreeClassifier,), {})(max_depth=1).fit(IRIS, SPECIES)
        program = mm.transpile(estimator, name=f"hostile{i}", optimize="speed")
        calls.append(Call(program.header, np.zeros((1, 4), np.float32), f"y[0] = hostile{i}_predict(x);"))
    results = core("host").run(calls, language=language, flags=flags, measure=False)
    assert [result.y.item() for result in results] == [0] * len(TITLES)


def test_a_hostile_class_name_is_no_name_of_a_header() -> None:
    estimator = type("X*/", (DecisionTreeClassifier,), {})().fit(IRIS, SPECIES)
    with pytest.raises(UnsupportedError, match=r"name 'X\*/' is not a C identifier"):
        mm.port(estimator)


HEADERS = {
    f"{type(estimator).__name__} {dtype} {optimize}": mm.port(
        estimator, name="model", dtype=dtype, optimize=optimize, calibration=IRIS, min_agreement=0
    )
    for estimator in (
        DecisionTreeClassifier(max_depth=3, random_state=0).fit(IRIS, np.array(["ä", "b", "c"])[SPECIES]),
        DecisionTreeRegressor(max_depth=3, random_state=0).fit(IRIS, IRIS),
        RandomForestClassifier(3, max_depth=3, random_state=0).fit(IRIS, SPECIES * 10),
        RandomForestRegressor(3, max_depth=3, random_state=0).fit(IRIS, SPECIES),
    )
    for dtype in ("float32", "int8")
    for optimize in ("size", "speed")
}
every_header = pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)


def code_of(header: str) -> str:
    """The header without its comments and texts."""
    return re.sub(r'/\*.*?\*/|"(\\.|[^"\\])*"', " ", header, flags=re.DOTALL)


@every_header
def test_a_header_is_tidy_ascii(header: str) -> None:
    assert header.isascii()
    assert header.startswith("/*\n * model - generated by micromlgen")
    assert header.endswith("#endif\n")
    assert not re.search(r"[ \t]\n|\t|\r|\n\n\n", header)


@every_header
def test_a_header_includes_only_what_every_toolchain_has(header: str) -> None:
    assert set(re.findall(r"#include (.*)", header)) <= {"<stdint.h>", "<string.h>", "<avr/pgmspace.h>"}


@every_header
def test_a_header_asks_for_no_library_and_no_double(header: str) -> None:
    words = set(re.findall(r"[A-Za-z_]\w*", code_of(header)))
    assert not words & {"double", "malloc", "free", "new", "delete", "printf", "std", "throw", "virtual"}
    assert not re.search(r"\d\.\d+(e[-+]?\d+)?(?![\dfe])", code_of(header)), "a literal without f is a double"


@every_header
def test_nothing_is_left_for_a_linker_to_find_twice(header: str) -> None:
    functions = re.findall(r"^(\w[^\n;{}]*)\([^\n]*\)\n\{", code_of(header), re.MULTILINE)
    assert any(function.endswith("model_predict") for function in functions)
    assert all(re.match(r"static inline .*\b(model|mml2)_\w+$", function) for function in functions)


@every_header
def test_macros_carry_the_name_of_the_header(header: str) -> None:
    macros = set(re.findall(r"^#define (\w+)", code_of(header), re.MULTILINE))
    assert all(re.match(r"MODEL_|MML2_|MICROMLGEN_", macro) for macro in macros)


@every_header
def test_nothing_of_this_machine_or_day_is_in_a_header(header: str) -> None:
    assert not re.search(r"/home|/tmp|/usr|site-packages|20[2-9]\d-|\d\d:\d\d", header)


def test_the_same_input_gives_the_same_bytes_in_another_process() -> None:
    code = """
import sys
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
import micromlgen
X, y = load_iris(return_X_y=True)
forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, y * 10)
sys.stdout.write(micromlgen.port(forest, name="model", optimize="size"))
"""
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout == HEADERS["RandomForestClassifier float32 size"]


def test_fast_math_is_stopped_where_nan_matters() -> None:
    tree = DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES)
    assert "__FAST_MATH__" in mm.port(tree, missing="exact")
    assert "__FAST_MATH__" not in mm.port(tree)


def test_an_avr_is_told_when_a_table_is_too_large_for_it() -> None:
    """avr-gcc refuses objects above 32767 bytes."""
    X = np.random.default_rng(0).random((30_000, 2)).astype(np.float32)
    tree = DecisionTreeRegressor(random_state=0).fit(X, X[:, 0])
    header = mm.port(tree, name="big", optimize="size")
    assert re.search(
        r'#if defined\(__AVR__\)\n#error "big_\w+ has \d+ bytes, AVR objects end at 32767', header
    )


DEGENERATE = {
    "one_class": RandomForestClassifier(2, random_state=0).fit(IRIS, np.zeros(150, int)),
    "one_leaf": RandomForestClassifier(2, random_state=0).fit(np.ones((6, 1)), [0, 1, 2, 0, 1, 2]),
    "one_leaf_binary": RandomForestClassifier(20, random_state=0).fit(np.ones((6, 1)), [0, 1, 0, 1, 0, 1]),
    "one_leaf_outputs": RandomForestClassifier(2, random_state=0).fit(
        np.ones((6, 1)), np.eye(6, 2, dtype=int)
    ),
    "zeros": RandomForestRegressor(2, bootstrap=False).fit(np.ones((6, 1)), np.eye(6, 3) * [0, 1, 1e-9]),
    "some_zeros": RandomForestRegressor(9, random_state=0).fit(np.arange(9.0)[:, None], np.eye(9, 2)),
    "tree_one_leaf": DecisionTreeClassifier().fit(np.ones((6, 1)), [0, 1, 2, 0, 1, 2]),
    "tree_outputs": DecisionTreeRegressor().fit(np.ones((6, 1)), np.zeros((6, 2))),
}


@pytest.mark.parametrize("language", ["c", "c++"])
def test_degenerate_models_compile_without_a_warning(language: str) -> None:
    """Trees of one leaf, leaves that add nothing: parameters and variables remain that nobody needs."""
    headers = {}
    for name, estimator in DEGENERATE.items():
        for dtype in ("float32", "int8"):
            for optimize in ("size", "speed"):
                title = f"{name}_{dtype}_{optimize}"
                options = {
                    "dtype": dtype,
                    "optimize": optimize,
                    "calibration": np.zeros((1, estimator.n_features_in_)),
                }
                headers[f"{title}.h"] = mm.port(estimator, name=title, min_agreement=0, **options)
    includes = "".join(f'#include "{name}"\n' for name in headers)
    main = f"{includes}int main(void) {{ return 0; }}\n"
    core("host").compile({**headers, "main.c": main}, language=language, flags=STRICT)
