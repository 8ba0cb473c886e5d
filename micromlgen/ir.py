"""The ground of the intermediate representation: what goes into a model, what comes out, what it must do.

Each family adds one frozen dataclass derived from `Classifier` or `Regressor`. Its NumPy `predict` is the
specification of the generated C.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Array, Calibration, DType, Input
from micromlgen.lossy import Coarsening, Compression
from micromlgen.streams import Stream


@dataclass(frozen=True, eq=False)
class Layout:
    """One way to render a model.

    Parameters
    ----------
    name : str
        The template branches on it, the banner shows it.
    flash : mapping of core name to bytes
    cycles : mapping of core name to cycles of a mean prediction
        Estimates from measured unit costs, good enough to compare layouts; `footprint` measures.
    build : callable
        Makes what the template prints; called for the chosen layout only.
    tables : sequence of int
        Bytes of each table in flash that `predict` reads.
    """

    name: str
    flash: Mapping[str, float]
    cycles: Mapping[str, float]
    build: Callable[[], Mapping[str, Any]]
    tables: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class Model(ABC):
    """A fitted estimator, in the form that the C will have.

    `convert` makes it with the estimator's own float64 numbers; `quantize` gives the model whose numbers are
    those of the C, and only that one predicts.
    """

    kind: ClassVar[Literal["classifier", "regressor", "detector", "transformer"]]
    #: Name of the estimator's class, for the banner.
    source: str
    input: Input
    #: What was given up; None where the model is exact.
    compression: Compression | None = field(default=None, kw_only=True)

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """How many targets the estimator was fitted on."""

    @abstractmethod
    def feature_limits(self) -> NDArray[np.float64]:
        """Largest finite constant that each feature is compared with, shape (n_features,); 0 if none."""

    @abstractmethod
    def takes_integers(self) -> bool:
        """Whether the model's own constants show that it was trained on integers: then scale 1 is exact."""

    def categorical(self) -> NDArray[np.bool_]:
        """Features that hold categories, shape (n_features,): integer modes must not scale them."""
        return np.zeros(self.input.n_features, bool)

    @property
    def isometric(self) -> bool:
        """Whether integer modes must scale all features alike, because the model measures distances."""
        return False

    @property
    def centres(self) -> bool:
        """Whether `refined` centres features that are far from zero."""
        return False

    @property
    def saturates(self) -> bool:
        """Whether an input beyond its range gives the answer of the range's end, as behind a threshold."""
        return False

    def highest_input(self, dtype: DType) -> int:
        """Largest magnitude of an encoded feature with which no sum of the model leaves its integers."""
        return int(np.iinfo(dtype).max)

    @property
    def own_dtype(self) -> DType | None:
        """The type of a model whose integers are its own; None where `quantize` chooses them."""
        return None

    def behind(self, stage: Affine) -> Model | None:
        """The same model of the features that `stage` is given; None where it cannot take the stage in."""
        return None

    def centred(self, center: NDArray[np.float32]) -> Model | None:
        """The same model of features less `center`, for integer modes; None where it cannot be."""
        if not center.any():
            return self
        return self.behind(Affine.elementwise(np.ones(len(center)), center))

    def refined(self, inputs: Input, by: Calibration) -> Input:
        """The inputs of an integer mode as the model would rather have them, if its features are raw."""
        return inputs

    def in_integers(self) -> Model:
        """What integer modes make a header of: the model, or one that answers alike and has a form there."""
        return self

    @abstractmethod
    def quantize(self, inputs: Input, by: Calibration) -> Model:
        """The model with the integers and float32 numbers that the C holds, for these inputs."""

    def within(self, inputs: Input, by: Calibration) -> Model:
        """The model in integers that it shares with others."""
        return self.quantize(inputs, by)

    @abstractmethod
    def predict(self, Q: Array) -> Array:
        """What the C returns for encoded rows Q, shape (n, n_features).

        Classifiers: int32 class indices; regressors: `output_dtype`. Shape (n,), or (n, n_outputs) where
        there are several outputs.
        """

    @abstractmethod
    def decode(self, returned: Array) -> Array:
        """What `predict` returned, as the estimator's own answer: classes or float64 numbers, same shape."""

    @abstractmethod
    def layouts(self) -> Sequence[Layout]:
        """The encodings that this model can be rendered in; none changes a prediction."""

    @abstractmethod
    def contract(self) -> Sequence[str]:
        """The numeric promise of this header, one sentence a line."""

    @abstractmethod
    def boundaries(self) -> Sequence[Array]:
        """Per feature, the encoded inputs at which the answer may change: both sides of every threshold."""

    @property
    @abstractmethod
    def output_dtype(self) -> np.dtype[Any]:
        """Type of `<name>_output_t`."""

    def streamed(self) -> Stream[Model] | None:
        """How the model takes samples as they come; None where it takes rows of features only."""
        return None

    def coarsening(self, rows: NDArray[np.float32]) -> Coarsening | None:
        """Coarser models, by what `rows` of raw features tell about this exact one; None if it has none."""
        return None

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        """Rows, shape (n, n_outputs), on which the contract does not promise the estimator's answer: none."""
        return np.zeros((len(X), self.n_outputs), bool)

    @property
    def loses(self) -> str:
        """In integer modes, what of the estimator loses most, in words; nothing if that is not known."""
        return ""

    @property
    def uses_math(self) -> bool:
        """Whether the C calls functions of math.h."""
        return False

    @property
    def of_classes(self) -> bool:
        """Whether features are indices of classes: one that may be wrong may be any."""
        return False

    def rounding(self, Q: Array) -> Array | None:
        """Most by which the numbers of the C may differ from the twin's; None: they have the same bits.

        Float arithmetic has no one answer: compilers fuse multiplications with additions, and cores without
        an FPU add in an order of their own. The twin then computes in float64, from the C's float32
        constants. The numbers are those of `decision_function`, `score`, or `predict` of regressors and
        transformers; shape broadcastable to theirs.
        """
        return None

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        """Rows, shape (n, n_outputs), on whose class `rounding` may decide."""
        return np.zeros((len(Q), self.n_outputs), bool)

    def moves(self, Q: Array, by: Array) -> Array | None:
        """Most by which the numbers of `rounding` move where features do by up to `by`, of the shape of Q.

        None: not known, but the numbers are smooth, so that trying each feature tells it.
        """
        return None


