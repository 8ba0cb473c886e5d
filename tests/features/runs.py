"""Calls of extractors on this host and on simulated boards, beside the twin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from micromlgen.boards import STRICT, Call, core
from tests.cases import SANITIZE


def assert_same(where: str, calls: Sequence[Call], twins: Sequence[NDArray[np.generic]]) -> None:
    """The outputs are the twin's: on the "host" under its sanitizers, or on a board of each kind."""
    if where == "host":
        runs = [core("host").run(calls, flags=(*SANITIZE, *STRICT), measure=False)]
    else:
        names = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
        runs = [core(name).run(calls, flags=("-O2", *STRICT)) for name in names]
    for results in runs:
        for result, twin in zip(results, twins, strict=True):
            np.testing.assert_array_equal(result.y, twin)
