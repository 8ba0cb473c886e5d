"""PrincipalFFT and KFFT of the package principal-fft, which micromlgen 1.x ported."""

from __future__ import annotations

import numpy as np
import pytest
from principalfft import KFFT, PrincipalFFT
from sklearn.feature_selection import SelectKBest

import micromlgen as mm
from tests.cases import Case

RNG = np.random.default_rng(0)
SAMPLES = {n: RNG.normal(size=(40, n)).astype(np.float32) for n in (4, 7, 10, 64)}


def fft(n: int, components: int) -> PrincipalFFT:
    return PrincipalFFT(components).fit(SAMPLES[n])


CASES = [Case(f"fft_{n}", fft(n, k), SAMPLES[n]) for n, k in ((4, 3), (7, 4), (10, 3), (64, 5))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_magnitudes_are_its_own(case: Case) -> None:
    got = case.transpile().transform(case.X)
    np.testing.assert_allclose(got, case.estimator.transform(case.X.astype(float)), atol=1e-5)


def test_kfft_keeps_the_bins_that_a_selector_chose() -> None:
    X = SAMPLES[64]
    estimator = KFFT(SelectKBest(k=4)).fit(X, X[:, 0] > 0)
    got = mm.transpile(estimator, name="selected").transform(X)
    np.testing.assert_allclose(got, estimator.transform(X.astype(float)), atol=1e-5)


def test_one_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^PrincipalFFT is not fitted; call fit first"):
        mm.port(PrincipalFFT(3))


def test_integers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"PrincipalFFT cannot be ported in integers; use dtype='float32'"):
        mm.port(fft(7, 2), dtype="int16")
