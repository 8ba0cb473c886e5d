"""Pruning: weights, blocks of them or whole neurons go, and what is left is trained to make up for it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.nn._checks import positive, whole
from micromlgen.nn._network import Network, subject
from micromlgen.nn._report import reported
from micromlgen.nn._targets import softened
from micromlgen.nn._training import Constraint, schedule, trained

Array = NDArray[Any]
#: Inputs of a block, as many as the kernels of sparse layers multiply at a time.
BLOCK = 4
#: Learning rate by default, times the estimator's own: what was cut has to be made up for in few epochs.
_FASTER = 3.0
#: Share of the epochs that follow the last step.
_LAST = 0.5


def prune(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    keep: float | None = None,
    structure: str = "blocks",
    scope: str = "global",
    steps: int = 10,
    epochs: int = 400,
    learning_rate: float | None = None,
    random_state: Any = 0,
) -> Any:
    """A fitted perceptron with fewer weights, trained further on the rows.

    What matters least goes first: the magnitude of a weight times that of its input on the rows. Over all
    layers each counts by its share of those in its layer that are not smaller (LAMP: Lee and others, arXiv
    2010.07611). With several steps the share that is kept falls as Zhu and Gupta have it (arXiv 1710.01878),
    and training between them moves what the next step cuts.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or Pipeline that ends in one
        Fitted; it is not changed. Weights that are 0 already stay so.
    X, y : arrays of shape (n, n_features) and (n,) or (n, n_outputs)
        Training rows, raw ones of a Pipeline, and their answers.
    keep : float, optional
        Share of the weights, or of the hidden neurons, that is kept; 0.5 by default. Not with "n:m".
    structure : str
        "blocks" of 4 inputs by 1 neuron, which integer headers store and multiply as such; single
        "weights"; "neurons", which makes the layers smaller; or as "2:4" n of any m inputs of a neuron.
    scope : {"global", "layer"}
        Whether all layers share what is kept, or each keeps the same share.
    steps : int
        1 cuts all at once.
    epochs : int
        Of training, in all; half of them after the last step. 0: none.
    learning_rate : float, optional
        Three times the estimator's own by default.
    random_state : int or Generator

    Returns
    -------
    estimator
        A new one of the same kind; its perceptron's ``compression_`` is a `Cost`.

    Raises
    ------
    UnsupportedError
        If the estimator is no perceptron, or an option is out of range.
    """
    found = subject(estimator, "prune")
    pattern = re.fullmatch(r"(\d+):(\d+)", structure) if isinstance(structure, str) else None
    share = _share(keep, structure, pattern)
    if scope not in ("global", "layer"):
        raise UnsupportedError(f"scope={scope!r}: use 'global' or 'layer'")
    rows = found.features(X)
    target = softened(found, rows, found.targets(y, len(rows)))
    rate = _FASTER * found.last.learning_rate_init if learning_rate is None else learning_rate
    how = schedule(found.last, epochs, rate, random_state, len(rows))
    network = found.network
    for step, part in enumerate(_epochs(how.epochs, whole("steps", steps, 1)), start=1):
        now = share + (1 - share) * (1 - step / steps) ** 3
        if structure == "neurons":
            network = _without_neurons(network, rows, found.network, now, scope)
        else:
            network = _masked(network, rows, now, _size(structure, pattern), pattern is not None, scope)
        network = trained(network, rows, target, how.lasting(part), Constraint(network))
    return reported("prune", estimator, found.with_network(network), X, y)


def _share(keep: Any, structure: Any, pattern: re.Match[str] | None) -> float:
    """Which share is kept in the end."""
    if pattern is not None:
        n, m = int(pattern[1]), int(pattern[2])
        if not 0 < n <= m:
            raise UnsupportedError(f"structure={structure!r}: of m inputs at least 1 and at most m are kept")
        if keep is not None:
            raise UnsupportedError(
                f"keep={keep!r} beside structure={structure!r}: the latter says it already"
            )
        return n / m
    if structure not in ("blocks", "weights", "neurons"):
        raise UnsupportedError(
            f"structure={structure!r}: use 'blocks', 'weights', 'neurons' or, say, '2:4' for two of four"
        )
    return positive("keep", 0.5 if keep is None else keep, 1.0)


def _size(structure: str, pattern: re.Match[str] | None) -> int:
    """Inputs that are compared, or go, together."""
    if pattern is not None:
        return int(pattern[2])
    return BLOCK if structure == "blocks" else 1


def _epochs(epochs: int, steps: int) -> list[int]:
    """How many follow each step."""
    each = int(epochs * (1 - _LAST) / max(steps - 1, 1)) if steps > 1 else 0
    return [each] * (steps - 1) + [epochs - each * (steps - 1)]


def _masked(network: Network, rows: Array, share: float, size: int, within: bool, scope: str) -> Network:
    """Weights, or blocks of `size` inputs, at 0 but for a share; `within` blocks so many of each."""
    squares = []
    for coef, given in zip(network.coefs, network.hidden(rows), strict=True):
        each = coef**2 * (given**2).mean(axis=0)[:, None]
        short = -len(each) % size
        squares.append(np.pad(each, ((0, short), (0, 0))).reshape(-1, size, each.shape[1]))
    if within:
        n = max(1, round(share * size))
        masks = [np.argsort(np.argsort(-s, axis=1, kind="stable"), axis=1) < n for s in squares]
    else:
        sums = [s.sum(axis=1, keepdims=True) for s in squares]
        masks = [
            np.broadcast_to(m, s.shape) for m, s in zip(_largest(sums, share, scope), squares, strict=True)
        ]
    coefs = []
    for coef, mask in zip(network.coefs, masks, strict=True):
        coefs.append(coef * mask.reshape(-1, coef.shape[1])[: len(coef)])
    return network.with_coefs(coefs)


def _largest(scores: list[Array], share: float, scope: str) -> list[NDArray[np.bool_]]:
    """Which of the scores are the largest of each layer, or of all by their rank within a layer."""
    if scope == "layer":
        return [_top(s, max(1, round(share * s.size))) for s in scores]
    ranked = np.concatenate([_relative(s.ravel()) for s in scores])
    kept = _top(ranked, max(1, round(share * ranked.size)))
    parts = np.split(kept, np.cumsum([s.size for s in scores])[:-1])
    # A layer that nothing is left of says nothing.
    return [
        part.reshape(s.shape) if part.any() else _top(s, 1) for part, s in zip(parts, scores, strict=True)
    ]


def _top(scores: Array, n: int) -> NDArray[np.bool_]:
    """Which n are the largest; of equals the first."""
    kept = np.zeros(scores.size, bool)
    kept[np.argsort(-scores.ravel(), kind="stable")[:n]] = True
    return kept.reshape(scores.shape)


def _relative(squares: Array) -> Array:
    """Each as a share of all that are not smaller."""
    order = np.argsort(squares, kind="stable")
    rest = np.cumsum(squares[order][::-1])[::-1]
    out = np.empty_like(squares)
    out[order] = squares[order] / np.maximum(rest, 1e-300)
    return out


def _without_neurons(network: Network, rows: Array, whole: Network, share: float, scope: str) -> Network:
    """Hidden layers without the neurons whose part in what follows varies least; their mean stays in it."""
    inside = network.hidden(rows)[1:]
    if not inside:
        raise UnsupportedError("structure='neurons' needs hidden layers, of which there are none")
    scores = [a.var(axis=0) * (c**2).sum(axis=1) for a, c in zip(inside, network.coefs[1:], strict=True)]
    wanted = [max(1, round(share * len(b))) for b in whole.intercepts[:-1]]
    if scope == "layer":
        masks = [_top(s, min(n, s.size)) for s, n in zip(scores, wanted, strict=True)]
    else:
        left = sum(s.size for s in scores)
        masks = _largest(scores, min(1.0, sum(wanted) / left), scope)
    coefs, intercepts = list(network.coefs), list(network.intercepts)
    for i, (mask, a) in enumerate(zip(masks, inside, strict=True)):
        intercepts[i + 1] = intercepts[i + 1] + a.mean(axis=0)[~mask] @ coefs[i + 1][~mask]
        coefs[i], intercepts[i], coefs[i + 1] = coefs[i][:, mask], intercepts[i][mask], coefs[i + 1][mask]
    return Network(tuple(coefs), tuple(intercepts), network.activation, network.output)
