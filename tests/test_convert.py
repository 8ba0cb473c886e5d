"""From a fitted estimator to the intermediate representation: what is taken, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn import ensemble, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

import micromlgen as mm
from micromlgen.convert import accepts_missing, convert, supported
from micromlgen.errors import MicromlgenError, UnsupportedError
from micromlgen.ir import Classifier, Regressor

IRIS, SPECIES = load_iris(return_X_y=True)
FITTED = DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES)
SUPPORTED = [
    "sklearn.ensemble.ExtraTreesClassifier",
    "sklearn.ensemble.ExtraTreesRegressor",
    "sklearn.ensemble.RandomForestClassifier",
    "sklearn.ensemble.RandomForestRegressor",
    "sklearn.tree.DecisionTreeClassifier",
    "sklearn.tree.DecisionTreeRegressor",
    "sklearn.tree.ExtraTreeClassifier",
    "sklearn.tree.ExtraTreeRegressor",
]


def of(path: str) -> Any:
    """An instance of the class at this import path, small."""
    package, _, name = path.rpartition(".")
    options = {"n_estimators": 2} if package.endswith("ensemble") else {}
    return getattr({"sklearn.tree": tree, "sklearn.ensemble": ensemble}[package], name)(**options)


def test_the_families_of_this_version_are_found_by_themselves() -> None:
    assert set(SUPPORTED) <= set(supported())


@pytest.mark.parametrize("path", SUPPORTED)
def test_each_supported_estimator_converts(path: str) -> None:
    model = convert(of(path).fit(IRIS, SPECIES))
    assert model.source == path.rpartition(".")[2]
    assert model.input.n_features == 4
    assert isinstance(model, Classifier if path.endswith("Classifier") else Regressor)


@pytest.mark.parametrize("path", SUPPORTED)
def test_an_unfitted_estimator_is_refused(path: str) -> None:
    name = path.rpartition(".")[2]
    with pytest.raises(UnsupportedError, match=rf"^{name} is not fitted; call fit\(X, y\) first"):
        mm.port(of(path))


@pytest.mark.parametrize(
    "estimator",
    [
        type("Foreign", (), {})(),
        FITTED.tree_,
        None,
        "DecisionTreeClassifier",
        IRIS,
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_unsupported_estimator_is_named_with_what_can_be_ported(estimator: object) -> None:
    name = type(estimator).__name__
    with pytest.raises(UnsupportedError, match=f"^{name} cannot be ported.*DecisionTree.*RandomForest"):
        mm.port(estimator)


@pytest.mark.parametrize("estimator", [GaussianProcessClassifier(), DummyClassifier()])
def test_what_is_refused_for_good_says_what_to_use_instead(estimator: object) -> None:
    with pytest.raises(UnsupportedError, match=f"{type(estimator).__name__} cannot be ported; .*(use|write)"):
        mm.port(estimator)


def test_a_class_instead_of_an_instance_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"^DecisionTreeClassifier is a class; pass a fitted instance"):
        mm.port(DecisionTreeClassifier)


def test_errors_can_be_caught_as_one_and_as_value_errors() -> None:
    for kind in (MicromlgenError, ValueError):
        with pytest.raises(kind, match="cannot be ported"):
            mm.port(GaussianProcessClassifier())


def test_a_subclass_is_ported_as_its_base() -> None:
    class Mine(DecisionTreeClassifier):
        """Adds nothing to what is predicted."""

        def score_twice(self, X: object, y: object) -> float:
            return 2 * self.score(X, y)

    mine = Mine(random_state=0).fit(IRIS, SPECIES)
    assert mm.port(mine, name="iris") == mm.port(FITTED, name="iris").replace(
        "DecisionTreeClassifier", "Mine"
    )


def test_a_subclass_with_its_own_predict_is_refused() -> None:
    class Contrary(DecisionTreeClassifier):
        def predict(self, X: object, check_input: bool = True) -> np.ndarray:
            return 2 - super().predict(X, check_input)

    message = "Contrary cannot be ported; it has a predict of its own, .*: port a DecisionTreeClassifier"
    with pytest.raises(UnsupportedError, match=message):
        mm.port(Contrary().fit(IRIS, SPECIES), name="iris")


@pytest.mark.parametrize("base", [RandomForestClassifier, DecisionTreeClassifier])
def test_a_subclass_with_its_own_predict_proba_is_refused(base: type) -> None:
    """A forest's predict asks its predict_proba, and the header promises both."""

    class Contrary(base):
        def predict_proba(self, X: object) -> np.ndarray:
            return super().predict_proba(X)[:, ::-1]

    with pytest.raises(UnsupportedError, match="Contrary cannot be ported"):
        mm.port(Contrary().fit(IRIS, SPECIES), name="iris")


