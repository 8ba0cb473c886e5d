"""Features as the number of their bin or category, or as ones where they are in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout
from micromlgen.models._stage import ExactStage, index_table, only_layout, selects, zeros
from micromlgen.tables import narrow

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Binned(ExactStage):
    """How many edges a feature reaches: the number of its bin, of its category, or ones where it is."""

    source_of: NDArray[np.int64]
    #: Of each feature in `source_of`, ascending: float64, then float32 or integers.
    edges: tuple[Array, ...]
    #: Whether the edges are categories, which a feature equals or not.
    equal: bool = field(default=False, kw_only=True)
    #: Whether a feature must be above an edge, which is the next number after what it must be above.
    above: bool = field(default=False, kw_only=True)
    #: One output for each bin of a feature, of which one is 1: its first output, and how many it has.
    hot: bool = field(default=False, kw_only=True)
    #: Categories without an output of their own, one for each feature, or -1.
    dropped: NDArray[np.int64] | None = field(default=None, kw_only=True)
    #: What a category that is none is given, of categories that are numbered.
    unknown: float = field(default=-1.0, kw_only=True)

    @property
    def fills(self) -> bool:
        return True  # what is missing is in no bin

    @property
    def starts(self) -> Array:
        """Of each feature its first edge, and behind the last one their number."""
        return narrow(np.cumsum([0, *map(len, self.edges)]))

    @property
    def widths(self) -> NDArray[np.int64]:
        """Outputs of each feature."""
        if not self.hot:
            return np.ones(len(self.edges), np.int64)
        bins = np.array([len(e) + (not self.equal) for e in self.edges])
        return bins if self.dropped is None else bins - (self.dropped >= 0)

    @property
    def alike(self) -> int | None:
        """Edges of each feature where all have as many, else None."""
        counts = {len(e) for e in self.edges}
        return counts.pop() if len(counts) == 1 else None

    @property
    def table(self) -> Array:
        """All edges."""
        return np.concatenate(self.edges)

    @property
    def index(self) -> Array | None:
        """Table of the features; None where none is left out."""
        return index_table(self.source_of)

    @property
    def in_place(self) -> bool:
        return self.index is None and not self.hot

    @property
    def one(self) -> int:
        """What a one is written as, in integer modes."""
        if self.to is None or self.to.exponents is None:
            return 1
        return int(2.0 ** self.to.exponents[0])

    @property
    def most(self) -> int:
        """Largest number that is written, of what is known."""
        return 1 if self.hot else max(1, *map(len, self.edges))

    def feature_limits(self) -> NDArray[np.float64]:
        limits = np.zeros(self.input.n_features)
        np.maximum.at(limits, self.source_of, [np.abs(e).max(initial=0) for e in self.edges])
        return limits

    def behind(self, stage: Affine) -> Binned | None:
        source = selects(stage)
        if source is None:
            return None
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, source_of=source[self.source_of])

    def centred(self, center: NDArray[np.float32]) -> Binned:
        own = zip(self.edges, center[self.source_of].astype(np.float64), strict=True)
        return replace(self, edges=tuple(edges - middle for edges, middle in own))

    def quantize(self, inputs: Input, by: Calibration) -> Binned:
        self.check_missing(inputs)
        if not inputs.is_integer:
            # Rounded up, so that `x >= edge` stays exact.
            return replace(self, input=inputs, edges=tuple(-fixedpoint.float32_floor(-e) for e in self.edges))
        most = 1.0 if self.hot else float(max(len(e) for e in self.edges))
        return replace(self._of_integers(inputs), span=np.tile([0.0, most], (self.n_outputs, 1)))

    def _of_integers(self, inputs: Input) -> Binned:
        assert inputs.exponents is not None
        exponents, info = inputs.exponents[self.source_of], np.iinfo(inputs.dtype)
        scaled = [np.ldexp(e, k) for e, k in zip(self.edges, exponents, strict=True)]
        # As features are rounded; those that are integers already reach an edge from the next one on.
        plain = (exponents == 0) & (not self.equal)
        whole = [
            np.ceil(e) if up else np.floor(e + 0.5) + self.above for e, up in zip(scaled, plain, strict=True)
        ]
        highest = min(inputs.highest + 1, info.max)
        kept = tuple(np.clip(e, info.min + 1, highest).astype(inputs.dtype) for e in whole)
        return replace(self, input=inputs, edges=kept)

    def writable(self, to: Input) -> Input:
        assert to.exponents is not None
        room = (to.highest // self.most).bit_length() - 1
        return replace(to, exponents=np.full_like(to.exponents, min(int(to.exponents.min()), room)))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Binned:
        assert to.exponents is not None
        apart = len(set(to.exponents.tolist())) > 1 or to.exponents[0] < 0
        one = 2.0 ** float(to.exponents[0])
        if apart or self.unknown % 1 or one * self.most > to.highest:
            raise self._no_integers(inputs)
        return replace(self._of_integers(inputs), to=to)

    def counts(self, X: Array) -> NDArray[np.int64]:
        """Number of each feature's bin or category, shape (n, n_used); categories that are none: -1."""
        columns = []
        for f, edges in zip(self.source_of, self.edges, strict=True):
            x = X[:, f]
            if self.equal:
                hits = x[:, None] == edges[None, :]
                columns.append(np.where(hits.any(axis=1), hits.argmax(axis=1), -1))
            else:
                columns.append((x[:, None] >= edges[None, :]).sum(axis=1))
        return np.stack(columns, axis=1)

    def exact(self, X: Array) -> NDArray[np.float64]:
        counts = self.counts(X)
        if not self.hot:
            return np.where(counts < 0, self.unknown, counts).astype(np.float64)
        parts = []
        for k, width in enumerate(self.widths):
            number = counts[:, k]
            if self.dropped is not None and self.dropped[k] >= 0:
                out = self.dropped[k]
                number = np.where(number == out, -1, number - (number > out))
            parts.append(number[:, None] == np.arange(width)[None, :])
        return np.asarray(np.concatenate(parts, axis=1), np.float64)

    def predict(self, Q: Array) -> Array:
        y = self.exact(Q)
        return (y * self.one).astype(self.output_dtype)

    def moves(self, Q: Array, by: Array) -> Array:
        wide = [self.exact(Q.astype(np.float64) + sign * by) for sign in (-1, 1)]
        return np.asarray(np.maximum(*(np.abs(w - self.exact(Q)) for w in wide)))

    def boundaries(self) -> Sequence[Array]:
        out = [list(v) for v in super().boundaries()]
        for f, edges in zip(self.source_of, self.edges, strict=True):
            usable = edges[np.isfinite(edges)]
            if self.input.is_integer:
                out[f] += [e + s for e in usable.astype(int) for s in (-1, 0, 1)]
            else:
                out[f] += [v for e in usable for v in (np.nextafter(e, np.float32(-np.inf)), e)]
        top = self.input.highest if self.input.is_integer else np.inf
        return [np.clip(np.array(v), -top, top).astype(self.input.dtype) for v in out]

    def layouts(self) -> Sequence[Layout]:
        tables = [self.table, *([] if self.alike is not None else [self.starts])]
        tables += [] if self.index is None else [self.index]
        cycles = (15, 8, 8, 8) if self.input.is_integer else (60, 40, 8, 40)
        work = [20.0 * self.n_outputs + c * len(self.table) for c in cycles]
        return only_layout("edges", tables, (250, 150, 100, 150), work)

    def contract(self) -> Sequence[str]:
        return ["bins and categories are scikit-learn's"]


