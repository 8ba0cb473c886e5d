"""Weight sharing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import micromlgen as mm
from micromlgen.errors import UnsupportedError
from micromlgen.nn import prune, share
from tests.nn.nets import diabetes, digits, nonzeros, reader


@pytest.mark.parametrize(("bits", "most_lost"), [(4, 0.02), (3, 0.03), (2, 0.13)])
def test_few_values_do_as_well(bits: int, most_lost: float) -> None:
    train, test, y, y_test = digits()
    shared = share(reader(), train, y, bits=bits, epochs=100)
    assert all(1 < len(np.unique(coef)) <= 2**bits for coef in shared.coefs_)
    assert shared.score(test, y_test) >= reader().score(test, y_test) - most_lost
    assert shared.compression_.function == "share"


def test_four_bits_a_weight_are_what_a_small_header_stores() -> None:
    train, test, y, _ = digits()
    shared = share(reader(), train, y, epochs=20)
    cost = shared.compression_
    assert cost.flash_after < 0.8 * cost.flash_before
    program = mm.transpile(shared, dtype="int8", calibration=train, optimize="size")
    assert program.layout == "codes"
    assert (program.predict(test) == shared.predict(test)).mean() >= 0.99


def test_training_the_values_helps() -> None:
    train, _, y, _ = digits()
    scores = [share(reader(), train, y, bits=2, epochs=n).score(train, y) for n in (0, 60)]
    assert scores[1] > scores[0]


def test_pruned_weights_stay_0() -> None:
    train, _, y, _ = digits()
    small = prune(reader(), train, y, keep=0.25, epochs=40)
    shared = share(small, train, y, epochs=10)
    assert nonzeros(shared) == nonzeros(small)
    assert all(len(np.unique(coef)) <= 16 for coef in shared.coefs_)


def test_a_pipeline_of_a_regressor() -> None:
    net, X, y = diabetes()
    shared = share(net, X, y, epochs=100)
    assert shared.score(X, y) >= net.score(X, y) - 0.1
    assert all(len(np.unique(coef)) <= 16 for coef in shared[-1].coefs_)


@pytest.mark.parametrize("bits", [0, 9, 2.5, True])
def test_bits_out_of_range(bits: Any) -> None:
    net, X, y = diabetes()
    with pytest.raises(UnsupportedError, match=re.escape(f"bits={bits!r}: use an integer from 1 to 8")):
        share(net, X, y, bits=bits)
