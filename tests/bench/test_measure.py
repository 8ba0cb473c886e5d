"""The ruler: it measures what `Program.footprint` measures, and says in one line what went wrong."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import micromlgen
from bench import measure
from bench.exams import Exam, test_split
from bench.measure import Task, explain
from bench.texts import texts
from bench.zoo import Fitted, Specimen

test_split.__test__ = False


@pytest.fixture(scope="module")
def tree() -> Fitted:
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    estimator = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, (X[:, 0] > 0).astype(int))
    return Fitted(Specimen("tiny", "tiny", "trees", estimator, "digits"), estimator, X, X)


@pytest.mark.boards
@pytest.mark.parametrize(("core", "board"), [("avr", "mega"), ("cortex-m0plus", "pico")])
def test_figures_are_those_of_footprint(tree: Fitted, core: str, board: str) -> None:
    made = texts("micromlgen", tree)["speed"]
    task = Task(made["text"], made["language"], False, core, test_split(tree))
    ours = micromlgen.transpile(tree.estimator, name="model", optimize="speed").footprint(board, tree.rows)
    assert measure.measure(task) == {
        "flash": ours.flash,
        "ram": ours.ram,
        "stack": ours.stack,
        "cycles_mean": pytest.approx(ours.cycles_mean, abs=0.05),
        "cycles_max": ours.cycles_max,
        "agreement": 1.0,
    }


@pytest.mark.boards
@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("c", "{entry} return x[0] > -2; }}", 1.0),
        ("c++", "#include <cmath>\n{entry} return std::fabs(x[0]) > 9; }}", 0.25),
        ("c", "{entry} return y; }}", "does not compile: 'y' undeclared"),
        ("c", "int other(void);\n{entry} return other(); }}", "undefined reference"),
    ],
)
def test_answers_and_errors(language: str, text: str, expected: float | str) -> None:
    text = text.format(entry="static int entry(const float *x) {")
    rows = np.array([[-2], [-1], [1], [2]], np.float32)
    found = measure.measure(Task(text, language, False, "host", Exam(rows, np.array([0, 1, 1, 1]), 0.0)))
    if isinstance(expected, float):
        assert found == {"agreement": expected}
    else:
        assert expected in found["error"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("compiling for avr failed (1):\nld: address 0x8027c8 is not within region `data'", "does not fit"),
        ("compiling for m4 failed (1):\nld: region `flash' overflowed by 9 bytes", "does not fit"),
        (
            "compiling for avr failed (1):\ncc1: internal compiler error: CPU time limit exceeded",
            "takes more than",
        ),
        (
            "compiling for avr failed (1):\nheader_0.h:3:1: error: unknown type name 'x'",
            "does not compile: unknown",
        ),
        ("the firmware on avr failed (1):\nthe processor took a fault", "fails: the processor took a fault"),
    ],
)
def test_explain(message: str, expected: str) -> None:
    assert explain(message).startswith(expected)


@pytest.mark.boards
def test_the_key_follows_text_and_rows(tree: Fitted) -> None:
    exam = test_split(tree)
    keys = {
        Task(text, "c", False, core, rows).key
        for text in ("a", "b")
        for core in ("avr", "host")
        for rows in (exam, exam.first(3))
    }
    assert len(keys) == 8
