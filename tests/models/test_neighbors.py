"""Neighbours that vote."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.calls import twin_calls
from micromlgen.convert import convert
from micromlgen.models import _neighbors_inputs, _neighbors_rows
from micromlgen.program import Program
from micromlgen.quantize import quantize
from tests.cases import SANITIZE, Case, in_layout, integer_cases
from tests.models.test_tree import DIGIT, DIGITS, IRIS, SPECIES

Array = NDArray[Any]
FEW = np.arange(0, 150, 3)
X40, Y40 = IRIS[FEW], SPECIES[FEW]
TENTHS = IRIS.astype(float)
DIG = DIGITS[:90].astype("f4")
TWO = np.stack([SPECIES, SPECIES == 1], axis=1)
RNG = np.random.default_rng(0)
#: Off the grid of tenths, on which distances are often equal; the others are rows that no model has seen.
OFF = (IRIS + RNG.normal(scale=0.02, size=IRIS.shape)).astype("f4")
TRAIN, UNSEEN = OFF[FEW].astype(float), np.delete(OFF, FEW, axis=0)


def knn(k: int = 5, **options: Any) -> KNeighborsClassifier:
    return KNeighborsClassifier(k, **options)


def on_iris(name: str, estimator: Any, y: Any = SPECIES) -> Case:
    return Case(name, estimator.fit(TENTHS[FEW], np.asarray(y)[FEW]), X40)


FLOAT = [
    on_iris("nb_iris", knn()),
    on_iris("nb_outputs", knn(4, weights="distance", metric="manhattan"), TWO),
    on_iris("nb_cosine", knn(3, metric="cosine")),
    on_iris("nb_radius", RadiusNeighborsClassifier(0.6, weights="distance", outlier_label=2)),
    on_iris("nb_powers", knn(2, p=1.5, metric_params={"w": [1.0, 0.5, 2.0, 0.0]})),
    Case("nb_digits", knn(3).fit(DIG, DIGIT[:90]), DIG),
]
CASES = [
    *FLOAT,
    *integer_cases([FLOAT[1]], ("int16",)),
    *integer_cases([FLOAT[2], FLOAT[5]], ("int8",)),
    *integer_cases([FLOAT[3]], ("int16",)),
    *integer_cases([on_iris("nb_chebyshev", knn(1, metric="chebyshev"))], ("int16",)),
    Case("nb_wide", FLOAT[0].estimator, X40, {"dtype": "int16", "calibration": X40, "weights": "int16"}),
]

METRICS: list[dict[str, Any]] = [
    {"metric": "euclidean"},
    {"metric": "l2"},
    {"metric": "sqeuclidean"},
    {"metric": "manhattan"},
    {"metric": "cityblock"},
    {"metric": "l1"},
    {"metric": "chebyshev"},
    {"metric": "cosine"},
    {"metric": "minkowski", "p": 1},
    {"metric": "minkowski", "p": np.inf},
    {"metric": "minkowski", "p": 3},
    {"metric": "minkowski", "p": 2.5},
    {"metric": "minkowski", "p": 2, "metric_params": {"w": np.array([1.0, 2.0, 0.5, 3.0])}},
]


def named(options: dict[str, Any]) -> str:
    return "-".join(str(v) for v in options.values() if not isinstance(v, dict)) + "-w" * (
        "metric_params" in options
    )


def answers_in_c(program: Program, rows: Array, flags: tuple[str, ...] = SANITIZE) -> None:
    """Every function of the header on encoded rows, in all layouts: the C is the twin."""
    for layout in program.model.layouts():
        each = in_layout(program, program.name.snake, layout)
        expected = twin_calls(each.model, each.header, each.name, rows)
        results = core("host").run([e.call for e in expected], flags=(*flags, *STRICT), measure=False)
        for e, result in zip(expected, results, strict=True):
            assert not e.differs(result.y).any(), (layout.name, e.call.statement)


class TestFloat:
    @pytest.mark.parametrize("weights", ["uniform", "distance"])
    @pytest.mark.parametrize("metric", METRICS, ids=named)
    def test_k_neighbours_vote_as_in_scikit_learn(self, metric: dict[str, Any], weights: str) -> None:
        estimator = knn(4, weights=weights, **deepcopy(metric)).fit(TRAIN, Y40)
        program, wide = mm.transpile(estimator, name="nb"), UNSEEN.astype(float)
        decided = ~program.model.undecided(estimator, wide)[:, 0]
        assert decided.mean() > 0.95
        assert not program.model.unsure(UNSEEN)[decided].any()
        np.testing.assert_array_equal(program.predict(UNSEEN)[decided], estimator.predict(wide)[decided])
        proba = estimator.predict_proba(wide)
        np.testing.assert_allclose(program.predict_proba(UNSEEN)[decided], proba[decided], atol=1e-4)

    @pytest.mark.filterwarnings("ignore:Outlier label")
    @pytest.mark.parametrize("weights", ["uniform", "distance"])
    @pytest.mark.parametrize("metric", METRICS, ids=named)
    def test_a_radius_takes_in_what_it_does_in_scikit_learn(
        self, metric: dict[str, Any], weights: str
    ) -> None:
        radius = {"cosine": 0.001, "sqeuclidean": 0.2}.get(metric["metric"], 0.5)
        estimator = RadiusNeighborsClassifier(radius, weights=weights, outlier_label=-1, **deepcopy(metric))
        estimator.fit(TRAIN, Y40)
        program, wide = mm.transpile(estimator, name="nb"), UNSEEN.astype(float)
        decided = ~program.model.undecided(estimator, wide)[:, 0]
        assert decided.mean() > 0.9
        expected = estimator.predict(wide)
        assert 0 < (expected == -1).mean() < 1
        np.testing.assert_array_equal(program.predict(UNSEEN)[decided], expected[decided])

    @pytest.mark.parametrize("dtype", ["float32", "int16"])
    @pytest.mark.parametrize("radius", [0.0, 100.0, np.inf])
    def test_a_radius_of_nothing_and_of_everything(self, radius: float, dtype: str) -> None:
        estimator = RadiusNeighborsClassifier(radius, outlier_label=0).fit(np.rint(TENTHS[FEW] * 10), Y40)
        program = mm.transpile(estimator, name="nb", dtype=dtype, calibration=np.rint(X40 * 10))
        asked = np.concatenate([np.rint(X40[20:40] * 10), np.rint(UNSEEN[:20] * 10) + 5])
        np.testing.assert_array_equal(program.predict(asked), estimator.predict(asked.astype(float)))
        answers_in_c(program, program.quantize(asked))

    @pytest.mark.parametrize("dtype", ["float32", "int8"])
    def test_one_class_and_one_row(self, dtype: str) -> None:
        estimator = knn(1, weights="distance").fit([[0.1, 0.2]], ["only"])
        program = mm.transpile(estimator, name="nb", dtype=dtype, calibration=np.float32([[0.1, 0.2]]))
        assert program.predict(UNSEEN[:2, :2]).tolist() == ["only", "only"]
        assert program.predict_proba(UNSEEN[:2, :2]).tolist() == [[1.0], [1.0]]
        answers_in_c(program, program.quantize(UNSEEN[:2, :2]))

    @pytest.mark.parametrize("algorithm", ["brute", "kd_tree", "ball_tree"])
    def test_the_algorithm_does_not_matter(self, algorithm: str) -> None:
        estimator = knn(3, algorithm=algorithm).fit(TRAIN, Y40)
        assert mm.verify(estimator, UNSEEN)

    @pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array])
    def test_sparse_training_rows(self, make: Any) -> None:
        dense, thin = knn(3).fit(DIG, DIGIT[:90]), knn(3).fit(make(DIG), DIGIT[:90])
        assert mm.transpile(thin, name="nb").header == mm.transpile(dense, name="nb").header

    @pytest.mark.parametrize("name", ["float32", "float64"])
    def test_rows_that_scikit_learn_keeps_in_another_type(self, name: str) -> None:
        estimator = knn(3).fit(TENTHS[FEW].astype(name), Y40)
        assert mm.verify(estimator, UNSEEN)

    def test_several_outputs(self) -> None:
        y = np.stack(
            [np.array(["a", "b", "c"])[SPECIES], np.array(["no", "yes"])[(SPECIES == 1) * 1]], axis=1
        )
        estimator = knn(4, weights="distance").fit(TENTHS[FEW], y[FEW])
        program = mm.transpile(estimator, name="nb")
        np.testing.assert_array_equal(program.predict(UNSEEN), estimator.predict(UNSEEN.astype(float)))
        for got, proba in zip(
            program.predict_proba(UNSEEN), estimator.predict_proba(UNSEEN.astype(float)), strict=True
        ):
            np.testing.assert_allclose(got, proba, atol=1e-5)

    def test_rows_far_from_zero_lose_their_last_bits(self) -> None:
        """Training rows are float64: what float32 makes of them is in the contract, and no more than that."""
        far = TENTHS[FEW] + 1000.0
        estimator = knn(3).fit(far, Y40)
        program = mm.transpile(estimator, name="nb")
        assert 1e-5 < program.model.lost < 1e-4
        assert "which float32 training rows lose" in program.header
        assert program.verify(UNSEEN + np.float32(1000))
        assert mm.transpile(knn(3).fit(TRAIN, Y40)).model.lost == 0

    @pytest.mark.parametrize("value", [1e25, -1e25, 3e38, 1e-40])
    def test_what_overflows_or_underflows_gives_some_class(self, value: float) -> None:
        program = mm.transpile(FLOAT[0].estimator, name="nb")
        rows = np.full((2, 4), value, np.float32)
        answers_in_c(program, rows)
        assert set(program.predict(rows)) <= {0, 1, 2}

    def test_weights_at_no_distance(self) -> None:
        """Rows at no distance count alone, whatever stands near."""
        rows = np.array([[0.0, 0], [0, 0], [0, 0.5], [0, -0.5], [1, 1]])
        estimator = knn(5, weights="distance").fit(rows, [2, 1, 0, 0, 0])
        program, x = mm.transpile(estimator, name="nb"), np.float32([[0, 0], [0, 0.5], [1, 1], [0.1, 0]])
        np.testing.assert_allclose(
            program.predict_proba(x), estimator.predict_proba(x.astype(float)), atol=1e-6
        )
        assert program.predict(x).tolist() == estimator.predict(x).tolist() == [1, 0, 0, 1]
        answers_in_c(program, x)


@pytest.mark.filterwarnings("ignore:Outlier label")
class TestOutliers:
    @pytest.mark.parametrize("dtype", ["float32", "int16"])
    @pytest.mark.parametrize("label", [1, 7, "most_frequent"])
    def test_rows_without_neighbours(self, label: Any, dtype: str) -> None:
        y = np.r_[Y40[:40], [2] * 10]
        estimator = RadiusNeighborsClassifier(0.5, outlier_label=label).fit(TENTHS[FEW], y)
        program = mm.transpile(estimator, name="nb", dtype=dtype, calibration=X40)
        x = np.concatenate([np.float32([[0, 0, 0, 0], [4, 4, 4, 4]]), X40[:3]])
        np.testing.assert_array_equal(program.predict(x), estimator.predict(x.astype(float)))
        proba = estimator.predict_proba(x.astype(float))
        np.testing.assert_allclose(program.predict_proba(x), proba, atol=1e-4)
        assert "_N_CLASSES 3" in program.header
        assert program.predict_proba(x).shape == (5, 3)

    def test_the_label_of_outliers_has_an_index_of_its_own(self) -> None:
        estimator = RadiusNeighborsClassifier(0.5, outlier_label="none")
        estimator.fit(TENTHS[FEW], np.array(["setosa", "versicolor", "virginica"])[Y40])
        program = mm.transpile(estimator, name="nb")
        index = program.predict_index(np.zeros((1, 4), np.float32))
        assert index.tolist() == [3]
        assert '"none"' in program.header

    def test_one_for_each_output(self) -> None:
        estimator = RadiusNeighborsClassifier(0.4, outlier_label=[9, 0]).fit(
            TENTHS[FEW], TWO[FEW].astype(int)
        )
        program = mm.transpile(estimator, name="nb")
        x = np.concatenate([np.zeros((1, 4), np.float32), X40])
        np.testing.assert_array_equal(program.predict(x), estimator.predict(x.astype(float)))


class TestBehindScalers:
    @pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
    def test_a_standard_scaler(self, dtype: str) -> None:
        estimator = make_pipeline(StandardScaler(), knn(3)).fit(TENTHS[FEW], Y40)
        program = mm.transpile(estimator, name="nb", dtype=dtype, calibration=X40)
        assert program.verify(UNSEEN)
        assert (program.predict(UNSEEN) == estimator.predict(UNSEEN.astype(float))).mean() >= 0.99

    @pytest.mark.filterwarnings("ignore:Outlier label")
    def test_one_scale_for_all_features_is_taken_in(self) -> None:
        X = TENTHS[FEW] / TENTHS[FEW].max(axis=0) * 4
        estimator = make_pipeline(
            MaxAbsScaler(), RadiusNeighborsClassifier(0.1, weights="distance", outlier_label=-1)
        ).fit(X, Y40)
        program = mm.transpile(estimator, name="nb")
        assert type(program.model).__name__ == "NeighborsClassifier"
        assert program.model.rows.unit == 0.25
        assert program.verify((UNSEEN / TENTHS[FEW].max(axis=0) * 4).astype("f4"))

    def test_integers_are_as_fine_behind_a_scaler(self) -> None:
        pipeline = make_pipeline(StandardScaler(), knn(3)).fit(TENTHS[FEW], Y40)
        alone = knn(3).fit(pipeline[0].transform(TENTHS[FEW]), Y40)
        behind = mm.transpile(pipeline, dtype="int8", calibration=X40).model
        before = mm.transpile(alone, dtype="int8", calibration=pipeline[0].transform(TENTHS[FEW])).model
        assert behind.rows.values.max() >= 120
        np.testing.assert_allclose(behind.rows.values, before.rows.values, atol=1)

    def test_weighted_features_in_integers_are_refused_behind_what_is_no_scaler(self) -> None:
        model = convert(knn(3, metric_params={"w": np.array([4.0, 1, 1, 1])}).fit(TENTHS[FEW], Y40))
        with pytest.raises(
            ValueError, match=r"weights w behind transformers in integers .* w \*\* \(1 / 2\)"
        ):
            _neighbors_inputs.integer_rows(
                model.rows, model.input, quantize(convert(FLOAT[0].estimator), "int8", X40).input
            )


class TestRefusals:
    @pytest.mark.parametrize(
        ("estimator", "message"),
        [
            (knn(3, metric="canberra"), "metric 'canberra' cannot be ported; use euclidean, manhattan"),
            (knn(3, metric=lambda a, b: abs(a - b).sum()), "metric <lambda> cannot be ported; use euclidean"),
            (knn(3, metric="braycurtis"), "with metric 'braycurtis' cannot be ported"),
            (
                knn(3, weights=lambda d: 1 / (1 + d)),
                "weights of its own .* use weights='uniform' or 'distance'",
            ),
            (knn(3, p=0.5, algorithm="brute"), r"p=0.5 cannot be ported: .* use p of at least 1"),
            (RadiusNeighborsClassifier(1.0), r"outlier_label=None\) cannot be ported: .* 'most_frequent'"),
        ],
    )
    @pytest.mark.filterwarnings("ignore")
    def test_what_cannot_be_ported(self, estimator: Any, message: str) -> None:
        estimator.fit(TENTHS[FEW], Y40)
        with pytest.raises(ValueError, match=message):
            mm.transpile(estimator)

    def test_distances_that_are_given(self) -> None:
        estimator = knn(3, metric="precomputed").fit(np.ones((50, 50)), Y40)
        with pytest.raises(ValueError, match="metric 'precomputed' cannot be ported; use euclidean"):
            mm.transpile(estimator)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"p": 2.5}, "p=2.5 in integers cannot be ported; use dtype='float32' or a whole p"),
            ({"p": 3, "weights": "distance"}, "p=3 in integers can be ported for weights='uniform' only"),
            ({"metric": "cosine", "weights": "distance"}, "cosine in integers .* or a Normalizer before"),
        ],
    )
    def test_what_integers_do_not_compute(self, options: dict[str, Any], message: str) -> None:
        estimator = knn(3, **options).fit(TENTHS[FEW], Y40)
        with pytest.raises(ValueError, match=message):
            mm.transpile(estimator, dtype="int16", calibration=X40)

    def test_powers_beyond_32_bits(self) -> None:
        estimator = knn(3, p=8).fit(DIG, DIGIT[:90])
        with pytest.raises(ValueError, match="on 64 features overflows 32 bits; use dtype='float32'"):
            mm.transpile(estimator, dtype="int8", calibration=DIG)

    def test_a_width_beyond_the_inputs(self) -> None:
        with pytest.raises(ValueError, match="weights='int16' with inputs of int8 cannot be ported"):
            mm.transpile(FLOAT[0].estimator, dtype="int8", calibration=X40, weights="int16")

    @pytest.mark.parametrize("size", [1e-16, 1e19])
    def test_distances_beyond_float32(self, size: float) -> None:
        with pytest.raises(
            ValueError, match="leave the range of float32; scale the features before training"
        ):
            mm.transpile(knn(3).fit(TENTHS[FEW] * size, Y40))

    def test_rows_without_a_direction(self) -> None:
        rows = TENTHS[FEW].copy()
        rows[3] = 0
        with pytest.raises(
            ValueError, match="rows of zeros have no direction and cannot be ported; leave them out"
        ):
            mm.transpile(knn(3, metric="cosine").fit(rows, Y40))

    def test_missing_values(self) -> None:
        with pytest.raises(ValueError, match="does not accept NaN"):
            mm.transpile(FLOAT[0].estimator, missing="exact")


class TestCondensing:
    """`compress=`: fewer rows, of which one decides."""

    @pytest.mark.parametrize("dtype", ["float32", "int8"])
    def test_fewer_rows_agree_as_asked_for(self, dtype: str) -> None:
        mixed = np.random.default_rng(1).permutation(900)
        train, y = DIGITS[mixed[:500]] / 16, DIGIT[mixed[:500]]
        estimator = knn(5).fit(train, y)
        program = mm.transpile(estimator, name="nb", dtype=dtype, calibration=train, compress=0.9)
        report = program.compression
        assert report is not None
        assert report.agreement >= 0.9
        assert report.nodes_before == 500
        assert report.nodes_after < 60
        assert len(program.model.rows.values) == report.nodes_after
        assert report.flash_after < report.flash_before / 5
        assert f"training rows: 500 before, {report.nodes_after} after" in program.header
        assert "thresholds" not in str(report)
        unseen = (DIGITS[mixed[500:]] / 16).astype("f4")
        assert (program.predict(unseen) == estimator.predict(unseen.astype(float))).mean() > 0.85
        assert program.verify(unseen)

    def test_more_agreement_takes_more_rows(self) -> None:
        train = DIGITS[:300] / 16
        estimator = knn(3, weights="distance").fit(train, DIGIT[:300])
        kept = [
            mm.transpile(estimator, calibration=train, compress=floor).compression.nodes_after
            for floor in (0.93, 0.8)
        ]
        assert kept[0] > kept[1]

    def test_an_agreement_out_of_reach_leaves_the_model_as_it_is(self) -> None:
        y = RNG.integers(0, 3, 60)
        estimator = knn(5).fit(RNG.normal(size=(60, 4)), y)
        program = mm.transpile(estimator, name="nb", calibration=estimator._fit_X, compress=1.0)
        assert program.compression is None
        assert program.header == mm.transpile(estimator, name="nb", calibration=estimator._fit_X).header

    @pytest.mark.parametrize("estimator", [FLOAT[1].estimator, FLOAT[3].estimator])
    def test_what_cannot_be_condensed(self, estimator: Any) -> None:
        with pytest.raises(ValueError, match=r"cannot be compressed: .* and for classifiers by k neighbours"):
            mm.transpile(estimator, calibration=X40, compress=0.9)


def test_the_banner_says_what_answers() -> None:
    header = mm.transpile(FLOAT[0].estimator, name="nb").header
    assert (
        "neighbours: the 5 nearest of 50 training rows (euclidean); of equal distances the first row's"
        in header
    )
    header = mm.transpile(FLOAT[3].estimator, name="nb").header
    assert "neighbours: all within 0.6 of 50 training rows (euclidean)" in header
    assert "they vote with the inverse of their distance; those at no distance alone" in header


def test_what_the_contract_leaves_open_is_the_estimators_to_tell() -> None:
    """A twin that is wrong is found out: rows are excused by the estimator's distances alone."""
    estimator = FLOAT[0].estimator
    program = mm.transpile(estimator, name="nb")
    wrong = program.model.with_rows(
        _neighbors_rows.Rows(program.model.rows.values[::-1].copy(), program.model.rows.metric),
        program.model.input,
    )
    decided = ~wrong.undecided(estimator, UNSEEN.astype(float))[:, 0]
    assert decided.mean() > 0.95
    assert (wrong.decode(wrong.predict(UNSEEN)) != estimator.predict(UNSEEN.astype(float)))[decided].any()


@pytest.mark.parametrize("k", [1, 3, 8])
def test_equal_rows_of_one_class_leave_nothing_undecided(k: int) -> None:
    """As of a bootstrap: whichever of them are neighbours, they vote alike."""
    X, y = np.repeat(TRAIN, 6, axis=0), np.repeat(SPECIES[FEW], 6)
    estimator = knn(k).fit(X, y)
    assert not convert(estimator).undecided(estimator, UNSEEN.astype(float)).any()
    some = y.copy()
    some[::6] = (some[::6] + 1) % 3  # one of each six is of another class
    several = knn(k).fit(X, some)
    assert convert(several).undecided(several, UNSEEN.astype(float)).mean() > 0.5
    alike = knn(k).fit(np.zeros((200, 4)), np.zeros(200))  # more than are looked at
    assert convert(alike).undecided(alike, UNSEEN[:3].astype(float)).all()
