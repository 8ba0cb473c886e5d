"""DecisionTree and ExtraTree."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

import micromlgen as mm
from tests.cases import Case, integer_cases

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = IRIS.astype(np.float32)
DIGITS, DIGIT = load_digits(return_X_y=True)
DIABETES, PROGRESSION = load_diabetes(return_X_y=True)
RNG = np.random.default_rng(0)


def with_holes(X: np.ndarray, share: float = 0.2) -> np.ndarray:
    """X with NaN in it."""
    holes = np.random.default_rng(1).random(X.shape) < share
    return np.where(holes, np.nan, X).astype(np.float32)


def chain(n: int) -> DecisionTreeRegressor:
    """A tree as deep as it has tests: each target outweighs all before it, so each split cuts off one row."""
    return DecisionTreeRegressor().fit(np.arange(n, dtype=float)[:, None], 2.0 ** np.arange(n))


def signed() -> tuple[np.ndarray, np.ndarray]:
    X = RNG.normal(scale=[1e-3, 1.0, 1e5], size=(120, 3)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(int) + (X[:, 1] + X[:, 2] / 1e5 > 0.5)


HOLES = with_holes(IRIS)
SIGNED, SIDE = signed()
TWO_TARGETS = np.stack([SPECIES, SPECIES == 1], axis=1)
FLOAT = [
    Case("dt_iris", DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES), IRIS),
    Case("dt_shallow", DecisionTreeClassifier(max_depth=2, random_state=0).fit(IRIS, SPECIES), IRIS),
    Case("dt_binary", DecisionTreeClassifier(random_state=0).fit(SIGNED, SIDE > 0), SIGNED),
    Case("dt_signed", DecisionTreeClassifier(random_state=0).fit(SIGNED, SIDE), SIGNED),
    Case(
        "dt_strings",
        DecisionTreeClassifier(random_state=0).fit(IRIS, np.array(["a", "b", "c"])[SPECIES]),
        IRIS,
    ),
    Case("dt_sparse_labels", DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES * 1000 - 7), IRIS),
    Case(
        "dt_weighted",
        DecisionTreeClassifier(max_depth=3, class_weight="balanced", random_state=0).fit(IRIS, SPECIES < 1),
        IRIS,
    ),
    Case("dt_outputs", DecisionTreeClassifier(max_depth=3, random_state=0).fit(IRIS, TWO_TARGETS), IRIS),
    Case("dt_one_node", DecisionTreeClassifier().fit(IRIS[:9], np.full(9, 5)), IRIS[:9]),
    Case("dt_missing", DecisionTreeClassifier(random_state=0).fit(HOLES, SPECIES), HOLES),
    Case(
        "dt_missing_asked",
        DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES),
        HOLES,
        {"missing": "exact"},
    ),
    Case("et_iris", ExtraTreeClassifier(random_state=0).fit(IRIS, SPECIES), IRIS),
    Case(
        "dtr_diabetes",
        DecisionTreeRegressor(max_depth=5, random_state=0).fit(DIABETES, PROGRESSION),
        DIABETES[:99].astype("f4"),
    ),
    Case(
        "dtr_outputs",
        DecisionTreeRegressor(max_depth=4, random_state=0).fit(IRIS[:, :3], IRIS[:, 2:] - 3),
        IRIS[:, :3],
    ),
    Case("dtr_deep", chain(120), np.arange(120, dtype=np.float32)[::7, None]),
    Case("dtr_one_node", DecisionTreeRegressor().fit(IRIS[:9], np.full(9, -2.5)), IRIS[:9]),
    Case(
        "dtr_missing",
        DecisionTreeRegressor(random_state=0, max_depth=6).fit(HOLES, IRIS[:, 0]),
        HOLES,
        {"missing": "exact"},  # scikit-learn 1.4.0 grows a tree that does not show it
    ),
    Case(
        "etr_diabetes",
        ExtraTreeRegressor(max_depth=5, random_state=0).fit(DIABETES, PROGRESSION),
        DIABETES[:99].astype("f4"),
    ),
]
CASES = [
    *FLOAT,
    *integer_cases(
        [
            c
            for c in FLOAT
            if c.name
            in (
                "dt_iris",
                "dt_signed",
                "dt_outputs",
                "dt_missing",
                "dtr_diabetes",
                "dtr_outputs",
                "dtr_missing",
            )
        ]
    ),
    # Trained on integers: scale 1, and no calibration set is needed.
    Case(
        "dt_counts",
        DecisionTreeClassifier(max_depth=6, random_state=0).fit(DIGITS, DIGIT),
        DIGITS[:200].astype("f4"),
        {"dtype": "int8"},
    ),
]


def test_leaf_probabilities_are_scikit_learns() -> None:
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(IRIS, SPECIES)
    program = mm.transpile(tree)
    np.testing.assert_array_equal(program.predict_proba(IRIS), tree.predict_proba(IRIS).astype(np.float32))


@pytest.mark.parametrize("optimize", ["size", "speed"])
def test_depth_is_not_limited_by_recursion(optimize: str) -> None:
    tree = chain(1020)
    tree.tree_.value[:] = np.log2(1 + tree.tree_.value)  # back to what float32 holds
    assert tree.get_depth() == 1019  # beyond Python's own limit
    X = np.arange(0, 1020, 5, dtype=np.float32)[:, None]
    assert mm.verify(tree, X, optimize=optimize)


def test_tests_between_equal_answers_are_left_out_of_predict() -> None:
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(IRIS, SPECIES)
    header = mm.port(tree, name="iris", optimize="speed")
    predict = header[header.index("int iris_predict(") : header.index("iris_predict_proba(")]
    probabilities = header[header.index("iris_apply(") : header.index("int iris_predict(")]
    assert predict.count("if (") < probabilities.count("if (") == tree.tree_.node_count - tree.get_n_leaves()


def test_thresholds_are_rounded_down() -> None:
    """x <= t stays exact for every float32 x, also where t lies between two of them."""
    x = np.float32([4, np.nextafter(np.float32(4), np.float32(5))])
    tree = DecisionTreeClassifier().fit(x[:, None], [0, 1])
    assert x[0] < tree.tree_.threshold[0] < x[1]
    assert mm.transpile(tree).predict(x[:, None]).tolist() == [0, 1]


def test_plain_integers_need_no_calibration() -> None:
    tree = DecisionTreeClassifier(random_state=0).fit(DIGITS, DIGIT)
    program = mm.transpile(tree, dtype="int8")
    np.testing.assert_array_equal(program.quantize(DIGITS), DIGITS)
    np.testing.assert_array_equal(program.predict(DIGITS), tree.predict(DIGITS))


def test_missing_values_are_noticed() -> None:
    assert mm.transpile(DecisionTreeClassifier(random_state=0).fit(HOLES, SPECIES)).model.input.missing
    never = mm.transpile(DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES))
    assert not never.model.input.missing
    with pytest.raises(ValueError, match="X has NaN, which this header does not follow"):
        never.predict(HOLES)


def test_values_beyond_float32_are_refused() -> None:
    tree = DecisionTreeRegressor().fit([[0.0], [1.0]], [0.0, 1e39])
    with pytest.raises(ValueError, match="beyond float32; scale the targets"):
        mm.transpile(tree)
