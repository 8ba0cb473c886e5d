"""What all transformers have in common: a stage of a pipeline, or a header of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Model, Transformer
from micromlgen.tables import narrow

Array = NDArray[Any]
#: Rounding of one float32 operation, relative to its result.
ULP = 2.0**-24
#: What float32 arithmetic may lose near zero, where numbers have fewer bits.
TINY = 1e-37
CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Cycles of one float32 operation, on `CORES`.
FLOAT_CYCLES = (140, 75, 3, 75)


@dataclass(frozen=True, eq=False)
class Stage(Transformer):
    """A transformer whose twin computes in float64, from the float32 constants of the C."""

    @property
    def n_outputs(self) -> int:
        return len(self.span)

    @abstractmethod
    def exact(self, X: Array) -> NDArray[np.float64]:
        """The answer free of rounding for float rows, shape (n, n_outputs)."""

    @abstractmethod
    def rounding(self, Q: Array) -> Array | None: ...

    @abstractmethod
    def moves(self, Q: Array, by: Array) -> Array: ...

    @property
    def fills(self) -> bool:
        """Whether nothing that comes out is missing, whatever goes in."""
        return False

    @property
    def settles(self) -> bool:
        """Whether what is missing is filled where the stage follows it: elsewhere nothing may be missing."""
        return self.fills

    @property
    def copies(self) -> bool:
        """Whether what comes out are features as they went in, or what stands for missing ones."""
        return False

    @property
    def wide(self) -> bool:
        """Whether what comes out takes 16 bits in integer modes, whatever goes in."""
        return False

    @property
    def adds(self) -> bool:
        """Whether features are added up, times weights of one scale, by a stage that is `wide`."""
        return False

    def writable(self, to: Input) -> Input:
        """The inputs of what follows, in integer modes, with exponents that the stage can write."""
        return to

    def reach(self, inputs: Input) -> NDArray[np.float64]:
        """Largest magnitude of each output, shape (n_outputs,), for any `inputs`; infinite: not known."""
        return np.full(self.n_outputs, np.inf)

    def meant(self, rows: Array, missing: bool) -> NDArray[np.float64]:
        """What it gives for raw rows, in floats; with missing ones or without."""
        model = self.quantize(Input(self.input.n_features, missing=missing), Calibration())
        return as_stage(model).exact(rows)

    def passed(self, inputs: Input) -> Input:
        """Of a stage that copies: the inputs of what follows, in integer modes."""
        raise NotImplementedError(self.source)

    def shifted(self, center: NDArray[np.float32]) -> tuple[Stage, NDArray[np.float32]] | None:
        """The stage of features less `center`, and what its outputs are less; None if they are as before."""
        return None

    def into(self, model: Model, alone: bool) -> Model | None:
        """A smaller model of what the stage is given than the stage and `model` are; None if there is none.

        Parameters
        ----------
        model : Model
        alone : bool
            Whether no stage comes first; else it is a chain.
        """
        return None

    def marked(self) -> tuple[Stage, NDArray[np.float32] | None]:
        """The stage of features with NaN for what means missing, and the `Input.holes` that make it so."""
        return self, None

    def vague(self, X: Array) -> NDArray[np.bool_]:
        """Rows, shape (n,), that a model inside is not promised to answer as its estimator does."""
        return np.zeros(len(X), bool)

    @property
    def output_scale(self) -> float:
        return 1.0

    def predict(self, Q: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            return self.exact(Q).astype(np.float32)

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """Twice what rounding may do: constants are rounded too."""
        rounding = self.rounding(X)
        return np.zeros(self.n_outputs) if rounding is None else 2 * rounding

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    def boundaries(self) -> Sequence[Array]:
        top = self.input.highest if self.input.is_integer else 1000.0
        return [np.array([-top, -1, 0, 1, top], self.input.dtype)] * self.input.n_features

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Stage:
        """The stage as it gives what a model with the inputs `to` takes, in integer modes.

        Parameters
        ----------
        inputs : Input
            Of this stage.
        to : Input
            Of the next one, of the same dtype.
        by : Calibration
            Rows as this stage is given them.

        Raises
        ------
        UnsupportedError
            If the stage has no form in integers.
        """
        raise self._no_integers(inputs)

    def _no_integers(self, inputs: Input) -> UnsupportedError:
        return UnsupportedError(
            f"{self.source} cannot be ported in integers; use dtype='float32', or leave it out"
        )

    def check_missing(self, inputs: Input) -> None:
        """Refuse to follow missing values, of which nothing would remain.

        Raises
        ------
        UnsupportedError
            If they are to be followed.
        """
        if inputs.missing:
            raise UnsupportedError(
                f"missing='exact': {self.source} gives NaN for NaN, which no header promises; put a "
                "SimpleImputer before it, or use missing='never'"
            )


@dataclass(frozen=True, eq=False)
class ExactStage(Stage):
    """A transformer that only compares and copies: the C and the twin agree bit for bit."""

    #: Inputs of the next model, in integer modes.
    to: Input | None = field(default=None, kw_only=True)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return super().output_dtype if self.to is None else np.dtype(self.to.dtype)

    def rounding(self, Q: Array) -> Array | None:
        return None

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.zeros(self.n_outputs)


@dataclass(frozen=True, eq=False)
class IntegerStage(Stage):
    """A transformer that computes in integers: the C and the twin agree bit for bit."""

    #: Inputs of the next model; None where the outputs are int32 of a header's own.
    to: Input | None = field(default=None, kw_only=True)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32 if self.to is None else self.to.dtype)

    @property
    def most(self) -> int:
        """Largest magnitude of an output for a next model."""
        return 32767 if self.to is None else self.to.highest

    @abstractmethod
    def predict(self, Q: Array) -> Array: ...

    def boundaries(self) -> Sequence[Array]:
        missing = np.iinfo(self.input.dtype).min
        return [np.append(v, np.array(missing, v.dtype)) for v in super().boundaries()]

    def quantize(self, inputs: Input, by: Calibration) -> Stage:
        return self  # it is made of what was quantised

    def exact(self, X: Array) -> NDArray[np.float64]:
        return self.predict(X).astype(np.float64)

    def rounding(self, Q: Array) -> Array | None:
        return None

    def moves(self, Q: Array, by: Array) -> Array:
        return np.full((len(Q), self.n_outputs), np.inf)


def selects(stage: Affine) -> NDArray[np.int64] | None:
    """The features that a map copies; None if it does anything else."""
    copies = stage.source is not None and (stage.factors == 1).all() and not stage.offset.any()
    return stage.source if copies else None


def passed_on(inputs: Input, source: NDArray[np.int64]) -> Input:
    """The inputs of what follows a stage that copies these features."""
    assert inputs.exponents is not None
    top = inputs.top
    return Input(len(source), inputs.dtype, exponents=inputs.exponents[source], top=top)


def index_table(source: NDArray[np.int64]) -> Array | None:
    """Table of the features that a stage looks at; None where none is left out."""
    return None if np.array_equal(source, np.arange(len(source))) else narrow(source)


def only_layout(
    name: str, tables: Sequence[Array], code: Sequence[float], cycles: Sequence[float]
) -> list[Layout]:
    """The layouts of a transformer that has one.

    Parameters
    ----------
    name : str
    tables : sequence of array
    code, cycles : sequence of float
        Bytes beside the tables, and cycles of one row, on `CORES`.
    """
    size = sum(t.nbytes for t in tables)
    return [
        Layout(
            name=name,
            flash={c: size + code[k] for k, c in enumerate(CORES)},
            cycles=dict(zip(CORES, cycles, strict=True)),
            build=dict,
            tables=[t.nbytes for t in tables],
        )
    ]


def as_stage(model: Model) -> Stage:
    """The model, which must be a `Stage`."""
    assert isinstance(model, Stage)
    return model


def zeros(n_outputs: int) -> NDArray[np.float64]:
    """The `span` of a transformer that has seen no rows."""
    return np.zeros((n_outputs, 2))
