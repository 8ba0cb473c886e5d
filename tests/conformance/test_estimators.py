"""Every estimator of scikit-learn is ported and answers as it does, or is refused with a remedy."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.base import is_regressor
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import all_estimators

import micromlgen as mm
from micromlgen.convert import supported
from micromlgen.errors import UnsupportedError
from micromlgen.models.refused import REMEDIES
from micromlgen.verify import agreement
from tests.models.test_tree import IRIS, SPECIES

ROWS = IRIS[::2].copy()
KINDS = SPECIES[::2]
NUMBERS = ROWS[:, 3].astype(float)
TWO_KINDS = np.stack([KINDS, KINDS == 1], axis=1).astype(int)
TWO_NUMBERS = ROWS[:, 2:].astype(float)
ALL = dict(all_estimators())
REFUSED = {path.rpartition(".")[2] for path in REMEDIES}

_MODELS = [("a", LogisticRegression()), ("b", LogisticRegression(C=0.1))]
_RIDGES = [("a", Ridge()), ("b", Ridge(9.0))]
#: How those are made that need more than one estimator, or other options to be of use.
MADE: dict[str, dict[str, Any]] = {
    "ColumnTransformer": {"transformers": [("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [2])]},
    "FeatureUnion": {"transformer_list": [("a", StandardScaler()), ("b", MinMaxScaler())]},
    "FrozenEstimator": {"estimator": LogisticRegression().fit(ROWS, KINDS)},
    "GaussianRandomProjection": {"n_components": 2},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [1.0, 2.0]}},
    "HalvingGridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [1.0, 2.0]}},
    "HalvingRandomSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [1.0, 2.0]}},
    "IsotonicRegression": {"out_of_bounds": "clip"},
    "LocalOutlierFactor": {"novelty": True},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "Nystroem": {"n_components": 3},
    "Pipeline": {"steps": [("a", StandardScaler()), ("b", LogisticRegression())]},
    "RadiusNeighborsClassifier": {"outlier_label": 0},
    "RandomizedSearchCV": {
        "estimator": LogisticRegression(),
        "param_distributions": {"C": [1, 2]},
        "n_iter": 2,
    },
    "SparseRandomProjection": {"n_components": 2},
    "StackingClassifier": {"estimators": _MODELS, "cv": 2},
    "StackingRegressor": {"estimators": _RIDGES, "cv": 2},
    "VotingClassifier": {"estimators": _MODELS},
    "VotingRegressor": {"estimators": _RIDGES},
}
#: Parameters that most names take, so that fitting is quick.
QUICK = {"n_estimators": 5, "max_iter": 50, "random_state": 0, "cv": 2}
#: Targets of those that take none of the usual ones.
TARGETS: dict[str, Any] = {
    **dict.fromkeys(("ClassifierChain", "MultiOutputClassifier"), TWO_KINDS > 0),
    **dict.fromkeys(("MultiOutputRegressor", "RegressorChain", "CCA", "PLSCanonical", "PLSSVD"), TWO_NUMBERS),
    **dict.fromkeys(("FixedThresholdClassifier", "TunedThresholdClassifierCV"), KINDS == 1),
    "SelfTrainingClassifier": np.where(np.arange(len(KINDS)) % 3 == 0, -1, KINDS),
}


def made(name: str, kind: Any) -> Any:
    """An estimator that is not fitted."""
    if name in ("RegressorChain", "SelfTrainingClassifier"):  # whose first parameter has had two names
        return kind(Ridge() if name == "RegressorChain" else LogisticRegression())
    if name in MADE:
        return kind(**MADE[name])
    try:
        estimator = kind()
    except TypeError:
        estimator = kind(LogisticRegression())
    known = estimator.get_params(deep=False)
    # Its `max_iter` is how many features it takes.
    quick = {} if name == "OrthogonalMatchingPursuitCV" else {k: v for k, v in QUICK.items() if k in known}
    return estimator.set_params(**quick)


def target(name: str, estimator: Any) -> Any:
    if name in TARGETS:
        return TARGETS[name].astype(int) if TARGETS[name].dtype == bool else TARGETS[name]
    if name.startswith("MultiTask"):
        return TWO_NUMBERS
    return NUMBERS + 1 if is_regressor(estimator) else KINDS


def rows(name: str) -> Any:
    """What the estimator is fitted on: isotonic regression takes one feature."""
    return ROWS[:, 2:3] if name == "IsotonicRegression" else ROWS


@cache
def fitted(name: str) -> Any:
    estimator = made(name, ALL[name])
    return estimator.fit(rows(name).astype(float), target(name, estimator))


def test_remedies_are_of_estimators_that_are_not_ported() -> None:
    ported = {path.rpartition(".")[2] for path in supported()}
    assert not REFUSED & ported


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(set(ALL) - REFUSED))
def test_estimators_are_ported(name: str) -> None:
    estimator = fitted(name)
    program = mm.transpile(estimator, name="one")
    assert agreement(program.model, estimator, rows(name)) == 1.0


@pytest.mark.parametrize("name", sorted(set(ALL) & REFUSED))
def test_others_are_refused_with_a_remedy(name: str) -> None:
    estimator = ALL[name](np.eye(4)) if name == "SparseCoder" else ALL[name]()
    with pytest.raises(UnsupportedError) as refused:
        mm.transpile(estimator, name="no")
    assert re.fullmatch(rf"{name} cannot be ported; .*\b(use|fit|write|compute)\b.*", str(refused.value))


@pytest.mark.parametrize("dtype", ["int16"])
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(set(ALL) - REFUSED))
def test_integers_are_ported_or_refused_with_a_remedy(name: str, dtype: str) -> None:
    said = ""
    try:
        mm.transpile(fitted(name), name="one", dtype=dtype, calibration=rows(name), min_agreement=0.0)
    except UnsupportedError as refused:
        said = str(refused)
    assert not said or re.search(r"[;,:] (or )?(use|leave|choose|pass|fit|put)\b", said), said
