"""Transformers as headers of their own in integers: int32 of one unit, whatever units are inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import micromlgen as mm
from micromlgen.affine import Affine
from micromlgen.errors import AgreementError
from micromlgen.inputs import Calibration, Input
from micromlgen.models._outputs import Outputs, outputs
from tests.cases import Case, integer_cases
from tests.models.test_tree import HOLES, IRIS

WINE, KIND = load_wine(return_X_y=True)
WINE = WINE[:, :6].astype(np.float32)
KNOWN, OTHER = WINE[::2], WINE[1::2]
#: Pressures, kelvins, magnesium by the ton: what tells rows apart is a small part of them.
FAR = np.array([1e5, 300, 0, 0, 1e4, 0], np.float32)
LACKING = np.zeros(KNOWN.shape, bool)
LACKING[::7, 0] = LACKING[3::9, 3] = True


def columns(*parts: Any, **options: Any) -> ColumnTransformer:
    return ColumnTransformer([(str(i), *part) for i, part in enumerate(parts)], **options)


def lacking(rows: Any) -> Any:
    return np.where(LACKING[: len(rows)], np.float32(np.nan), rows)


def off(estimator: Any, dtype: str, known: Any = KNOWN, other: Any = OTHER) -> Any:
    """Largest error of each output on rows that calibration has not seen, in the span of those it has."""
    estimator.fit(known.astype(float), KIND[::2])
    program = mm.transpile(estimator, name="own", dtype=dtype, calibration=known, min_agreement=0)
    assert program.model.output_dtype == np.int32
    expected = estimator.transform(other.astype(float))
    span = np.ptp(estimator.transform(known.astype(float)), axis=0)
    errors = np.abs(program.transform(other) - expected)
    assert not np.isnan(errors).any()
    return errors.max(axis=0) / np.where(span > 0, span, 1)


HOT = OneHotEncoder(handle_unknown="ignore")
UNION = FeatureUnion(
    [("pca", PCA(2)), ("scaled", StandardScaler()), ("best", SelectKBest(k=1)), ("no", "drop")],
    transformer_weights={"pca": 2.0},
)
PRESSED = IRIS + FAR[:4]
#: Where minus one means missing, of some features.
MARKED = np.where(np.isnan(HOLES), np.float32(-1), IRIS)
BY_MARKS = columns((SimpleImputer(missing_values=-1, add_indicator=True), [0, 1]), ("passthrough", [2, 3]))
CASES = [
    *integer_cases([Case("own_filled", BY_MARKS.fit(MARKED), MARKED)], ("int8",)),
    *integer_cases(
        [
            Case(
                "own_columns",
                columns((PCA(2), [2, 0, 1]), (StandardScaler(), [3]), ("passthrough", [0])).fit(PRESSED),
                PRESSED,
            )
        ],
        ("int16",),
    ),
    *integer_cases([Case("own_clipped", MinMaxScaler(clip=True).fit(IRIS[::2]), IRIS)], ("int8",)),
]


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize(
    "estimator",
    [
        SimpleImputer(),
        SimpleImputer(add_indicator=True),
        columns((StandardScaler(), [2, 0]), remainder="passthrough"),
        columns((PCA(2), [0, 1, 2]), (StandardScaler(), [3]), ("passthrough", [4])),
        columns((SimpleImputer(), [0, 3]), (StandardScaler(), [1, 2, 4, 5])),
        columns((Normalizer(), [2, 5]), (RobustScaler(), [0, 4])),
        columns((QuantileTransformer(n_quantiles=50), [2, 3]), (RobustScaler(), [4, 5])),
        columns((make_pipeline(StandardScaler(), PolynomialFeatures(2)), [0, 1]), ("passthrough", [2, 4])),
        UNION,
        FeatureUnion([("a", SimpleImputer()), ("b", make_pipeline(StandardScaler(), PCA(2)))]),
        MinMaxScaler(clip=True),
        make_pipeline(SimpleImputer(), MinMaxScaler(clip=True)),
        SelectKBest(k=3),
    ],
    ids=lambda e: "".join(str(e).split())[:70] if hasattr(e, "fit") else None,
)
def test_errors_on_rows_that_calibration_has_not_seen(estimator: Any, far: bool) -> None:
    """A thousandth of what there is, which lines make of curves, else a few steps of 16 bits."""
    shift = FAR if far else np.float32(0)
    assert off(estimator, "int16", KNOWN + shift, OTHER + shift).max() < 1.5e-3


@pytest.mark.parametrize(
    "estimator",
    [
        SimpleImputer(add_indicator=True),
        make_pipeline(SimpleImputer(), StandardScaler(), PCA(2)),
        FeatureUnion([("a", SimpleImputer()), ("b", make_pipeline(SimpleImputer(), StandardScaler()))]),
        columns((SimpleImputer(add_indicator=True), [0, 1, 3]), (StandardScaler(), [2, 4])),
        columns((make_pipeline(SimpleImputer(), MinMaxScaler(clip=True)), [3]), (SimpleImputer(), [0])),
        columns((SimpleImputer(), [0, 3]), (QuantileTransformer(n_quantiles=50), [1, 2])),
    ],
    ids=lambda e: "".join(str(e).split())[:70],
)
@pytest.mark.parametrize("far", [False, True])
def test_what_is_missing(estimator: Any, far: bool) -> None:
    shift = FAR if far else np.float32(0)
    assert off(estimator, "int16", lacking(KNOWN + shift), lacking(OTHER + shift)).max() < 1.5e-3


@pytest.mark.parametrize(
    "estimator",
    [
        SimpleImputer(),
        columns((StandardScaler(), [2, 0]), (SimpleImputer(), [1]), ("passthrough", [4])),
        FeatureUnion([("a", StandardScaler()), ("b", make_pipeline(SimpleImputer(), RobustScaler()))]),
        MinMaxScaler(clip=True),
    ],
    ids=lambda e: "".join(str(e).split())[:70],
)
@pytest.mark.parametrize("shift", [np.float32(0), FAR], ids=["near", "far"])
def test_eight_bits(estimator: Any, shift: Any) -> None:
    """Half a step of 254 at the range's ends, where rows to come lie within it."""
    rows = WINE + shift
    assert off(estimator, "int8", rows[::2], rows[::2]).max() < 0.02


