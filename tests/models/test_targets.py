"""Regressors whose targets were transformed before training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import micromlgen as mm
from tests.cases import Case
from tests.models.test_tree import DIABETES, PROGRESSION

X = DIABETES[:120].astype(np.float32)
Y = PROGRESSION[:120]


def target(model: Any, y: Any = Y, **options: Any) -> Any:
    return TransformedTargetRegressor(model, check_inverse=False, **options).fit(X.astype(float), y)


TREE = DecisionTreeRegressor(max_depth=4, random_state=0)
LOG = {"func": np.log1p, "inverse_func": np.expm1}
CASES = [
    Case("target_tree", target(TREE, transformer=StandardScaler()), X),
    Case("target_log", target(Ridge(), **LOG), X),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model", [Ridge(), make_pipeline(StandardScaler(), Ridge()), TREE], ids=lambda m: str(m)[:9]
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"transformer": StandardScaler()},
        {"transformer": MinMaxScaler((-2, 5))},
        {"transformer": FunctionTransformer(np.log, np.exp)},
        {"func": np.log, "inverse_func": np.exp},
        LOG,
    ],
    ids=str,
)
def test_answers_are_scikit_learns(model: Any, options: Any) -> None:
    estimator = target(model, **options)
    program = mm.transpile(estimator, name="target")
    report = program.verify(X)
    assert report, str(report)
    np.testing.assert_allclose(program.predict(X), estimator.predict(X.astype(float)), rtol=2e-5)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_linear_models_behind_scalers_are_linear(dtype: str) -> None:
    both = np.stack([Y, Y**2], axis=1)
    for y in (Y, both):
        estimator = target(Ridge(), y, transformer=StandardScaler())
        program = mm.transpile(estimator, name="target", dtype=dtype, calibration=X)
        assert program.model.matrix.weights.shape[1] == X.shape[1]
        assert program.verify(X)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options",
    [
        {"func": np.sqrt, "inverse_func": np.square},
        {"transformer": QuantileTransformer(n_quantiles=10)},
    ],
    ids=str,
)
def test_what_cannot_be_ported(options: Any) -> None:
    with pytest.raises(ValueError, match=r"cannot be transformed back|QuantileTransformer cannot be ported"):
        mm.transpile(target(Ridge(), **options), name="no")
