"""Laws of whole models: the twin is the estimator, the C is the twin."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.calls import Expected, predict_call, quantize_call, twin_calls
from micromlgen.program import Program
from micromlgen.verify import boundary_rows
from tests.properties import NOT_SHRUNK, SPECIAL, TINY, UNUSUAL, examples, integers


class Fitted(NamedTuple):
    estimator: Any
    X: np.ndarray
    missing: bool


KINDS: dict[str, Callable[..., Any]] = {
    "dt": DecisionTreeClassifier,
    "dtr": DecisionTreeRegressor,
    "et": ExtraTreeClassifier,
    "etr": ExtraTreeRegressor,
    "rf": RandomForestClassifier,
    "rfr": RandomForestRegressor,
    "ets": ExtraTreesClassifier,
    "etsr": ExtraTreesRegressor,
}


def matrix(rng: np.random.Generator, n: int, whole: bool) -> np.ndarray:
    """Few different values a feature, of any magnitude, some one float step apart; or small integers."""
    columns = []
    for _ in range(rng.integers(1, 5)):
        size = rng.integers(2, 9)
        if whole:
            pool = rng.integers(-126, 127, size).astype(np.float32)
        else:
            pool = rng.choice([-1, 1], size) * 2.0 ** rng.uniform(*rng.choice([(-149, 127), (-3, 3)]), size)
            pool = np.where(rng.random(size) < 0.3, rng.choice(SPECIAL, size), pool).astype(np.float32)
            with np.errstate(over="ignore"):
                near = np.nextafter(pool, np.float32(np.inf))
            pool = np.concatenate([pool, near[np.isfinite(near)]])
        columns.append(rng.choice(pool, n))
    return np.stack(columns, axis=1)


def targets(
    draw: st.DrawFn, rng: np.random.Generator, n: int, regressor: bool, criterion: str | None
) -> np.ndarray:
    n_outputs = draw(st.sampled_from([1, 1, 1, 2, 3]))
    if regressor:
        scale = draw(st.sampled_from([1e-12, 1e-3, 1.0, 1e6, 1e30]))
        y = np.round(rng.normal(size=(n, n_outputs)), draw(st.integers(0, 6))) * scale
        y += draw(st.sampled_from([0.0, 0.0, 3.5, -1e4, 1e7])) * scale
        if draw(st.integers(0, 3)) == 0:
            y = -np.abs(y) * (rng.random(y.shape) < 0.5)
        if criterion == "poisson":
            y = np.abs(y) + scale
    else:
        y = rng.integers(0, draw(st.integers(1, 6)), (n, n_outputs))
    return y[:, 0] if n_outputs == 1 else y


@st.composite
def fitted(
    draw: st.DrawFn, kinds: tuple[str, ...] = tuple(KINDS), whole: bool = False, pure: bool = False
) -> Fitted:
    """An estimator with random options on random data: `whole` numbers, or leaves as `pure` as can be.

    Numbers come from one seed: Hypothesis would make most of them zero.
    """
    kind = draw(st.sampled_from(kinds))
    regressor, several = kind.endswith("r"), kind.startswith(("rf", "ets"))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = matrix(rng, draw(st.integers(2, 40)), whole)
    options: dict[str, Any] = {"random_state": int(rng.integers(100))}
    missing = kind in ("dt", "dtr", "rf", "rfr") and not whole and draw(st.integers(0, 3)) == 0
    if missing:
        X = np.where(rng.random(X.shape) < 0.3, np.float32(np.nan), X)
    elif regressor:
        options["criterion"] = draw(st.sampled_from(["squared_error", "absolute_error", "poisson"]))
    if not regressor:
        options["criterion"] = draw(st.sampled_from(["gini", "entropy", "log_loss"]))
        options["class_weight"] = draw(st.sampled_from([None, None, "balanced"]))
    y = targets(draw, rng, len(X), regressor, options.get("criterion"))

    if not pure:
        options["max_leaf_nodes"] = draw(st.sampled_from([None, None, 2, 5, 9]))  # best first, another order
        options["max_depth"] = draw(st.sampled_from([None, None, 1, 3]))
        options["min_impurity_decrease"] = draw(st.sampled_from([0.0, 0.0, 0.01]))
        options["ccp_alpha"] = draw(st.sampled_from([0.0, 0.0, 0.02]))
    options["max_features"] = draw(st.sampled_from([None, 1]))
    monotone = y.ndim == 1 and not missing and (regressor or len(np.unique(y)) <= 2)
    if monotone and options.get("criterion") != "absolute_error" and draw(st.integers(0, 4)) == 0:
        options["monotonic_cst"] = rng.integers(-1, 2, X.shape[1]).tolist()
    if kind in ("dt", "dtr") and not missing:
        options["splitter"] = draw(st.sampled_from(["best", "random"]))
    weight = None
    if draw(st.integers(0, 2)) == 0:
        low, high = draw(st.sampled_from([(0.5, 2.0), (1e-9, 1.0)]))
        weight = np.exp(rng.uniform(np.log(low), np.log(high), len(X)))
    warm = False
    if several:
        options["n_estimators"] = draw(st.sampled_from([1, 2, 3, 7, 20]))
        options["bootstrap"] = draw(st.booleans())
        if options["bootstrap"]:
            options["max_samples"] = draw(st.sampled_from([None, len(X) // 2 + 1]))
        warm = options["warm_start"] = draw(st.booleans()) and options.get("class_weight") is None
    estimator = KINDS[kind](**options)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            estimator.fit(X, y, sample_weight=weight)
            if warm:
                estimator.set_params(n_estimators=options["n_estimators"] + 2)
                estimator.fit(X, y, sample_weight=weight)
    except ValueError:  # what scikit-learn itself does not fit
        assume(False)
    trees = getattr(estimator, "estimators_", [estimator])
    assume(all(np.isfinite(tree.tree_.value).all() for tree in trees))
    assume(not any(np.isnan(tree.tree_.threshold).any() for tree in trees))  # scikit-learn 1.4 had such
    event(kind)
    return Fitted(estimator, X, missing)


def transpiled(model: Fitted, **options: Any) -> Program:
    """As a user would: none of these may be refused."""
    return mm.transpile(model.estimator, missing="exact" if model.missing else None, **options)


def check_promise(estimator: Any, rows: np.ndarray, program: Program) -> None:
    """The contract, in scikit-learn's own numbers."""
    X = rows.astype(np.float64)
    got = program.predict(rows)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = estimator.predict(X)
        proba = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
    got, expected = got.reshape(len(X), -1), expected.reshape(len(X), -1)
    if proba is None:
        leaves = np.concatenate([tree.tree_.value for tree in getattr(estimator, "estimators_", [estimator])])
        low, high = leaves[:, :, 0].min(axis=0), leaves[:, :, 0].max(axis=0)
        allowed = np.maximum(abs(low), abs(high)) * 2.0**-24 + float(TINY)
        if hasattr(estimator, "estimators_"):
            allowed += 2e-6 * (high - low)
        assert (abs(got - expected) <= allowed).all()
        return
    several = isinstance(proba, list)
    ours = program.predict_proba(rows)
    for o, (p, q) in enumerate(zip(proba, ours, strict=True) if several else [(proba, ours)]):
        np.testing.assert_allclose(q, p, atol=2e-6)
        best = np.sort(np.column_stack([np.full(len(p), -1.0), p]), axis=1)
        clear = best[:, -1] - best[:, -2] > 1e-6
        if not hasattr(estimator, "estimators_"):
            clear[:] = True
        np.testing.assert_array_equal(got[clear, o], expected[clear, o])


