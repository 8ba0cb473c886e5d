"""The ground of the intermediate representation: what goes into a model, what comes out, what it must do.

Each family adds one frozen dataclass derived from `Classifier` or `Regressor`. Its NumPy `predict` is the
specification of the generated C.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.lossy import Coarsening, Compression
from micromlgen.streams import Stream

DType = Literal["float32", "int16", "int8"]
DTYPES: tuple[str, ...] = get_args(DType)
#: Types of what stands between the stages of a model: features of an extractor may be wider.
Number = Literal["float32", "int16", "int8", "int32"]
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Input:
    """The vector x that the C takes.

    Parameters
    ----------
    n_features : int
    dtype : {"float32", "int16", "int8"}
        Between the stages of a model also "int32".
    exponents : int32 array of shape (n_features,), or None for float32
        Feature i is given to the C as ``round((x[i] - center[i]) * gain[i] * 2**exponents[i])``.
    center, gain : float32 arrays of shape (n_features,), or None
        What a scaler before the model does to a feature, in integer modes; None where there is none.
    top : int or None
        Integers saturate to ±top; None: to the largest of the type.
    missing : bool
        Whether a missing value (NaN; in integers the type's lowest value) is followed as in scikit-learn.
    names : tuple of str, or None
        Names of the features where the estimator knows them: columns that come with names must match.
    also_missing : (float, float), or None
        Numbers from the first to the second count as missing too.
    codes : bool
        Whether categories of a frame are meant as their codes.
    samples : bool
        Whether x is a window of int16 samples, taken as they are in every mode. Then there are exponents,
        all 0, where the answer is in integers.
    """

    n_features: int
    dtype: Number = "float32"
    exponents: NDArray[np.int32] | None = None
    center: NDArray[np.float32] | None = None
    gain: NDArray[np.float32] | None = None
    top: int | None = None
    missing: bool = False
    names: tuple[str, ...] | None = None
    also_missing: tuple[float, float] | None = None
    codes: bool = False
    samples: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether the C computes in integers."""
        return self.exponents is not None

    @property
    def quantizes(self) -> bool:
        """Whether the header has a `<name>_quantize`."""
        return self.is_integer and not self.samples

    def encode(self, X: Array) -> Array:
        """Raw features, shape (n, n_features), as what the C takes: same shape, this dtype."""
        if self.samples:
            return np.asarray(X, np.int16)
        rows = np.asarray(X, np.float32)
        if self.exponents is None:
            return rows
        if self.missing and self.also_missing is not None:
            low, high = self.also_missing
            rows = np.where((rows >= low) & (rows <= high), np.float32(np.nan), rows)
        return fixedpoint.encode(
            rows, self.center, self.gain, self.exponents, self.highest, np.dtype(self.dtype)
        )

    def scaled(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw rows behind `center` and `gain`, in the units that the model was trained on."""
        out = rows.astype(np.float64)
        out = out if self.center is None else out - self.center
        return out if self.gain is None else out * self.gain

    @property
    def highest(self) -> int:
        """Largest magnitude of an encoded feature that is not missing."""
        return int(np.iinfo(self.dtype).max) if self.top is None else self.top

    @property
    def unit(self) -> NDArray[np.float64]:
        """One step of each encoded feature, as the model was trained on it (behind `center` and `gain`)."""
        return np.ones(self.n_features) if self.exponents is None else np.ldexp(1.0, -self.exponents)

    @property
    def missing_keys(self) -> tuple[int, int] | None:
        """`also_missing` as `fixedpoint.ordered` keys of the float32 values within, for float32 inputs."""
        if self.also_missing is None or not self.missing or self.is_integer:
            return None
        low, high = self.also_missing
        first, last = -fixedpoint.float32_floor(-low), fixedpoint.float32_floor(high)
        return int(fixedpoint.ordered(first)), int(fixedpoint.ordered(last))


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is known, for integer modes, of the rows to come.

    Parameters
    ----------
    rows : float32 array of shape (n_rows, n_features), or None
        Typical raw rows.
    weights : {"int8", "int16"}, or None
        Width of the constants that features are multiplied with; None: the narrowest that loses nothing on
        `rows` and between them.
    """

    rows: NDArray[np.float32] | None = None
    weights: Literal["int8", "int16"] | None = None


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

    def refined(self, inputs: Input, by: Calibration) -> Input:
        """The inputs of an integer mode as the model would rather have them, if its features are raw."""
        return inputs

    @abstractmethod
    def quantize(self, inputs: Input, by: Calibration) -> Model:
        """The model with the integers and float32 numbers that the C holds, for these inputs."""

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

    def streamed(self) -> Stream | None:
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
class Extraction(Transformer):
    """A feature extractor: a window of int16 samples in, integers out, the same in every mode.

    The integers lie within ±`top`, which is below 2**30, and so do not overflow where two of them are
    subtracted. They are what the estimator's own `transform` gives.
    """

    @property
    @abstractmethod
    def top(self) -> int:
        """Largest magnitude of an output."""

    @property
    def frame_size(self) -> int:
        """Samples of a frame: channels that are interleaved."""
        return 1

    def streamed(self) -> Stream:
        """Windows as long as a row, one after another."""
        length = self.input.n_features // self.frame_size
        return Stream((), self, length, length, self.frame_size)

    @abstractmethod
    def unit(self) -> NDArray[np.float64]:
        """One step of each output, in the units of the float64 definition: shape (n_outputs,)."""

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Of the outputs."""

    def dequantize(self, Y: Array) -> NDArray[np.float64]:
        """Outputs in the units of the float64 definition, shape (n, n_outputs)."""
        return np.asarray(Y * self.unit(), np.float64)

    @property
    def output_scale(self) -> float:
        """The unit where all outputs have the same, for the header; else 1."""
        unit = self.unit()
        return float(unit[0]) if (unit == unit[0]).all() else 1.0

    def decode(self, returned: Array) -> Array:
        """The same integers."""
        return returned

    def quantize(self, inputs: Input, by: Calibration) -> Extraction:
        """The same: an extractor is defined in integers."""
        if inputs.dtype == "int8":
            raise UnsupportedError(
                f"{self.source} takes int16 samples whatever dtype says; leave out dtype='int8'"
            )
        return self

    def feature_limits(self) -> NDArray[np.float64]:
        """None: samples are taken as they are."""
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        """Always."""
        return True

    def boundaries(self) -> Sequence[Array]:
        """The extremes, and around zero."""
        return [np.array([-32768, -1, 0, 1, 32767], np.int16)] * self.input.n_features

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """None: the estimator gives the same integers."""
        return np.zeros(self.n_outputs)

    def moves(self, Q: Array, by: Array) -> Array:
        """Nothing: samples have no error."""
        return np.zeros((len(Q), 1))


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
