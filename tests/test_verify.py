"""Proving a header: that right ones pass, and above all that wrong ones do not."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.calls import differing_rows
from micromlgen.errors import ToolchainError, UnsupportedError
from micromlgen.fixedpoint import float32_floor
from micromlgen.program import Program
from micromlgen.verify import agreement, boundary_rows, oracle

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = IRIS.astype(np.float32)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0).fit(IRIS, SPECIES)
FOREST = RandomForestClassifier(5, max_depth=3, random_state=0).fit(IRIS, SPECIES)


def with_header_of(program: Program, estimator: Any, **options: Any) -> Program:
    """`program` as if its template had printed what another estimator's should be."""
    other = mm.transpile(estimator, name=program.name.snake, **options)
    assert other.header != program.header
    return replace(program, header=other.header)


def stepped(estimator: Any, node: int | slice, direction: float) -> Any:
    """A copy with thresholds moved by one float32 step."""
    other = copy.deepcopy(estimator)
    down = float32_floor(other.tree_.threshold[node])
    other.tree_.threshold[node] = np.nextafter(down, np.float32(direction))
    return other


def test_a_right_header_passes() -> None:
    report = mm.verify(FOREST, IRIS, name="iris")
    assert report
    assert report.agreement == 1.0
    assert (report.n_rows, report.n_c_differs, report.n_estimator_differs) == (150, 0, 0)
    assert report.n_boundary > 50
    assert str(report).startswith("iris (RandomForestClassifier, float32): ok\n")


@pytest.mark.parametrize("optimize", ["size", "speed"])
@pytest.mark.parametrize("direction", [-np.inf, np.inf])
def test_a_threshold_that_is_one_step_off_is_found(optimize: str, direction: float) -> None:
    """Only a boundary row can tell: X itself has no value there."""
    program = mm.transpile(TREE, name="iris", optimize=optimize)
    off = stepped(TREE, 0, direction)
    assert (off.predict(IRIS) == TREE.predict(IRIS)).all()
    report = with_header_of(program, off, optimize=optimize).verify(IRIS)
    assert not report
    assert 0 < report.n_c_differs < report.n_boundary
    assert "iris (DecisionTreeClassifier, float32): WRONG" in str(report)
    assert re.search(r"x = \[.*\]: C gives .*, twin .*", str(report))


def test_less_instead_of_less_or_equal_is_found() -> None:
    """x < t is x <= t with t one step lower."""
    counts = np.rint(IRIS)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(counts, SPECIES)
    program = mm.transpile(tree, name="iris")
    assert program.verify(counts)
    assert not with_header_of(program, stepped(tree, slice(None), -np.inf)).verify(counts)


def test_changed_probabilities_are_found() -> None:
    other = copy.deepcopy(TREE)
    leaf = int(np.flatnonzero(other.tree_.value[:, 0].max(axis=1) < 1)[-1])
    other.tree_.value[leaf] *= 1 - 1e-6
    report = with_header_of(mm.transpile(TREE, name="iris"), other).verify(IRIS)
    assert report.n_c_differs > 0


def test_another_scale_in_quantize_is_found() -> None:
    program = mm.transpile(TREE, name="iris", dtype="int16", calibration=IRIS)
    assert program.verify(IRIS)
    wrong = with_header_of(program, TREE, dtype="int16", calibration=4 * IRIS, min_agreement=0)
    assert not wrong.verify(IRIS)


def test_another_rounding_in_quantize_is_found() -> None:
    """Halves of a unit are what the rounding of a scaled feature is about."""
    program = mm.transpile(TREE, name="iris", dtype="int16", calibration=IRIS)
    header, n = re.subn(r" - \(bits < 0\);", ";", program.header)
    assert n == 1
    assert not replace(program, header=header).verify(IRIS)


def test_a_header_of_another_estimator_breaks_the_contract() -> None:
    other = DecisionTreeClassifier(max_depth=1, random_state=0).fit(IRIS, SPECIES)
    report = replace(mm.transpile(TREE, name="iris"), estimator=other).verify(IRIS)
    assert not report
    assert report.n_c_differs == 0
    assert report.n_estimator_differs > 0
    assert report.agreement < 1
    x, c, expected = report.estimator_differs[0]
    assert other.predict(x[None]) == expected
    assert TREE.predict(x[None]) == c
    assert f"{report.n_estimator_differs} rows break the contract" in str(report)


@pytest.mark.parametrize("kind", [DecisionTreeRegressor, RandomForestRegressor])
def test_a_regressor_that_is_off_by_little_breaks_the_contract(kind: Any) -> None:
    y = IRIS[:, 0].astype(float)
    estimator = kind(max_depth=3, random_state=0).fit(IRIS, y)
    off = kind(max_depth=3, random_state=0).fit(IRIS, y + 2e-5 * np.ptp(y))
    assert mm.verify(estimator, IRIS)
    assert not replace(mm.transpile(estimator), estimator=off).verify(IRIS)


def test_integers_report_their_agreement_and_do_not_fail_for_it() -> None:
    X = np.linspace(0, 1, 200, dtype=np.float32)[:, None]
    tree = DecisionTreeClassifier().fit(X, np.arange(200) % 2)
    report = mm.verify(tree, X, dtype="int8", calibration=X, min_agreement=0)
    assert report
    assert 0.2 < report.agreement < 0.9


def test_at_most_a_few_rows_are_shown() -> None:
    opposite = DecisionTreeClassifier(max_depth=3, random_state=0).fit(IRIS, 2 - SPECIES)
    report = with_header_of(mm.transpile(TREE, name="iris"), opposite).verify(IRIS)
    assert report.n_c_differs > 100
    assert len(report.c_differs) == len(report.estimator_differs) == 5
    assert len(str(report).splitlines()) < 20


