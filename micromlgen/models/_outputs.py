"""The last stage of transformers that write for a next model: their numbers, as int32 of one unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.inputs import Calibration, Input
from micromlgen.models._stage import zeros
from micromlgen.models.transformers import AffineTransformer, Form, Scaled, Selected

Array = NDArray[Any]
#: Most bits that a number is shifted left by: the factor has 16 bits.
_MOST_SHIFT = 14


@dataclass(frozen=True, eq=False)
class Outputs(AffineTransformer):
    """Features as they are, plus what they were centred by; in integers of one unit, a power of two.

    The features have 16 bits and units of their own, none finer than the outputs': factors are powers of two
    up to 2**14, and sums stay in int32 by proof.
    """

    def behind(self, stage: Affine) -> Outputs:
        return replace(self, map=self.map.after(stage))

    def takes(self, to: Input) -> Input:
        """Inputs no finer than int32 of one unit is, with the others."""
        assert to.exponents is not None
        reach = np.ldexp(float(to.highest + 1), -to.exponents) + np.abs(self.map.offset)
        finest = int(np.floor(np.log2((2.0**31 - 2) / reach.max())))
        finest = min(finest, int(to.exponents.min()) + _MOST_SHIFT)
        return replace(to, exponents=np.minimum(to.exponents, finest))

    def quantize(self, inputs: Input, by: Calibration) -> Form:
        if inputs.exponents is None:
            return super().quantize(inputs, by)
        assert by.rows is not None
        y = self.map.apply(by.rows)
        exponent = int(inputs.exponents.max())
        made: dict[str, Any] = {
            "source": self.source,
            "input": inputs,
            "span": np.stack([y.min(axis=0), y.max(axis=0)], axis=1),
            "map": self.map,
            "source_of": np.arange(self.n_outputs),
            "unit": float(np.ldexp(1.0, -exponent)),
        }
        gain = np.ldexp(1.0, exponent - inputs.exponents).astype(np.int16)
        offset = np.rint(np.ldexp(self.map.offset, exponent)).astype(np.int32)
        if (gain == 1).all() and not offset.any():
            return Selected(**made)
        return Scaled(**made, gain=gain, offset=offset)


def outputs(source: str, n: int) -> Outputs:
    """Of so many features."""
    return Outputs(source=source, input=Input(n), span=zeros(n), map=Affine.selection(np.arange(n), n))
