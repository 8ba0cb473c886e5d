"""C = twin, bit for bit, for every case and layout, under every compiler setting on this host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from micromlgen.boards import STRICT, core
from micromlgen.calls import Expected, quantize_call, twin_calls
from micromlgen.verify import boundary_rows
from tests.cases import SANITIZE, Case, all_cases, all_programs

#: So many programs fit an ATmega2560 together.
_TOGETHER = 60


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("compiler", "language", "flags"),
    [
        ("gcc", "c", ("-O0", *STRICT)),
        ("gcc", "c", ("-Os", *STRICT)),
        ("gcc", "c++", ("-O0", *STRICT)),
        ("gcc", "c++", ("-Os", *STRICT)),
        ("gcc", "c", ("-O3", "-march=native", "-ffp-contract=fast", *STRICT)),
        ("gcc", "c", (*SANITIZE, *STRICT)),
        ("clang", "c", ("-Os", *STRICT)),
        ("clang", "c++", ("-O1", "-Wno-unused-command-line-argument", *STRICT)),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:4]),
)
def test_c_is_the_twin(
    monkeypatch: pytest.MonkeyPatch, compiler: str, language: str, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CC", compiler)
    thorough = language == "c" and ("-O3" in flags or flags[: len(SANITIZE)] == SANITIZE)
    assert_c_is_the_twin("host", language, flags, most=2_000, every=1 if thorough else 2)


@pytest.mark.compiled
def test_every_layout_is_the_twin() -> None:
    assert_c_is_the_twin("host", "c", ("-Os", *STRICT), most=500, every_layout=True)


def assert_c_is_the_twin(
    where: str,
    language: str,
    flags: tuple[str, ...],
    most: int,
    every_layout: bool = False,
    first: int = 0,
    every: int = 1,
) -> None:
    """Run every function of every header on data and boundaries, many in one program.

    Of the headers, those from number `first` on, and `every` so many.
    """
    wrong = []
    for programs in batched(all_programs(every_layout)[first::every], _TOGETHER):
        names: list[str] = []
        expected: list[Expected] = []
        for name, program, X in programs:
            model = program.model
            Q = model.input.encode(X[:: max(1, len(X) // 50)])
            rows = np.concatenate([Q, boundary_rows(model, Q, most)])
            pairs = twin_calls(model, program.header, program.name, rows)
            if model.input.quantizes:
                quantized = quantize_call(model, program.header, program.name, X)
                pairs.append(Expected(quantized, model.input.encode(X)))
            names += [name] * len(pairs)
            expected += pairs
        results = core(where).run(
            [each.call for each in expected], language=language, flags=flags, measure=False
        )
        wrong += [
            (name, each.call.statement)
            for name, each, result in zip(names, expected, results, strict=True)
            if each.differs(result.y).any()
        ]
    assert not wrong


def batched(programs: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Python 3.12 has it in itertools."""
    for i in range(0, len(programs), size):
        yield programs[i : i + size]


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_header_keeps_its_contract(case: Case) -> None:
    """Including each threshold of these small models, and one float step either side of it."""
    report = case.transpile().verify(case.X)
    assert report, str(report)
    if "dtype" not in case.options:
        assert report.agreement == 1.0
