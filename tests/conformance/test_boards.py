"""The same vectors on the simulated boards: many headers linked into one firmware."""

from __future__ import annotations

import pytest

from micromlgen.boards import CORES, STRICT
from tests.conformance.test_host import assert_c_is_the_twin

pytestmark = pytest.mark.boards


@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("name", [c.name for c in CORES.values() if c.name != "host"])
def test_boards_compute_the_twin(name: str, language: str) -> None:
    assert_c_is_the_twin(name, language, ("-Os", *STRICT), most=200)
