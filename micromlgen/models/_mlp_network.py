"""What multi-layer perceptrons have in common: layers of neurons, in float32 and in integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Model, Regressor
from micromlgen.models._activations import FUNCTIONS, Activation
from micromlgen.models._codes import few
from micromlgen.models._layers import without_idle
from micromlgen.models._matrix import ULP, Matrix, naming
from micromlgen.models._mlp_integer import IntegerLayers, quantized
from micromlgen.models._mlp_layouts import float_layouts, integer_layouts
from micromlgen.models._widths import Width, narrowest, widths

Array = NDArray[Any]
#: Slope of an activation at z; they fall with the magnitude of z, or not at all.
_SLOPES: dict[str, Callable[[Array], Array]] = {
    "identity": np.ones_like,
    "logistic": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: 1.0 - np.tanh(z) ** 2,
    "relu": np.ones_like,
}
#: Most that the C's activation is off: the exponential and a quotient of float32.
_OFF = {"identity": 0.0, "logistic": 1e-6, "tanh": 2e-6, "relu": 0.0}


@dataclass(frozen=True, eq=False)
class Network(Model):
    """Layers of neurons, the last one without an activation."""

    layers: tuple[Matrix, ...]
    #: Of every layer but the last.
    activation: Activation
    #: The layers of integer modes.
    integers: IntegerLayers | None = field(default=None, kw_only=True)

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    @property
    def isometric(self) -> bool:
        """Whether weights of several features have the same value, which steps of their own would undo."""
        return few(self.layers[0].weights)

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        layers = without_idle(self.layers, FUNCTIONS[self.activation])
        if not inputs.is_integer:
            with naming(self.source):
                return replace(self, input=inputs, layers=tuple(layer.rounded() for layer in layers))
        assert by.rows is not None, "integer modes of networks need calibration rows"
        rows, encoded = inputs.scaled(by.rows), inputs.encode(by.rows)
        model = replace(self, layers=layers)._knowing(rows)

        def build(width: Width) -> Any:
            with naming(self.source):
                integers = quantized(
                    model.layers, self.activation, inputs, rows, encoded, width, isinstance(self, Regressor)
                )
                return replace(model, input=inputs, integers=integers)

        return narrowest(model, inputs, by, build, widths(inputs))

    def _knowing(self, rows: NDArray[np.float64]) -> Self:
        """The model that knows the calibration rows, in the units of its layers."""
        return self

    def behind(self, stage: Affine) -> Self:
        """The same model of what `stage` is given."""
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, layers=(self.layers[0].behind(stage), *self.layers[1:]))

    @property
    def n_scores(self) -> int:
        """Neurons of the last layer."""
        return len(self.layers[-1].bias)

    @property
    def buffers(self) -> tuple[int, int]:
        """Sizes of the two buffers that take the layers in turn, but for scores that go elsewhere."""
        given = self.writes or self.integers is not None
        sizes = [len(layer.bias) for layer in self.layers[: -1 if given else None]]
        return max(sizes[::2], default=0), max(sizes[1::2], default=0)

    @property
    def writes(self) -> bool:
        """Whether the last layer's scores are what the caller is given."""
        return False

    @property
    def unit(self) -> float:
        """One unit of a score; of float ones, one."""
        return 1.0 if self.integers is None else self.integers.last.unit

    def _exponential(self, factor: int) -> Exponential | None:
        """Of integer scores times a factor."""
        return None if self.integers is None else fixedpoint.exponential(self.unit * factor)

    @property
    def kernel(self) -> str:
        """The kernel that multiplies integers."""
        assert self.integers is not None
        return self.integers.last.kernel_for(self.input)

    @property
    def n_hidden(self) -> int:
        """Neurons that have an activation."""
        return sum(len(layer.bias) for layer in self.layers[:-1])

    def scores(self, Q: Array) -> Array:
        """What goes into the output's activation, shape (n, n_scores): free of rounding, or integers."""
        if self.integers is not None:
            return self.integers.scores(Q)
        a = Q
        for layer in self.layers[:-1]:
            a = FUNCTIONS[self.activation](layer.scores(a))
        return self.layers[-1].scores(a)

    def _reach(self, Q: Array, by: Array | None, relative: float | None) -> Array:
        """Most that scores may be off, shape (n, n_scores), where features are by `by`.

        A layer passes on what it is given at most by the magnitudes of its weights and the steepest slope of
        its activation around, and adds what `relative` makes of all that it adds up; None: what float32 does.
        """
        off = _OFF[self.activation] if relative != 0 else 0.0
        a = np.asarray(Q, np.float64)
        e = np.zeros_like(a) if by is None else by
        with np.errstate(over="ignore", invalid="ignore"):
            for i, layer in enumerate(self.layers):
                moved = e @ np.abs(layer.weights.T.astype(np.float64))
                share = (layer.weights.shape[1] + 3) * ULP if relative is None else relative
                z = layer.scores(a)
                e = moved + share * (layer.magnitude(a) + moved) + (1e-36 if share else 0.0)
                if i + 1 < len(self.layers):
                    idle = (z + e < 0) & (self.activation == "relu")
                    slope = _SLOPES[self.activation](np.maximum(np.abs(z) - e, 0.0))
                    a, e = FUNCTIONS[self.activation](z), np.where(idle, 0.0, slope * e + off)
        return np.where(np.isnan(e), np.inf, e)

    def rounding(self, Q: Array) -> Array | None:
        return None if self.input.is_integer else self._reach(Q, None, None)

    def moves(self, Q: Array, by: Array) -> Array:
        return self._reach(Q, by, 0.0)

    def boundaries(self) -> Sequence[Array]:
        top = self.input.highest if self.input.is_integer else 1000.0
        return [np.array([-top, -1, 0, 1, top], self.input.dtype)] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        if self.integers is None:
            return float_layouts(self.layers, self.activation)
        return integer_layouts(self.integers, self.kernel)
