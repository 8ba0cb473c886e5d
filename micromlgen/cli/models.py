"""Fitted models from files, read so that a file cannot do harm."""

from __future__ import annotations

import importlib
import warnings
import zipfile
from pathlib import Path
from typing import Any

import joblib
from sklearn.base import BaseEstimator

from micromlgen.cli.sound import make_sound
from micromlgen.cli.terminal import complain
from micromlgen.errors import UnsupportedError
from micromlgen.nn import load_onnx, load_tflite

#: What reads nets, by the ends of their names.
_NETS = {".tflite": load_tflite, ".onnx": load_onnx}
_KERNELS = (
    "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Hyperparameter Matern Product "
    "RBF RationalQuadratic Sum WhiteKernel"
).split()
_METRICS = (
    "BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Mahalanobis Manhattan Minkowski "
    "RogersTanimoto RussellRao SEuclidean SokalMichener SokalSneath Yule"
).split()
_BITS = ("", "32", "64")
#: Types of scikit-learn's that skops does not trust by itself. They hold numbers, and reading one runs
#: nothing that the file chooses; `make_sound` sees to those that compiled code follows.
_HARMLESS = frozenset(
    {
        "collections.OrderedDict",
        "functools.partial",  # of a function that is trusted too
        "micromlgen.nn._report.Cost",
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils.validation.check_array",
        *(f"sklearn.gaussian_process.kernels.{kernel}" for kernel in _KERNELS),
        *(f"sklearn.metrics._dist_metrics.{metric}Distance{bits}" for metric in _METRICS for bits in _BITS),
    }
)


def read_model(path: Path, trust: bool) -> Any:
    """A fitted estimator from a file of skops, or if trusted of pickle or joblib.

    A net from a .tflite or .onnx file.

    Raises
    ------
    UnsupportedError
        If the file is none of these, is spoilt, or would have to be trusted.
    """
    if not path.is_file():
        raise UnsupportedError(f"{path}: no such file")
    if path.suffix in _NETS:
        return _NETS[path.suffix](path)
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
        foreign = sorted(name for name in unknown if name not in _HARMLESS and not _is_own(name))
        if not foreign or trust:
            model = io.load(path, trusted=unknown)
    except Exception as error:  # whatever the contents of a spoilt file make it do
        raise UnsupportedError(f"{path} cannot be read as a file of skops: {_told(error)}") from error
    if foreign and not trust:
        raise UnsupportedError(
            f"{path} holds {', '.join(foreign)}, which is not known to be harmless; add --trust if you "
            "made this file yourself"
        )
    if not trust and not make_sound(model):
        raise UnsupportedError(f"{path} holds a tree whose nodes lead nowhere: the file is spoilt")
    return model


def _is_own(name: str) -> bool:
    """Whether this names an extractor of this package."""
    module, _, cls = name.rpartition(".")
    if not module.startswith("micromlgen.features."):
        return False
    found = getattr(importlib.import_module(module), cls, None)
    return isinstance(found, type) and issubclass(found, BaseEstimator) and found.__module__ == module


def _told(error: Exception) -> str:
    """The first line of what an error says, which may be the whole of a file."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}..."
