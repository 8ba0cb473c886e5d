"""Layers of a network that amount to the same with fewer weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.models._matrix import Matrix

Array = NDArray[Any]


def without_idle(layers: tuple[Matrix, ...], function: Callable[[Array], Array]) -> tuple[Matrix, ...]:
    """The same network without neurons that nothing uses, or that use nothing and are constant.

    Weights that float32 rounds to zero count as such: training shrinks those of features without meaning.
    """
    out = list(layers)
    for i in reversed(range(len(out) - 1)):
        here, after = out[i], out[i + 1]
        used = (here.weights.astype(np.float32) != 0).any(axis=1)
        constant = ~used
        bias = after.bias + after.weights[:, constant] @ function(here.bias[constant])
        kept = used & (after.weights.astype(np.float32) != 0).any(axis=0)
        kept[0] |= not kept.any()
        if kept[0] and constant[0]:
            bias = bias - after.weights[:, 0] * function(here.bias[:1])
        out[i] = replace(here, weights=here.weights[kept], bias=here.bias[kept])
        out[i + 1] = replace(after, weights=after.weights[:, kept], bias=bias)
    return tuple(out)


def merged(layers: tuple[Matrix, ...]) -> tuple[Matrix, ...]:
    """Layers without an activation between them as one, where that takes fewer weights."""
    out = [layers[0]]
    for layer in layers[1:]:
        product = Affine(layer.weights @ out[-1].weights, layer.weights @ out[-1].bias + layer.bias)
        if product.matrix.size <= layer.weights.size + out[-1].weights.size:
            out[-1] = Matrix(product.matrix, product.offset)
        else:
            out.append(layer)
    return tuple(out)
