"""Feature extractors one after another: filters and windows, and what is computed of their samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.features._filtering import Filtering
from micromlgen.features._resampling import Resampling
from micromlgen.features.windower import Windowing
from micromlgen.ir import Layout, Model
from micromlgen.models._members import Member, together
from micromlgen.streams import Stream

Array = NDArray[Any]


class Call(NamedTuple):
    """A step that is called, where it reads from and writes to, and how many samples: "w" is a buffer."""

    suffix: str
    source: str
    target: str
    size: int


@dataclass(frozen=True, eq=False)
class InSequence(Extraction):
    """Extractors, all of which but the last give samples again."""

    #: At least two.
    steps: tuple[Extraction, ...]

    @property
    def frame_size(self) -> int:
        return self.steps[0].frame_size

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return self.steps[-1].output_dtype

    @property
    def top(self) -> int:
        return self.steps[-1].top

    def names(self) -> Sequence[str]:
        return self.steps[-1].names()

    def unit(self) -> NDArray[np.float64]:
        return self.steps[-1].unit()

    def dequantize(self, Y: Array) -> NDArray[np.float64]:
        return self.steps[-1].dequantize(Y)

    def predict(self, Q: Array) -> Array:
        for step in self.steps:
            Q = step.predict(Q)
        return Q

    @property
    def running(self) -> int:
        """How many of the first steps run on in a stream."""
        kinds = [isinstance(step, Filtering) for step in self.steps]
        return [*kinds, False].index(False)

    @property
    def of_windows(self) -> tuple[Extraction, ...]:
        """The steps that are computed of each window of a stream; none where windows are what comes out."""
        behind = self.steps[self.running :]
        return behind[1:] if behind and isinstance(behind[0], Windowing) else behind

    def streamed(self) -> Stream[Model]:
        """Filters run on to the first step that needs a window, whose length and hop a Windower tells."""
        filters = tuple(step for step in self.steps[: self.running] if isinstance(step, Filtering))
        # Filters alone give frame after frame.
        own = self.steps[min(self.running, len(self.steps) - 1)].streamed()
        windowed = in_sequence(self.of_windows) if self.of_windows else own.windowed
        if not filters and windowed.input.n_features == self.input.n_features:
            windowed = self
        per_frame = self.frame_size // own.n_channels
        length, hop = own.length // per_frame, own.hop // per_frame
        stream = Stream(filters, windowed, length, hop, self.frame_size)
        if len(self.of_windows) != 1 or self.of_windows[0].frame_size != self.frame_size:
            return stream
        alone = replace(stream, framing=self.of_windows[0].framed(hop))
        return replace(stream, framing=alone.within(f"part{len(self.steps) - 1}"))

    @property
    def members(self) -> list[Member]:
        """The extractors that are rendered inside."""
        return [Member(f"part{i}", step) for i, step in enumerate(self.steps)]

    @property
    def rendered(self) -> set[str]:
        """Suffixes of the members that have functions to call."""
        called = {call.suffix for windowed in (False, True) for call in self.calls(windowed)}
        return called | {f"part{i}" for i in range(self.running)}

    def calls(self, windowed: bool) -> list[Call]:
        """What is called of a row, or of a window."""
        last = len(self.steps) - 1
        first = last + 1 - len(self.of_windows) if windowed else 0
        out, source = [], "x"
        for i, step in enumerate(self.steps[first:], first):
            if isinstance(step, Windowing) and i < last:
                source += f" + {step.start}" if step.start else ""
                continue
            target = "y" if i == last else "w"
            out.append(Call(f"part{i}", source, target, step.n_outputs))
            source = target
        return out

    def layouts(self) -> Sequence[Layout]:
        return together(self.members, code=(40, 30, 30, 30))

    def contract(self) -> Sequence[str]:
        return [f"{step.source}: {line}" for step in self.steps for line in step.contract()]


def in_sequence(steps: Sequence[Extraction]) -> Extraction:
    """Extractors one after another.

    Raises
    ------
    UnsupportedError
        If one gives no samples and is not the last, or not what the next one takes; if a Windower's hop would
        be lost.
    """
    flat: list[Extraction] = []
    for step in steps:
        flat += step.steps if isinstance(step, InSequence) else [step]
    if len(flat) == 1:
        return flat[0]
    for step, following in pairwise(flat):
        if not isinstance(step, Resampling):
            raise UnsupportedError(f"{following.source} takes samples: it cannot be behind {step.source}")
        size = following.input.n_features
        if step.n_outputs != size:
            raise UnsupportedError(
                f"{step.source} gives windows of {step.n_outputs} samples, {following.source} takes {size}; "
                f"fit them together, or put Windower({size}) between them"
            )
        allowed = (step.n_channels,) if isinstance(following, Resampling) else (1, step.n_channels)
        if following.frame_size not in allowed:
            raise UnsupportedError(
                f"{step.source} has n_channels={step.n_channels}, {following.source} has "
                f"{following.frame_size}; use the same"
            )
    whole = next((step for step in flat if not isinstance(step, Filtering)), flat[-1])
    for step in flat[flat.index(whole) + 1 :]:
        if isinstance(step, Windowing) and step.hop * step.n_channels != step.n_outputs:
            raise UnsupportedError(
                f"Windower(hop={step.hop}) is behind {whole.source}, which needs windows itself: "
                "put Windower before that"
            )
    last = flat[-1]
    return InSequence(source=last.source, input=flat[0].input, span=last.span, steps=tuple(flat))
