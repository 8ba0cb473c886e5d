"""Fitted models from files, read so that a file cannot do harm."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from micromlgen.cli.terminal import complain
from micromlgen.errors import UnsupportedError

#: Types of scikit-learn's that skops does not trust by itself. They hold numbers, and reading one runs
#: nothing that the file chooses; trees are checked besides, because compiled code follows their indices.
_HARMLESS = frozenset(
    {
        "collections.OrderedDict",
        "functools.partial",  # of a function that is trusted too
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils.validation.check_array",
    }
)
#: Extractors of this package.
_OWN = "micromlgen.features."


def read_model(path: Path, trust: bool) -> Any:
    """A fitted estimator from a file of skops, or if trusted of pickle or joblib.

    Raises
    ------
    UnsupportedError
        If the file is none of these, is spoilt, or would have to be trusted.
    """
    if not path.is_file():
        raise UnsupportedError(f"{path}: no such file")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = _read_skops(path, trust) if _is_skops(path) else _read_pickle(path, trust)
    for text in {str(warning.message).split(". ")[0] for warning in told}:
        complain(f"{path}: {text}")
    return model


def _is_skops(path: Path) -> bool:
    if path.suffix == ".skops" and not zipfile.is_zipfile(path):
        raise UnsupportedError(f"{path} is no file of skops, or cut short: write it again by skops.io.dump")
    return zipfile.is_zipfile(path)


def _read_pickle(path: Path, trust: bool) -> Any:
    if not trust:
        raise UnsupportedError(
            f"{path} is no file of skops; a pickle or joblib file can run any program as it is read: save "
            "the model with skops.io.dump(model, 'm.skops'), or add --trust if you made the file yourself"
        )
    try:
        return joblib.load(path)  # which reads pickles too
    except Exception as error:  # whatever the bytes of a file that is none make it do
        raise UnsupportedError(f"{path} cannot be read as a pickle or joblib file: {_told(error)}") from error


def _read_skops(path: Path, trust: bool) -> Any:
    try:
        from skops import io
    except ImportError:
        raise UnsupportedError("reading a model needs skops: pip install 'micromlgen[cli]'") from None
    try:
        unknown = io.get_untrusted_types(file=path)
        foreign = sorted(name for name in unknown if name not in _HARMLESS and not name.startswith(_OWN))
        if not foreign or trust:
            model = io.load(path, trusted=unknown)
    except Exception as error:  # whatever the contents of a spoilt file make it do
        raise UnsupportedError(f"{path} cannot be read as a file of skops: {_told(error)}") from error
    if foreign and not trust:
        raise UnsupportedError(
            f"{path} holds {', '.join(foreign)}, which is not known to be harmless; add --trust if you "
            "made this file yourself"
        )
    for tree, n_features in () if trust else _trees(model, set(), 0):
        if not _sound(tree, n_features):
            raise UnsupportedError(f"{path} holds a tree whose nodes lead nowhere: the file is spoilt")
    return model


def _told(error: Exception) -> str:
    """The first line of what an error says, which may be the whole of a file."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}..."


def _trees(value: Any, seen: set[int], n_features: int) -> Iterator[tuple[Any, int]]:
    """Every tree inside an estimator, whatever it stands in, and how many features its estimator takes."""
    if id(value) in seen or isinstance(value, (str, bytes, int, float, type(None))):
        return
    seen.add(id(value))
    if hasattr(value, "children_left") or type(value).__name__ == "TreePredictor":
        yield value, n_features
    elif isinstance(value, np.ndarray):
        yield from _trees(value.tolist(), seen, n_features) if value.dtype == object else ()
    elif isinstance(value, dict):
        yield from _trees(list(value.values()), seen, n_features)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _trees(each, seen, n_features)
    elif hasattr(value, "__dict__"):
        yield from _trees(vars(value), seen, getattr(value, "n_features_in_", n_features))


def _sound(tree: Any, n_features: int) -> bool:
    """Whether children follow their parents inside the tree, as scikit-learn grows it, and features exist."""
    if type(tree).__name__ == "TreePredictor":
        nodes = tree.nodes
        left, right, leaf = nodes["left"], nodes["right"], nodes["is_leaf"].astype(bool)
        feature = nodes["feature_idx"]
        sets = nodes["bitset_idx"][nodes["is_categorical"].astype(bool) & ~leaf]
        if (sets >= len(tree.raw_left_cat_bitsets)).any():
            return False
    else:
        left, right, feature = tree.children_left, tree.children_right, tree.feature
        leaf, n_features = left == -1, tree.n_features
    if not ((feature >= 0) & (feature < n_features))[~leaf].all():
        return False
    own = np.flatnonzero(~leaf)
    children = np.stack([left[own], right[own]]).astype(np.int64)
    return bool(((children > own) & (children < len(left))).all())
