"""`compress=`: smaller models that agree with the estimator as far as was asked for."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.compress import compressed, smallest
from micromlgen.convert import convert
from micromlgen.errors import AgreementError, UnsupportedError
from micromlgen.ir import Model
from micromlgen.lossy import Coarseness
from micromlgen.models import _coarse
from micromlgen.models._coarse import pooled, rounded_shares
from micromlgen.program import Program
from micromlgen.quantize import quantize
from micromlgen.verify import agreement, disagrees, oracle

WINE, CULTIVAR = load_wine(return_X_y=True)
WINE = WINE.astype(np.float32)
CANCER, BENIGN = load_breast_cancer(return_X_y=True)
CANCER = CANCER.astype(np.float32)
DIABETES, PROGRESSION = load_diabetes(return_X_y=True)
DIABETES = np.rint(DIABETES * 1000).astype(np.float32)  # integers, so int16 is exact
HOLES = np.where(np.random.default_rng(0).random(WINE.shape) < 0.1, np.float32(np.nan), WINE)
SORTS = np.column_stack([CULTIVAR * 3 % 5, np.arange(len(WINE)) % 7, WINE[:, :2]]).astype(np.float32)
TWO_TARGETS = np.stack([PROGRESSION, DIABETES[:, 2]], axis=1)
TWO_LABELS = np.stack([CULTIVAR, WINE[:, 0] > 13], axis=1)
TREE = DecisionTreeClassifier(random_state=0).fit(CANCER, BENIGN)


def _cases() -> Iterator[tuple[str, Any, np.ndarray]]:
    """Estimators, and the rows that they were fitted on."""
    seed: dict[str, Any] = {"random_state": 0}
    for name, classifier, X, y in (
        ("tree", TREE, CANCER, BENIGN),
        ("forest", RandomForestClassifier(20, **seed), WINE, CULTIVAR),
        ("forest_outputs", RandomForestClassifier(10, **seed), WINE, TWO_LABELS),
        ("forest_missing", RandomForestClassifier(20, **seed), HOLES, CULTIVAR),
        ("extra_trees", ExtraTreesClassifier(12, **seed), CANCER, BENIGN),
        ("bagging", BaggingClassifier(n_estimators=12, max_features=0.5, **seed), WINE, CULTIVAR),
        ("boosting_binary", GradientBoostingClassifier(n_estimators=40, **seed), CANCER, BENIGN),
        ("boosting_classes", GradientBoostingClassifier(n_estimators=20, **seed), WINE, CULTIVAR),
        (
            "boosting_categories",
            HistGradientBoostingClassifier(categorical_features=[0, 1], max_iter=20, min_samples_leaf=5),
            SORTS,
            CULTIVAR,
        ),
        (
            "adaboost",
            AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=15, **seed),
            WINE,
            CULTIVAR,
        ),
        ("pipeline", make_pipeline(StandardScaler(), RandomForestClassifier(10, **seed)), WINE, CULTIVAR),
        ("isolation", IsolationForest(n_estimators=12, **seed), CANCER, None),
    ):
        yield name, classifier.fit(X, y), X
    for name, regressor, y in (
        ("tree_regressor", DecisionTreeRegressor(max_depth=7, **seed), PROGRESSION),
        ("forest_regressor", RandomForestRegressor(20, max_depth=8, **seed), PROGRESSION),
        ("forest_targets", RandomForestRegressor(10, max_depth=6, **seed), TWO_TARGETS),
        ("bagging_regressor", BaggingRegressor(DecisionTreeRegressor(max_depth=6), **seed), PROGRESSION),
        ("boosting_regressor", GradientBoostingRegressor(n_estimators=50, **seed), PROGRESSION),
        ("boosting_logarithmic", HistGradientBoostingRegressor(loss="poisson", max_iter=30), PROGRESSION),
        ("adaboost_regressor", AdaBoostRegressor(n_estimators=20, **seed), PROGRESSION),
    ):
        yield name, regressor.fit(DIABETES, y), DIABETES


ESTIMATORS = {name: (estimator, X) for name, estimator, X in _cases()}


def exact_size(estimator: Any, X: np.ndarray, dtype: str) -> int:
    return smallest(quantize(convert(estimator), dtype, X))


@cache
def compress(name: str, dtype: str, floor: float = 0.97) -> Program:
    estimator, X = ESTIMATORS[name]
    return mm.transpile(estimator, name=name, dtype=dtype, calibration=X, compress=floor)


def agreed(program: Program, X: np.ndarray) -> float:
    """Share of rows with the estimator's answer, computed from nothing but public answers."""
    report = program.compression
    assert report is not None
    answers = program.predict(X).reshape(len(X), -1)
    return float(1 - disagrees(answers, oracle(program.estimator, X), report.within).mean())


