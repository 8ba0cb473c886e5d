"""The companion file of a header: what the features looked like in training, for `micromlgen monitor`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.ir import Classifier, Model, ProbabilisticClassifier

_FORMAT = "micromlgen companion 1"
_BINS = 10


@dataclass(frozen=True)
class Feature:
    """Training rows of one feature, as a histogram.

    Parameters
    ----------
    edges : tuple of float
        One just below the smallest value, then the deciles, the largest value last, each once. Bin i is
        above edge i - 1 and up to edge i, the first and last without end.
    counts : tuple of int
        Rows in each of the ``len(edges) + 1`` bins, then those with a missing value.
    mean, std : float
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float
    std: float

    def count(self, column: NDArray[np.float32]) -> NDArray[np.int64]:
        """Values of this feature in each bin, as `counts` has them."""
        return _count(np.array(self.edges), column)


@dataclass(frozen=True)
class Companion:
    """What a header's companion file tells.

    Parameters
    ----------
    name, model : str
        Of the header, and the estimator's class.
    labels : tuple of str
        Of the classes, of a classifier with one output.
    columns : tuple of str
        What the model's sketches print for each prediction.
    features : tuple of Feature
    """

    name: str
    model: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    features: tuple[Feature, ...]

    def text(self) -> str:
        """The file's text, JSON in ASCII; the same for the same model and rows."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1) + "\n"


def columns(model: Model) -> list[str]:
    """What the sketches print for each prediction, in order."""
    several = model.n_outputs > 1
    answers = [f"answer{o}" for o in range(model.n_outputs)] if several else ["answer"]
    features = [f"x{i}" for i in range(model.input.n_features)]
    return [*features, *answers, *(["probability"] if has_probability(model) else []), "us"]


def has_probability(model: Model) -> bool:
    """Whether the sketches print the probability of an answer."""
    return isinstance(model, ProbabilisticClassifier) and model.n_outputs == 1


def companion(name: str, model: Model, rows: NDArray[Any]) -> Companion:
    """Describe the features, or each sample of a window, by typical rows, shape (n_rows, n_features)."""
    labels: tuple[str, ...] = ()
    if isinstance(model, Classifier) and model.n_outputs == 1:
        labels = tuple(map(str, model.classes[0].tolist()))
    features = tuple(_feature(column) for column in rows.astype(np.float32).T)
    return Companion(name, model.source, labels, tuple(columns(model)), features)


def read_companion(text: str) -> Companion:
    """The companion file with this text.

    Raises
    ------
    UnsupportedError
        If it is none.
    """
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']!r}")
        features = tuple(map(_read_feature, content["features"]))
        labels, printed = (tuple(map(str, content[key])) for key in ("labels", "columns"))
        if printed[: len(features)] != tuple(f"x{i}" for i in range(len(features))):
            raise ValueError("other columns")
        return Companion(str(content["name"]), str(content["model"]), labels, printed, features)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise UnsupportedError(
            f"no companion file of a header ({error}): Program.save writes one, of a model that was given "
            "calibration rows"
        ) from None


def _read_feature(content: Mapping[str, Any]) -> Feature:
    edges, counts = tuple(map(float, content["edges"])), tuple(map(int, content["counts"]))
    if len(counts) != len(edges) + 2 or list(edges) != sorted(set(edges)) or min(counts) < 0:
        raise ValueError("a histogram that is none")
    return Feature(edges, counts, float(content["mean"]), float(content["std"]))


def _feature(column: NDArray[np.float32]) -> Feature:
    known = column[~np.isnan(column)].astype(np.float64)
    # Values that occurred, so that a float32 compares with them as in training.
    at = np.arange(1, _BINS + 1) / _BINS
    edges = np.unique(np.quantile(known, at, method="inverted_cdf")) if len(known) else np.zeros(0)
    below = np.nextafter(column[~np.isnan(column)].min(initial=np.inf), np.float32(-np.inf))
    edges = np.concatenate([[float(below)] if len(known) else [], edges])
    mean, std = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
    return Feature(tuple(edges.tolist()), tuple(_count(edges, column).tolist()), mean, std)


def _count(edges: NDArray[np.float64], column: NDArray[np.float32]) -> NDArray[np.int64]:
    missing = np.isnan(column)
    bins = np.searchsorted(edges, column[~missing].astype(np.float64), side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return np.append(counts, missing.sum())
