"""What users of such tools ran into: each case went wrong somewhere, and scikit-learn says what is right.

Names like micromlgen#16 are issues in the trackers of those tools; other cases were found by running them.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.ensemble import (
    ExtraTreesClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.boards import STRICT, board, core
from micromlgen.boards.arduino import include_flags
from micromlgen.calls import predict_call, proba_call
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Classifier
from micromlgen.program import Program

DIGITS, DIGIT = load_digits(return_X_y=True)
IRIS, SPECIES = load_iris(return_X_y=True)
CANCER, MALIGNANT = load_breast_cancer(return_X_y=True)
RNG = np.random.default_rng(0)


def c_predict(program: Program, X: np.ndarray) -> np.ndarray:
    """What the compiled header predicts, as scikit-learn would say it."""
    call = predict_call(program.model, program.header, program.name, program.quantize(X))
    [result] = core("host").run([call], flags=("-O1", *STRICT), measure=False)
    y = result.y[:, 0]
    return program.model.classes[0][y] if isinstance(program.model, Classifier) else y.astype(float)


def c_proba(program: Program, X: np.ndarray) -> np.ndarray:
    call = proba_call(program.model, program.header, program.name, program.quantize(X))
    [result] = core("host").run([call], flags=("-O1", *STRICT), measure=False)
    return result.y


@pytest.mark.parametrize("optimize", ["size", "speed"])
@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_forests_average_shares_instead_of_counting_trees(kind: Any, optimize: str) -> None:
    """emlearn#12, sklearn-porter#35, #52; micromlgen 1.x: 0.936 at depth 4 with 15 trees."""
    forest = kind(15, max_depth=4, random_state=0).fit(DIGITS, DIGIT)
    votes = np.stack([tree.predict(DIGITS).astype(int) for tree in forest.estimators_])
    hard = np.array([np.bincount(column).argmax() for column in votes.T])
    soft = forest.predict(DIGITS)
    assert (hard != soft).mean() > 0.02
    np.testing.assert_array_equal(c_predict(mm.transpile(forest, optimize=optimize), DIGITS), soft)


@pytest.mark.parametrize("n_trees", [256, 257])
def test_votes_of_256_trees_do_not_wrap(n_trees: int) -> None:
    """micromlgen 1.x counts votes in uint8_t: agreement fell from 0.998 to 0.670."""
    forest = RandomForestClassifier(n_trees, random_state=0).fit(CANCER, MALIGNANT)
    X = CANCER[:200]
    assert (forest.predict_proba(X).max(axis=1) == 1).any()
    np.testing.assert_array_equal(c_predict(mm.transpile(forest, optimize="size"), X), forest.predict(X))


@pytest.mark.parametrize("options", [{}, {"dtype": "int16"}], ids=["float32", "int16"])
def test_a_feature_equal_to_its_threshold_goes_left(options: dict[str, Any]) -> None:
    """emlearn compares with `<`: on features that are integers it was off by up to 20.7."""
    X = RNG.integers(0, 12, (300, 4)) * 2.0
    y = X @ [1.0, -2.0, 3.0, 0.5]
    forest = RandomForestRegressor(10, random_state=0).fit(X, y)
    between = np.concatenate([X, X + RNG.integers(0, 2, X.shape)])
    reached = forest.estimators_[0].tree_
    inner = reached.children_left >= 0
    assert np.isin(reached.threshold[inner], between).any()
    program = mm.transpile(forest, **options)
    scale = program.model.output_scale if options else 1.0
    np.testing.assert_allclose(
        c_predict(program, between) * scale, forest.predict(between), atol=2e-6 * np.ptp(y)
    )


def test_features_are_not_truncated_to_integers_by_default() -> None:
    """emlearn#9, #115: with its default dtype iris agreed at 0.333, in silence."""
    forest = RandomForestClassifier(10, random_state=0).fit(IRIS / 10, SPECIES)
    X = (IRIS / 10).astype(np.float32)
    np.testing.assert_array_equal(c_predict(mm.transpile(forest), X), forest.predict(X))
    with pytest.raises(UnsupportedError, match="needs calibration=X"):
        mm.port(forest, dtype="int16")


def test_integers_are_scaled_by_themselves() -> None:
    """emlearn#9, #75: users scaled features and thresholds by hand."""
    X = RNG.random((500, 8))  # the case of emlearn#9
    y = RNG.integers(0, 4, 500)
    forest = RandomForestClassifier(11, max_depth=6, random_state=0).fit(X, y)
    program = mm.transpile(forest, dtype="int16", calibration=X)
    agreement = (c_predict(program, X) == forest.predict(X.astype(np.float32))).mean()
    assert agreement >= 0.99
    assert f"calibration rows: {agreement:.4f}" in program.header


