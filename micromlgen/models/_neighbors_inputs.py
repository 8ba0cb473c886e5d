"""The scale of integer modes for models that measure distances: one for all features, as fine as it can be.

Distances do not change where all features move by constants, so features that are far from zero are centred.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.models._neighbors_rows import Rows, fraction_bits
from micromlgen.quantize import ROOM

Array = NDArray[Any]
#: A centre must leave at most this share of the range, for it takes a table where `<n>_quantize` is called.
_PAYS = 0.75
#: Integers up to this are int8.
BYTE = 127


def finer(rows: Rows, known: Input, inputs: Input, by: Calibration, top: int) -> Input:
    """The inputs of an integer mode that suit distances best, with integers within ±top.

    Parameters
    ----------
    rows : Rows
        With the estimator's own numbers.
    known : Input
        What is done to features before these rows.
    inputs : Input
        Of the integer mode; exponents and `top` are chosen anew.
    by : Calibration
    top : int
        At most the inputs' own.

    Where training and calibration rows are integers, or multiples of one power of two, and fit: exactly so.
    """
    metric, n = rows.metric, inputs.n_features
    factors = _factors(rows, n)
    own = rows.values * factors
    every = own if by.rows is None else np.concatenate([own, inputs.scaled(by.rows) * factors])
    bits = None if metric.weights is not None else fraction_bits(every)
    middle = np.zeros(n) if metric.direction else _middle(every, whole=bits is not None)
    limit, around = float(np.abs(every).max()), float(np.abs(every - middle).max())
    extra = 1.0
    if bits is not None and np.ldexp(min(limit, around), bits) <= top:
        exponent = bits
        middle = middle if np.ldexp(limit, bits) > top else np.zeros(n)
    else:
        middle = middle if around < _PAYS * limit else np.zeros(n)
        room = 1.0 if top <= BYTE else ROOM  # for rows to come
        limit = max(room * float(np.abs(every - middle).max()), 1e-30)
        exponent = int(fixedpoint.exponent_for(limit, top))
        if top <= BYTE:  # of more bits there are enough
            extra = max(1.0, (top - 1) / float(np.ldexp(limit, exponent)))
    center, gain = known.center, known.gain
    if middle.any():
        moved = middle / np.where(factors > 0, factors, 1) / _gain(known)
        center = (moved if center is None else center + moved).astype(np.float32)
    if extra != 1 or (factors != 1).any():
        gain = (_gain(known) * factors * extra).astype(np.float32)
    exponents = np.full(n, exponent, np.int32)
    limited = None if top == np.iinfo(inputs.dtype).max else top
    return replace(inputs, center=center, gain=gain, exponents=exponents, top=limited)


def _gain(inputs: Input) -> NDArray[np.float64]:
    return np.ones(inputs.n_features) if inputs.gain is None else inputs.gain.astype(np.float64)


def _center(inputs: Input) -> NDArray[np.float64]:
    return np.zeros(inputs.n_features) if inputs.center is None else inputs.center.astype(np.float64)


def _factors(rows: Rows, n: int) -> NDArray[np.float64]:
    """What features are multiplied with instead of weights."""
    metric = rows.metric
    return np.ones(n) if metric.weights is None else np.asarray(metric.weights ** (1 / metric.p))


def _middle(every: Array, whole: bool) -> NDArray[np.float64]:
    """Half way between the extremes of each feature."""
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    return np.asarray(np.rint(middle) if whole else middle.astype(np.float32).astype(np.float64))


def integer_rows(rows: Rows, known: Input, inputs: Input) -> Rows:
    """Training rows in the integers of the inputs.

    Parameters
    ----------
    rows, known
        As of `finer`.
    inputs : Input
        From `finer`, or, of the last one in a chain of transformers, with a scale alone.

    Raises
    ------
    UnsupportedError
        If the metric weighs features and the inputs do not.
    """
    assert inputs.exponents is not None
    metric, top = rows.metric, inputs.highest
    factors, gain = _factors(rows, inputs.n_features), _gain(inputs)
    used = factors > 0
    scales = gain[used] / (_gain(known) * factors)[used]
    if np.ptp(scales) > 1e-5 * scales[0]:
        raise UnsupportedError(
            f"metric {metric.name} with weights w behind transformers in integers cannot be ported; multiply "
            f"the features with w ** (1 / {metric.p:g}) before training instead"
        )
    scale = float(np.ldexp(np.median(scales), int(inputs.exponents[0])))
    if metric.direction:
        rows.check_directions()
        unit = metric.directed(rows.values)
        values = unit * (top / np.abs(unit).max())
    else:
        moved = (_center(inputs) - _center(known)) * _gain(known)
        values = (rows.values - moved) * factors * scale
    start = rows.start
    if start is not None:  # who starts beyond all distances is never nearest
        start = np.rint(np.minimum(start * scale**metric.power, 2.0**31)).astype(np.uint32)
    return replace(
        rows,
        values=np.clip(np.rint(values), -top, top).astype(np.int8 if top <= BYTE else np.int16),
        metric=replace(metric, weights=None) if metric.weights is not None else metric,
        top=None if top == np.iinfo(inputs.dtype).max else top,
        unit=rows.unit / scale,
        start=start,
    )
