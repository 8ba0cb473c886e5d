"""Feature extractors of the same samples, side by side: what a FeatureUnion of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import model_of
from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.ir import Layout
from micromlgen.models._members import Member, together

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Beside(Extraction):
    """The outputs of several extractors, one after another: int32 unless all of them are int16."""

    titles: tuple[str, ...]
    parts: tuple[Extraction, ...]

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.result_type(*(part.output_dtype for part in self.parts))

    @property
    def top(self) -> int:
        return max(part.top for part in self.parts)

    def names(self) -> Sequence[str]:
        named = zip(self.titles, self.parts, strict=True)
        return [f"{title}__{name}" for title, part in named for name in part.names()]

    def unit(self) -> NDArray[np.float64]:
        return np.concatenate([part.unit() for part in self.parts])

    @property
    def frame_size(self) -> int:
        return max(part.frame_size for part in self.parts)

    @property
    def starts(self) -> list[int]:
        """First output of each part."""
        return [sum(part.n_outputs for part in self.parts[:i]) for i in range(len(self.parts))]

    def dequantize(self, Y: Array) -> NDArray[np.float64]:
        each = np.split(Y, self.starts[1:], axis=1)
        return np.concatenate([p.dequantize(y) for p, y in zip(self.parts, each, strict=True)], axis=1)

    def predict(self, Q: Array) -> Array:
        return np.concatenate([part.predict(Q) for part in self.parts], axis=1)

    @property
    def members(self) -> list[Member]:
        """The extractors that are rendered inside."""
        return [Member(f"part{i}", part) for i, part in enumerate(self.parts)]

    def layouts(self) -> Sequence[Layout]:
        return together(self.members, code=(40, 30, 30, 30))

    def contract(self) -> Sequence[str]:
        return [f"{part.source}: {line}" for part in self.parts for line in part.contract()]


def beside(estimator: Any) -> Extraction:
    """A fitted FeatureUnion of extractors.

    Raises
    ------
    UnsupportedError
        If a part cannot be ported, they take windows of different lengths, or their features are weighted.
    """
    if estimator.transformer_weights:
        raise UnsupportedError(
            "FeatureUnion(transformer_weights=...) of extractors cannot be ported; put a scaler behind it"
        )
    titles, parts = [], []
    for title, step in estimator.transformer_list:
        if step == "drop":
            continue
        part = model_of(step)
        if not isinstance(part, Extraction):
            raise UnsupportedError(
                f"FeatureUnion: {title!r} is no feature extractor alone; put models behind the union"
            )
        titles.append(title)
        parts.append(part)
    lengths = {part.input.n_features for part in parts}
    if len(lengths) > 1:
        raise UnsupportedError(
            f"FeatureUnion: its extractors take windows of {' and '.join(map(str, sorted(lengths)))} "
            "samples; one length is needed"
        )
    return Beside(
        source="FeatureUnion",
        input=parts[0].input,
        span=np.concatenate([part.span for part in parts]),
        titles=tuple(titles),
        parts=tuple(parts),
    )
