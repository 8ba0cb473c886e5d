"""How Python values become C text: names, literals, strings, comments. Nothing here knows a model.

Everything that a user may choose (a name, a class label) passes through here and comes out validated or
escaped, so that no input can break or extend the C.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import NotFiniteError, UnsupportedError

_C_KEYWORDS = frozenset(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
    while _Bool _Complex _Imaginary alignas alignof and and_eq asm bitand bitor bool catch char16_t char32_t
    char8_t class co_await co_return co_yield compl concept const_cast consteval constexpr constinit decltype
    delete dynamic_cast explicit export false friend mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public reinterpret_cast requires static_assert static_cast template
    this thread_local throw true try typeid typename using virtual wchar_t xor xor_eq main
    """.split()
)
# Object-like and function-like macros of Arduino.h and its companions, as the AVR, SAMD, mbed and ESP cores
# define them.
_ARDUINO_MACROS = frozenset(
    """
    F B0 B1 PI HALF_PI TWO_PI DEG_TO_RAD RAD_TO_DEG EULER HIGH LOW INPUT OUTPUT INPUT_PULLUP SERIAL DISPLAY
    LSBFIRST MSBFIRST CHANGE FALLING RISING DEFAULT EXTERNAL INTERNAL min max abs constrain round radians
    degrees sq sei cli interrupts noInterrupts lowByte highByte bitRead bitSet bitClear bitToggle bitWrite
    bit word boolean byte A0 A1 A2 A3 A4 A5 A6 A7 LED_BUILTIN SS MOSI MISO SCK SDA SCL PROGMEM PSTR PGM_P
    DEC HEX OCT BIN NAN INFINITY HUGE_VAL M_PI E2END RAMEND FLASHEND SPM_PAGESIZE SE
    NULL EOF SREG SP SPL SPH errno assert isnan isinf signbit UINT8_MAX INT8_MAX _BV ISR USBCON F_CPU ARDUINO
    linux unix AVR arm i386
    """.split()
)
_MAX_NAME = 64
_MAX_LABEL = 255  # with room inside the 4095 characters that C99 promises for a string


@dataclass(frozen=True)
class Name:
    """The three spellings of a header's name: C functions, macros, the C++ class."""

    snake: str
    macro: str
    cls: str


