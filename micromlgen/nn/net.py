"""What `load_tflite` and `load_onnx` give: a net that is ported as an estimator is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph import Graph
from micromlgen.models._graph_ops import Softmaxing
from micromlgen.models._graph_scale import Rounding

Array = NDArray[Any]


class Net:
    """A net that was trained elsewhere.

    Attributes
    ----------
    graph : Graph
    n_features_in_ : int
        Elements of the input, in the order of the file.
    classes_ : array of shape (n_outputs,), or None
        Labels of a classifier.
    """

    def __init__(self, graph: Graph, source: str, classes: Sequence[Any] | None, rounding: Rounding) -> None:
        if rounding not in ("single", "double"):
            raise UnsupportedError(f"rounding={rounding!r}: use 'single' or 'double'")
        if not graph.nodes or (len(graph.nodes) == 1 and isinstance(graph.nodes[0].operator, Softmaxing)):
            raise UnsupportedError(f"{source}: there is nothing to compute but a softmax; leave the net out")
        n_outputs = graph.values[graph.output].size
        if classes is not None and len(classes) != n_outputs:
            raise UnsupportedError(f"classes has {len(classes)} labels, the net {n_outputs} outputs")
        if classes is not None and n_outputs < 2:
            raise UnsupportedError("classes= needs a net with an output for each of them, two at least")
        softmax = isinstance(graph.nodes[-1].operator, Softmaxing)
        if classes is None and softmax and n_outputs > 1:
            classes = range(n_outputs)
        self.graph = graph
        self.source = source
        self.rounding: Rounding = rounding
        self.classes_: Array | None = None if classes is None else np.asarray(classes)
        self.n_features_in_: int = graph.values[graph.input].size
        self.n_outputs_: int = n_outputs

    def predict(self, X: Any) -> Array:
        """The net's own answer: classes of shape (n,), or numbers of shape (n, n_outputs) or (n,).

        Of a net in int8 computed in its integers, else in float64.

        Parameters
        ----------
        X : array of shape (n, n_features), real numbers
        """
        from micromlgen.models.graph import answers

        y = answers(self, np.asarray(X))
        if self.classes_ is not None:
            return np.asarray(self.classes_[y.argmax(axis=1)])
        return y[:, 0] if self.n_outputs_ == 1 else y

    def __repr__(self) -> str:
        return f"<{self.source}: {self.n_features_in_} features in, {self.n_outputs_} numbers out>"
