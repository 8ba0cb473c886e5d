"""The two runtimes that quantised nets are held to: LiteRT's reference kernels, and TensorFlow Lite Micro."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def litert(model: bytes, X: Array) -> Array:
    """Outputs of LiteRT's reference kernels for rows of the input's own type: shape (n, n_outputs)."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    run = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        num_threads=1,
    )
    run.allocate_tensors()
    put, get = run.get_input_details()[0], run.get_output_details()[0]
    out = []
    for x in X:
        run.set_tensor(put["index"], x.reshape(put["shape"]))
        run.invoke()
        out.append(run.get_tensor(get["index"]).ravel())
    return np.stack(out)


def micro(model: bytes, X: Array) -> Array:
    """The same of TensorFlow Lite Micro, which rounds twice."""
    from tflite_micro import runtime

    run = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    shape = run.get_input_details(0)["shape"]
    out = []
    for x in X:
        run.set_input(x.reshape(shape), 0)
        run.invoke()
        out.append(run.get_output(0).ravel())
    return np.stack(out)