def make_name(name: str) -> Name:
    """Validate `name` and spell it as C functions, macros and the C++ class want it.

    >>> make_name("SoundLevel")
    Name(snake='sound_level', macro='SOUND_LEVEL', cls='SoundLevel')
    >>> make_name("gesture").cls
    'Gesture'

    Raises
    ------
    UnsupportedError
        If it is no C identifier, has underscores at its start or two in a row (reserved), is longer than 64
        characters, or is a keyword of C or C++ or a macro of Arduino.h.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name, re.ASCII):
        raise UnsupportedError(
            f"name {_shown(name)} is not a C identifier; use letters, digits and underscores, a letter first"
        )
    if len(name) > _MAX_NAME:
        raise UnsupportedError(f"name {_shown(name)} has {len(name)} characters; {_MAX_NAME} are allowed")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    snake = re.sub(r"_+", "_", words).lower().rstrip("_")
    cls = name if name[0].isupper() else "".join(w[:1].upper() + w[1:] for w in name.split("_"))
    if "__" in name:
        raise UnsupportedError(f"name {name!r} has a double underscore, which C++ reserves; use single ones")
    if snake == "mml2" or snake.startswith("mml2_"):
        raise UnsupportedError(f"name {name!r} is what the headers' own helpers begin with; choose another")
    for spelling in (name, snake, cls):
        if spelling in _C_KEYWORDS or spelling in _ARDUINO_MACROS:
            raise UnsupportedError(
                f"name {name!r} would emit {spelling!r}, a keyword or a macro of Arduino.h; choose another"
            )
    return Name(snake, snake.upper(), cls)


def member_name(name: Name, suffix: str) -> Name:
    """Spellings for a model inside the one of this name.

    >>> member_name(make_name("gesture"), "model").snake
    'gesture_model'
    """
    return Name(f"{name.snake}_{suffix}", f"{name.macro}_{suffix.upper()}", f"{name.cls}_{suffix}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def string(text: str) -> str:
    r"""C string literal of `text` in UTF-8; everything beyond plain ASCII is an octal escape.

    Octal escapes have exactly three digits, so a digit that follows is safe; ``?`` is escaped against
    trigraphs.

    >>> print(string('say "hé"?'))
    "say \"h\303\251\"\077"
    """
    out = []
    for byte in utf8(text):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127 and char != "?":
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def utf8(text: str) -> bytes:
    """The bytes of `text` in C; a lone surrogate is kept as such."""
    return text.encode("utf-8", "surrogatepass")


def label(value: Any) -> str:
    """Class label as text that C can hold.

    Raises
    ------
    UnsupportedError
        If the label is longer than 255 bytes or contains a NUL, which would end it early.
    """
    text = str(value)
    size = len(utf8(text))
    if size > _MAX_LABEL:
        raise UnsupportedError(
            f"class label {_shown(text)} has {size} bytes, at most {_MAX_LABEL} can be; fit on shorter labels"
        )
    if "\0" in text:
        raise UnsupportedError(f"class label {_shown(text)} contains a NUL, which ends a C string")
    return text


def comment(text: str) -> str:
    """One line of text that is safe inside a C comment.

    Characters that could end it, begin another, continue the line or form a trigraph become blanks.

    >>> comment('ends */ here' + chr(10) + 'next')
    'ends  / here next'
    """
    line = "".join(c if 32 <= ord(c) < 127 and c not in "?\\" else " " for c in text)
    return re.sub(r"(?<=/)\*|\*(?=/)", " ", line)


def float32(value: float) -> str:
    """Shortest C literal that reads back as this float32.

    >>> float32(0.1), float32(1.0), float32(1e30)
    ('0.1f', '1.0f', '1e+30f')

    Raises
    ------
    NotFiniteError
        If it is infinite or NaN, in float32.
    """
    f = np.float32(value)
    if not np.isfinite(f):
        raise NotFiniteError(f"{value} is not finite in float32")
    text = str(f)
    return text + ("f" if "." in text or "e" in text else ".0f")


def literal(value: Any) -> str:
    """A NumPy number as a C literal of its type.

    >>> literal(np.int32(-5)), literal(np.float32(0.5))
    ('-5', '0.5f')
    """
    return float32(float(value)) if isinstance(value, np.floating) else integer(int(value))


def integer(value: int) -> str:
    """An integer as a C literal; the lowest int32 has no literal of its own, values above int32 are unsigned.

    >>> integer(-(2**31)), integer(2**31)
    ('-2147483647-1', '2147483648u')
    """
    if value == -(2**31):
        return "-2147483647-1"
    return f"{value}u" if value >= 2**31 else str(value)


def ctype(dtype: Any) -> str:
    """C name of a NumPy dtype.

    >>> ctype("uint8"), ctype(np.float32)
    ('uint8_t', 'float')

    Raises
    ------
    ValueError
        If generated C does not use that type.
    """
    named = np.dtype(dtype)
    if named == np.float32:
        return "float"
    if named.kind in "iu":
        return f"{named.name}_t"
    raise ValueError(f"no C type for {named.name}: use float32 or an integer type")


def table(values: NDArray[Any], width: int = 100) -> str:
    """Elements of a C array initialiser, wrapped and indented by four spaces.

    >>> print(table(np.array([1, 2, 3], np.uint8)))
        1, 2, 3
    """
    flat = np.ravel(values)
    items = map(float32 if flat.dtype.kind == "f" else integer, flat.tolist())
    lines: list[str] = []
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > width:
            lines.append(line)
            line = "   "
        line += f" {item},"
    lines.append(line)
    return "\n".join(lines)[:-1]