def test_c_is_the_twin() -> None:
    for rows, estimator in (
        (KNOWN + FAR, columns((PCA(2), [0, 1, 2]), (SimpleImputer(), [3]), remainder="passthrough")),
        (lacking(KNOWN), columns((SimpleImputer(add_indicator=True), [0, 3]), (StandardScaler(), [1]))),
        (KNOWN, columns((KBinsDiscretizer(3, encode="onehot-dense"), [0]), (PowerTransformer(), [1]))),
        (np.rint(KNOWN), columns((HOT, [4]), (Binarizer(threshold=2), [1]))),
        (KNOWN + FAR, SelectKBest(k=4)),
        (KNOWN, make_pipeline(SimpleImputer(), MinMaxScaler(clip=True))),
        (KNOWN, UNION),
    ):
        fitted = estimator.fit(rows.astype(float), KIND[::2])
        for dtype in ("int16", "int8"):
            report = mm.verify(fitted, rows, name="own", dtype=dtype, calibration=rows, min_agreement=0)
            assert report, str(report)


@pytest.mark.parametrize("hole", [-1.0, 0.0, -9999.0])
def test_numbers_that_mean_missing(hole: float) -> None:
    """They take no room among the features, and mean nothing in others."""
    rows = np.where(LACKING, np.float32(hole), KNOWN + FAR)
    rows[::5, 2] = hole
    imputer = SimpleImputer(missing_values=hole, add_indicator=True)
    scaled = make_pipeline(SimpleImputer(missing_values=hole), StandardScaler())
    for estimator in (
        imputer,
        columns((imputer, [0, 3]), (SimpleImputer(), [1]), remainder="passthrough"),
        columns((scaled, [0, 3]), (RobustScaler(), [2])),
    ):
        assert off(estimator, "int16", rows, rows).max() < 1e-3
        behind = make_pipeline(estimator, StandardScaler(), LogisticRegression())
        behind.fit(rows.astype(float), KIND[::2])
        report = mm.verify(behind, rows, name="own", dtype="int16", calibration=rows)
        assert report, str(report)


def test_numbers_that_mean_missing_in_some_parts_only() -> None:
    parts = [("a", SimpleImputer(missing_values=-1)), ("b", StandardScaler())]
    fitted = FeatureUnion(parts).fit(KNOWN.astype(float))
    with pytest.raises(ValueError, match=r"FeatureUnion: parts of it take different .* mark these with NaN"):
        mm.transpile(fitted, name="no", dtype="int16", calibration=KNOWN)
    late = make_pipeline(StandardScaler(), SimpleImputer(missing_values=-1)).fit(KNOWN.astype(float))
    with pytest.raises(ValueError, match=r"behind a scaler fills NaN only in integers; put it first"):
        mm.transpile(late, name="no", dtype="int16", calibration=KNOWN)
    later = make_pipeline(PCA(2), SimpleImputer(missing_values=-1)).fit(KNOWN.astype(float))
    with pytest.raises(ValueError, match=r"missing_values=-1\) behind other transformers .* put it first"):
        mm.transpile(later, name="no", dtype="int16", calibration=KNOWN)


