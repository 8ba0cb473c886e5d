"""What a header says of the units of its outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_union
from sklearn.preprocessing import KBinsDiscretizer

import micromlgen as mm
from micromlgen.features import FFT, MFCC, BandPower, Statistics
from micromlgen.features._extractor import Extractor
from tests.features.windows import stacked

SEVERAL = Statistics(["mean", "min", "max", "ptp"])


def told(header: str) -> str:
    """The banner as one line."""
    return " ".join(line.removeprefix(" *").strip() for line in header.split("*/")[0].splitlines())


@pytest.mark.parametrize(
    "extractor", [FFT(64), BandPower([(0, 10), (10, 50)], 100, 64), MFCC(8000, n_fft=64)]
)
def test_a_scale_stands_where_all_have_it(extractor: Extractor) -> None:
    model = extractor.fit(stacked(64)).extraction()
    assert model.one_unit == (len(set(model.unit())) == 1)
    assert ("OUTPUT_SCALE" in mm.port(extractor)) == model.one_unit


def test_no_scale_stands_where_units_differ() -> None:
    header = mm.port(SEVERAL.fit(stacked(64)), name="shape")
    assert "OUTPUT_SCALE" not in header
    assert "y in steps, each from the output that is named on: mean 0.015625, min 1 " in told(header)


def test_transformers_of_features_have_a_scale() -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    bins = KBinsDiscretizer([4, 3, 5], encode="ordinal", strategy="uniform", subsample=None).fit(X)
    assert "BINS_OUTPUT_SCALE" in mm.port(bins, name="bins", dtype="int16", calibration=X)


def test_units_that_repeat_are_told_once() -> None:
    fitted = Statistics(["mean", "min"], n_channels=3).fit(stacked(96))
    assert "named on: mean_0 0.03125, min_0 1, again every 2 numbers " in told(mm.port(fitted))
    union = make_union(SEVERAL, BandPower({"*/ low": (0, 50)}, 100, 64)).fit(stacked(64))
    assert "named on: statistics__mean 0.015625, statistics__min 1 " in told(mm.port(union))


def test_of_many_units_the_first_are_told() -> None:
    many = make_union(*[Statistics(["mean", "min"]) for _ in range(40)], MFCC(8000, n_fft=64)).fit(
        stacked(64)
    )
    assert "and so on, as the extractor's dequantize has them" in told(mm.port(many))


def test_sketches_print_integers_where_units_differ(tmp_path: Path) -> None:
    for fitted, printed in (
        (SEVERAL.fit(stacked(64)), "Serial.print(y[i]);"),
        (FFT(64), "_OUTPUT_SCALE, 6);"),
    ):
        mm.transpile(fitted, name="shape").save(tmp_path / printed, layout="arduino")
        sketches = [path.read_text() for path in (tmp_path / printed).rglob("*.ino")]
        assert any(printed in sketch for sketch in sketches)
