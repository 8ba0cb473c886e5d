"""Irises by four lengths that are typed in: the smallest example, a decision tree on an Uno."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier, plot_tree

import micromlgen as mm
from examples.common import plots
from examples.common.data import to_int16
from examples.common.outcome import Outcome, share
from examples.common.sketch import prepare, replay

HERE = Path(__file__).parent
BOARDS = ("uno", "mega", "nano33ble", "esp32c3")


def run(board: str, out: Path, quick: bool) -> Outcome:
    """Train on two thirds of the flowers, port, and let the board name the others."""
    iris = load_iris()
    names = iris.target_names[iris.target]
    train, test, y_train, y_test = train_test_split(
        iris.data, names, test_size=50, stratify=names, random_state=0
    )
    millimetres, asked = to_int16(10 * train), to_int16(10 * test)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(millimetres, y_train)
    of_floats = DecisionTreeClassifier(max_depth=3, random_state=0).fit(train, y_train)
    program = mm.transpile(tree, name="classify", dtype="int16", calibration=millimetres, target=board)

    folder = prepare(HERE, [program], out)
    said = program.predict(asked)
    answers = replay(folder, board, asked)

    with plots.figure(out / "classify.png", 7, 4) as axes:
        names = [name.replace(" (cm)", "") for name in iris.feature_names]
        plot_tree(
            tree, feature_names=names, class_names=list(tree.classes_), filled=True, impurity=False, ax=axes
        )
    return Outcome(
        title=f"{len(test)} flowers that the tree has not seen",
        answers=answers,
        expected=said,
        agreement=share(said, tree.predict(asked)),
        floats={"accuracy": share(of_floats.predict(test), y_test)},
        integers={"accuracy": share(said, y_test)},
        model=program.footprint(board, np.array(asked)),
        plot=out / "classify.png",
    )