@dataclass(frozen=True, eq=False)
class Classifier(Model):
    """A model whose `predict` gives indices into `classes_`."""

    kind = "classifier"
    #: `classes_`, one array per output.
    classes: tuple[Array, ...]

    @property
    def n_outputs(self) -> int:
        """One for each array of `classes`."""
        return len(self.classes)

    def decode(self, returned: Array) -> Array:
        """Values of `classes_`."""
        if returned.ndim == 1:
            return np.asarray(self.classes[0][returned])
        return np.stack([c[returned[:, o]] for o, c in enumerate(self.classes)], axis=1)

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Number of classes of each output."""
        return tuple(len(c) for c in self.classes)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """Type of a probability: float32, or uint16 in units of 1 / `proba_one`."""
        return np.dtype(np.uint16 if self.input.is_integer else np.float32)


@dataclass(frozen=True, eq=False)
class ProbabilisticClassifier(Classifier):
    """A classifier that also gives the probabilities of its classes."""

    @property
    @abstractmethod
    def proba_one(self) -> int:
        """What the C writes for a probability of one, in integer modes."""

    @abstractmethod
    def predict_proba(self, Q: Array) -> Array:
        """What `<name>_predict_proba` writes: shape (n, sum(n_classes)), dtype `output_dtype`."""

    def proba_rounding(self, Q: Array) -> Array | None:
        """As `rounding`, of probabilities."""
        return None

    def proba_moves(self, Q: Array, by: Array) -> Array | None:
        """As `moves`, of probabilities."""
        return None


@dataclass(frozen=True, eq=False)
class DecisionClassifier(Classifier):
    """A classifier that also gives the numbers it decides by."""

    @property
    @abstractmethod
    def n_decisions(self) -> int:
        """How many numbers `decision_function` writes."""

    @property
    @abstractmethod
    def decision_scale(self) -> float:
        """In integer modes, ``decision = written * decision_scale``."""

    @abstractmethod
    def decision_function(self, Q: Array) -> Array:
        """What `<name>_decision_function` writes: (n, n_decisions), float32 or, in integers, int32."""


@dataclass(frozen=True, eq=False)
class NumericModel(Model):
    """A model whose `predict` gives numbers."""

    #: Lowest and highest value of each output, shape (n_outputs, 2): of trees their own, of others those on
    #: the calibration rows, or zeros in float32. Errors of integer modes are relative to the span.
    span: NDArray[np.float64]

    @property
    def n_outputs(self) -> int:
        """One for each row of `span`."""
        return len(self.span)

    def decode(self, returned: Array) -> Array:
        """Numbers, in integer modes out of their scale."""
        return returned * self.output_scale if self.input.is_integer else returned.astype(np.float64)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """float32, or int32 in units of `output_scale`."""
        return np.dtype(np.int32 if self.input.is_integer else np.float32)

    @property
    @abstractmethod
    def output_scale(self) -> float:
        """In integer modes, ``y = output * output_scale``."""

    @abstractmethod
    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """Largest error against scikit-learn's float64 answer that float32 allows.

        For raw rows X of shape (n, n_features): shape (n_outputs,), or (n, n_outputs).
        """


@dataclass(frozen=True, eq=False)
class Regressor(NumericModel):
    """A model whose `predict` gives numbers of the world."""

    kind = "regressor"


@dataclass(frozen=True, eq=False)
class Transformer(NumericModel):
    """A model whose `predict` is a transformation: it gives features for another model."""

    kind = "transformer"

    @property
    def in_place(self) -> bool:
        """Whether y may be x."""
        return False


@dataclass(frozen=True, eq=False)
class Scored(Model):
    """A model that also tells how usual a point is."""

    @property
    @abstractmethod
    def score_one(self) -> int:
        """What the C writes for a score of one, in integer modes."""

    @abstractmethod
    def score(self, Q: Array) -> Array:
        """What `<name>_score` gives, float32 or int32 of shape (n,): the estimator's `score_samples`."""


@dataclass(frozen=True, eq=False)
class Detector(Scored):
    """A model whose `predict` tells inliers, +1, from outliers, -1, as int16."""

    kind = "detector"
    #: `offset_`: the decision is the score less this.
    offset: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.offset):
            raise UnsupportedError(f"{self.source} has an offset_ that is not finite; fit it again")

    @property
    def n_outputs(self) -> int:
        """One."""
        return 1

    def decode(self, returned: Array) -> Array:
        """The same."""
        return returned

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """Type of a score: float32, or int32 in units of 1 / `score_one`."""
        return np.dtype(np.int32 if self.input.is_integer else np.float32)
