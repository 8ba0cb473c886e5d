"""Digits that no camera centred, in 3 KB of an Uno's flash: a tiny neural net against the classics.

    python examples/tinynet/compare.py

Every model is ported in int8 and measured on a simulated Uno. Of each classical kind the one counts that does
best on the test split among those that fit, which favours them, else the smallest; of nets there is but one.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.nn import distill, prune

MOVES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
BOARD = "uno"
BUDGET = 3072


class Result(NamedTuple):
    """A model on the board: share of the test split that its C gets right, bytes of flash, cycles."""

    what: str
    accuracy: float
    flash: int
    cycles: float


def data() -> tuple[Any, Any, Any, Any]:
    """Training rows, test rows and their classes: 8 by 8 pixels from 0 to 1, split before they are moved."""
    X, y = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=0)
    return moved(train), moved(test), np.tile(y_train, len(MOVES)), np.tile(y_test, len(MOVES))


def moved(X: Any) -> Any:
    """Each image where it is and a pixel to each side."""
    images = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    parts = [images[:, 1 - down : 9 - down, 1 - right : 9 - right] for down, right in MOVES]
    return np.concatenate(parts).reshape(-1, 64).astype(np.float32)


def measured(what: str, estimator: Any, train: Any, test: Any, y: Any) -> Result:
    """The estimator in int8 on the board."""
    program = mm.transpile(estimator, dtype="int8", calibration=train[::4], optimize="size", min_agreement=0)
    footprint = program.footprint(BOARD, test[:20])
    return Result(what, float((program.predict(test) == y).mean()), footprint.flash, footprint.cycles_mean)


def classical(train: Any, y: Any) -> Iterator[tuple[str, Callable[[], Iterator[tuple[str, Any]]]]]:
    """Kinds of models, each with what to try."""

    def trees() -> Iterator[tuple[str, Any]]:
        for depth in (10, 14):
            yield f"depth {depth}", DecisionTreeClassifier(max_depth=depth, random_state=0).fit(train, y)

    def forests() -> Iterator[tuple[str, Any]]:
        for n, depth in ((3, 5), (3, 6), (5, 4), (5, 5), (10, 4), (20, 3)):
            forest = RandomForestClassifier(n, max_depth=depth, random_state=0).fit(train, y)
            yield f"{n} trees of depth {depth}", forest

    def machines() -> Iterator[tuple[str, Any]]:
        for n in (20, 24, 28):
            yield f"trained on {n} rows", SVC(gamma=0.05, C=10).fit(train[:n], y[:n])

    def lines() -> Iterator[tuple[str, Any]]:
        yield "logistic regression", LogisticRegression(C=10, max_iter=1000).fit(train, y)

    yield "tree", trees
    yield "random forest", forests
    yield "SVM, RBF", machines
    yield "linear", lines


def net(train: Any, y: Any) -> Any:
    """40 neurons that learnt from a large forest, and half of their weights."""
    teacher = ExtraTreesClassifier(300, random_state=0).fit(train, y)
    student = distill(teacher, train, y, student=MLPClassifier((40,), random_state=0), epochs=150)
    return prune(student, train, y, keep=0.5, epochs=200)


def main() -> list[Result]:
    """Print the table of what fits."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--budget", type=int, default=BUDGET, help="bytes of flash (%(default)s)")
    budget = parser.parse_args().budget
    warnings.simplefilter("ignore", UserWarning)
    train, test, y_train, y_test = data()
    results = []
    for kind, tried in classical(train, y_train):
        every = [measured(f"{kind}: {what}", model, train, test, y_test) for what, model in tried()]
        fitting = [result for result in every if result.flash <= budget]
        smallest = min(every, key=lambda result: result.flash)
        results.append(max(fitting, key=lambda result: result.accuracy) if fitting else smallest)
    small = net(train, y_train)
    results.append(measured("tiny net: 40 neurons, half of their weights", small, train, test, y_test))
    print(small.compression_, end="\n\n")
    print("| model | accuracy | flash | cycles |\n|---|---|---|---|")
    for what, accuracy, flash, cycles in results:
        mark = " †" if flash > budget else ""
        print(f"| {what} | {accuracy:.3f} | {flash}{mark} | {cycles:.0f} |")
    print(f"\n† The smallest that was tried has more than {budget} bytes.")
    return results


if __name__ == "__main__":
    main()
