"""From a fitted estimator to the intermediate representation.

Families register a converter under an estimator's import path, as text: optional libraries are imported only
by users who have a model of theirs.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from micromlgen.errors import UnsupportedError
from micromlgen.ir import Model

Converter = Callable[[Any], Model]
_CONVERTERS: dict[str, Converter] = {}
#: What to use instead of the estimators at these import paths.
_REMEDIES: dict[str, str] = {}
#: Attributes of estimators that may hold steps.
_WITH_STEPS = (
    "steps",
    "best_estimator_",
    "transformers_",
    "transformer_list",
    "named_estimators_",
    "calibrated_classifiers_",
    "regressor_",
)
_ANSWERS = ("predict", "predict_proba", "decision_function", "score_samples", "transform")


def converts(*paths: str) -> Callable[[Converter], Converter]:
    """Register a function as the converter of the estimators at these public import paths."""

    def register(function: Converter) -> Converter:
        _CONVERTERS.update(dict.fromkeys(paths, function))
        return function

    return register


def refuses(path: str, remedy: str) -> None:
    """Register what to do instead of porting the estimator at this public import path."""
    _REMEDIES[path] = remedy


@cache
def _discover() -> None:
    for package in ("micromlgen.models", "micromlgen.features"):  # by name: no step knows a family
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{package}.{module.name}")


def supported() -> list[str]:
    """Import paths of the estimators that can be ported."""
    _discover()
    return sorted(_CONVERTERS)


def _is_at(cls: type, path: str) -> bool:
    """Whether a class is the one at a public import path; private modules count as their public package."""
    package, _, name = path.rpartition(".")
    return cls.__name__ == name and f"{cls.__module__}.".startswith(f"{package}.")


def _find(estimator: Any) -> Converter | None:
    """Converter of the class or its nearest base."""
    _discover()
    mro = type(estimator).__mro__
    for cls in mro:
        for path, converter in _CONVERTERS.items():
            if _is_at(cls, path):
                owners = [next((c for c in mro if method in vars(c)), cls) for method in _ANSWERS]
                # A subclass that answers by itself is another model.
                if all(c.__module__.split(".")[0] == path.split(".")[0] for c in owners):
                    return converter
    return None


def _remedy(estimator: Any) -> str:
    """What to do where there is no converter."""
    for cls in type(estimator).__mro__[1:]:
        if any(cls.__name__ == path.rpartition(".")[2] for path in _CONVERTERS):
            own = [method for method in _ANSWERS if method in vars(type(estimator))]
            if own:
                return f"it has a {own[0]} of its own, of which nothing is known: port a {cls.__name__}"
    for cls in type(estimator).__mro__:
        for path, remedy in _REMEDIES.items():
            if _is_at(cls, path):
                return remedy
    return f"these can: {', '.join(sorted({path.rpartition('.')[2] for path in _CONVERTERS}))}"


def rows_for(estimator: Any, rows: NDArray[Any]) -> Any:
    """Raw rows as the estimator takes them: float64, in a frame where steps may ask for columns by name.

    Windows of samples stay integers.
    """
    X = rows.astype(np.float64) if rows.dtype.kind == "f" else rows
    names = getattr(estimator, "feature_names_in_", None)
    if names is None or not any(hasattr(estimator, inside) for inside in _WITH_STEPS):
        return X
    return framed(X, names)


def framed(X: NDArray[Any], names: Sequence[str]) -> Any:
    """X as a frame, for estimators and transformers that were fitted on one."""
    import pandas as pd  # as they were

    return pd.DataFrame(X, columns=list(names))


def answer_of(estimator: Any) -> Callable[[Any], Any]:
    """What the C's answers are compared with: `predict`, or `transform` where there is none."""
    method: Callable[[Any], Any] = getattr(estimator, "predict", None) or estimator.transform
    return method


def accepts_missing(estimator: Any) -> NDArray[np.bool_]:
    """Features in which the estimator's own answers take NaN: shape (n_features,).

    It is asked: its tags do not always tell, and a ColumnTransformer may fill in some columns only.
    """
    n = getattr(estimator, "n_features_in_", 1)
    if _answers(estimator, np.full((1, n), np.nan)):
        return np.ones(n, bool)
    out = np.zeros(n, bool)
    for other in (0.0, 1.0):  # of the features that are not asked about
        row = np.full((1, n), other)
        if _answers(estimator, row):
            _mark(estimator, row, slice(0, n), out)
            break
    return out


def _mark(estimator: Any, row: NDArray[np.float64], features: slice, out: NDArray[np.bool_]) -> None:
    """Set those of `features` in `out` that may be NaN in a row: all together, or halves of them."""
    asked = row.copy()
    asked[0, features] = np.nan
    size = features.stop - features.start
    if _answers(estimator, asked):
        out[features] = True
    elif size > 1:
        middle = features.start + size // 2
        _mark(estimator, row, slice(features.start, middle), out)
        _mark(estimator, row, slice(middle, features.stop), out)


def _answers(estimator: Any, row: NDArray[np.float64]) -> bool:
    """Whether the estimator takes a row."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of column names that the row does not have
            answer_of(estimator)(rows_for(estimator, row))
    except ValueError:
        return False
    return True


def model_of(estimator: Any) -> Model:
    """The estimator's model, for `convert` and for families that hold other estimators.

    Raises
    ------
    UnsupportedError
        If there is no such family, or the estimator is not fitted.
    """
    if isinstance(estimator, type):
        raise UnsupportedError(f"{estimator.__name__} is a class; pass a fitted instance of it")
    title = type(estimator).__name__
    converter = _find(estimator)
    if converter is None:
        raise UnsupportedError(f"{title} cannot be ported; {_remedy(estimator)}")
    try:
        if hasattr(estimator, "get_params"):  # converters of foreign classes know what being fitted means
            check_is_fitted(estimator)
    except ValueError as error:  # NotFittedError is one
        raise UnsupportedError(f"{title} is not fitted; call fit(X, y) first") from error
    except TypeError:
        pass  # a Pipeline asks its last step, which may be a text: its converter says so
    return converter(estimator)


def convert(estimator: Any, missing: str | None = None) -> Model:
    """The estimator's model, with its own float64 numbers.

    Parameters
    ----------
    estimator : fitted scikit-learn estimator
    missing : {"exact", "never"}, optional
        Whether missing values must be followed. By default they are where the model was trained with some.

    Raises
    ------
    UnsupportedError
        If there is no such family, the estimator is not fitted, or `missing` asks for what it can't do.
    """
    model = model_of(estimator)
    title = type(estimator).__name__
    if missing not in (None, "exact", "never"):
        raise UnsupportedError(f"missing={missing!r}: use 'exact' or 'never'")
    follow = model.input.missing if missing is None else missing == "exact"
    accepted = accepts_missing(estimator) if follow else None
    if accepted is not None and not accepted.any():
        if missing == "exact":
            raise UnsupportedError(f"missing='exact': this {title} does not accept NaN; use missing='never'")
        follow = False
    some = accepted if follow and accepted is not None and not accepted.all() else None
    known = getattr(estimator, "feature_names_in_", None)
    columns = None if known is None else tuple(map(str, known))
    return replace(model, input=replace(model.input, missing=follow, may_miss=some, names=columns))
