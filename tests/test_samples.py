"""What is taken as samples, and what is said of the rest: of every extractor."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from scipy import signal, sparse
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.utils import validation
from sklearn.utils.estimator_checks import check_estimator

from micromlgen import features
from micromlgen.errors import UnsupportedError
from micromlgen.features import FFT, DCRemoval, Goertzel, Statistics, Windower

X = np.random.default_rng(0).integers(-5000, 5000, (6, 64)).astype(np.int16)
EXTRACTORS: dict[str, Any] = {
    "BandPower": features.BandPower([[0, 500], [500, 2000]], 8000, n_fft=32),
    "DCRemoval": DCRemoval(),
    "FFT": FFT(64, "hann", "log"),
    "FIRFilter": features.FIRFilter(signal.firwin(9, 0.2), decimation=2),
    "Goertzel": Goertzel([50, 500], 8000),
    "IIRFilter": features.IIRFilter(signal.butter(2, 0.2, output="sos")),
    "MFCC": features.MFCC(8000, n_fft=64, frame_length=64, hop_length=32, n_mels=8, n_mfcc=4),
    "MelSpectrogram": features.MelSpectrogram(8000, n_fft=64, frame_length=64, hop_length=32, n_mels=8),
    "SpectralShape": features.SpectralShape(8000, n_fft=64),
    "Statistics": Statistics(),
    "Wavelet": features.Wavelet(),
    "Windower": Windower(32),
}
WHOLE = "int16 samples are needed, as the board's converter gives them"
UNFIT: dict[str, tuple[Any, str]] = {
    "fractions": (X / 32768, f"dtype float64; {WHOLE}: of floats within ±1 pass np.rint(X * 32767)"),
    "whole": (X.astype(np.float32), f"dtype float32; {WHOLE}: all are integers: pass X.astype(np.int16)"),
    "units": (X / 100, f"dtype float64; {WHOLE}: divide by what a step of it is"),
    "large": (X * 1e5, f"dtype float64; {WHOLE}: divide by what a step of it is"),
    "nan": (
        np.where(X > 0, np.nan, X),
        f"{WHOLE}: windows with NaN must be left out or filled",
    ),
    "wide": (X.astype(np.int32) * 100, "to 497200; int16 holds -32768 to 32767: pass X >> 4"),
    "unsigned": (
        X.view(np.uint16),
        "to 32767: of a converter without sign pass X.astype(np.int32) - 32768",
    ),
    "one": (X[0], "has shape (64,); (n_windows, 64) is needed: of one window pass X.reshape(1, -1)"),
    "deep": (X[None], "has shape (1, 6, 64); (n_windows, 64) is needed"),
    "none": (X[:0], "has no windows"),
    "nothing": (X[:, :0], "has shape (6, 0); (n_windows, 64) is needed"),
    "short": (X[:, :63], "has shape (6, 63); (n_windows, 64) is needed"),
    "truth": (X > 0, "has dtype bool; int16 samples are needed"),
    "words": (X.astype(str), "has dtype <U6; int16 samples are needed"),
    "complex": (X + 0j, "has dtype complex128; int16 samples are needed"),
    "no array": (None, f"has dtype object; {WHOLE}: each must be an integer"),
    "ragged": ([[1, 2], [3]], "windows are not all as long"),
    "sparse": (sparse.csr_matrix(X), "is a sparse matrix; pass X.toarray()"),
    "masked": (
        np.ma.masked_array(X, X > 0),
        "has masked samples; windows with them must be left out",
    ),
}


def test_every_extractor_is_here() -> None:
    assert set(EXTRACTORS) == set(features.__all__)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_what_is_no_window_is_refused(name: str) -> None:
    fitted = clone(EXTRACTORS[name]).fit(X)
    for given, message in UNFIT.values():
        for method in (fitted.transform, fitted.reference):
            with pytest.raises(UnsupportedError, match=re.escape(message)) as raised:
                method(given)
            assert str(raised.value).startswith(f"{name}: X "), message


@pytest.mark.parametrize("name", EXTRACTORS)
def test_fit_refuses_as_transform_does(name: str) -> None:
    for given, message in UNFIT.values():
        fitting = message.replace("(n_windows, 64) is", "(n_windows, n_samples) is")
        if given is UNFIT["short"][0]:
            continue  # a length like others
        with pytest.raises(UnsupportedError, match=re.escape(fitting)) as raised:
            clone(EXTRACTORS[name]).fit(given)
        assert str(raised.value).startswith(f"{name}: X ")


@pytest.mark.parametrize("name", EXTRACTORS)
def test_integers_of_every_kind_are_taken(name: str) -> None:
    fitted = clone(EXTRACTORS[name]).fit(X)
    expected = fitted.transform(X)
    for given in (
        X.tolist(),
        X.astype(np.int64),
        X.astype(object),
        np.asfortranarray(X),
        X[:, ::-1][:, ::-1],
    ):
        np.testing.assert_array_equal(clone(fitted).fit(given).transform(given), expected)


def test_data_frames_are_taken() -> None:
    pandas = pytest.importorskip("pandas")
    fitted = Statistics().fit(X)
    frame = pandas.DataFrame(X, columns=[f"s{i}" for i in range(64)])
    for given in (frame, frame.astype("Int16")):
        np.testing.assert_array_equal(fitted.transform(given), fitted.transform(X))
    with pytest.raises(UnsupportedError, match="windows with NaN must be left out or filled"):
        fitted.transform(frame.mask(frame > 4000))
    with pytest.raises(UnsupportedError, match="windows with missing ones must be left out or filled"):
        fitted.transform(frame.astype("Int16").mask(frame > 4000))


def test_wider_samples_tell_by_how_much_to_shift() -> None:
    with pytest.raises(UnsupportedError, match=re.escape("int16 holds -32768 to 32767: pass X >> 9")):
        Statistics().fit(np.array([[0, (1 << 24) - 1, 5]]))


@pytest.mark.parametrize("name", EXTRACTORS)
def test_a_scikit_learn_transformer(name: str) -> None:
    made: BaseEstimator = clone(EXTRACTORS[name])
    params = made.get_params()
    assert type(made)(**params).get_params().keys() == params.keys()
    fitted = pickle.loads(pickle.dumps(made.fit(X)))
    out = fitted.transform(X)
    np.testing.assert_array_equal(out, made.fit_transform(X))
    names = fitted.get_feature_names_out()
    assert names.shape == (out.shape[1],)
    assert len(set(names)) == len(names)
    assert fitted.dequantize(out).shape == fitted.reference(X).shape == out.shape
    assert repr(fitted).startswith(f"{name}(")


class Rounded:
    """Takes floats, as scikit-learn's checks pass them, and rounds hundredths."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit(self._rounded(X, reset=True), y)  # type: ignore[misc]

    def transform(self, X: Any) -> Any:
        return super().transform(self._rounded(X, reset=not hasattr(self, "n_features_in_")))  # type: ignore[misc]

    def _rounded(self, X: Any, reset: bool) -> np.ndarray:
        hundredths = np.rint(100 * validation.validate_data(self, X, reset=reset))
        return np.clip(hundredths, -32768, 32767).astype(np.int16)


