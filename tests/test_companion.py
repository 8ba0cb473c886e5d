"""The file beside a header that knows what the features looked like in training."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.companion import Companion, companion, read_companion
from micromlgen.errors import UnsupportedError

DRAW = np.random.default_rng(0)
X = np.stack([DRAW.normal(size=500), DRAW.integers(0, 3, 500), np.full(500, 7.0)], axis=1).astype(np.float32)
LABELS = np.array(["still", "walk ü"])[(X[:, 0] > 0).astype(int)]
MODEL = mm.transpile(DecisionTreeClassifier().fit(X, LABELS), name="gesture").model


def described(rows: np.ndarray = X) -> Companion:
    return companion("gesture", MODEL, rows)


def test_it_comes_back_as_it_was_written() -> None:
    text = described().text()
    assert text.isascii()
    assert read_companion(text) == described()
    assert read_companion(text).labels == ("still", "walk ü")
    assert companion("y", mm.transpile(DecisionTreeRegressor().fit(X, X[:, 0])).model, X).labels == ()


def test_each_row_is_in_one_bin() -> None:
    normal, small, constant = described().features
    for feature, column in zip((normal, small, constant), X.T, strict=True):
        assert sum(feature.counts) == 500
        assert feature.counts == tuple(feature.count(column))
        assert feature.counts[0] == feature.counts[-2] == feature.counts[-1] == 0  # beyond, and missing
        assert feature.mean == pytest.approx(column.mean(), abs=1e-6)
        assert feature.std == pytest.approx(column.std(), abs=1e-6)
    assert max(normal.counts) - min(normal.counts[1:-2]) <= 1  # deciles
    assert small.edges[1:] == (0, 1, 2)
    assert constant.edges[1:] == (7,)


def test_what_training_did_not_have_is_in_bins_of_its_own() -> None:
    column = np.float32([-9, 9, np.nan, np.inf, -np.inf, 7, 7])
    assert described().features[2].count(column).tolist() == [2, 2, 2, 1]
    assert described().features[1].count(np.float32([0, 1, 0.5, 2])).tolist() == [0, 1, 2, 1, 0, 0]


def test_a_feature_that_was_always_missing() -> None:
    rows = X.copy()
    rows[:, 0] = np.nan
    feature = described(rows).features[0]
    assert (feature.edges, feature.counts) == ((), (0, 500))
    assert feature.count(np.float32([1, np.nan])).tolist() == [1, 1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: {},
        lambda content: [],
        lambda content: {**content, "format": "other 1"},
        lambda content: {**content, "features": [{}]},
        lambda content: {**content, "features": [{**content["features"][0], "edges": [2, 1]}]},
        lambda content: {**content, "features": [{**content["features"][0], "counts": [1]}]},
        lambda content: {**content, "labels": 3},
        lambda content: {**content, "columns": ["y"]},
    ],
)
def test_other_files_are_refused(spoil: object) -> None:
    content = spoil(json.loads(described().text()))
    with pytest.raises(UnsupportedError, match=r"^no companion file .*: Program\.save writes one"):
        read_companion(json.dumps(content))
    with pytest.raises(UnsupportedError, match="no companion file"):
        read_companion(described().text()[:-9])
    with pytest.raises(UnsupportedError, match="no companion file"):
        read_companion("[" * 100_000)