@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize("name", ESTIMATORS)
class TestEveryFamily:
    def test_the_floor_holds_and_bytes_are_saved(self, name: str, dtype: str) -> None:
        program = compress(name, dtype)
        X = ESTIMATORS[name][1]
        report = program.compression
        assert report is not None
        assert report.floor == 0.97
        assert report.agreement >= 0.97
        assert report.agreement == pytest.approx(agreed(program, X), abs=1e-12)
        assert report.flash_before == exact_size(program.estimator, X, dtype)
        assert report.flash_after == smallest(program.model) < report.flash_before
        assert report.nodes_after <= report.nodes_before
        assert report.thresholds_after <= report.thresholds_before

    def test_the_c_is_the_twin(self, name: str, dtype: str) -> None:
        program = compress(name, dtype)
        report = program.verify(ESTIMATORS[name][1])
        assert report, str(report)
        assert report.n_c_differs == report.n_estimator_differs == 0


@pytest.mark.parametrize("name", ["forest", "boosting_classes", "forest_regressor"])
def test_the_same_every_time(name: str) -> None:
    estimator, X = ESTIMATORS[name]
    again = mm.transpile(estimator, name=name, calibration=X, compress=0.97)
    assert again.header == compress(name, "float32").header
    assert again.compression == compress(name, "float32").compression


@pytest.mark.parametrize("name", ["forest", "extra_trees", "boosting_binary", "forest_regressor"])
def test_at_one_every_row_keeps_its_answer(name: str) -> None:
    program = compress(name, "float32", 1.0)
    estimator, X = ESTIMATORS[name]
    report = program.compression
    assert report is not None, "thresholds between the same rows become one"
    assert report.agreement == 1.0
    if report.within is None:
        np.testing.assert_array_equal(program.predict(X), estimator.predict(X))


@pytest.mark.parametrize("name", ["forest", "boosting_binary"])
def test_a_lower_floor_saves_more(name: str) -> None:
    sizes = [smallest(compress(name, "float32", floor).model) for floor in (1.0, 0.97, 0.9)]
    assert sizes[0] > sizes[1] >= sizes[2]