def test_features_are_compared_as_float32() -> None:
    """m2cgen compares doubles; scikit-learn casts x to float32 first (scikit-learn#11165, treelite#250)."""
    x = np.float64([4.0, 4.0 + 2.0**-20])  # two float32 steps
    tree = DecisionTreeClassifier().fit(x[:, None], [0, 1])
    threshold = tree.tree_.threshold[0]
    assert x[0] < threshold < x[1]
    near = (threshold + 2.0**-24 * np.arange(-7, 8))[:, None]  # within one step
    expected = tree.predict(near)
    assert (expected != (near[:, 0] > threshold)).any()
    np.testing.assert_array_equal(c_predict(mm.transpile(tree), near), expected)


@pytest.mark.parametrize(
    "labels", [[10, 20, 30], ["setosa", "versicolor", "virginica"], [-1, 0, 7], [1.0, 2.0, 4.0]], ids=str
)
def test_labels_come_back_as_themselves(labels: list[Any]) -> None:
    """10, 20, 30 came back as 0, 1, 2: the index is in the C, the label is one call away."""
    y = np.array(labels)[SPECIES]
    for estimator in (DecisionTreeClassifier(random_state=0), RandomForestClassifier(5, random_state=0)):
        estimator.fit(IRIS, y)
        program = mm.transpile(estimator)
        X = IRIS.astype(np.float32)
        np.testing.assert_array_equal(program.predict(X), estimator.predict(X))
        np.testing.assert_array_equal(c_predict(program, X), estimator.predict(X))


def test_the_leaves_of_a_tree_keep_their_labels() -> None:
    """emlearn#103: right thresholds, wrong labels."""
    X, y = load_iris(return_X_y=True)
    order = np.argsort(RNG.random(150))
    tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=3, random_state=0).fit(X[order], y[order])
    leaves = np.flatnonzero(tree.tree_.children_left < 0)
    one_row_a_leaf = X[[np.flatnonzero(tree.apply(X) == leaf)[0] for leaf in leaves]]
    np.testing.assert_array_equal(
        c_predict(mm.transpile(tree), one_row_a_leaf), tree.tree_.value[leaves, 0].argmax(axis=1)
    )


def test_a_regression_forest_gives_different_answers_for_different_rows() -> None:
    """micromlgen#16: one single output for every input."""
    X, y = load_diabetes(return_X_y=True)
    forest = RandomForestRegressor(10, random_state=0).fit(X, y)
    rows = X.astype(np.float32)
    got = c_predict(mm.transpile(forest), rows)
    assert len(np.unique(got)) > 200
    np.testing.assert_allclose(got, forest.predict(rows), atol=2e-6 * np.ptp(y), rtol=2**-24)


def test_an_unfitted_tree_is_a_clear_error() -> None:
    """micromlgen#12: AttributeError: 'DecisionTreeRegressor' object has no attribute 'tree_'."""
    with pytest.raises(
        UnsupportedError, match=r"DecisionTreeRegressor is not fitted; call fit\(X, y\) first"
    ):
        mm.port(DecisionTreeRegressor(random_state=0))


def test_every_classifier_has_probabilities() -> None:
    """sklearn-porter#13, emlearn#112."""
    for estimator in (
        DecisionTreeClassifier(max_depth=3, random_state=0),
        RandomForestClassifier(7, max_depth=3, random_state=0),
        ExtraTreesClassifier(7, max_depth=3, random_state=0),
    ):
        estimator.fit(IRIS, SPECIES)
        X = IRIS.astype(np.float32)
        np.testing.assert_allclose(c_proba(mm.transpile(estimator), X), estimator.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("weights", [{0: 1, 1: 30}, "balanced"])
def test_leaves_of_weighted_samples_are_shares_too(weights: Any) -> None:
    """sklearn-porter#92: what `tree_.value` holds has changed between releases of scikit-learn."""
    y = SPECIES == 1
    forest = RandomForestClassifier(5, max_depth=2, class_weight=weights, random_state=0).fit(IRIS, y)
    X = IRIS.astype(np.float32)
    np.testing.assert_allclose(c_proba(mm.transpile(forest), X), forest.predict_proba(X), atol=1e-6)


def test_more_nodes_than_16_bits_number() -> None:
    """emlearn#80: node 66413 became node 877."""
    X = np.arange(70_000, dtype=np.float32)[:, None]
    y = X[::-1, 0].astype(float)
    tree = DecisionTreeRegressor(random_state=0).fit(X, y)
    assert tree.tree_.node_count > 2 * 65_536
    rows = X[::50]
    np.testing.assert_array_equal(c_predict(mm.transpile(tree, optimize="size"), rows), tree.predict(rows))


@pytest.mark.parametrize("n_features", [127, 128, 129, 255, 256, 257, 1000])
def test_more_features_than_7_or_8_bits_number(n_features: int) -> None:
    """emlearn#92: above 127 features the C was wrong, without an error."""
    X = RNG.random((60, n_features)).astype(np.float32)
    y = (X[:, -1] > 0.5) * 2 + (X[:, 0] > 0.5)
    holes = np.where(X > 0.97, np.nan, X)
    for rows in (X, holes):  # with missing values, features are stored with one bit more
        tree = DecisionTreeClassifier(random_state=0, max_features=None).fit(rows, y)
        assert {0, n_features - 1} <= set(tree.tree_.feature)
        program = mm.transpile(tree, optimize="size", missing="exact")
        np.testing.assert_array_equal(c_predict(program, rows), tree.predict(rows))


def test_a_large_forest_is_a_compact_table() -> None:
    """m2cgen#88, #94, sklearn-porter#69: hundreds of kilobytes, and compilers out of memory."""
    X = RNG.random((4000, 6)).astype(np.float32)
    forest = RandomForestClassifier(12, random_state=0).fit(X, (X[:, 0] + X[:, 1] * X[:, 2] * 4).astype(int))
    n_nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    assert n_nodes > 6_000
    program = mm.transpile(forest, optimize="size")
    assert program.layout == "table"
    assert len(program.header) < 20 * n_nodes
    np.testing.assert_array_equal(c_predict(program, X[:500]), forest.predict(X[:500]))


def test_straight_code_is_not_nested() -> None:
    """m2cgen#94, #590: what exhausts a compiler is one function with everything inside each other."""
    X = RNG.random((2000, 6)).astype(np.float32)
    forest = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0])
    header = mm.port(forest, optimize="speed")
    depth = np.cumsum([(c == "{") - (c == "}") for c in re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)])
    assert depth.max() <= 6
    assert max(map(len, header.splitlines())) < 200


