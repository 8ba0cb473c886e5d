"""sklearn-porter 0.7.4, its last release, from 2019."""

from __future__ import annotations

from typing import Any

from sklearn_porter import Porter

from peers import Configurations, entry

LANGUAGE = "c"


def configurations(model: Any) -> Configurations:
    """C, with the model's numbers in the code."""

    def text() -> str:
        return Porter(model, language="c").export(embed_data=True) + entry(
            model, "return predict((float *)x);"
        )

    return {"": text}