def test_a_class_of_the_same_name_from_elsewhere_is_refused() -> None:
    foreign = type("DecisionTreeClassifier", (DummyClassifier,), {})().fit(IRIS, SPECIES)
    with pytest.raises(UnsupportedError, match="cannot be ported"):
        mm.port(foreign)


@pytest.mark.parametrize("value", ["maybe", "", True, "EXACT", np.nan])
def test_missing_is_exact_or_never(value: object) -> None:
    with pytest.raises(UnsupportedError, match=r"^missing=.*: use 'exact' or 'never'"):
        mm.port(FITTED, missing=value)


def test_missing_can_be_exact_only_where_the_estimator_itself_takes_nan() -> None:
    """Which of these does depends on the version of scikit-learn; in each there is one that does not."""
    refused = []
    for splitter in ("best", "random"):
        estimator = ExtraTreeClassifier(splitter=splitter, random_state=0).fit(IRIS, SPECIES)
        try:
            estimator.predict(np.full((1, 4), np.nan))
        except ValueError:
            refused.append(estimator)
        else:
            assert mm.transpile(estimator, missing="exact").model.input.missing
    assert refused
    for estimator in refused:
        with pytest.raises(UnsupportedError, match=r"missing='exact': this .* does not accept NaN"):
            mm.port(estimator, missing="exact")


def test_whether_an_estimator_takes_nan_is_asked_of_scikit_learn() -> None:
    assert accepts_missing(FITTED).all()
    assert not accepts_missing(LinearRegression().fit(IRIS, SPECIES)).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_leaf_values_that_are_no_numbers_are_refused(value: float) -> None:
    broken = DecisionTreeRegressor(max_depth=2).fit(IRIS, SPECIES)
    broken.tree_.value[-1] = value
    with pytest.raises(UnsupportedError, match="leaf value of the fitted trees is NaN or infinite"):
        mm.port(broken)


def test_nan_thresholds_are_refused() -> None:
    broken = RandomForestClassifier(2, max_depth=2, random_state=0).fit(IRIS, SPECIES)
    threshold = broken.estimators_[1].tree_.threshold
    threshold[0] = np.nan
    with pytest.raises(UnsupportedError, match=r"a threshold .* of the fitted trees is NaN"):
        mm.port(broken)


def test_names_of_features_change_nothing() -> None:
    """Names of columns are strings in scikit-learn; they come with DataFrames, without a warning here."""
    named = DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES)
    named.feature_names_in_ = np.array(["sepal length", "*/", '"', "ü"], object)
    program = mm.transpile(named)
    assert program.header == mm.port(FITTED)
    assert program.verify(IRIS[::10])


def test_optional_libraries_are_not_imported() -> None:
    # What scikit-learn's pipelines import by themselves is theirs.
    code = (
        "import sys, sklearn.pipeline; before = set(sys.modules)\n"
        "import micromlgen.convert as c; c.supported(); print(*set(sys.modules) - before)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"xgboost", "lightgbm", "rich", "ziglang", "onnx", "aeon"} & set(loaded.split())


def test_offsets_that_are_no_numbers_are_refused_by_name() -> None:
    X, _ = load_iris(return_X_y=True)
    machine = OneClassSVM().fit(X)
    machine._intercept_ = machine.intercept_ = np.array([np.nan])
    machine.offset_ = np.nan
    with pytest.raises(UnsupportedError, match=r"OneClassSVM has .* not finite; fit it again"):
        mm.port(machine)


def test_numbers_that_c_cannot_hold_are_refused_by_name() -> None:
    X, y = load_iris(return_X_y=True)
    imputer = SimpleImputer().fit(X)
    imputer.statistics_[0] = np.inf
    with pytest.raises(UnsupportedError, match="SimpleImputer has statistics_ that are not finite"):
        mm.port(imputer)
    calibrated = CalibratedClassifierCV(GaussianNB(), cv=2).fit(X, y)
    calibrated.calibrated_classifiers_[0].calibrators[0].a_ = np.nan
    with pytest.raises(UnsupportedError, match="CalibratedClassifierCV has a number that C cannot hold: nan"):
        mm.port(calibrated)


def test_sparse_rows_are_taken() -> None:
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(csr_matrix(X), y)
    program = mm.transpile(model, dtype="int16", calibration=csr_matrix(X))
    assert (program.predict(csr_matrix(X)) == model.predict(X)).mean() >= 0.99
