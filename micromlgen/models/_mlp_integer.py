"""Networks in integers: sums of products, multiplied and shifted to become the next layer's integers.

Each neuron has a scale of its own: that of its weights is such that one multiplication by 16 bits and a shift
by whole bytes, rounded once, brings its sum to the integers of its output. So do Jacob and others (arXiv
1712.05877) with multipliers of 31 bits, and so does LiteRT for weights by channel. In int8 all of that stays
in 32 bits, by proof, and the bias is added behind the multiplication together with what rounds. Layers whose
weights take few values have one scale for all neurons, so that they still do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Array, Input
from micromlgen.models._activations import FUNCTIONS, Activation, Curve, curve_of
from micromlgen.models._codes import few
from micromlgen.models._matrix import Matrix
from micromlgen.models._rounding import rounded_together
from micromlgen.models._widths import Width
from micromlgen.quantize import ROOM

#: Sums before an activation stay below this, so that what rounds them cannot carry out of 32 bits.
_MOST = 2**30
#: In int8 products do, which AVR adds up in three bytes, ...
_MOST_PRODUCT = 2**23
#: ... and the magnitude of a neuron's sum in steps of its output, of which 2**15 fit.
_MOST_STEPS = 30_000
#: Sums are shifted right by one of these.
_SHIFTS = (24, 16)
#: Largest multiplier.
_TOP = 65_535
#: Tried: which share of the calibration rows a neuron's range covers, and how far ranges differ by neuron.
_COVERED, _OWN = (1.0, 0.9999, 0.999, 0.99), (0.0, 0.5, 1.0)
#: So many of them, the best with the nearest weights, are tried with weights that are rounded together.
_BEST = 3


@dataclass(frozen=True, eq=False)
class Hidden:
    """A layer with its activation.

    Parameters
    ----------
    rows : Matrix
        int8 or int16 weights and int32 biases.
    multiplier : uint16 array of shape (n_neurons,)
    shift : {16, 24}
        In int16 the sum, below 2**30 by proof, Q0 in units of each neuron, becomes
        ``(sum * multiplier + 2**(shift - 1)) >> shift``, exact but for that rounding.
    short : bool
        Whether it is ``(product * multiplier + bias) >> 16`` instead, all in 32 bits by proof, and the
        product in 24.
    low, high : int
        It saturates to these.
    zero : int
        Then this is added: the integer that stands for 0.
    curve : Curve or None
        What is looked up instead, for activations that bend.
    """

    rows: Matrix
    multiplier: NDArray[np.uint16]
    shift: int
    short: bool
    low: int
    high: int
    zero: int
    curve: Curve | None

    def predict(self, Q: Array) -> Array:
        """What the neurons put out for integers Q, in their type, shape (n, n_neurons)."""
        factors = self.multiplier.astype(np.int64)
        if self.short:
            scaled = kernels.dot(Q, self.rows.weights) * factors + self.rows.bias
        else:
            scaled = self.rows.scores(Q) * factors + (1 << (self.shift - 1))
        at = np.clip(scaled >> self.shift, self.low, self.high)
        out = at + self.zero if self.curve is None else self.curve(at)
        return np.asarray(out, Q.dtype)


@dataclass(frozen=True, eq=False)
class IntegerLayers:
    """All layers of a network: the last one's sums, in int32, are its scores."""

    hidden: tuple[Hidden, ...]
    last: Matrix

    def scores(self, Q: Array) -> NDArray[np.int64]:
        """Of encoded rows, shape (n, n_scores), in units of `last.unit`."""
        for layer in self.hidden:
            Q = layer.predict(Q)
        return self.last.scores(Q).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Values:
    """What goes into a layer: integers within ±most that stand for ``(integer - zero) * unit``."""

    most: int
    unit: NDArray[np.float64]
    zero: float

    def folded(self, layer: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights and biases of the integers."""
        weights = layer.weights * self.unit
        return weights, layer.bias - (weights * self.zero).sum(axis=1)


@dataclass(frozen=True, eq=False)
class _Plan:
    """A layer in integers, but for the rounding of its weights: `unit` is that of the sums of each neuron."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    unit: NDArray[np.float64]
    multiplier: NDArray[np.uint16]
    shift: int
    short: bool
    low: int
    high: int
    zero: int
    curve: Curve | None
    given: _Values
    #: Whether weights that are equal must stay so.
    shared: bool

    def rounded(self, width: Width, rows: Array | None) -> Hidden:
        """The layer, whose weights are rounded to the nearest, or so that its sums of `rows` change least."""
        exact = self.weights / self.unit[:, None]
        layer = self._with(np.rint(exact).astype(width), np.zeros(len(exact)))
        if rows is not None and width == "int8" and not self.shared:
            integers, lost = rounded_together(exact, rows, np.iinfo(width).max)
            together = self._with(integers.astype(width), lost)
            # These are not the nearest weights, for which there is room by proof.
            layer = together if _within(together, self.given.most) else layer
        assert _within(layer, self.given.most)
        return layer

    def _with(self, weights: Array, lost: Array) -> Hidden:
        """The layer with integer weights, whose biases make up for what these lost."""
        bias, zero = self.bias / self.unit + lost, self.zero
        if self.short:
            bias = bias * self.multiplier + 2**15
            if self.curve is None:
                bias, zero = bias + zero * 2.0**16, 0
        rows = Matrix(weights, np.rint(bias).astype(np.int32))
        moved = self.zero - zero
        return Hidden(
            rows,
            self.multiplier,
            self.shift,
            self.short,
            self.low + moved,
            self.high + moved,
            zero,
            self.curve,
        )


def quantized(
    layers: tuple[Matrix, ...],
    activation: Activation,
    inputs: Input,
    rows: NDArray[np.float64],
    encoded: Array,
    width: Width,
    by_row: bool,
) -> IntegerLayers:
    """The network in integers whose scores of calibration rows are nearest to the right ones.

    Ranges of neurons that do not saturate by themselves are taken from the calibration rows. Which share of
    these they cover, and how far each neuron has a range of its own (Nagel and others equalise them, arXiv
    1906.04721), is tried.

    Parameters
    ----------
    layers : tuple of Matrix
        float64, of features in the units of `inputs`.
    activation : str
    inputs : Input
        Of an integer mode.
    rows, encoded : arrays of shape (n_rows, n_features)
        Calibration rows as the layers take them, and as integers.
    width : {"int8", "int16"}
        Of the weights.
    by_row : bool
        Whether scores have shifts of their own, as of `Matrix.scaled`.

    Raises
    ------
    UnsupportedError
        If weights are too large for the steps of the features.
    """
    inside = _outputs(layers, FUNCTIONS[activation], rows)
    right = layers[-1].scores(inside[-1] if inside else rows)

    def off(found: IntegerLayers) -> float:
        return float(((found.scores(encoded) * found.last.unit - right) ** 2).mean())

    tried = _ranges(inside, activation, inputs.dtype)
    plans = [_planned(layers, activation, inputs, width, ranges) for ranges in tried]
    plans.sort(key=lambda plan: off(_built(plan, layers[-1], inputs, encoded, width, by_row, False)))
    best = [_built(plan, layers[-1], inputs, encoded, width, by_row, True) for plan in plans[:_BEST]]
    return min(best, key=off)


def _outputs(layers: tuple[Matrix, ...], function: Callable[[Array], Array], rows: Array) -> list[Array]:
    """What each hidden layer puts out in float64."""
    out = []
    for layer in layers[:-1]:
        rows = function(layer.scores(rows))
        out.append(rows)
    return out


def _ranges(inside: list[Array], activation: Activation, dtype: str) -> Iterator[list[NDArray[np.float64]]]:
    """Candidates for the largest output of each neuron, by layer."""
    if activation in ("tanh", "logistic") or not inside:
        yield [np.ones(a.shape[1]) for a in inside]
        return
    # Sixteen bits have room for rows that reach further than these, and for neurons that were silent.
    shares, room, least = (_COVERED, 1.0, 1e-3) if dtype == "int8" else ((1.0,), ROOM, 0.125)
    for covered, own in product(shares, _OWN):
        out = []
        for a in inside:
            each = room * np.quantile(np.abs(a), covered, axis=0)
            most = max(float(each.max()), 1e-30)
            out.append(np.maximum(each, most * least) ** own * most ** (1 - own))
        yield out


def _planned(
    layers: tuple[Matrix, ...],
    activation: Activation,
    inputs: Input,
    width: Width,
    ranges: list[NDArray[np.float64]],
) -> tuple[list[_Plan], _Values]:
    """All hidden layers, and what goes into the last one."""
    ways = [(True, 16)] * (inputs.dtype == "int8") + [(False, shift) for shift in _SHIFTS]
    for short, shift in ways:
        values = _Values(inputs.highest + 1, inputs.unit, 0.0)
        plans: list[_Plan] = []
        for layer, largest in zip(layers[:-1], ranges, strict=True):
            found = _hidden(layer, activation, values, inputs.dtype, largest, width, short, shift)
            if found is None:
                break
            plans.append(found[0])
            values = found[1]
        else:
            return plans, values
    raise UnsupportedError(
        "weights are too large for the steps of what they multiply; scale the features before training, or "
        "use a wider dtype"
    )


def _built(
    plan: tuple[list[_Plan], _Values],
    last: Matrix,
    inputs: Input,
    rows: Array,
    width: Width,
    by_row: bool,
    together: bool,
) -> IntegerLayers:
    """Layers whose weights are rounded `together` by what the encoded rows become, or each to the nearest."""
    hidden: list[Hidden] = []
    for each in plan[0]:
        hidden.append(each.rounded(width, rows if together else None))
        rows = hidden[-1].predict(rows)
    weights, bias = plan[1].folded(last)
    n = weights.shape[1]
    ones = Input(n, inputs.dtype, np.zeros(n, np.int32), top=plan[1].most - 1)
    known = rows if together and not few(weights) else None
    sums = Matrix(weights, bias).scaled(ones, width, rows=known, by_row=by_row)
    return IntegerLayers(tuple(hidden), sums)


def _hidden(
    layer: Matrix,
    activation: Activation,
    values: _Values,
    dtype: str,
    largest: NDArray[np.float64],
    width: Width,
    short: bool,
    shift: int,
) -> tuple[_Plan, _Values] | None:
    """A layer and its outputs; None where a multiplier does not fit."""
    top = int(np.iinfo(dtype).max)
    curve = curve_of(activation, dtype)
    low, high, zero, unit = -top - short, top, 0, largest / top
    if curve is not None:
        low, high, zero, unit = -curve.most, curve.most, curve.zero, np.full(len(largest), curve.step)
    elif activation == "relu" and dtype == "int8":
        low, high, zero, unit = 0, 255, -128, largest / 255
    elif activation == "relu":
        low = 0
    weights, bias = values.folded(layer)
    own = _scale(weights, bias, values.most, width, short)
    if not np.isfinite(own).all():
        return None
    # Neurons that stay within few steps of their inputs have outputs in coarser ones.
    if curve is None:
        unit = np.maximum(unit, own * 2.0 ** _SHIFTS[-1] / (_TOP - 1))
    if short:
        steps = (np.abs(weights).sum(axis=1) * values.most + np.abs(bias)) / _MOST_STEPS
        if curve is not None and (steps > unit).any():
            return None
        unit = np.maximum(unit, steps)
    shared = few(weights)
    if shared:
        own, unit = (np.full(len(each), each.max()) for each in (own, unit))
    multiplier = np.maximum(np.ceil(own / unit * 2.0**shift), 1)
    if (multiplier > _TOP).any():
        return None
    sums, factors = multiplier * unit / 2.0**shift, multiplier.astype(np.uint16)
    plan = _Plan(weights, bias, sums, factors, shift, short, low, high, zero, curve, values, shared)
    most = top + 1 if (short or zero == -128) and curve is None else top
    unit = unit if curve is None else np.full(len(unit), curve.unit)
    return plan, _Values(most, unit, float(zero))


def _scale(weights: Array, bias: Array, most: int, width: Width, short: bool) -> NDArray[np.float64]:
    """Smallest unit of each neuron's sum; if that is `short`, without the bias, and infinite if none does."""
    room = (_MOST_PRODUCT if short else _MOST) - 2 - np.count_nonzero(weights, axis=1) * most / 2
    if (room <= 0).any() and short:
        return np.full(len(room), np.inf)
    if (room <= 0).any():
        raise UnsupportedError(
            "so many inputs of a layer overflow sums of 32 bits; use dtype='int8' or 'float32'"
        )
    reach = np.abs(weights).sum(axis=1) * most + (0.0 if short else np.abs(bias))
    return np.asarray(np.maximum(np.abs(weights).max(axis=1) / np.iinfo(width).max, reach / room))


def _within(layer: Hidden, most: int) -> bool:
    """Whether nothing leaves its bits for inputs within ±most."""
    products = np.abs(layer.rows.weights.astype(np.int64)).sum(axis=1) * most
    bias = np.abs(layer.rows.bias.astype(np.int64))
    if not layer.short:
        return bool((products + bias).max() < _MOST)
    sums = products * layer.multiplier.astype(np.int64) + bias
    return bool(products.max() < _MOST_PRODUCT and sums.max() < 2**31)