def test_a_header_that_does_not_compile_is_a_toolchain_error() -> None:
    program = mm.transpile(TREE, name="iris")
    broken = replace(program, header=program.header.replace("int iris_predict", "float *iris_predict"))
    with pytest.raises(ToolchainError, match="compiling for host failed"):
        broken.verify(IRIS)


def test_a_missing_compiler_is_a_toolchain_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ToolchainError, match="no-such-compiler not found"):
        mm.verify(TREE, IRIS)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (IRIS[:, :2], r"X has shape \(150, 2\); \(n_rows, 4\) is needed"),
        (IRIS[:0], "X has no rows"),
        (IRIS[0], r"X has shape \(4,\)"),
        ([["a"] * 4], "X is not an array of numbers"),
        (np.where(IRIS > 7, np.nan, IRIS), "X has NaN"),
        (np.where(IRIS > 7, np.inf, IRIS), "X has infinite values"),
    ],
    ids=["columns", "no rows", "1-D", "strings", "NaN", "inf"],
)
def test_rows_that_cannot_be_verified(X: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"^{message}"):
        mm.verify(TREE, X)


def test_nan_is_verified_where_it_is_followed() -> None:
    holes = np.where(np.random.default_rng(0).random(IRIS.shape) < 0.2, np.nan, IRIS)
    report = mm.verify(TREE, holes, missing="exact")
    assert report
    assert report.agreement == 1


def test_progress_goes_to_stderr_and_only_if_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # for rich, a terminal
    forest = RandomForestClassifier(2, random_state=0).fit(IRIS, SPECIES)
    X = np.repeat(IRIS, 20, axis=0)
    mm.verify(forest, X)
    assert capsys.readouterr() == ("", "")
    mm.verify(forest, X, progress=True, name="iris")
    out, err = capsys.readouterr()
    assert out == ""
    assert "verifying iris" in err


class TestBoundaryRows:
    def test_every_threshold_and_both_neighbours_are_met(self) -> None:
        model = mm.transpile(FOREST).model
        rows = boundary_rows(model, IRIS)
        for tree in FOREST.estimators_:
            inner = tree.tree_.children_left >= 0
            for f, t in zip(tree.tree_.feature[inner], tree.tree_.threshold[inner], strict=True):
                below = np.float32(t)
                if below > t:
                    below = np.nextafter(below, np.float32(-np.inf))
                above = np.nextafter(below, np.float32(np.inf))
                assert below in rows[:, f]
                assert above in rows[:, f]

    def test_special_values_are_met_by_every_feature(self) -> None:
        rows = boundary_rows(mm.transpile(TREE, missing="exact").model, IRIS)
        info = np.finfo(np.float32)
        for column in rows.T:
            for value in (0.0, info.max, -info.max, info.smallest_subnormal, -info.smallest_subnormal):
                assert value in column
            assert (np.signbit(column) & (column == 0)).any()
            assert np.isnan(column).any()

    def test_nan_only_where_it_is_followed(self) -> None:
        assert not np.isnan(boundary_rows(mm.transpile(TREE).model, IRIS)).any()

    def test_rows_are_encoded_and_the_same_every_time(self) -> None:
        model = mm.transpile(TREE, dtype="int8", calibration=IRIS).model
        rows = boundary_rows(model, model.input.encode(IRIS))
        assert rows.dtype == np.int8
        np.testing.assert_array_equal(rows, boundary_rows(model, model.input.encode(IRIS)))

    def test_there_are_not_too_many(self) -> None:
        assert len(boundary_rows(mm.transpile(FOREST).model, IRIS, most=30)) <= 30

    def test_a_wide_model_does_not_take_all_memory(self) -> None:
        X = np.eye(4, 4_000, dtype=np.float32)
        model = mm.transpile(DecisionTreeClassifier().fit(X, [0, 0, 1, 1])).model
        assert boundary_rows(model, X).nbytes <= 1 << 27


def test_the_oracle_is_scikit_learns_predict_without_its_names_of_columns() -> None:
    named = copy.deepcopy(FOREST)
    named.feature_names_in_ = np.array(list("abcd"), object)
    np.testing.assert_array_equal(oracle(named, IRIS)[:, 0], FOREST.predict(IRIS))


def test_agreement_is_a_share_of_rows() -> None:
    model = mm.transpile(TREE).model
    assert agreement(model, TREE, IRIS) == 1
    other = DecisionTreeClassifier(max_depth=1, random_state=0).fit(IRIS, SPECIES)
    expected = (other.predict(IRIS) == TREE.predict(IRIS)).mean()
    assert agreement(model, other, IRIS) == pytest.approx(expected)


def test_rows_differ_where_their_bytes_do() -> None:
    a = np.float32([[0.0, 1], [-0.0, 1], [np.nan, 1], [1, 2]])
    b = np.float32([[0.0, 1], [0.0, 1], [np.nan, 1], [1, 3]])
    assert differing_rows(a, b).tolist() == [False, True, False, True]


def test_our_own_errors_are_not_taken_for_the_estimators(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that the estimator refuses is left out; one that we fail on is an error."""
    estimator = DecisionTreeClassifier(max_depth=2).fit(IRIS, SPECIES)
    program = mm.transpile(estimator, name="own")

    def fails(self: Any, estimator: Any, X: Any) -> Any:
        raise ValueError("of our own")

    monkeypatch.setattr(type(program.model), "undecided", fails)
    with pytest.raises(ValueError, match="of our own"):
        program.verify(IRIS)
