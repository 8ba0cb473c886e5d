"""The example of a tiny net: what it measures, not which model wins."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

COMPARE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "tinynet" / "compare.py"))


def test_images_move_by_a_pixel() -> None:
    image = np.arange(64.0).reshape(8, 8)
    here, right, left, down, up = COMPARE["moved"](image.reshape(1, 64)).reshape(5, 8, 8)
    assert (here == image).all()
    assert (right[:, 1:] == image[:, :-1]).all()
    assert (left[:, :-1] == image[:, 1:]).all()
    assert (down[1:] == image[:-1]).all()
    assert (up[:-1] == image[1:]).all()
    assert not any(np.concatenate([right[:, 0], left[:, -1], down[0], up[-1]]))


@pytest.mark.boards
def test_a_model_on_the_board() -> None:
    train, test, y, y_test = COMPARE["data"]()
    assert train.shape == (5 * 1347, 64)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(train, y)
    result = COMPARE["measured"]("tree", tree, train, test, y_test)
    assert result.accuracy == pytest.approx(tree.score(test, y_test), abs=0.02)
    assert 0 < result.flash < 1000
    assert result.cycles > 0
