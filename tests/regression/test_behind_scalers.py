"""Estimators of several models, behind a scaler and inside a search: each asks its own models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.verify import agreement
from tests.models.test_tree import IRIS, SPECIES

TWO = (SPECIES == 2).astype(int)
BOTH = np.stack([TWO, SPECIES == 1], axis=1).astype(int)
MEMBERS = [("a", LogisticRegression()), ("b", GaussianNB()), ("c", DecisionTreeClassifier(max_depth=3))]


def several() -> list[Any]:
    line, machine, tree = LogisticRegression(), LinearSVC(random_state=0), DecisionTreeClassifier(max_depth=3)
    out = [
        *(
            (kind(model), y)
            for kind in (OneVsOneClassifier, OneVsRestClassifier)
            for model in (machine, tree)
            for y in (SPECIES, TWO)
        ),
        (OutputCodeClassifier(line, random_state=0), SPECIES),
        (OutputCodeClassifier(tree, random_state=0), SPECIES),
        (VotingClassifier(MEMBERS), SPECIES),
        (VotingClassifier(MEMBERS, voting="soft"), SPECIES),
        (StackingClassifier(MEMBERS, cv=2), SPECIES),
        (BaggingClassifier(line, 3, random_state=0, max_features=0.8), SPECIES),
        (AdaBoostClassifier(tree, n_estimators=3, random_state=0), SPECIES),
        (CalibratedClassifierCV(machine, cv=2), SPECIES),
        (SelfTrainingClassifier(line), SPECIES),
        (RFE(line, n_features_to_select=2), SPECIES),
        (MultiOutputClassifier(SVC()), BOTH),
        (MultiOutputClassifier(line), BOTH),
        (ClassifierChain(line), BOTH),
    ]
    try:
        from sklearn.model_selection import FixedThresholdClassifier
    except ImportError:  # before 1.5
        return out
    out += [
        (FixedThresholdClassifier(model, threshold=0.3), TWO) for model in (line, RidgeClassifier(), tree)
    ]
    return out


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "y"), several(), ids=lambda v: "".join(str(v).split())[:60] if hasattr(v, "fit") else ""
)
def test_each_asks_its_own_models(model: Any, y: Any) -> None:
    for whole in (make_pipeline(StandardScaler(), model), GridSearchCV(model, {}, cv=2)):
        estimator = whole.fit(IRIS.astype(float), y)
        program = mm.transpile(estimator, name="inside")
        assert agreement(program.model, estimator, IRIS) == 1.0
        integers = mm.transpile(estimator, name="inside", dtype="int16", calibration=IRIS, min_agreement=0.95)
        assert agreement(integers.model, estimator, IRIS) >= 0.95


@pytest.mark.filterwarnings("ignore")
def test_what_is_filled_in_within_a_stack_that_takes_no_missing_values() -> None:
    """A judge of one member follows no more than the stack does."""
    filled = make_pipeline(StandardScaler(), PolynomialFeatures(), SimpleImputer(), MEMBERS[2][1])
    members = [("a", filled), ("b", GaussianNB())]
    estimator = StackingClassifier(members, cv=2).fit(IRIS.astype(float), SPECIES)
    program = mm.transpile(estimator, name="inside")
    assert agreement(program.model, estimator, IRIS) == 1.0
