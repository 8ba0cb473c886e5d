"""Regressors whose targets were transformed before training."""

from __future__ import annotations

from typing import Any

import numpy as np

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Model, NumericModel
from micromlgen.models._combined import combined, linear_regressor, numbers_of, regressors, scaled, stacked
from micromlgen.models._matrix import Matrix
from micromlgen.models._sequence import stages_of
from micromlgen.models.regression import LinearRegressor, LogRegressor
from micromlgen.models.transformers import AffineTransformer


def _exponential(model: Model, shift: float, source: str, estimator: Any) -> Model:
    """``exp(y) + shift`` of what a regressor of one output answers."""
    rows = stacked([model], LinearRegressor)
    unit = Matrix(np.eye(1), np.zeros(1)) if rows is None else rows
    plain = linear_regressor(unit, source)
    last = LogRegressor(source=source, input=plain.input, span=plain.span, matrix=unit)
    power = last if rows is not None else combined(numbers_of([model], [estimator]), last, source)
    return power if shift == 0 else scaled(power, np.ones(1), np.full(1, shift), source, estimator)


@converts("sklearn.compose.TransformedTargetRegressor")
def transformed(estimator: Any) -> Model:
    """Convert a regressor, behind which its answer is transformed back.

    Raises
    ------
    UnsupportedError
        If it is transformed back by anything but numpy.exp, numpy.expm1, or a scaler.
    """
    title = type(estimator).__name__
    model = model_of(estimator.regressor_)
    regressors([model], title)
    assert isinstance(model, NumericModel)
    back = estimator.transformer_
    inverse = getattr(back, "inverse_func", None)
    n = model.n_outputs
    if type(back).__name__ == "FunctionTransformer" and inverse is None and back.func is None:
        return model
    if inverse in (np.exp, np.expm1) and n == 1:
        return _exponential(model, -1.0 if inverse is np.expm1 else 0.0, title, estimator.regressor_)
    if type(back).__name__ != "FunctionTransformer":
        stages = stages_of(back)
        maps = [s.map for s in stages if isinstance(s, AffineTransformer)]
        if len(stages) == len(maps) == 1 and maps[0].gain is not None and (maps[0].gain != 0).all():
            gain = 1 / maps[0].gain
            return scaled(model, gain, -maps[0].offset * gain, title, estimator.regressor_)
    raise UnsupportedError(
        f"{title}: its answers cannot be transformed back in the C; use a StandardScaler or MinMaxScaler as "
        "the transformer, or inverse_func=numpy.exp or numpy.expm1 for one target"
    )
