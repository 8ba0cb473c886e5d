"""Feature extractors of the same samples, side by side: what a FeatureUnion of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import model_of
from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.features._frames import CORES, Frames, OfSpectra, Reading
from micromlgen.ir import Layout
from micromlgen.models._members import Member, together
from micromlgen.streams import Framing

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Group:
    """Parts that read the same spectra, which are computed once."""

    numbers: tuple[int, ...]
    frames: Frames
    reads: tuple[Reading, ...]

    @property
    def several(self) -> bool:
        """Whether not all read the same of them."""
        return len(set(self.reads)) > 1

    @property
    def both(self) -> bool:
        """Whether powers and magnitudes are there at once."""
        return {"powers", "magnitudes"} <= set(self.reads)

    @property
    def first_read(self) -> Reading:
        """What the transform's function gives."""
        return "mantissas" if self.several else self.reads[0]


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

    @cached_property
    def groups(self) -> list[Group]:
        """Of parts that share spectra."""
        same: dict[tuple[Any, ...], list[tuple[int, OfSpectra]]] = {}
        for i, part in enumerate(self.parts):
            if isinstance(part, OfSpectra):
                same.setdefault(part.spectra.same, []).append((i, part))
        return [
            Group(tuple(i for i, _ in found), found[0][1].spectra, tuple(part.reads for _, part in found))
            for found in same.values()
            if len(found) > 1
        ]

    @property
    def alone(self) -> list[int]:
        """Numbers of the other parts."""
        shared = {i for group in self.groups for i in group.numbers}
        return [i for i in range(len(self.parts)) if i not in shared]

    @property
    def members(self) -> list[Member]:
        """The extractors that are rendered inside."""
        alone, framed, out = self.alone, self.in_frames, []
        for i, part in enumerate(self.parts):
            if isinstance(part, OfSpectra):
                part = replace(part if i in alone else part.sharing(), in_frames=i in framed)
            out.append(Member(f"part{i}", part))
        return out

    @cached_property
    def in_frames(self) -> dict[int, OfSpectra]:
        """Parts of whose frames streams may keep what is computed, by number: all of the same frames."""
        length, found = self.input.n_features // self.frame_size, {}
        for i, part in enumerate(self.parts):
            framing = part.framing(length) if isinstance(part, OfSpectra) else None
            if framing is not None and framing.n_channels == self.frame_size:
                found[i] = cast(OfSpectra, part), (framing.hop, framing.count)
        first = next((where for _, where in found.values()), None)
        return {i: part for i, (part, where) in found.items() if where == first}

    def framing(self, hop: int) -> Framing | None:
        each = [f for part in self.in_frames.values() if (f := part.framing(hop)) is not None]
        if not each:
            return None
        return replace(
            max(each, key=lambda framing: framing.length),
            kept=sum(framing.kept for framing in each),
            looks_back=any(framing.looks_back for framing in each),
            carried=sum(framing.carried for framing in each),
            with_samples=len(each) < len(self.parts),
        )

    @property
    def kept_at(self) -> list[int]:
        """Where what a stream keeps of a frame begins, of each part, and where it ends."""
        sizes = [self.in_frames[i].kept if i in self.in_frames else 0 for i in range(len(self.parts))]
        return [0, *accumulate(sizes)]

    @property
    def carried_at(self) -> list[int]:
        """Likewise what goes from a frame to the next."""
        sizes = [self.in_frames[i].carried if i in self.in_frames else 0 for i in range(len(self.parts))]
        return [0, *accumulate(sizes)]

    def layouts(self) -> Sequence[Layout]:
        shared = [group.frames for group in self.groups]
        sizes = [table.nbytes for frames in shared for table in frames.tables().values()]
        code = [40 + sum(sizes) + sum(frames.code(k) for frames in shared) for k in range(4)]
        cycles = {
            core: sum(frames.n_channels * frames.cycles(k) for frames in shared)
            for k, core in enumerate(CORES)
        }
        return [
            replace(
                layout,
                cycles={core: count + cycles[core] for core, count in layout.cycles.items()},
                tables=[*sizes, *layout.tables],
            )
            for layout in together(self.members, code)
        ]

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
