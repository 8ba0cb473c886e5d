"""The search among training rows: ties, the order of features, how rows are stored."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import RadiusNeighborsClassifier

import micromlgen as mm
from micromlgen.boards import core
from micromlgen.calls import twin_calls
from micromlgen.convert import convert
from micromlgen.models import _neighbors_found, _neighbors_labels, _neighbors_rows
from micromlgen.models import _neighbors_tables as tables
from micromlgen.quantize import quantize
from tests.cases import Case
from tests.models.test_neighbors import FEW, FLOAT, RNG, TENTHS, UNSEEN, Y40, answers_in_c, knn
from tests.models.test_tree import DIGIT, DIGITS

Array = NDArray[Any]
CASES: list[Case] = []


def by_hand(X: Array, rows: Array, k: int) -> Array:
    """Numbers of the k nearest rows, of equal distances the first: in exact integers, one by one."""
    out = []
    for x in X.astype(np.int64).tolist():
        distances = [
            sum((a - b) ** 2 for a, b in zip(x, w, strict=True)) for w in rows.astype(np.int64).tolist()
        ]
        out.append(sorted(range(len(rows)), key=lambda r: (distances[r], r))[:k])
    return np.array(out)


def knn_model(rows: Array, k: int = 3, dtype: str = "float32", **options: Any) -> Any:
    estimator = knn(k, **options).fit(rows, np.arange(len(rows)) % 3)
    return quantize(convert(estimator), dtype, rows.astype(np.float32))


class TestTies:
    """Equal distances go to the lowest training row, as the design says; nothing here is `unsure`."""

    GRID = RNG.integers(-3, 4, (60, 3))
    LABELS = RNG.integers(0, 4, 60)
    ASKED = RNG.integers(-4, 5, (80, 3))

    @pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
    @pytest.mark.parametrize("k", [1, 2, 3, 7, 59, 60])
    def test_the_first_of_equal_rows(self, k: int, dtype: str) -> None:
        estimator = knn(k).fit(self.GRID, self.LABELS)
        program = mm.transpile(estimator, name="nb", dtype=dtype, calibration=self.GRID, min_agreement=0)
        near = self.LABELS[by_hand(self.ASKED, self.GRID, k)]
        votes = np.stack([(near == c).sum(axis=1) for c in range(4)], axis=1)
        rows = program.quantize(self.ASKED)
        np.testing.assert_array_equal(program.predict_index(rows), votes.argmax(axis=1))
        atol = 0 if dtype == "float32" else 1e-4
        np.testing.assert_allclose(program.predict_proba(self.ASKED), (votes / k).astype("f4"), atol=atol)
        assert not program.model.unsure(rows).any()
        answers_in_c(program, rows)

    @pytest.mark.parametrize("dtype", ["float32", "int8"])
    @pytest.mark.parametrize("k", [1, 3, 10])
    def test_all_rows_are_equal(self, k: int, dtype: str) -> None:
        rows = np.ones((10, 2))
        program = mm.transpile(
            knn(k).fit(rows, [2, 1, 1, 0, 0, 0, 2, 2, 2, 2]), dtype=dtype, calibration=rows, min_agreement=0
        )
        expected = {1: 2, 3: 1, 10: 2}[k]
        assert program.predict(np.float32([[1, 1], [0, 5], [-7, 2]])).tolist() == [expected] * 3

    def test_all_distances_are_equal(self) -> None:
        corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
        program = mm.transpile(knn(3).fit(corners, [1, 1, 0, 0]), name="nb")
        assert program.predict(np.zeros((1, 2), np.float32)).tolist() == [1]
        answers_in_c(program, np.zeros((1, 2), np.float32))

    def test_equal_votes_go_to_the_lowest_class(self) -> None:
        rows = np.array([[0.0], [1], [2], [3]])
        program = mm.transpile(knn(4).fit(rows, [1, 1, 0, 0]), name="nb")
        assert program.predict(np.float32([[0], [3]])).tolist() == [0, 0]
        assert program.predict_proba(np.float32([[0]])).tolist() == [[0.5, 0.5]]

    @pytest.mark.parametrize("k", [1, 2, 4])
    def test_copies_are_stored_as_often_as_they_can_count(self, k: int) -> None:
        rows = np.repeat(self.GRID[:12], 9, axis=0)
        labels = RNG.integers(0, 4, len(rows))
        program = mm.transpile(
            knn(k).fit(rows, labels), name="nb", dtype="int8", calibration=rows, min_agreement=0
        )
        assert len(program.model.rows.values) == k * len(np.unique(self.GRID[:12], axis=0))
        near = labels[by_hand(self.ASKED, rows, k)]
        votes = np.stack([(near == c).sum(axis=1) for c in range(4)], axis=1)
        np.testing.assert_array_equal(program.predict(self.ASKED), votes.argmax(axis=1))

    @pytest.mark.filterwarnings("ignore:Outlier label")
    def test_a_radius_takes_in_its_border(self) -> None:
        rows = np.array([[0.0, 0], [3, 4], [0, 5.5]])
        for dtype in ("float32", "int16", "int8"):
            estimator = RadiusNeighborsClassifier(5, outlier_label=9).fit(rows, [1, 0, 0])
            program = mm.transpile(estimator, name="nb", dtype=dtype, calibration=rows)
            x = np.float32([[0, 0], [3, 4], [0, -0.5], [9, 9]])
            # Where the second row, 5 away, did not count, the first row would be alone.
            assert program.predict(x).tolist() == estimator.predict(x).tolist() == [0, 0, 1, 9]
            answers_in_c(program, program.quantize(x))

    def test_float_sums_that_are_exact_are_not_unsure(self) -> None:
        """Where all bits fit, the C has no freedom, and is compared even on ties."""
        model = knn_model(self.GRID / 8)
        assert not model.unsure(self.ASKED.astype("f4") / 8).any()
        beside = self.ASKED.astype("f4") / 8 + np.float32(1e-3)
        assert model.rows.slack(beside, model.rows.reduced(beside)).all()


class TestOrder:
    def test_what_differs_most_comes_first_and_constants_are_left_out(self) -> None:
        model = knn_model(DIGITS[:300])
        spread = DIGITS[:300].var(axis=0)
        assert model.rows.features is not None
        assert (np.diff(spread[model.rows.features]) <= 0).all()
        assert len(model.rows.features) == np.count_nonzero(spread) < 64
        assert model.rows.read < 25

    @pytest.mark.parametrize("options", [{"weights": "distance"}, {"metric": "chebyshev"}])
    def test_constants_stay_where_distances_matter(self, options: dict[str, Any]) -> None:
        rows = np.column_stack([TENTHS[FEW], np.zeros(50)])
        estimator = knn(3, **options).fit(rows, Y40)
        program = mm.transpile(estimator, name="nb")
        assert program.model.rows.values.shape[1] == 5
        off = np.column_stack([UNSEEN, np.full(100, 0.5)]).astype("f4")
        assert program.verify(off)

    def test_an_order_that_saves_little_is_not_taken(self) -> None:
        assert knn_model(RNG.normal(size=(60, 6))).rows.features is None

    @pytest.mark.parametrize("dtype", ["float32", "int8"])
    def test_no_answer_depends_on_it(self, dtype: str) -> None:
        rows = DIGITS[:300]
        program = mm.transpile(knn(3).fit(rows, DIGIT[:300]), dtype=dtype, calibration=rows)
        near = DIGIT[:300][by_hand(DIGITS[300:340], rows, 3)]
        votes = np.stack([(near == c).sum(axis=1) for c in range(10)], axis=1)
        np.testing.assert_array_equal(program.predict(DIGITS[300:340]), votes.argmax(axis=1))


class TestStorage:
    @pytest.mark.parametrize("highest", [1, 2, 4, 9, 17, 40, 100, 300, 1000, 2000, 4000])
    def test_packed_rows_are_the_same_rows(self, highest: int) -> None:
        values = RNG.integers(-3, highest - 2, (7, 11))
        values[0, 0], values[0, 1] = -3, highest - 3
        dtype = np.int8 if highest < 127 else np.int16
        rows = _neighbors_rows.Rows(values.astype(dtype), convert(FLOAT[0].estimator).rows.metric)
        stored = tables.packed(rows)
        if stored is None:
            assert highest == 100
            return
        assert np.concatenate(stored.tables).nbytes < rows.values.nbytes
        raw = np.concatenate(stored.tables)
        if stored.size == 3:
            raw = raw.reshape(7, -1, 3) @ np.array([1, 1 << 8, 1 << 16])
        shifts = stored.bits * np.arange(stored.count)
        fields = (raw.astype(np.int64)[:, :, None] >> shifts) & ((1 << stored.bits) - 1)
        np.testing.assert_array_equal(fields.reshape(7, -1)[:, :11] + stored.low, values)

    def test_float_rows_of_few_values_hold_their_numbers(self) -> None:
        model = knn_model(DIGITS[:200] / 16)
        rows, pooled = (next(x for x in model.layouts() if x.name == name) for name in ("rows", "pooled"))
        assert sum(pooled.tables) < sum(rows.tables) / 5
        assert tables.pooled(knn_model(RNG.normal(size=(60, 6))).rows) is None

    @pytest.mark.parametrize("n_classes", [2, 3, 5, 17, 300])
    def test_labels_are_packed(self, n_classes: int) -> None:
        rows = np.arange(640.0)[:, None]
        y = RNG.permutation(np.arange(640) % n_classes)
        program = mm.transpile(knn(1).fit(rows, y), name="nb")
        bits = {2: 1, 3: 2, 5: 4, 17: 8, 300: 16}[n_classes]
        assert program.model.stored_labels[0].data.nbytes == 640 * bits // 8
        np.testing.assert_array_equal(program.predict(rows), y)
        answers_in_c(program, rows.astype("f4"), ("-O1",))

    @pytest.mark.boards
    @pytest.mark.parametrize(
        ("optimize", "dtype"), [("speed", "int8"), ("size", "int8"), ("size", "float32")]
    )
    def test_all_digits_run_on_a_mega(self, optimize: str, dtype: str) -> None:
        """Tables of more than 32767 bytes, beyond the first 64 KB of flash."""
        train, test = DIGITS[:1347] / 16, DIGITS[1347:1350] / 16
        estimator = knn().fit(train, DIGIT[:1347])
        program = mm.transpile(
            estimator, name="nb", dtype=dtype, calibration=train, optimize=optimize, target="mega"
        )
        assert max(program.model.layouts()[0].tables) <= 32767
        rows = program.quantize(test)
        expected = twin_calls(program.model, program.header, program.name, rows)[:1]
        for e, result in zip(expected, core("avr").run([e.call for e in expected]), strict=True):
            np.testing.assert_array_equal(result.y, e.y)

    def test_modules_have_working_examples(self) -> None:
        for module in (_neighbors_found, _neighbors_labels, _neighbors_rows, tables):
            result = doctest.testmod(module)
            assert result.attempted
            assert not result.failed
