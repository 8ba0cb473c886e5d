"""timber: tables walked in double, from the estimator or from its ONNX form."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from timber.codegen.c99 import C99Emitter
from timber.frontends.auto_detect import parse_model
from timber.optimizer.pipeline import OptimizerPipeline

from peers import Configurations, argmax, entry, is_regressor, n_classes

LANGUAGE = "c"


def configurations(model: Any) -> Configurations:
    """Both of its front ends."""
    return {"": lambda: _text(model, _pickled), "via ONNX": lambda: _text(model, _onnx)}


def _pickled(model: Any, folder: Path) -> Path:
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    return path


def _onnx(model: Any, folder: Path) -> Path:
    path = folder / "model.onnx"
    options = {"zipmap": False} if n_classes(model) else None
    path.write_bytes(
        to_onnx(model, np.zeros((1, model.n_features_in_), np.float32), options=options).SerializeToString()
    )
    return path


def _text(model: Any, front_end: Any) -> str:
    with tempfile.TemporaryDirectory() as name:
        ir = parse_model(front_end(model, Path(name)))
    out = C99Emitter().emit(OptimizerPipeline().run(ir).ir)
    data = out.model_data_c.replace('#include "model.h"', "")
    code = out.model_c.replace('#include "model.h"', "").replace('#include "model_data.c"', data)
    return "#include <float.h>\n" + out.model_h + code + entry(model, _body(model, out.model_h))


def _body(model: Any, header: str) -> str:
    call = (
        "static TimberCtx *context; if (!context) timber_init(&context); "
        "float scores[TIMBER_N_OUTPUTS]; timber_infer_single(x, scores, context); "
    )
    k = n_classes(model)
    if is_regressor(model):
        return call + "return scores[0];"
    if k == 0:
        return call + "return scores[0] > 0 ? 1 : -1;"
    if "#define TIMBER_N_OUTPUTS  1\n" not in header:
        return call + argmax("scores", k)
    if type(model).__name__ == "KNeighborsClassifier":
        return call + "return (int)scores[0];"
    return call + "return scores[0] > 0.5f;"
