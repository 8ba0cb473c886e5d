"""Nets from other frameworks: graphs of operators in int8.

Each operator is C of its own, with its shapes as constants; what lies between them is planned into one
buffer. The bytes are those of LiteRT's reference kernels, or of TensorFlow Lite Micro.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Classifier, DecisionClassifier, Layout, Model, ProbabilisticClassifier, Regressor
from micromlgen.models import _graph_int8 as int8
from micromlgen.models._graph import Graph, in_chunks
from micromlgen.models._graph_bounds import off
from micromlgen.models._graph_calibrate import calibrated, input_of
from micromlgen.models._graph_input import NetInput
from micromlgen.models._graph_layouts import net_layouts
from micromlgen.models._graph_ops import Softmaxing
from micromlgen.models._graph_scale import Rounding

Array = NDArray[Any]
#: Rows that the twin computes at once, by bytes of the values of one.
_AT_ONCE = 1 << 25
#: Up to so many features, each is tried with several extremes.
_FEW = 64


@dataclass(frozen=True, eq=False)
class _Net(Model):
    """What nets have in common."""

    graph: Graph
    #: "single": LiteRT's reference kernels, "double": TensorFlow Lite Micro.
    runtime: Rounding

    @cached_property
    def kernels(self) -> tuple[int8.Kernel, ...]:
        """Of each node; none in float."""
        values = self.graph.values
        if not self.graph.quantized:
            return ()
        return tuple(
            node.operator.kernel([values[i] for i in node.inputs], values[node.output], self.runtime)
            for node in self.graph.nodes
        )

    @property
    def own_dtype(self) -> DType | None:
        return "int8" if self.graph.quantized else None

    @property
    def output_unit(self) -> float:
        """One step of the output."""
        scale = self.graph.values[self.graph.output].scale
        return 1.0 if scale is None else scale

    @property
    def output_zero(self) -> int:
        """The integer that stands for 0 in the output."""
        return self.graph.values[self.graph.output].zero

    @property
    def n_numbers(self) -> int:
        """How many numbers the net gives."""
        return self.graph.values[self.graph.output].size

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    def quantize(self, inputs: Input, by: Calibration) -> Model:
        if by.weights == "int16":
            raise UnsupportedError(f"{self.source}: weights of nets are int8; leave out weights='int16'")
        if not self.graph.quantized and inputs.is_integer:
            return self._in_int8(inputs, by)
        self.kernels  # noqa: B018  # which says what cannot be ported
        return self

    def refined(self, inputs: Input, by: Calibration) -> Input:
        if by.rows is None or inputs.dtype != "int8":
            raise UnsupportedError(
                f"dtype={inputs.dtype!r}: {self.source} can be in float32, or in int8 with calibration=X"
            )
        return input_of(by.rows)

    def _in_int8(self, inputs: Input, by: Calibration) -> Model:
        if not isinstance(inputs, NetInput) or by.rows is None:
            raise UnsupportedError(f"{self.source} is in float; pass dtype='int8' and calibration=X")
        model = replace(self, graph=calibrated(self.graph, inputs, by.rows), input=inputs)
        return model._knowing(by.rows)

    def _knowing(self, rows: Array) -> Self:
        """The model, with what the rows tell of its answers."""
        return self

    def numbers(self, Q: Array, before_softmax: bool = False) -> Array:
        """What the net gives for encoded rows, shape (n, n_numbers): int8, or float64 free of rounding."""
        graph = self.graph
        softmax = before_softmax and isinstance(graph.nodes[-1].operator, Softmaxing)
        wanted = graph.nodes[-1].inputs[0] if softmax else graph.output

        def run(rows: Array) -> Array:
            found = self._bytes(rows) if graph.quantized else graph.floats(rows)
            y = found[wanted]
            assert y is not None
            return y.reshape(len(rows), -1)

        return in_chunks(run, Q, self._at_once)

    @property
    def _at_once(self) -> int:
        """Rows of which all values fit in memory."""
        return max(1, _AT_ONCE // (32 * sum(v.size for v in self.graph.values)))

    def _bytes(self, rows: Array) -> list[Array | None]:
        """All values in int8."""
        graph = self.graph
        found: list[Array | None] = [None] * len(graph.values)
        found[graph.input] = rows.reshape(len(rows), *graph.values[graph.input].shape)
        for node, kernel in zip(graph.nodes, self.kernels, strict=True):
            y = kernel.run(*(a for i in node.inputs if (a := found[i]) is not None))
            found[node.output] = y.reshape(len(rows), *graph.values[node.output].shape)
        return found

    def off(self, Q: Array, before_softmax: bool = False) -> Array:
        """Most by which float32 may be off `numbers`, of the same shape."""
        graph = self.graph
        softmax = before_softmax and isinstance(graph.nodes[-1].operator, Softmaxing)
        wanted = graph.nodes[-1].inputs[0] if softmax else graph.output

        def run(rows: Array) -> Array:
            y = off(graph, graph.floats(rows))[wanted]
            assert y is not None
            return y.reshape(len(rows), -1)

        return in_chunks(run, Q, self._at_once)

    def rounding(self, Q: Array) -> Array | None:
        return None if self.graph.quantized else self.off(Q)

    @cached_property
    def _layouts(self) -> Sequence[Layout]:
        return net_layouts(self.graph, self.kernels)

    def layouts(self) -> Sequence[Layout]:
        return self._layouts

    @property
    def arena_bytes(self) -> tuple[int, int]:
        """Bytes for what lies between layers, without and with the DSP extension."""
        plain, dsp = self._layouts[0].build()["plans"]
        return plain.size, dsp.size

    def contract(self) -> Sequence[str]:
        if not self.graph.quantized:
            return ["numbers are within what float32 rounds, layer by layer"]
        runtime = "LiteRT's reference kernels" if self.runtime == "single" else "TensorFlow Lite Micro"
        return [f"the bytes that the net gives are those of {runtime}"]

    def boundaries(self) -> Sequence[Array]:
        n, zero = self.input.n_features, self.graph.values[self.graph.input].zero
        few: Array = np.array([-50, 0, 50], np.float32)
        few = np.array([-128, zero, 127], np.int8) if self.graph.quantized else few
        return [few] * n if n <= _FEW else [few[(i % 2) * 2 :][:1] for i in range(n)]


@dataclass(frozen=True, eq=False)
class NetNumbers(_Net, Regressor):
    """The net's numbers, less the zero of their scale."""

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int16 if self.graph.quantized else np.float32)

    @property
    def output_scale(self) -> float:
        return self.output_unit

    def predict(self, Q: Array) -> Array:
        y = self.numbers(Q)
        y = y.astype(np.int16) - np.int16(self.output_zero) if self.graph.quantized else y.astype(np.float32)
        return y[:, 0] if self.n_outputs == 1 else y

    def _knowing(self, rows: Array) -> Self:
        y = self.decode(self.numbers(self.input.encode(rows)).astype(np.int16) - np.int16(self.output_zero))
        return replace(self, span=np.stack([y.min(axis=0), y.max(axis=0)], axis=1))

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.zeros(self.n_outputs) if self.graph.quantized else np.asarray(self.off(X))


