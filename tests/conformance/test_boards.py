"""The same vectors on the simulated boards: many headers linked into one firmware."""

from __future__ import annotations

import pytest

from micromlgen.boards import CORES, STRICT
from tests.conformance.test_host import assert_c_is_the_twin

pytestmark = pytest.mark.boards

#: Cores of kinds of their own: of each case one of its two headers runs there.
KINDS = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: What differs little from these, and C++: every seventh header, each core others; an odd number, so that
#: both headers of a case come up.
OTHERS = [
    *((name, "c") for name in CORES if name not in ("host", *KINDS)),
    *((name, "c++") for name in ("avr", "cortex-m4f", "rv32imc")),
]


@pytest.mark.parametrize("name", KINDS)
def test_boards_compute_the_twin(name: str) -> None:
    first = KINDS.index(name) % 2
    assert_c_is_the_twin(name, "c", ("-Os", *STRICT), most=200, first=first, every=2)


@pytest.mark.parametrize(("name", "language"), OTHERS)
def test_their_relatives_do_too(name: str, language: str) -> None:
    first = OTHERS.index((name, language)) % 7
    assert_c_is_the_twin(name, language, ("-Os", *STRICT), most=200, first=first, every=7)