def test_a_forest_on_digits() -> None:
    """Measured at 0.98: the tables are 2.9 times smaller, and 97.3 % of rows held out agree."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, _ = train_test_split(X.astype(np.float32), y, random_state=0)
    forest = RandomForestClassifier(50, random_state=0).fit(X_train, y_train)
    exact = mm.transpile(forest, optimize="size")
    program = mm.transpile(forest, optimize="size", calibration=X_train, compress=0.98)

    def tables(of: Program) -> int:
        return sum(min(of.model.layouts(), key=lambda layout: layout.flash["cortex-m0plus"]).tables)

    assert tables(program) * 1.5 < tables(exact)
    assert program.compression is not None
    assert program.compression.agreement >= 0.98
    assert agreed(program, X_test) >= 0.98 - 0.03


def test_neither_estimator_nor_rows_are_changed() -> None:
    estimator, X = ESTIMATORS["forest"]
    before = [tree.tree_.__getstate__() for tree in estimator.estimators_]
    rows, attributes = X.copy(), dict(vars(estimator))
    mm.transpile(estimator, calibration=X, compress=0.95)
    assert vars(estimator) == attributes
    np.testing.assert_array_equal(X, rows)
    for tree, state in zip(estimator.estimators_, before, strict=True):
        for key in ("nodes", "values"):
            np.testing.assert_array_equal(tree.tree_.__getstate__()[key], state[key])


class TestBanner:
    def test_it_says_what_was_given_up(self) -> None:
        program = compress("forest", "float32")
        report = program.compression
        assert report is not None
        top = program.header[: program.header.index("Usage")]
        assert (
            "compressed to agree with RandomForestClassifier on at least 0.97 of the calibration rows: "
            f"{report.agreement:.4f}"
        ) in top
        assert all(change in top for change in report.changes())
        assert "scikit-learn's" not in top

    def test_an_integer_model_states_its_agreement_once(self) -> None:
        header = compress("forest", "int16").header
        assert len(re.findall("of the calibration rows: |on the calibration rows: ", header)) == 1

    def test_a_regressor_says_what_agreement_is(self) -> None:
        program = compress("forest_targets", "float32")
        report = program.compression
        assert report is not None
        assert report.within is not None
        assert len(report.within) == 2
        a, b = report.within
        assert f"(answers agree within {a:.3g}, {b:.3g})" in program.header

    def test_the_report_reads_as_text(self) -> None:
        text = str(compress("forest", "float32").compression)
        assert re.fullmatch(
            r"agreement on the calibration rows: [\d.]+, at least 0.97 asked for\n"
            r"nodes: \d+ before, \d+ after\n"
            r"distinct thresholds: \d+ before, \d+ after\n"
            r"distinct leaf values: \d+ before, \d+ after\n"
            r"flash, estimated for Cortex-M0\+: \d+ bytes before, \d+ after",
            text,
        )

    def test_an_exact_model_has_none(self) -> None:
        program = mm.transpile(TREE)
        assert program.compression is None
        assert "compressed" not in program.header


class TestRefused:
    @pytest.mark.parametrize("floor", [0, -0.5, 1.01, 98, float("nan"), "0.98", True, [0.98]])
    def test_a_floor_that_is_no_share(self, floor: Any) -> None:
        message = r"^compress=.*: a share above 0 and up to 1 is needed, the least agreement"
        with pytest.raises(UnsupportedError, match=message):
            mm.transpile(TREE, calibration=CANCER, compress=floor)

    def test_without_calibration(self) -> None:
        message = r"^compress=0.98 needs calibration=X, typical rows of shape \(n_rows, 30\)"
        with pytest.raises(UnsupportedError, match=message):
            mm.transpile(TREE, compress=0.98)

    def test_a_family_that_can_not_be_compressed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(convert(TREE)), "coarsening", Model.coarsening)
        message = (
            r"^DecisionTreeClassifier cannot be compressed: compress= is for trees and ensembles of them"
        )
        with pytest.raises(UnsupportedError, match=message):
            mm.transpile(TREE, calibration=CANCER, compress=0.98)

    def test_integers_that_agree_less_by_themselves(self) -> None:
        fine = np.linspace(0, 1, 400, dtype=np.float32)[:, None]
        tree = DecisionTreeClassifier(random_state=0).fit(fine, np.arange(400) % 2)
        message = r"^dtype='int8' alone agrees with DecisionTreeClassifier on 0.\d+ of the calibration rows"
        with pytest.raises(AgreementError, match=message):
            mm.transpile(tree, dtype="int8", calibration=fine, compress=0.95)


def test_min_agreement_gives_way_to_the_floor() -> None:
    program = mm.transpile(TREE, dtype="int16", calibration=CANCER, compress=0.9, min_agreement=1.0)
    assert program.compression is not None
    assert 0.9 <= program.compression.agreement < 1.0


def test_a_model_that_can_not_be_smaller_stays_exact() -> None:
    X = np.array([[0.0], [1.0]], np.float32)
    stump = DecisionTreeClassifier().fit(X, [0, 1])
    program = mm.transpile(stump, calibration=X, compress=0.9)
    assert program.compression is None
    assert program.header == mm.transpile(stump, calibration=X).header


def test_one_row_is_enough_to_measure_on() -> None:
    program = mm.transpile(TREE, calibration=CANCER[:1], compress=1.0)
    assert program.compression is not None
    assert program.predict(CANCER[:1]) == TREE.predict(CANCER[:1])


def test_all_rows_count_where_the_search_sees_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows beyond the search's own make it repeat with less to give up, not go below the floor."""
    monkeypatch.setattr("micromlgen.compress._MOST_ROWS", 20)
    monkeypatch.setattr("micromlgen.compress._MIXED", 20)
    estimator, X = ESTIMATORS["forest"]
    model = compressed(convert(estimator), estimator, "float32", X, 0.99)
    assert agreement(quantize(model, "float32", X), estimator, X) >= 0.99


