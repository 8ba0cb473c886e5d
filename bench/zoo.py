"""The models that every tool is measured on: fixed seeds, on data that scikit-learn brings along."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from bench.environments import BenchError

_LOAD = {
    "cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
}
_DIGITS_TOP = 16  # the data's largest grey value
#: Enough for models whose every row costs the same, and too many to wait for where that is a million cycles.
_FEW = 16


def _tree(depth: int | None) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


def _forest(n: int, depth: int | None) -> RandomForestClassifier:
    return RandomForestClassifier(n, max_depth=depth, random_state=0)


def _regressor(n: int, depth: int) -> RandomForestRegressor:
    return RandomForestRegressor(n, max_depth=depth, random_state=0)


def _boosting(n: int, depth: int) -> GradientBoostingClassifier:
    return GradientBoostingClassifier(n_estimators=n, max_depth=depth, random_state=0)


def _cubic() -> SVC:
    return SVC(kernel="poly", degree=3, gamma=0.1, coef0=1.0)


def _one_class() -> OneClassSVM:
    return OneClassSVM(gamma=0.05, nu=0.1)


def _mlp(layers: tuple[int, ...], most_epochs: int) -> MLPClassifier:
    return MLPClassifier(layers, random_state=0, max_iter=most_epochs)


@dataclass(frozen=True)
class Specimen:
    """A model of the zoo, not fitted yet.

    Parameters
    ----------
    name : str
        Estimator and data, as on the command line.
    title : str
        The same in the tables.
    family : str
        Geometric means are taken within it.
    estimator : estimator
    data : str
        One of scikit-learn's bundled sets.
    scale : {None, "standard", "top"}
        What the features went through before: nothing, a StandardScaler, or a division by the largest.
    """

    name: str
    title: str
    family: str
    estimator: Any
    data: str
    scale: str | None = None

    @property
    def most_rows(self) -> int | None:
        """Rows of the test split that cores run; None for all of them."""
        return None if self.family == "trees" else _FEW


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model, and float32 rows of shape (n, n_features) of its test split and of its training."""

    specimen: Specimen
    estimator: Any
    rows: np.ndarray
    training: np.ndarray

    @property
    def is_regressor(self) -> bool:
        """Whether it predicts numbers rather than classes."""
        return type(self.estimator).__name__.endswith("Regressor")


ZOO = tuple(
    Specimen(*row)
    for row in (
        (
            "dt_digits",
            "tree, digits",
            "trees",
            DecisionTreeClassifier(max_depth=10, random_state=0),
            "digits",
        ),
        ("dt_cancer", "tree, breast cancer", "trees", _tree(None), "cancer"),
        ("rf10_digits", "forest of 10, digits", "trees", _forest(10, 8), "digits"),
        ("rf10_cancer", "forest of 10, breast cancer", "trees", _forest(10, None), "cancer"),
        ("rf50_digits", "forest of 50, digits", "trees", _forest(50, 10), "digits"),
        ("rfr20_diabetes", "regressor of 20, diabetes", "trees", _regressor(20, 6), "diabetes"),
        ("gbc50_cancer", "boosting of 50, breast cancer", "trees", _boosting(50, 3), "cancer"),
        ("svc_linear_digits", "SVC linear, digits", "svm", SVC(kernel="linear"), "digits", "top"),
        ("svc_rbf_cancer", "SVC rbf, breast cancer", "svm", SVC(gamma=0.05), "cancer", "standard"),
        ("svc_rbf_digits", "SVC rbf, digits", "svm", SVC(gamma=0.05), "digits", "top"),
        ("svc_poly_wine", "SVC cubic, wine", "svm", _cubic(), "wine", "standard"),
        ("ocsvm_cancer", "one-class SVM, breast cancer", "svm", _one_class(), "cancer", "standard"),
        ("linsvc_digits", "LinearSVC, digits", "linear", LinearSVC(random_state=0), "digits", "top"),
        ("logreg_digits", "logistic, digits", "linear", LogisticRegression(max_iter=1000), "digits", "top"),
        ("gnb_digits", "naive Bayes, digits", "bayes", GaussianNB(var_smoothing=1e-3), "digits", "top"),
        ("knn3_wine", "3 neighbours, wine", "neighbors", KNeighborsClassifier(3), "wine", "standard"),
        ("knn5_digits", "5 neighbours, digits", "neighbors", KNeighborsClassifier(5), "digits", "top"),
        ("mlp_digits", "MLP 32-16, digits", "mlp", _mlp((32, 16), 400), "digits", "top"),
        ("mlp_cancer", "MLP 16, breast cancer", "mlp", _mlp((16,), 600), "cancer", "standard"),
    )
)


def select(names: Iterable[str]) -> list[Specimen]:
    """The models of these names, in the zoo's order; all of them for none.

    Raises
    ------
    BenchError
        If a name is unknown: the message lists the names.
    """
    wanted = set(names)
    known = [specimen.name for specimen in ZOO]
    if unknown := wanted - set(known):
        raise BenchError(f"no model {', '.join(sorted(unknown))}: use {', '.join(known)}")
    return [specimen for specimen in ZOO if not wanted or specimen.name in wanted]


def fit(specimen: Specimen) -> Fitted:
    """Fit on three quarters of the data; everything is rounded to float32, which is what the C takes."""
    train, test, y_train, _ = _split(specimen)
    if specimen.scale == "standard":
        scaler = StandardScaler().fit(train)
        train, test = scaler.transform(train), scaler.transform(test)
    elif specimen.scale == "top":
        train, test = train / _DIGITS_TOP, test / _DIGITS_TOP
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an MLP that could learn on is as good to measure
        estimator = specimen.estimator.fit(_float32(train), y_train)
    return Fitted(specimen, estimator, test.astype(np.float32), train.astype(np.float32))


def truth(specimen: Specimen, *, training: bool = False) -> np.ndarray:
    """What the data say of the rows of the test split, or of training, shape (n,)."""
    return np.asarray(_split(specimen)[2 if training else 3])


def _split(specimen: Specimen) -> list[np.ndarray]:
    """Features and targets: train, test, train, test."""
    X, y = _LOAD[specimen.data](return_X_y=True)
    return train_test_split(_float32(X), y, test_size=0.25, random_state=0)


def _float32(X: np.ndarray) -> np.ndarray:
    return X.astype(np.float32).astype(np.float64)