def binned(source: str, n_features: int, edges: Sequence[Array], **known: Any) -> Binned:
    """A `Binned` of all features."""
    made = Binned(
        source=source,
        input=Input(n_features),
        span=zeros(1),
        source_of=np.arange(n_features),
        edges=tuple(np.asarray(e, np.float64) for e in edges),
        **known,
    )
    return replace(made, span=zeros(int(made.widths.sum())))


@converts("sklearn.preprocessing.Binarizer")
def binarizer(estimator: Any) -> Binned:
    """Convert what asks whether features are above a threshold."""
    # Above it: from the next number on.
    above = np.nextafter(float(estimator.threshold), np.inf)
    n = estimator.n_features_in_
    return binned(type(estimator).__name__, n, [np.array([above])] * n, above=True)


@converts("sklearn.preprocessing.KBinsDiscretizer")
def bins(estimator: Any) -> Binned:
    """Convert bins, numbered or as ones."""
    edges = [np.asarray(e[1:-1], np.float64) for e in estimator.bin_edges_]
    hot = estimator.encode != "ordinal"
    return binned(type(estimator).__name__, estimator.n_features_in_, edges, hot=hot)


def _categories(estimator: Any) -> list[Array]:
    """Numbers that categories are.

    Raises
    ------
    UnsupportedError
        If they are texts or missing, or the seldom ones are one category.
    """
    title = type(estimator).__name__
    if getattr(estimator, "_infrequent_enabled", False):
        raise UnsupportedError(
            f"{title} with min_frequency or max_categories cannot be ported; group seldom categories before"
        )
    found = []
    for categories in estimator.categories_:
        try:
            numbers = np.asarray(categories, np.float64)
        except (TypeError, ValueError):
            raise UnsupportedError(
                f"{title} of texts cannot be ported; number them before training"
            ) from None
        if not np.isfinite(numbers).all():
            raise UnsupportedError(
                f"{title} with a missing value as a category cannot be ported; use a SimpleImputer before it"
            )
        if (numbers.astype(np.float32) != numbers).any():
            raise UnsupportedError(f"{title} of numbers that are no float32 cannot be ported; use integers")
        found.append(numbers)
    return found


@converts("sklearn.preprocessing.OneHotEncoder")
def one_hot(estimator: Any) -> Binned:
    """Convert an encoder of numbered categories; one that is none gives zeros."""
    categories, dropped = _categories(estimator), estimator.drop_idx_
    at = None
    if dropped is not None:
        at = np.array([-1 if k is None else k for k in dropped], np.int64)
    n, title = estimator.n_features_in_, type(estimator).__name__
    return binned(title, n, categories, equal=True, hot=True, dropped=at)


@converts("sklearn.preprocessing.OrdinalEncoder")
def ordinal(estimator: Any) -> Binned:
    """Convert an encoder of numbered categories; one that is none gives `unknown_value`, or -1.

    Raises
    ------
    UnsupportedError
        If `unknown_value` is not a number.
    """
    unknown = -1.0 if estimator.unknown_value is None else float(estimator.unknown_value)
    if unknown != unknown:
        raise UnsupportedError("OrdinalEncoder(unknown_value=nan) cannot be ported; use a number")
    n, title = estimator.n_features_in_, type(estimator).__name__
    return binned(title, n, _categories(estimator), equal=True, unknown=unknown)