def rows_for(model: Fitted, program: Program, most: int = 600) -> np.ndarray:
    return np.concatenate([model.X, boundary_rows(program.model, model.X, most)])


@given(fitted())
@examples(400)
def test_the_twin_is_the_estimator(model: Fitted) -> None:
    program = transpiled(model, name="model")
    check_promise(model.estimator, rows_for(model, program), program)


@given(fitted(("rf", "ets"), pure=True))
@examples(100)
def test_a_forest_of_whole_votes_is_the_estimator_in_ties_too(model: Fitted) -> None:
    program = transpiled(model, name="model")
    assume(program.model.share == 1)
    rows = rows_for(model, program)
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-learn's check for finite input sums it up
        expected = model.estimator.predict(rows.astype(np.float64))
    np.testing.assert_array_equal(program.predict(rows), expected)


@given(fitted(whole=True), integers)
@examples(120)
def test_integers_are_exact_on_integers(model: Fitted, dtype: str) -> None:
    program = transpiled(model, name="model", dtype=dtype, calibration=model.X, min_agreement=0)
    assert not program.model.input.exponents.any()
    rng = np.random.default_rng(0)
    rows = np.concatenate([model.X, rng.integers(-127, 128, (200, model.X.shape[1])).astype(np.float32)])
    Q = program.quantize(rows)
    np.testing.assert_array_equal(Q, rows)
    exact = transpiled(model, name="model")
    if exact.model.kind == "classifier":
        np.testing.assert_array_equal(program.predict(rows), exact.predict(rows))
    else:
        # Half a unit of the output scale a tree, and in the float32 twin its own rounding.
        n_trees = len(getattr(model.estimator, "estimators_", [0]))
        expected = exact.predict(rows)
        allowed = program.model.output_scale * n_trees / 2 + 2e-6 * abs(expected).max()
        np.testing.assert_allclose(program.predict(rows), expected, rtol=0, atol=allowed)


