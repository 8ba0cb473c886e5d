"""Statistics: exact sums, roots and moments within their bounds, at every length."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline

import micromlgen as mm
from micromlgen.boards import STRICT, Call, core
from micromlgen.calls import predict_call
from micromlgen.errors import UnsupportedError
from micromlgen.features import Statistics
from micromlgen.features._statistic import STATISTICS
from micromlgen.render import source
from tests.cases import SANITIZE, Case
from tests.features.windows import for_moments as windows

EVERY, DEFAULT = list(STATISTICS), Statistics().features
LENGTHS = [2, 3, 4, 5, 9, 64, 100, 128, 1000, 4096, 8192]


def of(n: int) -> list[str]:
    """Every statistic that windows of n samples have."""
    return [name for name in EVERY if n > 2 or name not in ("hjorth_mobility", "hjorth_complexity")]


def interleaved(n: int) -> np.ndarray:
    X = windows(n)
    return np.stack([X, np.roll(X, 1, axis=0), -(X // 2)], axis=2).reshape(len(X), -1)


CASES = [
    Case("statistics_default", Statistics(n_channels=3).fit(interleaved(20)), interleaved(20)),
    Case("statistics_all", Statistics(EVERY).fit(windows(32)), windows(32)),
    Case(
        "statistics_odd",
        Statistics([*EVERY[::-1], "correlation", "sma"], n_channels=3, lags=(6, 1), quantiles=(1, 0.3)).fit(
            interleaved(7)
        ),
        interleaved(7),
    ),
]
#: Exact but for float64's own rounding.
EXACT = ("mean", "median", "min", "max", "ptp", "zero_crossings", "mean_crossings", "mad")


@pytest.mark.parametrize("n", LENGTHS)
def test_the_definitions_of_numpy_and_scipy(n: int) -> None:
    X = windows(n)
    program = Statistics(of(n)).fit(X)
    names = [str(name) for name in program.get_feature_names_out()]
    got = dict(zip(names, program.dequantize(program.transform(X)).T, strict=True))
    reference = dict(zip(names, program.reference(X).T, strict=True))
    for name in EXACT:
        np.testing.assert_allclose(got[name], reference[name], rtol=1e-12, atol=1e-9, err_msg=name)
    for name in ("std", "rms"):
        assert np.abs(got[name] - reference[name]).max() <= 1, name
        # And small ones as exactly as they are large.
        assert (np.abs(got[name] - reference[name]) <= 2.0**-13 * reference[name] + 1 / n).all(), name
    assert np.abs(got["var"] - reference["var"]).max() <= 0.5
    assert np.abs(got["iqr"] - reference["iqr"]).max() <= 1
    for name in ("quantile_0.1", "quantile_0.9"):
        assert np.abs(got[name] - reference[name]).max() <= 0.6, name
    step = 2.0 ** ((n - 1).bit_length() + 1)
    assert (np.abs(got["energy"] - reference["energy"]) < step).all()


def wandering(n: int) -> np.ndarray:
    """What has memory: walks, ramps with and without a kink, waves, steps of one."""
    t, rng = np.arange(n), np.random.default_rng(1)
    walks = [np.cumsum(rng.normal(0, s, n)) + m for s in (0.3, 5, 300) for m in (0, -20000)]
    ramps = [
        t * 65535 // n - 32768,
        np.where(t < n // 2, t, t + 1),
        30000 * np.sin(t * 0.05),
        t % 2,
        t // 3 % 2,
    ]
    return np.clip(np.rint([*walks, *ramps]), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("n", [3, 4, 9, 64, 100, 1000, 8192])
def test_what_order_in_time_tells(n: int) -> None:
    X = np.concatenate([windows(n), wandering(n)])
    both = np.stack([X, np.roll(X, 1, axis=0)], axis=2).reshape(len(X), -1)
    features = ["hjorth_activity", "hjorth_mobility", "hjorth_complexity", "autocorrelation", "entropy"]
    lags = (1, 2) if n < 9 else (1, 2, 7, n - 1)
    fitted = Statistics([*features, "sma", "correlation"], n_channels=2, lags=lags).fit(both)
    got, reference = fitted.dequantize(fitted.transform(both)), fitted.reference(both)
    assert np.abs(fitted.transform(both)).max() < 2**30
    for name, mine, exact in zip(fitted.get_feature_names_out(), got.T, reference.T, strict=True):
        off = np.abs(mine - exact)
        if "mobility" in name or "complexity" in name:
            assert (off <= 2.0**-13 * exact + 2.0**-16)[exact < 16384].all(), name
            assert (mine[exact >= 16384] == (2**30 - 1) / 2**16).all(), name
        elif "correlation" in name:
            assert off.max() <= 2.0**-13, name
        else:
            bound = {"sma": 1e-9, "entropy": 0.002}
            assert off.max() <= bound.get(name.rsplit("_", 1)[0], 0.5 + 1e-9), name


def test_the_largest_complexity_is_held() -> None:
    """A ramp that bends once: next to no mobility, and any of that."""
    t = np.arange(8192)
    X = np.where(t < 4096, 8 * t - 32768, 8 * t - 32765).astype(np.int16)[None]
    fitted = Statistics("hjorth_complexity").fit(X)
    assert fitted.reference(X)[0, 0] > 2 * 16384
    assert fitted.transform(X)[0, 0] == 2**30 - 1


def peaked(n: int) -> np.ndarray:
    """Few high peaks over next to nothing, of every size and place: what rounded powers find hardest."""
    rng, rows = np.random.default_rng(n), []
    for k in range(120):
        height = int(32768 * 2.0 ** rng.uniform(-15 * (k % 2), 1))
        row = np.full(n, rng.integers(-32768, 32767 - min(height, 65534)))
        spread = int(2 ** rng.uniform(0, 12))
        beside = (0, spread * (np.arange(n) % 2), rng.integers(0, spread + 1, n), rng.normal(0, spread, n))
        row = row + beside[k % 4]
        row[rng.integers(0, n, 1 if k % 3 else max(n // 50, 2))] += height
        rows.append(row if k % 5 else -1 - row)
    return np.clip(rows, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("n", LENGTHS)
def test_skew_and_kurtosis_of_whatever_comes(n: int) -> None:
    """A single peak in 8192 samples has a kurtosis of 8187."""
    X = np.concatenate([windows(n), wandering(n), peaked(n)])
    fitted = Statistics(["skew", "kurtosis"]).fit(X)
    off = np.abs(fitted.dequantize(fitted.transform(X)) - fitted.reference(X)).max(axis=0)
    assert (off <= [0.001, 0.002]).all(), off


@pytest.mark.parametrize("n", [2, 5, 77, 128, 8192])
def test_c_is_the_twin(n: int) -> None:
    """Each statistic alone too: nothing is computed that it does not need."""
    X = np.concatenate([windows(n), peaked(n)])
    calls, twins = [], []
    for features in (of(n), *([name] for name in (*EVERY, "sma") if n == 5)):
        fitted = Statistics(features).fit(X)
        program = mm.transpile(fitted, name=f"s{len(calls)}")
        calls.append(predict_call(program.model, program.header, program.name, X))
        twins.append(fitted.transform(X))
    results = core("host").run(calls, flags=(*SANITIZE, *STRICT), measure=False)
    for result, twin in zip(results, twins, strict=True):
        np.testing.assert_array_equal(result.y, twin)


@pytest.mark.boards
@pytest.mark.parametrize("flags", ["-O0", "-O2"])
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_boards_give_the_twin(name: str, flags: str) -> None:
    """With and without an odd sample, interleaved, at the extremes: what assembler does there."""
    calls, twins = [], []
    for n, channels in ((9, 1), (100, 1), (64, 3)):
        X = interleaved(n) if channels == 3 else np.concatenate([windows(n), peaked(n)[:40]])
        features = [*EVERY, "correlation"] if channels == 3 else DEFAULT
        fitted = Statistics(features, n_channels=channels).fit(X)
        program = mm.transpile(fitted, name=f"s{n}")
        calls.append(predict_call(program.model, program.header, program.name, X))
        twins.append(fitted.transform(X))
    for result, twin in zip(core(name).run(calls, flags=(flags, *STRICT)), twins, strict=True):
        np.testing.assert_array_equal(result.y, twin)


@pytest.mark.boards
def test_roots_by_division_are_exact() -> None:
    """Around all squares that are near powers of two, and some others."""
    roots = np.unique(np.concatenate([2 ** np.arange(17) - 1, 2 ** np.arange(16), np.arange(1, 65536, 997)]))
    v = np.unique(np.concatenate([roots**2 - (roots > 0), roots**2, roots**2 + 2 * roots, [0]]))
    header = f"#include <stdint.h>\n#include <string.h>\n{source('flash')}\n{source('root')}\n"
    halves = np.stack([v >> 16, v & 0xFFFF], axis=1).astype(np.uint16).view(np.int16)
    call = Call(header, halves, "y[0] = mml2_root((uint32_t)(uint16_t)x[0] << 16 | (uint16_t)x[1]);")
    y = core("cortex-m4f").run([call], flags=("-O2", *STRICT))[0].y[:, 0]
    np.testing.assert_array_equal(y, [math.isqrt(int(each)) for each in v])


def test_the_reference_is_scipys() -> None:
    X = windows(100)[-4:]
    fitted = Statistics(["skew", "kurtosis", "mad", "iqr", "std"]).fit(X)
    wide = X.astype(float)
    expected = [
        stats.skew(wide, axis=1),
        stats.kurtosis(wide, axis=1),
        stats.median_abs_deviation(wide, axis=1),
        stats.iqr(wide, axis=1),
        wide.std(axis=1),
    ]
    np.testing.assert_allclose(fitted.reference(X), np.stack(expected, axis=1))
    x, y = wide[:2]
    d = x - x.mean()
    entropy = stats.entropy(np.histogram(x, 16)[0], base=2)
    fitted = Statistics(["entropy", "autocorrelation", "correlation", "sma"], n_channels=2, lags=3)
    both = np.stack([X[0], X[1]], axis=1).reshape(1, -1)
    got = dict(zip(fitted.fit(both).get_feature_names_out(), fitted.reference(both)[0], strict=True))
    np.testing.assert_allclose(got["entropy_0"], entropy)
    np.testing.assert_allclose(got["autocorrelation_3_0"], (d[3:] @ d[:-3]) / (d @ d))
    np.testing.assert_allclose(got["correlation_0_1"], stats.pearsonr(x, y)[0])
    np.testing.assert_allclose(got["sma"], (np.abs(x) + np.abs(y)).mean())


@pytest.mark.parametrize("n", [2, 3, 8192])
def test_no_output_leaves_its_range(n: int) -> None:
    X = windows(n)
    extraction = Statistics(of(n)).extraction(n)
    assert np.abs(Statistics(of(n)).fit(X).transform(X).astype(np.int64)).max() <= extraction.top


def test_channels_are_interleaved_and_named() -> None:
    X = interleaved(16)
    fitted = Statistics(["mean", "max"], n_channels=3).fit(X)
    assert fitted.get_feature_names_out().tolist() == [
        "mean_0",
        "max_0",
        "mean_1",
        "max_1",
        "mean_2",
        "max_2",
    ]
    alone = Statistics(["mean", "max"]).fit(X[:, 1::3])
    np.testing.assert_array_equal(
        fitted.transform(X)[:, 2:4], alone.transform(np.ascontiguousarray(X[:, 1::3]))
    )


def test_from_samples_to_an_activity() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 30)
    X = (rng.normal(size=(90, 60)) * (200 * 4.0**y)[:, None] + 1000).astype(np.int16)
    estimator = make_pipeline(Statistics(n_channels=3), RandomForestClassifier(8, random_state=0)).fit(X, y)
    program = mm.transpile(estimator, name="activity")
    np.testing.assert_array_equal(program.predict(X), estimator.predict(X))
    assert program.verify(X)


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({"features": ["mean", "mode"]}, windows(8), "'mode' is none of mean, median"),
        ({"features": None}, windows(8), "features=None; a list of names is needed"),
        ({"features": []}, windows(8), "name each feature once, and at least one"),
        ({"features": ["max", "max"]}, windows(8), "name each feature once"),
        ({"n_channels": 3}, windows(8), "windows of 8 samples are none of 3 channels"),
        ({"n_channels": 0}, windows(8), "n_channels=0; an integer from 1 to 255"),
        ({"n_channels": 8}, windows(8), "1 samples a channel; 2 to 8192 are needed"),
        ({}, np.zeros((2, 8200), np.int16), "8200 samples a channel; 2 to 8192"),
        ({}, windows(8) / 2, "float64; int16 samples are needed"),
        ({"features": "hjorth_mobility"}, windows(2), "2 samples a channel; mobility and complexity need 3"),
        ({"features": "correlation"}, windows(8), "'correlation' is of pairs of channels; n_channels is 1"),
        (
            {"features": "quantile", "quantiles": 1.5},
            windows(8),
            "quantiles=1.5: numbers from 0 to 1, each once",
        ),
        ({"features": "quantile", "quantiles": ()}, windows(8), "quantiles=(): numbers from 0 to 1"),
        (
            {"features": "autocorrelation", "lags": (1, 1)},
            windows(8),
            "lags=(1, 1): integers from 1, each once",
        ),
        ({"features": "autocorrelation", "lags": 8}, windows(8), "lags=8: channels have 8 samples"),
        ({"features": "entropy", "bins": 1}, windows(8), "bins=1; an integer from 2 to 256"),
    ],
    ids=str,
)
def test_what_is_refused(options: dict[str, object], X: np.ndarray, message: str) -> None:
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        Statistics(**options).fit(X)  # type: ignore[arg-type]


def test_it_is_fitted_before_it_is_ported() -> None:
    with pytest.raises(UnsupportedError, match="Statistics is not fitted; call fit"):
        mm.port(Statistics())
