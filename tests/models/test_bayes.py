"""Naive Bayes of categories, and of features that are there or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import BernoulliNB, CategoricalNB

import micromlgen as mm
from micromlgen.affine import Affine
from micromlgen.boards import STRICT, core
from micromlgen.calls import predict_call, twin_calls
from micromlgen.convert import convert
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration
from tests.cases import Case, in_layout, integer_cases
from tests.models.test_tree import DIGIT, DIGITS, IRIS, SPECIES

WIDE = IRIS.astype(np.float64)
CODES = np.floor(WIDE).astype(np.float32)
PIXELS = DIGITS[:400].astype(np.float32)
BITS = (PIXELS > 7).astype(np.float32)


def bernoulli(X: Any, y: Any, **options: Any) -> BernoulliNB:
    return BernoulliNB(**options).fit(np.asarray(X, np.float64), y)


def categorical(X: Any, y: Any, **options: Any) -> CategoricalNB:
    return CategoricalNB(**options).fit(np.asarray(X, np.float64), y)


FLOAT = [
    Case("nb_bernoulli", bernoulli(WIDE, SPECIES, binarize=3.0), IRIS),
    Case("nb_two", bernoulli(WIDE, SPECIES == 2, binarize=1.5), IRIS),
    Case("nb_bits", bernoulli(BITS, DIGIT[:400], binarize=None), BITS),
    Case("nb_codes", categorical(CODES, SPECIES), CODES),
    Case("nb_codes_two", categorical(CODES[:, :2], SPECIES > 0, min_categories=9), CODES[:, :2]),
]
CASES = [*FLOAT, *integer_cases([FLOAT[0], FLOAT[3]]), *integer_cases([FLOAT[1], FLOAT[2]], ("int8",))]

EVERY = {
    "bernoulli": (bernoulli(WIDE, SPECIES, binarize=3.0), IRIS),
    "zero": (bernoulli(DIGITS, DIGIT), PIXELS),
    "bits": (bernoulli(BITS, DIGIT[:400], binarize=None, alpha=0.1), BITS),
    "uniform prior": (bernoulli(WIDE, SPECIES, binarize=3.0, fit_prior=False), IRIS),
    "priors": (bernoulli(WIDE, SPECIES, binarize=3.0, class_prior=[0.1, 0.1, 0.8]), IRIS),
    "two classes": (bernoulli(WIDE, SPECIES == 2, binarize=3.0), IRIS),
    "one class": (bernoulli(WIDE, np.zeros(len(WIDE)), binarize=3.0), IRIS),
    "strings": (bernoulli(WIDE, np.array(["c", "a", "b"])[SPECIES], binarize=4.0), IRIS),
    "in parts": (BernoulliNB(binarize=3.0).partial_fit(WIDE[::3], SPECIES[::3], [0, 1, 2]), IRIS),
    "categorical": (categorical(CODES, SPECIES), CODES),
    "categories of digits": (categorical(DIGITS, DIGIT, min_categories=17), PIXELS),
    "more categories": (categorical(CODES, SPECIES, min_categories=[9, 20, 8, 7]), CODES),
    "categorical, two": (categorical(CODES, SPECIES == 0, alpha=0.5, fit_prior=False), CODES),
    "categorical, one class": (categorical(CODES, np.ones(len(CODES))), CODES),
    "fractions": (categorical(CODES, SPECIES), IRIS),
}


@pytest.mark.parametrize("name", EVERY)
def test_answers_are_scikit_learns(name: str) -> None:
    estimator, X = EVERY[name]
    program, wide = mm.transpile(estimator, name="model"), X.astype(np.float64)
    np.testing.assert_array_equal(program.predict(X), estimator.predict(wide))
    assert not program.model.undecided(estimator, wide).any()
    np.testing.assert_allclose(program.predict_proba(X), estimator.predict_proba(wide), atol=5e-6)


@pytest.mark.parametrize("name", ["one class", "categorical, one class", "categories of digits", "fractions"])
def test_the_c_answers_too(name: str) -> None:
    estimator, X = EVERY[name]
    assert mm.verify(estimator, X[:100], name="model")


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
def test_integers_agree_on_rows_that_calibration_did_not_see(kind: str, dtype: str) -> None:
    known, other, y, _ = train_test_split(DIGITS.astype(np.float32), DIGIT, random_state=0)
    estimator = (
        bernoulli(known, y, binarize=7.5) if kind == "bernoulli" else categorical(known, y, min_categories=17)
    )
    program = mm.transpile(estimator, name="model", dtype=dtype, calibration=known)
    wide = other.astype(np.float64)
    assert (program.predict(other) == estimator.predict(wide)).mean() >= 0.99
    apart = np.abs(program.predict_proba(other) - estimator.predict_proba(wide))
    assert apart.mean() < 3e-3


def test_categories_need_no_calibration() -> None:
    estimator = categorical(CODES, SPECIES)
    program = mm.transpile(estimator, name="model", dtype="int8")
    np.testing.assert_array_equal(program.predict(CODES), estimator.predict(CODES.astype(float)))
    assert program.quantize(CODES).tolist() == CODES.tolist()
    bits = mm.transpile(bernoulli(BITS, DIGIT[:400], binarize=None), name="model", dtype="int8")
    np.testing.assert_array_equal(bits.quantize(BITS), BITS)


@pytest.mark.parametrize("at", [0.0, 0.5, 3.0, 1e-40])
def test_a_feature_at_the_threshold_is_not_there(at: float) -> None:
    """To the last bit, on both sides."""
    X = np.float32(at) + np.zeros((12, 2), np.float32)
    X[:4] = np.nextafter(np.float32(at), np.float32(np.inf))
    X[4:8, 0] = np.nextafter(np.float32(at), np.float32(-np.inf))
    X[8:, 1] = -0.0
    estimator = BernoulliNB(binarize=at).fit(X.astype(float), np.arange(12) % 2)
    assert mm.verify(estimator, X)


SCALED = Affine(np.diag([0.5, 2.0, 1.0, 3.0]), np.array([0.5, 9.0, 2.0, -1.0]))
STAGES = {
    "scaled": SCALED,
    "selected": Affine(np.eye(7)[[6, 2, 0, 3]], np.zeros(4)),
    "repeated": Affine(
        np.eye(3)[[0, 2, 2, 1]] * np.array([[1.0], [2.0], [1.0], [3.0]]), np.array([0.0, 4.0, 0.5, 1.0])
    ),
}


@pytest.mark.parametrize("stage", STAGES)
def test_thresholds_take_in_a_scaler(stage: str) -> None:
    """Thresholds then differ, and are negative too."""
    before, estimator = STAGES[stage], bernoulli(WIDE, SPECIES, binarize=3.0)
    model = convert(estimator).behind(before)
    assert model is not None
    floats = model.quantize(model.input, Calibration())
    X = np.random.default_rng(0).normal(2.0, 3.0, (300, before.matrix.shape[1])).astype(np.float32)
    X[:, 0] = np.round(X[:, 0])  # on a threshold at times
    got, expected = floats.decode(floats.predict(X)), estimator.predict(before.apply(X))
    assert (floats.cuts < 0).any() or stage == "selected"  # type: ignore[attr-defined]
    # At such a threshold of float64 the scaler's own rounding decides.
    near = (np.abs(X[:, floats.feature] - model.threshold) < model.blur).any(axis=1)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(got[~near], expected[~near])
    assert near.mean() < 0.2
    case = FLOAT[0].transpile()
    program = in_layout(replace(case, model=floats), "behind", floats.layouts()[0])
    calls = twin_calls(floats, program.header, program.name, np.concatenate([X, -X]))
    results = core("host").run([each.call for each in calls], flags=("-O1", *STRICT), measure=False)
    assert not any(each.differs(result.y).any() for each, result in zip(calls, results, strict=True))


def test_what_cannot_take_in_a_stage() -> None:
    assert convert(bernoulli(WIDE, SPECIES)).behind(Affine(-np.eye(4), np.zeros(4))) is None
    assert convert(bernoulli(WIDE, SPECIES)).behind(Affine(np.ones((4, 4)), np.zeros(4))) is None
    assert convert(bernoulli(WIDE > 2, SPECIES, binarize=None)).behind(SCALED) is None
    assert convert(categorical(CODES, SPECIES)).behind(SCALED) is None


def test_categories_of_selected_features() -> None:
    estimator, before = categorical(CODES, SPECIES), Affine(np.eye(6)[[5, 1, 0, 3]], np.zeros(4))
    model = convert(estimator).behind(before)
    assert model is not None
    floats = model.quantize(model.input, Calibration())
    X = np.zeros((150, 6), np.float32)
    X[:, [5, 1, 0, 3]] = CODES
    np.testing.assert_array_equal(floats.decode(floats.predict(X)), estimator.predict(before.apply(X)))


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_what_is_no_category_counts_as_the_first(dtype: str) -> None:
    program = mm.transpile(categorical(CODES, SPECIES), name="model", dtype=dtype)
    model: Any = program.model
    X = np.repeat(CODES[:1], 8, axis=0).astype(model.input.dtype)
    X[1:, 2] = 0
    bad = [0, -1, model.counts[2], 30000, -30000, 100, 3e4, 127]
    X[:, 2] = bad
    if dtype == "float32":
        X[5:, 2] = np.nan, np.inf, -np.inf
    y = core("host").run([predict_call(model, program.header, program.name, X)], measure=False)[0].y[:, 0]
    np.testing.assert_array_equal(y, y[0])
    np.testing.assert_array_equal(y, model.predict(X))


def test_tables_are_cut_where_avr_takes_no_more() -> None:
    X = np.random.default_rng(0).integers(0, 2, (90, 2100)).astype(np.float32)
    y = np.arange(90) % 9
    program = mm.transpile(bernoulli(X, y, binarize=None), name="words", optimize="size")
    assert program.header.count("static const uint8_t words_row") == 2
    several = mm.transpile(categorical(X[:, :900] + X[:, 900:1800], y), name="many", optimize="size")
    assert several.header.count("static const uint8_t many_row") == 2
    for each, rows in ((program, X), (several, X[:, :900])):
        call = predict_call(each.model, each.header, each.name, rows)
        np.testing.assert_array_equal(
            core("host").run([call], measure=False)[0].y[:, 0], each.model.predict(rows)
        )


def test_sums_are_as_narrow_as_they_may_be() -> None:
    narrow: Any = mm.transpile(
        bernoulli(DIGITS, DIGIT, binarize=7.0), name="model", dtype="int8", calibration=PIXELS, weights="int8"
    )
    assert narrow.model.sum_dtype == np.int16
    assert narrow.model.rows.dtype == np.int8
    wide: Any = mm.transpile(bernoulli(DIGITS, DIGIT, binarize=7.0), name="model")
    assert wide.model.sum_dtype == np.int32
    # Every feature there, in the classes' favour or not, is no more than what was proved.
    for model in (narrow.model, wide.model):
        most = np.abs(model.rows.astype(object)).sum(axis=0) + np.abs(model.start)
        assert most.max() < 2 ** (8 * model.sum_dtype.itemsize - 1)


def refused(estimator: Any, **options: Any) -> str:
    with pytest.raises(UnsupportedError) as error:
        mm.transpile(estimator, name="model", **options)
    return str(error.value)


@pytest.mark.filterwarnings("ignore")
def test_refusals_say_what_to_do() -> None:
    never = "with probabilities of 0; fit with alpha > 0, and without classes or priors of 0"
    assert refused(categorical(CODES, SPECIES, alpha=0.0, force_alpha=True)) == (
        f"CategoricalNB cannot be ported {never}"
    )
    assert refused(bernoulli(BITS, DIGIT[:400], alpha=0.0, force_alpha=True)) == (
        f"BernoulliNB cannot be ported {never}"
    )
    assert "needs calibration=X" in refused(bernoulli(WIDE, SPECIES), dtype="int16")
    assert refused(bernoulli(BITS, DIGIT[:400], binarize=None), dtype="int8", calibration=PIXELS) == (
        "BernoulliNB(binarize=None) takes features of 0 and 1, but calibration has others; fit with a number "
        "as binarize"
    )
    many = categorical(np.array([[0], [40_000]]), [0, 1])
    assert refused(many) == "CategoricalNB cannot be ported with 40001 categories of a feature; 32768 can be"
    assert "holds categories" in refused(
        categorical(CODES * 100, SPECIES), dtype="int8", calibration=CODES * 100
    )