def test_a_seldom_flag_is_one() -> None:
    """Features of which no calibration row lacks one."""
    rows = lacking(KNOWN)
    fitted = SimpleImputer(add_indicator=True).fit(rows.astype(float))
    program = mm.transpile(fitted, name="own", dtype="int16", calibration=KNOWN)
    assert program.transform(rows)[:, 6:].tolist() == np.isnan(rows[:, [0, 3]]).tolist()


def test_a_fill_beyond_the_features_is_held() -> None:
    rows = lacking(KNOWN)
    fitted = SimpleImputer(strategy="constant", fill_value=-99.0).fit(rows.astype(float))
    program = mm.transpile(fitted, name="own", dtype="int16", calibration=KNOWN)
    assert (program.transform(rows)[np.isnan(rows)] == -99).all()


def test_integers_stay_as_they_are() -> None:
    counts = np.random.default_rng(0).integers(-500, 500, (60, 3)).astype(np.float32)
    chosen = columns((SimpleImputer(), [2]), ("passthrough", [0])).fit(counts)
    program = mm.transpile(chosen, name="own", dtype="int16", calibration=counts)
    assert program.model.output_scale == 1
    np.testing.assert_array_equal(program.transform(counts), counts[:, [2, 0]])


def test_one_unit_is_as_fine_as_all_of_int32_allows() -> None:
    """Units of inputs become no finer than what is left beside the coarsest and the offsets."""
    to = Input(3, "int16", exponents=np.array([11, -3, 13], np.int32))
    assert outputs("own", 3).takes(to).exponents.tolist() == [11, -3, 11]
    far = Outputs("own", Input(1), np.zeros((1, 2)), map=Affine.elementwise([1.0], [1e6]))
    taken = far.takes(Input(1, "int16", exponents=np.array([15], np.int32)))
    assert taken.exponents.tolist() == [11]
    last = far.quantize(taken, Calibration(np.array([[-10.0], [10.0]], np.float32)))
    worst = last.predict(np.array([[-32768], [32767]], np.int16))
    np.testing.assert_array_equal(last.decode(worst)[:, 0], [1e6 - 16, 1e6 + 16 - 2.0**-11])


def test_far_apart_outputs_are_an_error_that_says_so() -> None:
    rows = (KNOWN * np.array([1e9, 1, 1, 1, 1, 1e-9])).astype(np.float32)
    with pytest.raises(AgreementError, match=r"agrees with SimpleImputer on .* or scale the features"):
        mm.transpile(SimpleImputer().fit(rows), name="no", dtype="int16", calibration=rows)


def test_missing_values_of_a_part_that_does_not_fill_them_are_refused() -> None:
    rows, trees = lacking(KNOWN), HistGradientBoostingClassifier(max_iter=2)
    parts = columns((SimpleImputer(), [0, 3]), (FunctionTransformer(np.square), [0]))
    fitted = make_pipeline(parts, trees).fit(rows.astype(float), KIND[::2])
    with pytest.raises(ValueError, match="integer modes cannot be followed behind transformers; use missing"):
        mm.transpile(fitted, name="no", dtype="int16", calibration=rows)


def test_before_a_model_parts_need_not_have_one_unit() -> None:
    known, other = KNOWN + FAR, OTHER + FAR
    parts = columns((SimpleImputer(), [0, 3]), (MinMaxScaler(clip=True), [1, 4]), (Normalizer(), [2, 5]))
    fitted = make_pipeline(parts, StandardScaler(), LogisticRegression()).fit(known.astype(float), KIND[::2])
    program = mm.transpile(fitted, name="own", dtype="int16", calibration=known)
    assert (program.predict(other) == fitted.predict(other.astype(float))).mean() >= 0.99


def test_random_features_beside_others() -> None:
    parts = columns(
        (make_pipeline(StandardScaler(), RBFSampler(gamma=0.1, n_components=5, random_state=0)), [2, 3]),
        ("passthrough", [0]),
    )
    assert off(parts, "int16").max() < 1e-3
