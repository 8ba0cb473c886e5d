"""everywhereml: if/else, weighted votes."""

from __future__ import annotations

import importlib
import re
from typing import Any

import numpy as np
from everywhereml.data.Dataset import Dataset

from peers import Configurations, entry, n_classes

LANGUAGE = "c++"


def configurations(model: Any) -> Configurations:
    """There is one way to call it."""
    return {"": lambda: _text(model)}


def _text(model: Any) -> str:
    kind = type(model)
    package = kind.__module__.split(".")[1]  # sklearn.tree._classes, sklearn.ensemble._forest
    ours = getattr(importlib.import_module(f"everywhereml.sklearn.{package}"), kind.__name__)
    # Its classes are scikit-learn's with a code generator; the fitted state is taken over as it is.
    wrapper = ours.__new__(ours)
    vars(wrapper).update(vars(model))
    k = n_classes(model)
    wrapper.dataset = Dataset.from_XY(np.zeros((k, model.n_features_in_)), np.arange(k))
    code = wrapper.to_arduino(instance_name="peer")
    code = re.sub(r"UUID\d+", "PEER_H", code)  # an address in memory: another one in every run
    return "#include <Arduino.h>\n" + code + entry(model, "return peer.predict((float *)x);")
