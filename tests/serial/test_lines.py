"""Lines of numbers: what the Serial Plotter understands, and nothing made of noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from micromlgen.serial.lines import LineReader, parse


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1", (1,)),
        ("1,2,3", (1, 2, 3)),
        (" 1.5\t-2 \t+3e-2\r", (1.5, -2, 0.03)),
        ("1;2", (1, 2)),
        ("1 2  3", (1, 2, 3)),
        ("1, 2, 3,", (1, 2, 3)),
        (".5,5.", (0.5, 5)),
        ("1e400,-inf", (math.inf, -math.inf)),
    ],
)
def test_numbers(text: str, values: tuple[float, ...]) -> None:
    assert parse(text).values == values
    assert parse(text).names == ()


def test_a_missing_value_is_one() -> None:
    assert all(math.isnan(value) for value in parse("nan,NaN").values)


def test_names() -> None:
    assert parse("ax,ay,gyro x").names == ("ax", "ay", "gyro x")
    assert parse("ax:1,ay:-2").names == ("ax", "ay")
    assert parse("ax:1,ay:-2").values == (1, -2)
    assert parse("x0,x1,answer").values == ()


@pytest.mark.parametrize(
    "text",
    [
        "1,,2",
        ",1",
        "1,two",
        "1.2.3",
        "--1",
        "0x10",
        "1_0",
        "1,2 3",
        "a,a",
        "\ufffd1",
        ":1",
        "1:2",
        "1e",
        "a:b",
        "12:30:00",
    ],
)
def test_noise(text: str) -> None:
    line = parse(text)
    assert (line.values, line.names) == ((), ())


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_lines_arrive_in_any_pieces(step: int) -> None:
    data = b"half,a line\n1,2\r\n\r\n3,4\n5,"
    reader = LineReader()
    got = [line.text for i in range(0, len(data), step) for line in reader.feed(data[i : i + step])]
    assert got == ["1,2", "3,4"]
    assert [line.text for line in reader.feed(b"6\n")] == ["5,6"]


def test_after_a_restart_the_end_of_a_line_is_none() -> None:
    reader = LineReader()
    assert [line.text for line in reader.feed(b"\n1,2\n3,")] == ["1,2"]
    reader.restart()
    assert [line.text for line in reader.feed(b"99\n5,6\n")] == ["5,6"]


def test_noise_without_an_end_does_not_fill_the_memory() -> None:
    reader = LineReader()
    for _ in range(100):
        assert list(reader.feed(b"\xff" * 10_000)) == []
    assert len(reader._rest) < 20_000
    assert [line.text for line in reader.feed(b"1\n2\n")] == ["2"]


def test_any_bytes_are_read_without_an_error() -> None:
    draw = np.random.default_rng(0)
    reader = LineReader()
    for _ in range(200):
        for line in reader.feed(draw.bytes(100) + b"\n"):
            assert not line.values or len(line.text) < 8