class TestCoarsening:
    @pytest.mark.parametrize("name", ESTIMATORS)
    def test_nothing_given_up_changes_no_answer(self, name: str) -> None:
        estimator, X = ESTIMATORS[name]
        exact = convert(estimator)
        coarsening = exact.coarsening(X)
        assert coarsening is not None
        same = quantize(coarsening(Coarseness()), "float32", X)
        np.testing.assert_array_equal(
            same.predict(same.input.encode(X)), quantize(exact, "float32", X).predict(X)
        )

    @pytest.mark.parametrize("name", ESTIMATORS)
    def test_thresholds_between_the_same_rows_are_free(self, name: str) -> None:
        estimator, X = ESTIMATORS[name]
        exact = convert(estimator)
        coarsening = exact.coarsening(X)
        assert coarsening is not None
        shared = coarsening(Coarseness(thresholds=0.0))
        assert coarsening.content(shared).thresholds <= coarsening.content(exact).thresholds
        got, expected = (quantize(m, "float32", X).predict(X) for m in (shared, exact))
        np.testing.assert_array_equal(got, expected)

    @pytest.mark.parametrize("name", ESTIMATORS)
    def test_everything_given_up_is_one_answer(self, name: str) -> None:
        estimator, X = ESTIMATORS[name]
        coarsening = convert(estimator).coarsening(X)
        assert coarsening is not None
        constant = coarsening(Coarseness(nodes=1.0))
        assert coarsening.content(constant).nodes == constant.trees.size.shape[0]  # type: ignore[attr-defined]
        answers = quantize(constant, "float32", X).predict(X)
        assert (answers == answers[:1]).all()

    def test_pruning_grows_with_the_share(self) -> None:
        estimator, X = ESTIMATORS["forest"]
        coarsening = convert(estimator).coarsening(X)
        assert coarsening is not None
        nodes = [
            coarsening.content(coarsening(Coarseness(nodes=share))).nodes for share in np.linspace(0, 1, 9)
        ]
        assert nodes == sorted(nodes, reverse=True)

    def test_short_thresholds_fit_16_bits(self) -> None:
        signed = WINE - WINE.mean(axis=0)
        forest = RandomForestClassifier(5, random_state=0).fit(signed, CULTIVAR)
        coarsening = convert(forest).coarsening(signed)
        assert coarsening is not None
        model = quantize(coarsening(Coarseness(thresholds=0.0, short=True)), "float32", signed)
        keys = model.trees.threshold  # type: ignore[attr-defined]
        assert (keys < 0).any()
        assert not (keys & 0xFFFF).any()

    @pytest.mark.parametrize("name", ["boosting_binary", "boosting_classes", "adaboost"])
    def test_trees_of_one_leaf_go_into_the_base(self, name: str) -> None:
        estimator, X = ESTIMATORS[name]
        exact: Any = convert(estimator)
        coarse: Any = exact.coarsening(X)(Coarseness(trees=0.5))
        assert len(coarse.trees.size) < len(exact.trees.size)
        assert (coarse.base != exact.base).any()
        means = [quantize(m, "float32", X).decision_function(X).mean(axis=0) for m in (coarse, exact)]
        np.testing.assert_allclose(*means, rtol=1e-3, atol=1e-3)


def test_shares_sum_to_one_at_every_level() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(7), (50, 2))
    for denominator in (1, 2, 4, 16):
        rounded = rounded_shares(shares, denominator)
        np.testing.assert_allclose(rounded.sum(axis=2), 1)
        np.testing.assert_allclose(rounded * denominator, np.rint(rounded * denominator))
        assert np.abs(rounded - shares).max() <= 1 / denominator
    np.testing.assert_array_equal(rounded_shares(shares, 1).argmax(axis=2), shares.argmax(axis=2))


@pytest.mark.parametrize("levels", [1, 4, 64])
def test_pooled_values_are_few_near_and_zero_where_they_were(levels: int) -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random((500, 2)) < 0.2, 0.0, rng.normal(size=(500, 2)))
    out = pooled(values, np.ones(500), levels)
    for column, before in zip(out.T, values.T, strict=True):
        assert len(np.unique(column[before != 0])) <= levels
        np.testing.assert_array_equal(column == 0, before == 0)
        assert before.min() <= column.min() <= column.max() <= before.max()
    assert np.abs(out - values).mean() < 4 / levels


def test_a_wrong_twin_is_still_found() -> None:
    """Nothing is promised of the estimator's answer, everything of the C."""
    program = compress("tree", "float32")
    other = compress("tree", "float32", 0.9)
    assert other.header != program.header
    assert not replace(program, header=other.header).verify(CANCER)


def test_examples_in_docstrings() -> None:
    result = doctest.testmod(_coarse)
    assert result.attempted > 0
    assert result.failed == 0
