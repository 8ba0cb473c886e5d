"""How the tests of nodes are packed into tables in flash: every field at the width that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.inputs import Input
from micromlgen.models._orders import Ordered, by_tree
from micromlgen.tables import Column, index_for, narrow, plain, triples, unsigned_for

Array = NDArray[Any]
#: Where the threshold of a node is: in a table of its own; in a pool of the distinct ones; in a pool of the
#: distinct pairs of feature and threshold.
Addressing = Literal["own", "pool", "pair"]
_WIDTHS = (8, 16, 24, 32)
#: At most this share of the nodes may have a `skip` that is kept elsewhere.
_MOST_FAR = 1 / 8


class Field(NamedTuple):
    """Some bits of a record."""

    shift: int
    bits: int

    @property
    def mask(self) -> int:
        """Its highest value."""
        return (1 << self.bits) - 1


@dataclass(frozen=True, eq=False)
class Far:
    """The skips that do not fit their field, whose highest value says so; in the order of their nodes."""

    #: Number of the node within its tree.
    node: Array
    skip: Array
    #: Of each tree, its first entry; None for a single tree.
    start: Array | None

    @property
    def tables(self) -> list[Array]:
        """The arrays in flash."""
        return [self.node, self.skip, *([] if self.start is None else [self.start])]


class Tests:
    """Tests of nodes, before their packing: what all packings of them have in common."""

    def __init__(self, ordered: Ordered, inputs: Input) -> None:
        self.ordered = ordered
        self.inputs = inputs
        #: The feature above its flags, the lowest first: where missing values are followed, whether they go
        #: left; where there are categories, whether the node tests for some, and whether all else goes left.
        self.feature: Array = ordered.feature.astype(np.int64)
        self.flags = 0
        if ordered.kind is not None:
            self.feature = self.feature << 2 | ordered.kind
            self.flags = 2
        if inputs.missing:
            self.feature = self.feature << 1 | ordered.missing_left
            self.flags += 1
        #: Low bits that are zero in every threshold and left out, e.g. half of a float32 that is a small
        #: multiple of one half.
        zero = not inputs.is_integer and not (ordered.threshold & 0xFFFF).any()
        self.shift = 16 if zero else 0
        #: Every threshold is at least +0: float bits compare as signed integers without mapping negatives.
        self.nonnegative = bool((ordered.threshold >= 0).all())  # as numbers of sets are

    @cached_property
    def thresholds(self) -> Array:
        """Thresholds without the bits that are left out."""
        return self.ordered.threshold.astype(np.int64) >> self.shift

    @cached_property
    def pool(self) -> tuple[Array, Array]:
        """Distinct thresholds, and the index of each node's."""
        distinct, index = np.unique(self.thresholds, return_inverse=True)
        return distinct, index.ravel()

    @cached_property
    def pairs(self) -> tuple[Array, Array, Array]:
        """Distinct pairs as their features and their thresholds, and the index of each node's."""
        keys = (self.feature << 33) + self.thresholds
        _, first, index = np.unique(keys, return_index=True, return_inverse=True)
        return self.feature[first], self.thresholds[first], index.ravel()

    def packings(self) -> Iterator[Packed]:
        """Every packing worth a thought."""
        f = int(self.feature.max()).bit_length()
        modes: tuple[tuple[Addressing, int | None, int | None], ...] = (
            ("own", f, None),
            ("pool", f, (len(self.pool[0]) - 1).bit_length()),
            ("pair", None, (len(self.pairs[0]) - 1).bit_length()),
        )
        for addressing, feature, index in modes:
            for width in _WIDTHS:
                yield from self._packed(addressing, width, feature, index)

    def _packed(
        self, addressing: Addressing, width: int, feature: int | None, index: int | None
    ) -> Iterator[Packed]:
        others = [bits for bits in (feature, index) if bits is not None]
        skips = self.ordered.skip
        enough = 0 if skips is None else int(skips.max()).bit_length()
        # Fields that are whole bytes are read with the fewest instructions.
        for rounded in (True, False):
            taken = sum(-(-bits // 8) * 8 if rounded else bits for bits in others)
            room = width - taken
            if rounded:
                room = min(room // 8 * 8, -(-enough // 8) * 8)
            if room < 0 or (skips is not None and room < 1):
                continue
            bits = 0 if skips is None else (room if rounded else min(room, enough))
            far = None
            if skips is not None and bits < enough:
                far = skips >= (1 << bits) - 1
                if far.mean() > _MOST_FAR:
                    continue
            skip = None if skips is None else Field(0, bits)
            at = bits
            fields: list[Field | None] = []
            for b in (index, feature):
                fields.append(None if b is None else Field(at, b))
                at += 0 if b is None else -(-b // 8) * 8 if rounded else b
            if at <= width - 8 and width > 8:  # a narrower record has room for it
                continue
            yield Packed(self, addressing, width, skip, fields[1], fields[0], far, rounded)
            return


@dataclass(frozen=True, eq=False)
class Packed:
    """One packing.

    Parameters
    ----------
    tests : Tests
    addressing : {"own", "pool", "pair"}
    width : int
        Bits of a record.
    skip, feature, index : Field or None
        Where they are in a record; `index` is that into the pool or the pairs.
    is_far : bool array or None
        Nodes whose skip is kept elsewhere.
    whole : bool
        Whether every field is made of whole bytes.
    """

    tests: Tests
    addressing: Addressing
    width: int
    skip: Field | None
    feature: Field | None
    index: Field | None
    is_far: NDArray[np.bool_] | None
    whole: bool

    @property
    def ordered(self) -> Ordered:
        """What is packed."""
        return self.tests.ordered

    @cached_property
    def record(self) -> Column:
        """The records."""
        value = np.zeros(len(self.tests.feature), np.int64)
        if self.skip is not None and self.ordered.skip is not None:
            value |= np.minimum(self.ordered.skip, self.skip.mask) << self.skip.shift
        if self.feature is not None:
            value |= self.tests.feature << self.feature.shift
        if self.index is not None:
            which = self.tests.pool[1] if self.addressing == "pool" else self.tests.pairs[2]
            value |= which << self.index.shift
        if self.width == 24:
            packed = triples(value.astype(np.uint32))
            assert packed is not None
            return Column(packed, None, np.dtype(np.uint32))
        return Column(value.astype(f"u{self.width // 8}"), None)

    @property
    def has_record(self) -> bool:
        """Whether nodes differ in anything that a record holds."""
        return any(field is not None and field.bits for field in (self.skip, self.feature, self.index))

    @cached_property
    def threshold(self) -> Column:
        """Of each node, or of each index."""
        if self.addressing == "own":
            return plain(self.tests.thresholds)
        return plain(self.tests.pool[0] if self.addressing == "pool" else self.tests.pairs[1])

    @cached_property
    def pair_feature(self) -> Array | None:
        """The feature of each index."""
        return narrow(self.tests.pairs[0]) if self.addressing == "pair" else None

    @cached_property
    def extent(self) -> Array:
        """See `Ordered`."""
        return narrow(self.ordered.extent)

    @property
    def extents_differ(self) -> bool:
        """Whether trees need a table of their extents."""
        return bool((self.extent != self.extent[0]).any())

    @cached_property
    def far(self) -> Far | None:
        """Skips that are kept elsewhere."""
        if self.is_far is None or self.ordered.skip is None:
            return None
        at = np.flatnonzero(self.is_far)
        node, start = by_tree(at, self.ordered.first_record)
        return Far(node, narrow(self.ordered.skip[at]), start)

    @property
    def sizes(self) -> list[int]:
        """Bytes of each array in flash; the records are not made for it."""
        out = [self.threshold.data]
        if self.pair_feature is not None:
            out.append(self.pair_feature)
        if self.extents_differ:
            out.append(self.extent)
        if self.far is not None:
            out += self.far.tables
        records = [len(self.tests.feature) * self.width // 8] if self.has_record else []
        return [*records, *(table.nbytes for table in out)]

    @property
    def shift(self) -> int:
        """See `Tests`."""
        return self.tests.shift

    @property
    def flags(self) -> int:
        """How many flags are below a feature."""
        return self.tests.flags

    @property
    def nonnegative(self) -> bool:
        """See `Tests`."""
        return self.tests.nonnegative

    @property
    def feature_dtype(self) -> np.dtype[Any]:
        """Type of a feature with its flags."""
        return unsigned_for(int(self.tests.feature.max()))

    @property
    def index_dtype(self) -> np.dtype[Any]:
        """Type of a number of a node or leaf."""
        return index_for(max(len(self.ordered.leaf), len(self.tests.feature)))

    @property
    def within_dtype(self) -> np.dtype[Any]:
        """Type of a number of a node or leaf within its tree."""
        most = int(self.ordered.extent.max())
        return unsigned_for(most if self.ordered.order == "preorder" else (1 << most) - 1)

    @property
    def which_dtype(self) -> np.dtype[Any]:
        """Type of an index into the pool or the pairs."""
        return unsigned_for(len(self.threshold.data) - 1)
