"""Headers of any two families meet in one file: a helper that both have is the same, under the same guard."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

import micromlgen as mm
from micromlgen.boards import STRICT, core
from micromlgen.features import FFT


def test_square_roots_of_spectra_and_of_neighbours() -> None:
    draw = np.random.default_rng(0)
    X = draw.integers(-99, 99, (60, 4)).astype(np.float32)
    near = KNeighborsClassifier(3, weights="distance").fit(X, X[:, 0] > 0)
    windows = draw.integers(-999, 999, (9, 32)).astype(np.int16)
    headers = {
        "near.h": mm.port(near, name="near", dtype="int16", calibration=X),
        "heard.h": mm.port(FFT(32, output="magnitude").fit(windows), name="heard"),
    }
    for order in (sorted(headers), sorted(headers, reverse=True)):
        main = "".join(f'#include "{name}"\n' for name in order) + "int main(void) { return 0; }\n"
        core("host").compile({**headers, "main.c": main}, flags=("-O1", *STRICT))
