"""How Python values become C text."""

from __future__ import annotations

import doctest
import re

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen import cformat
from micromlgen.boards import STRICT, Call, board, core
from micromlgen.boards.arduino import include_flags
from micromlgen.errors import ToolchainError, UnsupportedError

#: Compiler, language, flags: what every text here must pass through unchanged.
COMPILERS = [
    ("gcc", "c", STRICT),
    ("gcc", "c++", STRICT),
    ("clang", "c", STRICT),
    ("clang", "c++", (*STRICT, "-Wno-unused-command-line-argument")),
]
every_compiler = pytest.mark.parametrize(
    ("compiler", "language", "flags"), COMPILERS, ids=[" ".join(c[:2]) for c in COMPILERS]
)
KEYWORDS_OF_C = """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef union unsigned
    void volatile while"""
KEYWORDS_OF_CXX = """alignas alignof and and_eq asm bitand bitor bool catch char16_t class compl const_cast
    constexpr decltype delete dynamic_cast explicit export false friend mutable namespace new noexcept not
    nullptr operator or private protected public reinterpret_cast static_assert static_cast template this
    thread_local throw true try typeid typename using virtual wchar_t xor"""
ARDUINO_MACROS = """F B0 B1 PI HALF_PI TWO_PI DEG_TO_RAD RAD_TO_DEG EULER HIGH LOW INPUT OUTPUT INPUT_PULLUP
    DEFAULT INTERNAL EXTERNAL CHANGE RISING FALLING LSBFIRST MSBFIRST SERIAL DISPLAY min max abs round radians
    degrees constrain sq bit word boolean byte interrupts noInterrupts lowByte highByte bitRead bitSet A0 A7
    SS MOSI MISO SCK PROGMEM NULL EOF"""


def test_examples() -> None:
    result = doctest.testmod(cformat)
    assert result.attempted > 5
    assert not result.failed


@pytest.mark.parametrize(
    ("name", "snake", "macro", "cls"),
    [
        ("gesture", "gesture", "GESTURE", "Gesture"),
        ("SoundLevel", "sound_level", "SOUND_LEVEL", "SoundLevel"),
        ("soundLevel", "sound_level", "SOUND_LEVEL", "SoundLevel"),
        ("sound_level", "sound_level", "SOUND_LEVEL", "SoundLevel"),
        ("SVM", "svm", "SVM", "SVM"),
        ("XGBClassifier", "xgb_classifier", "XGB_CLASSIFIER", "XGBClassifier"),
        ("model2", "model2", "MODEL2", "Model2"),
        ("Model2Go", "model2_go", "MODEL2_GO", "Model2Go"),
        ("tail_", "tail", "TAIL", "Tail"),
        ("x", "x", "X", "X"),
        ("a" * 64, "a" * 64, "A" * 64, "A" + "a" * 63),
    ],
)
def test_a_name_has_three_spellings(name: str, snake: str, macro: str, cls: str) -> None:
    assert cformat.make_name(name) == cformat.Name(snake, macro, cls)


@pytest.mark.parametrize(
    "name",
    ["", " ", "9lives", "_x", "__x", "a-b", "a b", "a.b", "a\n", "a;", "größe", "мир", "x²", "a\0", "a/*"],
)
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match="is not a C identifier; use letters, digits and underscores"):
        cformat.make_name(name)


@pytest.mark.parametrize("name", [None, 3, b"x", ["x"], 1.5])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(UnsupportedError, match="is not a C identifier"):
        cformat.make_name(name)


def test_a_long_name_is_refused_in_a_short_message() -> None:
    with pytest.raises(UnsupportedError, match="has 10000 characters; 64 are allowed") as refused:
        cformat.make_name("x" * 10_000)
    assert len(str(refused.value)) < 200
    with pytest.raises(UnsupportedError, match="is not a C identifier") as refused:
        cformat.make_name("é" * 10_000)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", f"{KEYWORDS_OF_C} {KEYWORDS_OF_CXX} {ARDUINO_MACROS}".split())
def test_keywords_and_macros_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match=f"name '{name}' would emit '.*', a keyword or a macro of Ard"):
        cformat.make_name(name)


@pytest.mark.parametrize(
    ("name", "emits"),
    [("Class", "class"), ("Min", "min"), ("Default", "default"), ("f", "F"), ("b1", "B1"), ("Int_", "int")],
)
def test_spellings_that_become_reserved_are_refused(name: str, emits: str) -> None:
    with pytest.raises(UnsupportedError, match=f"name '{name}' would emit '{emits}'"):
        cformat.make_name(name)


def arduino_program(name: str) -> dict[str, str]:
    header = mm.port(DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]), name=name)
    return {"main.cpp": f"#include <Arduino.h>\n{header}\nint main() {{ return 0; }}\n"}


@pytest.mark.boards
@pytest.mark.parametrize("name", ["ADC", "PORTB"])
def test_a_class_named_like_a_macro_of_the_mcu_is_a_clear_error(name: str) -> None:
    """avr/io.h defines some 1400 macros in capitals: no list has those of every MCU."""
    with pytest.raises(ToolchainError, match=f"{name}, the name of the C.. class, is a macro here"):
        board("uno").core.compile(arduino_program(name), language="c++", flags=include_flags("uno"))