class RoundedStatistics(Rounded, Statistics):
    pass


class RoundedRemoval(Rounded, DCRemoval):
    pass


class RoundedGoertzel(Rounded, Goertzel):
    pass


@pytest.mark.skipif(not hasattr(validation, "validate_data"), reason="scikit-learn before 1.6")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("made", [RoundedStatistics(), RoundedRemoval(), RoundedGoertzel([50.0], 200.0)])
def test_the_checks_of_scikit_learn(made: Any) -> None:
    """All but that floats are taken; and that windows have two samples."""
    short = {"check_fit2d_1feature": "two samples are needed"} if isinstance(made, Statistics) else {}
    results = check_estimator(made, on_fail=None, expected_failed_checks=short)
    assert [result["check_name"] for result in results if result["status"] == "failed"] == []
    assert sum(result["status"] == "passed" for result in results) > 40


def test_names_in_compositions() -> None:
    union = make_union(Statistics(["max", "std"]), Goertzel([500], 8000)).fit(X)
    assert union.get_feature_names_out()[1:].tolist() == ["statistics__std", "goertzel__magnitude_500"]
    halves = ColumnTransformer(
        [("left", Statistics(["max"]), slice(0, 32)), ("right", Statistics(["max"]), slice(32, 64))]
    ).fit(X)
    assert halves.get_feature_names_out().tolist() == ["left__max", "right__max"]
    np.testing.assert_array_equal(halves.transform(X), np.stack([X[:, :32].max(1), X[:, 32:].max(1)], axis=1))
    chain = make_pipeline(DCRemoval(), Windower(16), Statistics(["min"])).fit(X)
    assert chain[:-1].get_feature_names_out().shape == (16,)