@given(
    st.lists(
        st.tuples(
            fitted(), st.sampled_from(["size", "speed"]), st.sampled_from(["float32", "int16", "int8"])
        ),
        min_size=8,
        max_size=8,
    )
)
@pytest.mark.parametrize("language", ["c", "c++"])
@examples(15, phases=NOT_SHRUNK)  # every attempt compiles
def test_the_c_is_the_twin(language: str, models: list[tuple[Fitted, str, str]]) -> None:
    """Eight headers meet in one program."""
    expected: list[Expected] = []
    for i, (model, optimize, dtype) in enumerate(models):
        options = {} if dtype == "float32" else {"dtype": dtype, "calibration": model.X, "min_agreement": 0}
        program = transpiled(model, name=f"model{i}", optimize=optimize, **options)
        Q = program.quantize(model.X)
        rows = np.concatenate([Q, boundary_rows(program.model, Q, 300)])
        if dtype == "float32":
            rows = np.concatenate([rows, np.resize(UNUSUAL[: 8 if model.missing else 2], (9, Q.shape[1]))])
        expected += twin_calls(program.model, program.header, program.name, rows)
        if dtype != "float32":
            raw = np.concatenate([model.X, np.resize(SPECIAL, (9, model.X.shape[1]))])
            call = quantize_call(program.model, program.header, program.name, raw)
            expected.append(Expected(call, program.model.input.encode(raw)))
    results = core("host").run(
        [each.call for each in expected], language=language, flags=("-O1", *STRICT), measure=False
    )
    for each, result in zip(expected, results, strict=True):
        assert not each.differs(result.y).any(), each.call.statement


def test_nan_that_is_not_followed_still_gives_a_class() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)).astype(np.float32)
    calls = []
    for i, kind in enumerate((DecisionTreeClassifier, RandomForestClassifier)):
        estimator = kind(random_state=0).fit(X, rng.integers(0, 3, 200))
        for optimize in ("size", "speed"):
            program = mm.transpile(estimator, name=f"{optimize}{i}", optimize=optimize)
            rows = rng.choice(np.concatenate([X[0], UNUSUAL]), (300, 4))
            calls.append(predict_call(program.model, program.header, program.name, rows))
    for result in core("host").run(calls, flags=("-O1", *STRICT), measure=False):
        assert set(result.y.ravel()) <= {0, 1, 2}