@pytest.mark.boards
@pytest.mark.parametrize("name", ["LED", "KNN", "SVM"])
def test_other_names_in_capitals_compile_after_arduino_h(name: str) -> None:
    board("uno").core.compile(arduino_program(name), language="c++", flags=include_flags("uno"))


STRINGS = [
    "",
    "plain",
    'say "hello"',
    "back\\slash",
    "ends in a backslash\\",
    "*/ #include </etc/passwd>",
    "/* never closed",
    "// line",
    "two\nlines\r\n",
    "??/ ??= ???",
    "\\0 and %s %n",
    "tab\tbell\a",
    "größe 温度 🌡",
    "\x01" + "2",
    "\x7f\x80",
    "lone \udc80 surrogate",
    '"); system("rm -rf ~',
    "{{ 7 * 7 }} {% raw %}",
    "x" * 255,
]


@every_compiler
def test_strings_come_back_byte_for_byte(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    literals = ",\n".join(cformat.string(text) for text in STRINGS)
    header = f"static const char *const texts[] = {{\n{literals}\n}};\n"
    statement = "const char *s = texts[x[0]]; int i; for (i = 0; i < 300; ++i) { y[i] = (uint8_t)s[i]; "
    statement += "if (!s[i]) break; }"
    rows = np.arange(len(STRINGS), dtype=np.int16)[:, None]
    [result] = core("host").run(
        [Call(header, rows, statement, "uint8", 300)], language=language, flags=flags, measure=False
    )
    got = [bytes(y).partition(b"\0")[0] for y in result.y]
    assert got == [text.encode("utf-8", "surrogatepass") for text in STRINGS]


def test_a_string_is_plain_ascii_on_one_line() -> None:
    for text in STRINGS:
        assert re.fullmatch(r'"[ -~]*"', cformat.string(text))
        assert "?" not in cformat.string(text)


@pytest.mark.parametrize("text", ["a\0b", "\0", "end\0"])
def test_a_label_with_nul_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"class label .* contains a NUL, which ends a C string"):
        cformat.label(text)


@pytest.mark.parametrize("text", ["x" * 256, "é" * 128, "x" * 1_000_000])
def test_a_long_label_is_refused_in_a_short_message(text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"class label .* bytes, at most 255 can be") as refused:
        cformat.label(text)
    assert len(str(refused.value)) < 250


HOSTILE = [
    "ends */ here",
    "/* nested",
    "*\\",
    "\\*",
    "*\\/",
    "/\\*",
    "**//",
    "*/*/*/",
    "??/",
    "???/",
    "????/",
    "\\",
    "two\nlines",
    "\u2028*/",
    "*\0/",
    "*é/",
    "/é*",
    "?é?/",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_comment_cannot_be_left(text: str) -> None:
    safe = cformat.comment(f"X{text}")
    assert re.fullmatch(r"[ -~]*", safe)
    assert not re.search(r"\*/|/\*|\?\?|\\", safe)


@every_compiler
def test_comments_compile_without_a_warning(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    lines = "\n".join(f" * {cformat.comment(text)}" for text in HOSTILE)
    source = f"/*\n{lines}\n */\nint main(void);\nint main(void) {{ return 0; }}\n"
    core("host").compile({"main.c": source}, language=language, flags=flags)


FLOATS = np.array(
    [0, -0.0, 1, -1, 0.1, 1 / 3, 16777216, 16777217, 1e30, -1e-30, 123456.78, 1e-45, -1.17549435e-38, 3.4e38],
    np.float32,
)
FLOATS = np.concatenate([FLOATS, np.nextafter(FLOATS, np.float32(np.inf)), [np.finfo(np.float32).max]])


@every_compiler
def test_float_literals_come_back_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    header = f"static const float f[] = {{\n{cformat.table(FLOATS)}\n}};\n"
    rows = np.arange(len(FLOATS), dtype=np.int16)[:, None]
    call = Call(header, rows, "y[0] = f[x[0]];", "float32")
    [result] = core("host").run([call], language=language, flags=flags, measure=False)
    assert result.y.tobytes() == FLOATS.astype(np.float32).tobytes()


@every_compiler
def test_integer_literals_come_back(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    calls, expected = [], []
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32"):
        info = np.iinfo(dtype)
        values = np.array([info.min, info.min + 1, 0, 1, info.max - 1, info.max], dtype)
        header = f"static const {cformat.ctype(dtype)} t_{dtype}[] = {{\n{cformat.table(values)}\n}};\n"
        one = f"static const {cformat.ctype(dtype)} lowest_{dtype} = {cformat.literal(values[0])};\n"
        rows = np.arange(6, dtype=np.int8)[:, None]
        include = "#include <stdint.h>\n"
        calls.append(Call(include + header, rows, f"y[0] = t_{dtype}[x[0]];", dtype))
        calls.append(Call(include + one, rows[:1], f"y[0] = lowest_{dtype};", dtype))
        expected += [values, values[:1]]
    results = core("host").run(calls, language=language, flags=flags, measure=False)
    for result, values in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result.y[:, 0], values)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_what_is_not_finite_has_no_literal(value: float) -> None:
    with np.errstate(over="ignore"), pytest.raises(UnsupportedError, match="is not finite in float32"):
        cformat.float32(value)


def test_table_lines_are_short_and_complete() -> None:
    values = np.arange(-1000, 1000, dtype=np.int16)
    text = cformat.table(values)
    assert max(map(len, text.split("\n"))) <= 100
    assert [int(v) for v in text.split(",")] == values.tolist()
