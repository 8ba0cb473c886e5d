"""Laws of C text."""

from __future__ import annotations

import ast
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from micromlgen import cformat
from micromlgen.errors import UnsupportedError
from tests.properties import examples, finite32s


@given(st.text(st.characters(exclude_categories=()), max_size=60))
@examples(300)
def test_a_string_literal_has_the_bytes_of_the_text(text: str) -> None:
    """Its escapes mean the same in Python."""
    literal = cformat.string(text)
    assert re.fullmatch(r'"[ !#-~"]*"', literal)
    assert ast.literal_eval(f"b{literal}") == text.encode("utf-8", "surrogatepass")


@given(st.text(st.sampled_from("*/\\?\n\"' éX\0"), max_size=12) | st.text(max_size=20))
@examples(500)
def test_no_text_leaves_a_comment(text: str) -> None:
    safe = cformat.comment(text)
    assert re.fullmatch(r"[ -~]*", safe)
    assert not re.search(r"\*/|/\*|\?\?|\\", f"{safe}")


@given(finite32s)
@examples(200)
def test_a_float_literal_reads_back(value: float) -> None:
    literal = cformat.float32(value)
    assert literal.endswith("f")
    assert np.float32(literal[:-1]).tobytes() == np.float32(value).tobytes()


@given(st.text(st.sampled_from("aZb_0X9é-"), max_size=70) | st.text(max_size=10))
@examples(300)
def test_a_name_is_refused_or_spelled_in_identifiers(name: str) -> None:
    try:
        spelled = cformat.make_name(name)
    except UnsupportedError:
        return
    assert re.fullmatch(r"[a-z][a-z0-9_]*", spelled.snake)
    assert re.fullmatch(r"[A-Z][A-Z0-9_]*", spelled.macro)
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]*", spelled.cls)
    assert "__" not in f"{spelled.snake}_predict {spelled.macro}_H {spelled.cls}", "reserved in C++"
