"""Functions of single features in integers: straight lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer, StandardScaler

import micromlgen as mm
from micromlgen.models._lines import lines
from tests.cases import Case, integer_cases
from tests.models.test_tree import IRIS, SPECIES

WINE, CULTIVAR = load_wine(return_X_y=True)
WINE = WINE.astype(np.float32)


def ranks(**options: Any) -> Any:
    return QuantileTransformer(n_quantiles=60, **options)


def fitted(*steps: Any) -> Any:
    return make_pipeline(*steps).fit(IRIS.astype(float), SPECIES)


FAR_IRIS = np.array([1e5, 300, 0, 0], np.float32)


def fitted_far() -> Any:
    """Roots of pressures beside those of lengths: a middle and a unit of each."""
    return FunctionTransformer(np.sqrt).fit(IRIS + FAR_IRIS)


CASES = [
    *integer_cases([Case("curves_power", PowerTransformer().fit(WINE), WINE[:60])], ("int16",)),
    *integer_cases([Case("curves_ranks", fitted(ranks(), LogisticRegression()), IRIS)], ("int8",)),
    *integer_cases([Case("curves_pressures", fitted_far(), IRIS + FAR_IRIS)], ("int16",)),
    *integer_cases([Case("curves_cosines", fitted(FunctionTransformer(np.cos)), IRIS)], ("int16",)),
]


@pytest.mark.parametrize("within", [1.0, 3.0, 40.0])
def test_lines_stay_close(within: float) -> None:
    x = np.linspace(-3, 3, 4000)
    for y in (np.tanh(4 * x), np.sin(x), np.sign(x), x, np.clip(x, -1, 0.5)):
        curve = np.rint(20000 * y / np.abs(y).max()).astype(np.int16)
        knots = lines(curve, curve - within, curve + within)
        line = np.interp(np.arange(len(curve)), knots, curve[knots])
        assert np.abs(line - curve).max() <= within
        assert len(knots) < 4 + 270 / np.sqrt(within)  # as many as the bends of a parabola need


def test_as_few_lines_as_there_are() -> None:
    curve = np.int16([7] * 20 + list(range(7, 400, 3)) + [397] * 50)
    assert len(lines(curve, curve - 1.0, curve + 1.0)) == 2
    assert lines(np.full(9, 4), np.zeros(9), np.full(9, 8)).tolist() == [0]


@pytest.mark.parametrize(
    "transformer",
    [
        ranks(),
        ranks(output_distribution="normal"),
        PowerTransformer(),
        PowerTransformer("box-cox"),
        make_pipeline(StandardScaler(), PowerTransformer()),
        make_pipeline(FunctionTransformer(np.log1p), StandardScaler()),
        make_pipeline(ranks(), StandardScaler()),
    ],
    ids=str,
)
def test_errors_are_a_thousandth_of_the_span(transformer: Any) -> None:
    estimator = transformer.fit(WINE.astype(float))
    program = mm.transpile(estimator, name="curves", dtype="int16", calibration=WINE)
    expected = estimator.transform(WINE.astype(float))
    off = np.abs(program.transform(WINE) - expected).max(axis=0) / np.ptp(expected, axis=0)
    # A thousandth by the lines, and what a step of a feature is worth where the curve is steep.
    assert off.max() < 2.5e-3
    report = program.verify(WINE[:60])
    assert report, str(report)


@pytest.mark.parametrize(
    "steps",
    [
        (ranks(), KNeighborsClassifier()),
        (ranks(output_distribution="normal"), LogisticRegression()),
        (PowerTransformer(), KNeighborsClassifier()),
        (PowerTransformer("box-cox"), LogisticRegression()),
        (FunctionTransformer(np.sqrt), StandardScaler(), LogisticRegression()),
    ],
    ids=str,
)
def test_rows_that_calibration_did_not_see(steps: Any) -> None:
    agreed = []
    for load in (load_wine, load_iris, load_breast_cancer):
        X, y = load(return_X_y=True)
        X = X[:, :12] + 0.01
        known, other, own, _ = train_test_split(X.astype(np.float32), y, random_state=1)
        estimator = make_pipeline(*steps).fit(known.astype(float), own)
        program = mm.transpile(estimator, name="curves", dtype="int16", calibration=known)
        agreed += (program.predict(other) == estimator.predict(other.astype(float))).tolist()
    assert np.mean(agreed) >= 0.99


def test_a_feature_that_is_always_the_same() -> None:
    X = IRIS.copy()
    X[:, 2] = 3
    estimator = PowerTransformer().fit(X.astype(float))
    report = mm.verify(estimator, X, dtype="int16", calibration=X, min_agreement=0)
    assert report, str(report)


@pytest.mark.parametrize("function", [np.log, np.reciprocal, np.exp, np.square, np.absolute])
def test_functions_without_a_value_everywhere(function: Any) -> None:
    """What has none, or a larger one than integers hold, saturates."""
    estimator = fitted(FunctionTransformer(function), StandardScaler(), LogisticRegression())
    report = mm.verify(estimator, IRIS, dtype="int16", calibration=IRIS)
    assert report, str(report)


#: How far features are from zero, beside what tells rows apart.
FAR = {"kelvins": 300.0, "pressures": 1e5, "counts": 1e6}


@pytest.mark.parametrize("far", FAR.values(), ids=FAR)
@pytest.mark.parametrize(
    "transformer",
    [
        ranks(),
        ranks(output_distribution="normal"),
        make_pipeline(SimpleImputer(), ranks()),
        make_pipeline(FunctionTransformer(np.log), StandardScaler()),
        ColumnTransformer([("a", ranks(), [0, 2]), ("b", "passthrough", [1])]),
    ],
    ids=lambda t: "".join(str(t).split())[:60],
)
def test_features_far_from_zero(transformer: Any, far: float) -> None:
    rows = (WINE[:, :4] * np.float32(64) + np.float32(far)).astype(np.float32)
    known, other = rows[::2], rows[1::2]
    estimator = transformer.fit(known.astype(float))
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=known)
    expected = estimator.transform(other.astype(float))
    span = np.ptp(estimator.transform(known.astype(float)), axis=0)
    assert (np.abs(program.transform(other) - expected) < 2.5e-3 * span).all()
    report = program.verify(other[:40])
    assert report, str(report)


def powers(rows: Any, power: float, method: str) -> Any:
    """Of this power: that of maximal likelihood may leave float64 itself nothing but noise, so far away."""
    estimator = PowerTransformer(method=method).fit(WINE[:, : rows.shape[1]].astype(float))
    estimator.lambdas_ = np.full(rows.shape[1], power)
    y = rows.astype(float) + (method == "yeo-johnson")
    estimator._scaler.fit(np.log(y) if power == 0 else y**power / power - 1 / power)
    return estimator


@pytest.mark.parametrize("far", FAR.values(), ids=FAR)
@pytest.mark.parametrize("power", [-0.5, 0.0, 3.0])
@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_powers_of_features_far_from_zero(method: str, power: float, far: float) -> None:
    rows = (WINE[:, :4] * np.float32(64) + np.float32(far)).astype(np.float32)
    known, other = rows[::2], rows[1::2]
    estimator = powers(known, power, method)
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=known)
    expected = estimator.transform(other.astype(float))
    off = np.abs(program.transform(other) - expected)
    assert (off < 2.5e-3 * np.ptp(estimator.transform(known.astype(float)), axis=0)).all()


@pytest.mark.parametrize("far", FAR.values(), ids=FAR)
@pytest.mark.parametrize("first", ["ranks", "powers"])
def test_before_models_of_features_far_from_zero(first: str, far: float) -> None:
    rows = (WINE[:, :6] * np.float32(64) + np.float32(far)).astype(np.float32)
    known = rows[::2].astype(float)
    stage = ranks().fit(known) if first == "ranks" else powers(rows[::2], 0.5, "yeo-johnson")
    for model in (LogisticRegression(), KNeighborsClassifier()):
        model.fit(stage.transform(known), CULTIVAR[::2])
        estimator = Pipeline([("first", stage), ("model", model)])
        program = mm.transpile(estimator, name="far", dtype="int16", calibration=rows[::2])
        assert (program.predict(rows) == estimator.predict(rows.astype(float))).mean() >= 0.99


@pytest.mark.parametrize("far", FAR.values(), ids=FAR)
@pytest.mark.parametrize("function", [np.sqrt, np.log, np.square], ids=lambda f: f.__name__)
def test_outputs_far_from_zero_or_of_other_units(function: Any, far: float) -> None:
    """Curves of features one by one, with a middle and a unit each: what is in int32 has one."""
    rows = (WINE[:, :4] * np.float32(64) + np.array([far, far, 0, 300], np.float32)).astype(np.float32)
    known, other = rows[::2], rows[1::2]
    estimator = FunctionTransformer(function).fit(known)
    program = mm.transpile(estimator, name="far", dtype="int16", calibration=known, min_agreement=0)
    # What is beyond half a unit of int32 beside the largest output, no scale has.
    expected = estimator.transform(other.astype(float))
    unit = np.abs(expected).max() * 2.0**-30
    allowed = 2.5e-3 * np.ptp(estimator.transform(known.astype(float)), axis=0) + unit
    assert (np.abs(program.transform(other) - expected) < allowed).all()
    report = program.verify(other[:40])
    assert report, str(report)
