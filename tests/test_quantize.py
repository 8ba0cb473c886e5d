"""From the estimator's numbers to those of the C: which rows are taken, which scales are chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.errors import AgreementError, UnsupportedError
from micromlgen.inputs import Input
from micromlgen.quantize import check_rows

IRIS, SPECIES = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES)
COUNTS = DecisionTreeClassifier(random_state=0).fit([[0, 5], [1, 5], [2, 5], [3, 5]], range(4))


@contextmanager
def right_or_refused(message: str) -> Iterator[None]:
    """Either an error that says this, or the assertions inside hold."""
    try:
        yield
    except UnsupportedError as error:
        if message not in str(error):
            raise


def scaled(X: list[list[float]], y: list[float], dtype: str, calibration: object = None) -> list[int]:
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    return mm.transpile(tree, dtype=dtype, calibration=calibration).model.input.exponents.tolist()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 2.0]], r"calibration has shape \(1, 2\); \(n_rows, 4\) is needed"),
        ([1.0, 2.0, 3.0, 4.0], r"calibration has shape \(4,\); \(n_rows, 4\) is needed"),
        (3.5, r"calibration has shape \(\); "),
        (np.zeros((2, 2, 4)), r"calibration has shape \(2, 2, 4\); "),
        ([], r"calibration has shape \(0,\); "),
        (np.zeros((0, 4)), "calibration has no rows"),
        ([["a", "b", "c", "d"]], "calibration is not an array of numbers: .*'a'"),
        ([[1, 2], [3]], "calibration is not an array of numbers"),
        ([[1j, 0, 0, 0]], "calibration is not an array of numbers"),
        (object(), "calibration is not an array of numbers"),
        ([[np.inf, 0, 0, 0]], "calibration has infinite values"),
        ([[0, 0, -np.inf, 0]], "calibration has infinite values"),
        ([[np.nan, 0, 0, 0]], "calibration has NaN, which this header does not follow; .* missing='exact'"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else type(value).__name__,
)
def test_calibration_rows_that_are_none(rows: object, message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"^{message}"):
        mm.port(TREE, dtype="int16", calibration=rows)


@pytest.mark.parametrize("X", [[[1e300, 0, 0, 0]], np.array([[-1e39, 0, 0, 0]])])
def test_rows_beyond_float32_are_refused_without_a_warning(X: object) -> None:
    with pytest.raises(UnsupportedError, match=r"X has infinite values \(or beyond float32\)"):
        mm.transpile(TREE).predict(X)


def test_imaginary_parts_are_not_dropped() -> None:
    with pytest.raises(UnsupportedError, match="X is not an array of numbers"):
        mm.transpile(TREE).predict(IRIS[:3] + 1j)


def test_wrong_rows_are_refused_in_float32_too() -> None:
    program = mm.transpile(TREE)
    for use in (program.predict, program.predict_proba, program.quantize, program.verify):
        with pytest.raises(UnsupportedError, match=r"^X has shape \(150, 3\); \(n_rows, 4\) is needed"):
            use(IRIS[:, :3])


def test_nan_is_taken_where_it_is_followed() -> None:
    rows = np.float32([[np.nan, 1.0]])
    got = check_rows(rows, Input(2, missing=True), "X")
    np.testing.assert_array_equal(got, rows)


def test_anything_like_an_array_of_numbers_is_taken() -> None:
    for rows in ([[1, 2]], ((1.0, 2.0),), np.array([[1, 2]], np.uint8), np.array([[True, False]])):
        got = check_rows(rows, Input(2), "X")
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, np.asarray(rows))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float64", "f4", "", None, np.int8, ["int8"]])
def test_unknown_dtype(dtype: object) -> None:
    with pytest.raises(UnsupportedError, match=r"^dtype=.*: use one of float32, int16, int8"):
        mm.port(TREE, dtype=dtype)


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_integers_need_calibration_where_features_are_not_integers(dtype: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"^dtype='{dtype}' needs calibration=X.*\(n_rows, 4\)"):
        mm.port(TREE, dtype=dtype)


def test_a_model_of_integers_needs_none_and_keeps_scale_one() -> None:
    assert mm.transpile(COUNTS, dtype="int8").model.input.exponents.tolist() == [0, 0]


def test_float32_has_no_scales() -> None:
    assert mm.transpile(TREE, calibration=IRIS).model.input.exponents is None


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_scales_are_the_largest_powers_of_two_that_fit(dtype: str) -> None:
    top = np.iinfo(dtype).max
    largest = np.array([0.013, 0.9, 77.7, 1e6])
    X = np.linspace(-1, 1, 20)[:, None] * largest
    tree = DecisionTreeClassifier(random_state=0).fit(X, np.arange(20) % 2)
    e = mm.transpile(tree, dtype=dtype, calibration=X, min_agreement=0).model.input.exponents
    assert (np.ldexp(largest, e) <= top - 1).all()
    assert (np.ldexp(largest, e + 1) > top - 1).all()


def test_a_feature_of_integers_keeps_scale_one_beside_others() -> None:
    X = [[0, 0.5], [100, 0.25], [50, 0.75], [25, 0.1]]
    assert scaled(X, [0, 1, 0, 1], "int8", X)[0] == 0
    assert scaled(X, [0, 1, 0, 1], "int8", X)[1] > 0


def test_thresholds_beyond_the_calibration_rows_still_fit() -> None:
    X = np.array([[0.5], [1000.5]])
    tree = DecisionTreeClassifier().fit(X, [0, 1])
    program = mm.transpile(tree, dtype="int16", calibration=X[:1])
    assert program.predict(X).tolist() == [0, 1]


def test_a_feature_that_is_always_zero_is_scaled_as_others_are() -> None:
    """As it is, its weight would be so much larger than theirs that none of them had any precision left."""
    X = np.random.default_rng(0).uniform(-1, 1, (90, 4)).astype(np.float32)
    X[:, 2] = 0
    estimator = LogisticRegression().fit(X.astype(float), X[:, 0] + X[:, 1] / 7 > 0)
    estimator.coef_[0, 2] = 3.0
    program = mm.transpile(estimator, dtype="int8", calibration=X)
    assert program.model.input.exponents is not None
    assert program.model.input.exponents.tolist() == [6, 6, 6, 6]
    whole = mm.transpile(estimator, dtype="int8", calibration=np.rint(5 * X), min_agreement=0.0)
    assert whole.model.input.exponents is not None
    assert not whole.model.input.exponents.any()


def test_a_feature_that_is_always_missing_or_zero_has_some_scale() -> None:
    X = np.array([[np.nan, 0.0, 1.25], [np.nan, 0.0, 2.5]])
    tree = DecisionTreeClassifier().fit(X, [0, 1])
    program = mm.transpile(tree, dtype="int8", calibration=X, missing="exact")
    assert program.predict(X).tolist() == [0, 1]


def test_integers_that_do_not_fit_are_not_rounded_in_silence() -> None:
    """Without calibration rows nobody measures what rounding to int8 does to 1000 and 1001."""
    X, y = [[0], [1], [1000], [1001]], [0, 1, 0, 1]
    tree = DecisionTreeClassifier().fit(X, y)
    with right_or_refused("calibration"):
        program = mm.transpile(tree, dtype="int8")
        assert program.predict(X).tolist() == y


@pytest.mark.parametrize(("dtype", "top"), [("int8", 127), ("int16", 32767)])
def test_the_highest_integer_as_a_threshold_is_not_saturated_onto(dtype: str, top: int) -> None:
    """126 and 128 are told apart at 127, which is also what 128 saturates to."""
    X = [[top - 1], [top + 1]]
    tree = DecisionTreeClassifier().fit(X, [0, 1])
    assert tree.tree_.threshold[0] == top
    with right_or_refused("calibration"):
        program = mm.transpile(tree, dtype=dtype)
        assert program.predict(X).tolist() == [0, 1]


def test_an_integer_port_that_agrees_too_little_is_refused() -> None:
    X = np.array([0.5, 1e6, 1e6 + 0.5, 1e6 + 1])[:, None]
    tree = DecisionTreeClassifier().fit(X, [0, 1, 0, 1])
    message = (
        "dtype='int8' agrees with DecisionTreeClassifier on 0.5000 of the calibration rows, .* use a wider dt"
    )
    with pytest.raises(AgreementError, match=message):
        mm.port(tree, dtype="int8", calibration=X)
    header = mm.port(tree, dtype="int8", calibration=X, min_agreement=0.5)
    assert "agreement with DecisionTreeClassifier on the calibration rows: 0.5000" in header


@pytest.mark.parametrize(
    ("values", "least", "dtype"),
    [
        (np.arange(4000.0), 0.9, "int8"),
        (np.arange(4000.0), 1, "int16"),
        (np.append(np.arange(3999.0) / 2**13, -1000), 1, "float32"),
    ],
)
def test_auto_is_the_narrowest_dtype_that_agrees(values: np.ndarray, least: float, dtype: str) -> None:
    X = values[:, None]
    tree = DecisionTreeClassifier().fit(X, np.arange(4000) > 1506)
    program = mm.transpile(tree, name="line", dtype="auto", calibration=X, min_agreement=least)
    assert program.model.input.dtype == dtype


def test_auto_needs_calibration_rows() -> None:
    with pytest.raises(UnsupportedError, match="dtype='auto' needs calibration=X"):
        mm.transpile(TREE, dtype="auto")


def test_agreement_of_regressors_is_within_a_hundredth_of_the_span() -> None:
    X = np.linspace(0, 1, 50)[:, None]
    tree = DecisionTreeRegressor(max_depth=3).fit(X, X[:, 0])
    assert "calibration rows: 1.0000" in mm.port(tree, dtype="int16", calibration=X)
    fine = np.linspace(0, 1, 600)[:, None]  # more steps than int8 has
    with pytest.raises(AgreementError, match="min_agreement=1"):
        mm.port(
            DecisionTreeRegressor().fit(fine, np.arange(600) % 2),
            dtype="int8",
            calibration=fine,
            min_agreement=1,
        )


def test_float32_is_never_measured() -> None:
    assert "agreement" not in mm.port(TREE, calibration=IRIS)


@pytest.mark.parametrize("scale", [1e-24, 1e-27, 1e-30, 1e-36])
def test_tiny_targets_are_kept_or_refused(scale: float) -> None:
    """The contract of forests: within 2e-6 of the span of y."""
    y = IRIS[:, 0] * scale
    forest = RandomForestRegressor(5, max_depth=3, random_state=0).fit(IRIS, y)
    with right_or_refused("scale the targets"):
        program = mm.transpile(forest)
        expected = forest.predict(IRIS.astype(np.float32))
        np.testing.assert_allclose(program.predict(IRIS), expected, atol=2e-6 * np.ptp(y), rtol=2**-24)


@pytest.mark.parametrize("options", [{}, {"dtype": "int8", "calibration": IRIS}], ids=["float32", "int8"])
@pytest.mark.parametrize("y", [np.zeros(150), np.stack([IRIS[:, 0], np.zeros(150)], axis=1)], ids=["1", "2"])
def test_targets_that_are_always_zero_are_zero(y: np.ndarray, options: dict[str, object]) -> None:
    forest = RandomForestRegressor(3, max_depth=3, random_state=0).fit(IRIS, y)
    got = mm.transpile(forest, min_agreement=0, **options).predict(IRIS)
    assert not got[..., -1].any() if y.ndim == 2 else not got.any()


@pytest.mark.parametrize("options", [{}, {"dtype": "int8", "calibration": IRIS}], ids=["float32", "int8"])
@pytest.mark.parametrize("optimize", ["size", "balanced", "speed"])
def test_targets_that_are_never_positive(optimize: str, options: dict[str, object]) -> None:
    """The largest value of a leaf is then a zero, which says nothing about the other outputs."""
    y = np.stack([-1.0 * (SPECIES == 1), -1.0 * (SPECIES == 2)], axis=1)
    forest = RandomForestRegressor(3, max_depth=2, random_state=0).fit(IRIS, y)
    report = mm.verify(forest, IRIS.astype(np.float32), optimize=optimize, min_agreement=0, **options)
    assert report, str(report)


class Frame:
    """As much of a table with named columns as is asked of one."""

    def __init__(self, values: np.ndarray, columns: list[str]) -> None:
        self.values, self.columns = values, columns

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.asarray(self.values, dtype)


def test_columns_in_another_order_are_refused() -> None:
    tree = DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES)
    tree.feature_names_in_ = np.array(list("abcd"), object)
    program = mm.transpile(tree)
    np.testing.assert_array_equal(program.predict(Frame(IRIS, list("abcd"))), program.predict(IRIS))
    with pytest.raises(UnsupportedError, match="X has other columns, or in another order"):
        program.predict(Frame(IRIS[:, ::-1], list("dcba")))


def test_decimals_whose_only_threshold_is_whole_need_calibration() -> None:
    tree = DecisionTreeClassifier().fit([[0.6], [1.4]], [0, 1])
    assert tree.tree_.threshold[0] == 1.0
    with pytest.raises(UnsupportedError, match="needs calibration=X"):
        mm.port(tree, dtype="int8")