FOREST = RandomForestClassifier(5, max_depth=4, random_state=0).fit(IRIS, SPECIES)
MAIN = """
#include "forest.h"
static Eloquent::ML::Port::RandomForest classifier;
int main() {
    float x[] = {5.1f, 3.5f, 1.4f, 0.2f};
    return classifier.predict(x) + classifier.predictLabel(x)[0] + classifier.idxToLabel(0)[0];
}
"""


@pytest.mark.boards
@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("optimize", ["size", "speed"])
def test_headers_compile_for_an_uno_as_generated(dtype: str, optimize: str) -> None:
    """EloquentArduino#18, #21: micromlgen 1.x includes <cstdarg>, which avr-gcc does not have."""
    header = mm.port(FOREST, dtype=dtype, optimize=optimize, calibration=IRIS, min_agreement=0)
    main = (
        MAIN if dtype == "float32" else MAIN.replace("float", "int8_t").replace(".1f", "").replace(".5f", "")
    )
    main = re.sub(r"(\d)\.\df", r"\1", main) if dtype == "int8" else main
    avr = board("uno").core
    avr.compile({"main.cpp": main, "forest.h": header}, language="c++", flags=("-Os", *STRICT))
    sketch = {"main.cpp": f"#include <Arduino.h>\n{main}", "forest.h": header}
    avr.compile(sketch, language="c++", flags=("-Os", "-w", "-c", *include_flags("uno")))


def test_a_header_may_be_included_from_several_files() -> None:
    """emlearn#15: multiple definition of the model."""
    header = mm.port(FOREST)
    includes = '#include "forest.h"\n#include "forest.h"\n'
    files = {
        "forest.h": header,
        "a.c": f"{includes}int other(const float *x);\nint other(const float *x)"
        "{ return random_forest_predict(x); }\n",
        "main.c": f"{includes}int other(const float *x);\n"
        "int main(void) { const float x[4] = {0}; return other(x) - random_forest_predict(x); }\n",
    }
    for language in ("c", "c++"):
        core("host").compile(files, language=language, flags=STRICT)


@pytest.mark.boards
@pytest.mark.parametrize("optimize", ["size", "speed"])
@pytest.mark.parametrize("kind", [RandomForestClassifier, RandomForestRegressor, DecisionTreeClassifier])
def test_integers_need_no_float_routine(kind: Any, optimize: str) -> None:
    """emlearn#75, #77: on a core without FPU, soft float costs more than the model."""
    options = {} if kind is DecisionTreeClassifier else {"n_estimators": 5}
    estimator = kind(max_depth=4, random_state=0, **options).fit(DIGITS, DIGIT)
    program = mm.transpile(estimator, dtype="int8", optimize=optimize)
    call = predict_call(program.model, program.header, program.name, program.quantize(DIGITS[:1]))
    for name in ("avr", "cortex-m0plus", "rv32imc"):
        brought = core(name).symbols(call)
        assert not {s for s in brought if re.search(r"sf[23]?$|_f(add|mul|cmp|2)|fp_", s)}, brought