@dataclass(frozen=True, eq=False)
class _NetClasses(_Net, Classifier):
    """The largest number decides; of equal ones the first."""

    def predict(self, Q: Array) -> Array:
        return np.asarray(self.numbers(Q, before_softmax=True).argmax(axis=1), np.int32)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        if self.graph.quantized:
            return super().unsure(Q)
        scores, by = self.numbers(Q, before_softmax=True), self.off(Q, before_softmax=True)
        return _close(scores, by)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.graph.quantized:
            return super().undecided(estimator, X)
        return _close(answers(estimator, np.asarray(X)), self.off(X, before_softmax=True))


def _close(scores: Array, by: Array) -> NDArray[np.bool_]:
    """Rows, shape (n, 1), whose largest score may be another where they are off by `by`."""
    best = np.sort(scores, axis=1)
    return np.asarray(best[:, -1:] - best[:, -2:-1] <= 2 * by.max(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class NetProbabilities(_NetClasses, ProbabilisticClassifier):
    """A net that ends in a softmax; what goes into it decides, which no rounding has made equal."""

    @property
    def proba_one(self) -> int:
        return 256

    def predict_proba(self, Q: Array) -> Array:
        y = self.numbers(Q)
        return (y.astype(np.int16) + 128).astype(np.uint16) if self.graph.quantized else y.astype(np.float32)

    def proba_rounding(self, Q: Array) -> Array | None:
        return self.rounding(Q)


@dataclass(frozen=True, eq=False)
class NetDecisions(_NetClasses, DecisionClassifier):
    """A net whose outputs are scores of classes."""

    @property
    def n_decisions(self) -> int:
        return self.n_numbers

    @property
    def decision_scale(self) -> float:
        return self.output_unit

    def decision_function(self, Q: Array) -> Array:
        y = self.numbers(Q)
        return y.astype(np.int32) - self.output_zero if self.graph.quantized else y.astype(np.float32)


def _input(graph: Graph) -> Input:
    """What the net takes."""
    value = graph.values[graph.input]
    if value.scale is None:
        return Input(value.size)
    return NetInput.of(value.size, value.scale, value.zero)


@converts("micromlgen.nn.net.Net")
def net(estimator: Any) -> Model:
    """Convert what `load_tflite` or `load_onnx` gave."""
    graph: Graph = estimator.graph
    common: Mapping[str, Any] = {
        "source": estimator.source,
        "input": _input(graph),
        "graph": graph,
        "runtime": estimator.rounding,
    }
    if estimator.classes_ is None:
        return NetNumbers(**common, span=np.zeros((estimator.n_outputs_, 2)))
    softmax = isinstance(graph.nodes[-1].operator, Softmaxing)
    kind = NetProbabilities if softmax else NetDecisions
    return kind(**common, classes=(np.asarray(estimator.classes_),))


def answers(estimator: Any, X: Array) -> Array:
    """The net's own numbers for raw rows, float64 of shape (n, n_outputs).

    Classifiers that end in a softmax: what goes into it.
    """
    model = net(estimator)
    assert isinstance(model, _Net)
    given = model.input.encode(X) if model.graph.quantized else X
    numbers = model.numbers(given, before_softmax=estimator.classes_ is not None)
    return np.asarray((numbers.astype(np.float64) - model.output_zero) * model.output_unit)
