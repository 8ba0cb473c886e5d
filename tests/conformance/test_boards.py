"""The same vectors on the simulated boards: many headers linked into one firmware."""

from __future__ import annotations

import pytest

from micromlgen.boards import CORES, STRICT
from tests.conformance.test_host import assert_c_is_the_twin

pytestmark = pytest.mark.boards


BOARDS = [c.name for c in CORES.values() if c.name != "host"]
#: Arduino's language is C++; that it changes nothing, one core of each compiler shows.
IN_CXX = [(name, "c++") for name in ("avr", "cortex-m4f", "rv32imc")]


@pytest.mark.parametrize(("name", "language"), [*((name, "c") for name in BOARDS), *IN_CXX])
def test_boards_compute_the_twin(name: str, language: str) -> None:
    assert_c_is_the_twin(name, language, ("-Os", *STRICT), most=200)
