"""Products with the features: linear models, discriminants, naive Bayes of counts, clusters by centres."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import linear_model as lm
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.svm import LinearSVC

import micromlgen as mm
from tests.cases import Case, integer_cases
from tests.models.test_tree import DIABETES, DIGITS, IRIS, PROGRESSION, SPECIES

TWO = SPECIES == 2
DIAB = DIABETES[:99].astype("f4")
SMALL_DIGITS = DIGITS[:80].astype("f4")


def on_iris(name: str, estimator: Any, y: Any = SPECIES) -> Case:
    return Case(name, estimator.fit(IRIS.astype(float), y), IRIS)


FLOAT = [
    on_iris("lin_logistic", lm.LogisticRegression(max_iter=500)),
    on_iris("lin_binary", lm.LogisticRegression(), TWO),
    on_iris("lin_ridge", lm.RidgeClassifier()),
    on_iris("lin_svc", LinearSVC(random_state=0), TWO),
    on_iris("lin_sgd", lm.SGDClassifier(loss="log_loss", random_state=0)),
    on_iris("lin_lda", LinearDiscriminantAnalysis()),
    on_iris("lin_counts", MultinomialNB()),
    on_iris("lin_complement", ComplementNB(), TWO),
    on_iris("lin_kmeans", KMeans(4, n_init=2, random_state=0), None),
    Case("lin_regressor", lm.LinearRegression().fit(DIABETES, PROGRESSION), DIAB),
    Case("lin_outputs", lm.Ridge().fit(DIABETES, DIABETES[:, :3] ** 2), DIAB),
]
CASES = [*FLOAT, *integer_cases([FLOAT[0], FLOAT[1], FLOAT[4], FLOAT[8], *FLOAT[9:]])]

CLASSIFIERS = [
    lm.LogisticRegression(max_iter=2000),
    lm.LogisticRegressionCV(cv=2, max_iter=2000),
    lm.Perceptron(random_state=0),
    lm.RidgeClassifier(),
    lm.RidgeClassifierCV(),
    lm.SGDClassifier(random_state=0),
    lm.SGDClassifier(loss="log_loss", random_state=0),
    LinearSVC(random_state=0),
    LinearDiscriminantAnalysis(),
    MultinomialNB(),
    ComplementNB(norm=True),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda e: type(e).__name__)
def test_classifiers_answer_as_scikit_learn(estimator: Any, several: bool) -> None:
    y = np.array(["c", "a", "b"])[SPECIES] if several else TWO
    estimator = estimator.fit(IRIS.astype(float), y)
    program, wide = mm.transpile(estimator, name="linear"), IRIS.astype(float)
    np.testing.assert_array_equal(program.predict(IRIS), estimator.predict(wide))
    if hasattr(estimator, "decision_function"):
        decision = estimator.decision_function(wide)
        np.testing.assert_allclose(program.decision_function(IRIS), decision, rtol=1e-5, atol=1e-4)
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_allclose(program.predict_proba(IRIS), estimator.predict_proba(wide), atol=1e-5)
