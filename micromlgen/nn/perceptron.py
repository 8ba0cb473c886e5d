"""A perceptron of scikit-learn in the integers of LiteRT or TensorFlow Lite Micro."""

from __future__ import annotations

from typing import Any

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph import Graph, Node
from micromlgen.models._graph_ops import Curve, CurveKind, Operator, Product
from micromlgen.models._graph_scale import Rounding
from micromlgen.models._graph_value import Value
from micromlgen.models._graph_window import Window
from micromlgen.nn._network import Network, subject
from micromlgen.nn.net import Net

_CURVES: dict[str, CurveKind] = {"logistic": "sigmoid", "tanh": "tanh"}


def as_net(estimator: Any, rounding: Rounding = "single") -> Net:
    """A fitted perceptron as a net, whose int8 mode has the bytes of another runtime.

    `port` gives a perceptron integers of its own, which are smaller, faster and nearer to its answers. This
    is for boards that must agree with others that run the same net, quantised, elsewhere.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted, on one target of classes.
    rounding : {"single", "double"}
        As LiteRT's reference kernels round, or as TensorFlow Lite Micro and CMSIS-NN do.

    Returns
    -------
    Net
        For ``transpile(net, dtype="int8", calibration=X)``.

    Raises
    ------
    UnsupportedError
        If the estimator is no perceptron alone, or has several targets of classes.
    """
    if hasattr(estimator, "steps"):
        raise UnsupportedError("as_net takes a perceptron alone, on what the steps before it transform")
    network = subject(estimator, "as_net").network
    classes, n_outputs = getattr(estimator, "classes_", None), network.coefs[-1].shape[1]
    if classes is not None and network.output == "logistic" and n_outputs > 1:
        raise UnsupportedError("as_net takes one target of classes; fit a perceptron for each")
    if network.output == "exp":
        raise UnsupportedError("as_net takes no logarithmic outputs; fit with loss='squared_error'")
    graph = _graph(network, classes is not None)
    return Net(graph, type(estimator).__name__, None if classes is None else classes.tolist(), rounding)


def _graph(network: Network, is_classifier: bool) -> Graph:
    values, nodes = [Value((len(network.coefs[0]),))], []

    def add(operator: Operator, size: int) -> None:
        values.append(Value((size,)))
        nodes.append(Node(operator, (len(values) - 2,), len(values) - 1))

    for i, (coef, intercept) in enumerate(zip(network.coefs, network.intercepts, strict=True)):
        last = i == len(network.coefs) - 1
        if last and is_classifier and coef.shape[1] == 1:  # the larger of nothing and this
            coef, intercept = np.hstack([0 * coef, coef]), np.append(0.0, intercept)
        n_in, n_out = coef.shape
        low = 0.0 if network.activation == "relu" and not last else -np.inf
        weights = coef.T.reshape(n_out, 1, 1, n_in).astype(np.float32)
        add(
            Product(Window((1, 1, n_in)), weights, intercept.astype(np.float32), low=low, connected=True),
            n_out,
        )
        if network.activation in _CURVES and not last:
            add(Curve(_CURVES[network.activation]), n_out)
    return Graph(tuple(values), tuple(nodes), 0, len(values) - 1)
