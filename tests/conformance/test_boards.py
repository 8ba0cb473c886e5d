"""The same vectors on the simulated boards: all headers linked into one firmware, each core booted once."""

from __future__ import annotations

import pytest

from micromlgen.boards import STRICT
from tests.conformance.test_host import assert_c_is_the_twin

pytestmark = pytest.mark.boards


@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_boards_compute_the_twin(name: str, language: str) -> None:
    assert_c_is_the_twin(name, language, ("-Os", *STRICT), most=200)
