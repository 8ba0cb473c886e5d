"""What a `Program` predicts, and that it predicts as its C and its estimator do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.boards import core
from micromlgen.calls import predict_call
from micromlgen.errors import UnsupportedError

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = np.rint(10 * IRIS).astype(np.float32)  # millimetres: integers, so int16 is exact
TREE = DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES)
OUTPUTS = np.stack([SPECIES * 10, SPECIES == 1], axis=1)
FOREST = RandomForestClassifier(5, max_depth=3, random_state=0).fit(IRIS, np.array(["a", "b", "c"])[SPECIES])


@pytest.mark.parametrize(
    "y", [SPECIES, SPECIES * 10 + 10, np.array(["a", "b", "ü*/"])[SPECIES], SPECIES > 0, OUTPUTS]
)
@pytest.mark.parametrize("options", [{}, {"dtype": "int16", "calibration": IRIS}], ids=["float32", "int16"])
@pytest.mark.parametrize("kind", [DecisionTreeClassifier, RandomForestClassifier])
def test_predict_gives_the_estimators_own_classes(kind: Any, options: dict[str, Any], y: np.ndarray) -> None:
    estimator = kind(random_state=0).fit(IRIS, y)
    program = mm.transpile(estimator, **options)
    got, expected = program.predict(IRIS), estimator.predict(IRIS)
    np.testing.assert_array_equal(got, expected)
    assert got.dtype.kind == expected.dtype.kind
    probabilities, expected = program.predict_proba(IRIS), estimator.predict_proba(IRIS)
    for a, b in zip(probabilities, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("y", [IRIS[:, 0], IRIS[:, :3] - 5], ids=["one output", "three outputs"])
@pytest.mark.parametrize("options", [{}, {"dtype": "int16", "calibration": IRIS}], ids=["float32", "int16"])
@pytest.mark.parametrize("kind", [DecisionTreeRegressor, RandomForestRegressor])
def test_predict_gives_the_estimators_own_numbers(kind: Any, options: dict[str, Any], y: np.ndarray) -> None:
    estimator = kind(random_state=0).fit(IRIS, y)
    program = mm.transpile(estimator, **options)
    got = program.predict(IRIS)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, estimator.predict(IRIS), atol=1e-5)
    with pytest.raises(UnsupportedError, match=f"{kind.__name__} has no predict_proba"):
        program.predict_proba(IRIS)


@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
def test_quantize_then_predict_index_is_predict(dtype: str) -> None:
    program = mm.transpile(FOREST, dtype=dtype, calibration=IRIS, min_agreement=0)
    Q = program.quantize(IRIS)
    assert Q.dtype == dtype
    index = program.predict_index(Q)
    assert index.dtype == np.int32
    np.testing.assert_array_equal(FOREST.classes_[index], program.predict(IRIS))


def test_predict_index_is_what_the_c_returns() -> None:
    for estimator in (FOREST, RandomForestRegressor(3, random_state=0).fit(IRIS, IRIS[:, 0])):
        program = mm.transpile(estimator, dtype="int8", calibration=IRIS, min_agreement=0)
        Q = program.quantize(IRIS)
        [result] = core("host").run(
            [predict_call(program.model, program.header, program.name, Q)], measure=False
        )
        np.testing.assert_array_equal(result.y[:, 0], program.predict_index(Q))


@pytest.mark.parametrize(
    "Q",
    [
        IRIS.astype(np.float64),
        IRIS.astype(np.int16),
        IRIS[:, :3],
        IRIS[0],
        [[1, 2, 3, 4]],
        np.array([["a"] * 4]),
    ],
    ids=["float64", "int16", "three columns", "one row", "list of int", "strings"],
)
def test_predict_index_takes_encoded_rows_only(Q: Any) -> None:
    message = (
        r"Q has shape .* and dtype .*; float32 of shape \(n_rows, 4\) is needed: call quantize\(X\) first"
    )
    with pytest.raises(UnsupportedError, match=message):
        mm.transpile(TREE).predict_index(Q)


def test_calibration_rows_are_kept_as_they_were_given() -> None:
    calibration = IRIS.astype(np.float64)
    program = mm.transpile(TREE, dtype="int16", calibration=calibration)
    np.testing.assert_array_equal(program.calibration, IRIS)
    assert mm.transpile(TREE).calibration is None


def test_neither_estimator_nor_rows_are_changed() -> None:
    estimator = RandomForestClassifier(3, random_state=0, n_jobs=2).fit(IRIS, SPECIES)
    estimator.feature_names_in_ = np.array(list("abcd"), object)
    before, X = dict(vars(estimator)), IRIS.copy()
    program = mm.transpile(estimator, dtype="int16", calibration=X)
    program.predict(X)
    assert program.verify(X)
    assert vars(estimator) == before
    np.testing.assert_array_equal(X, IRIS)


class TestSave:
    def test_to_a_file(self, tmp_path: Path) -> None:
        program = mm.transpile(TREE, name="Iris")
        path = program.save(tmp_path / "new" / "folder" / "model.h")
        assert path == tmp_path / "new" / "folder" / "model.h"
        assert path.read_bytes() == program.header.encode("ascii")

    def test_to_an_existing_folder(self, tmp_path: Path) -> None:
        assert mm.transpile(TREE, name="SoundLevel").save(tmp_path) == tmp_path / "sound_level.h"

    def test_to_a_folder_yet_to_be_made(self, tmp_path: Path) -> None:
        path = mm.transpile(TREE, name="iris").save(f"{tmp_path}/Iris/")
        assert path == tmp_path / "Iris" / "iris.h"
        assert path.is_file()

    def test_again_over_the_old_one(self, tmp_path: Path) -> None:
        mm.transpile(TREE, name="iris").save(tmp_path)
        path = mm.transpile(FOREST, name="iris").save(tmp_path, force=True)
        assert "RandomForestClassifier" in path.read_text()


def test_one_row_of_python_numbers() -> None:
    assert mm.transpile(TREE).predict([[51, 35, 14, 2]]).tolist() == [0]
