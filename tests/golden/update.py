"""The models behind the golden headers; ``python -m tests.golden.update`` writes those headers anew.

Do so when a change of the generated C is meant, and read the difference before you commit it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm

FOLDER = Path(__file__).parent

# Every split below is better than any other by far, and every number is exact in binary: all versions of
# scikit-learn grow the same trees, whatever their random numbers are.
X = np.array([[0, -2], [5, -1], [3, -0.5], [4, 0.25], [2.5, 1], [2, 1.5], [7, 2.5], [6, 4]], np.float32)
CLASS = np.array([0, 0, 0, 1, 1, 2, 2, 2])
VALUE = np.array([-4.0, -4.0, -3.25, 8.0, 8.0, 1.0, 1.0, 1.75])
COUNTS = np.array([[0, 9], [1, 2], [2, 30], [5, 4], [6, 70], [8, 6], [9, 120], [12, 8]], np.float32)


def tree(y: np.ndarray, rows: slice = slice(None), X: np.ndarray = X, **options: Any) -> Any:
    """One tree on some of the rows."""
    kind = DecisionTreeRegressor if y.dtype.kind == "f" else DecisionTreeClassifier
    return kind(**{"random_state": 0, **options}).fit(X[rows], y[rows])


def forest(y: np.ndarray, n_trees: int, X: np.ndarray = X, **options: Any) -> Any:
    """A forest whose trees leave out one row each, instead of a bootstrap's random ones."""
    kind = RandomForestRegressor if y.dtype.kind == "f" else RandomForestClassifier
    seed = options.pop("random_state", 0)
    fitted = kind(n_trees, bootstrap=False, max_features=None, random_state=seed, **options).fit(X, y)
    for t, grown in enumerate(fitted.estimators_):
        kept = np.delete(np.arange(len(X)), (0, 1, 2, 3, 4, 6, 7)[t % 7])
        grown.fit(X[kept], y[kept].astype(float))
    return fitted


#: Of each header, the estimator for a given random_state, and the options of `port`.
GOLDEN: Mapping[str, tuple[Callable[[int], Any], Mapping[str, Any]]] = {
    "tree_code": (
        lambda seed: tree(np.array(["low", "mid", 'top*/"'])[CLASS], random_state=seed),
        {"name": "Level", "optimize": "speed"},
    ),
    "tree_table": (lambda seed: tree(VALUE, random_state=seed), {"name": "curve", "optimize": "size"}),
    "tree_missing": (
        lambda seed: tree(CLASS * 10, random_state=seed),
        {"name": "holes", "optimize": "speed", "missing": "exact"},
    ),
    "tree_outputs": (
        lambda seed: tree(np.stack([CLASS, CLASS // 2], axis=1), random_state=seed),
        {"name": "two", "optimize": "size"},
    ),
    "forest_code": (
        lambda seed: forest(CLASS, 3, max_depth=1, random_state=seed),
        {"name": "vote", "optimize": "speed"},
    ),
    "forest_table": (
        lambda seed: forest(CLASS, 16, max_depth=2, random_state=seed),
        {"name": "watched", "optimize": "size"},
    ),
    "forest_int8": (
        lambda seed: forest(CLASS, 3, COUNTS, random_state=seed),
        {"name": "counts", "dtype": "int8", "optimize": "balanced", "calibration": COUNTS},
    ),
    "boosting_heap": (
        lambda seed: GradientBoostingClassifier(n_estimators=17, max_depth=1, random_state=seed).fit(
            X, CLASS > 1
        ),
        {"name": "boost", "optimize": "size"},
    ),
    "boosting_code": (
        lambda seed: GradientBoostingRegressor(n_estimators=2, max_depth=1, random_state=seed).fit(X, VALUE),
        {"name": "raise_by", "optimize": "speed", "target": "pico"},
    ),
    "forest_regressor": (
        lambda seed: forest(VALUE, 4, max_depth=1, random_state=seed),
        {"name": "mean", "optimize": "speed", "target": "uno"},
    ),
}


def header(name: str, seed: int = 0) -> str:
    """What the library gives now."""
    make, options = GOLDEN[name]
    return mm.port(make(seed), **options)


def main() -> None:
    """Write all golden headers, and remove those that no model stands behind."""
    for path in FOLDER.glob("*.h"):
        if path.stem not in GOLDEN:
            path.unlink()
    for name in GOLDEN:
        (FOLDER / f"{name}.h").write_text(header(name), encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
