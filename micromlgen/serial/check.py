"""Does the board predict what the twin and scikit-learn predict? Row by row, over a serial line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.calls import twin_calls
from micromlgen.ir import NumericModel
from micromlgen.layouts import identity
from micromlgen.program import Program
from micromlgen.quantize import check_rows
from micromlgen.serial.link import Hello, Link
from micromlgen.serial.port import Port, SerialError
from micromlgen.verify import agreeing

Array = NDArray[Any]
_SHOWN = 5


@dataclass(frozen=True)
class CheckReport:
    """What a board answered. True if it answered every row, each as the twin does.

    Attributes
    ----------
    n_rows, n_answered : int
        Rows that were to be asked, and those of them that the board answered.
    n_twin, n_estimator : int
        Answers that are the twin's, and those that are the estimator's.
    costs : array of shape (n_answered,)
        Cycles of each prediction, or microseconds: `unit`. Empty where the board has no clock.
    unit : {"cycles", "us", ""}
    retries, resets, spoilt : int
        Questions asked again, restarts of the board, and pieces of noise on the line.
    differs : list of (row, board's answer, twin's answer)
        The first of them.
    error : str
        Why the check ended early; empty if it did not.
    """

    title: str
    n_rows: int
    n_answered: int
    n_twin: int
    n_estimator: int
    costs: Array
    unit: str
    retries: int
    resets: int
    spoilt: int
    differs: list[tuple[Array, Any, Any]] = field(default_factory=list)
    error: str = ""

    def __bool__(self) -> bool:
        return not self.error and 0 < self.n_rows == self.n_answered == self.n_twin

    def __str__(self) -> str:
        lines = [
            f"{self.title}: {'ok' if self else 'WRONG' if self.n_twin < self.n_answered else 'INCOMPLETE'}",
            f"  rows: {self.n_answered} of {self.n_rows} answered",
            f"  as the twin: {self.n_twin} of {self.n_answered}",
            f"  as scikit-learn: {self.n_estimator} of {self.n_answered}",
        ]
        if len(self.costs):
            lines.append(f"  {self.unit}: mean {self.costs.mean():.0f}, at most {self.costs.max():.0f}")
        lines.append(f"  line: {self.retries} retries, {self.resets} resets, {self.spoilt} pieces of noise")
        lines += [
            f"  x = {np.array2string(x, threshold=12)}: board gives {b}, twin {t}" for x, b, t in self.differs
        ]
        return "\n".join([*lines, *([f"  {self.error}"] if self.error else [])])


def check(
    program: Program, X: Any, port: Port, progress: Callable[[int], None] = lambda done: None
) -> CheckReport:
    """Ask a board that runs the check sketch of `program` for each row, and compare its answers.

    Parameters
    ----------
    program : Program
    X : array of shape (n, n_features), raw features
    port : Port
    progress : callable, optional
        Called with the number of rows that are answered.

    Raises
    ------
    SerialError
        If the board runs another model's sketch, or does not answer at all.
    """
    model = program.model
    rows = check_rows(X, model.input, "X")
    Q = model.input.encode(rows)
    link = Link(port)
    board = link.hello()
    _same_model(board, program, port.name)
    dtype = np.dtype(model.output_dtype if isinstance(model, NumericModel) else np.int32)
    got, costs, error = [], [], ""
    for row in Q:
        try:
            reply = link.predict(row.astype(row.dtype.newbyteorder("<")).tobytes(), model.n_outputs)
        except SerialError as lost:
            error = str(lost)
            break
        got.append(np.frombuffer(reply.answers, dtype.newbyteorder("<")).astype(dtype))
        costs.append(reply.cost)
        progress(len(got))
    n = len(got)
    counts = _compared(program, rows[:n], Q[:n], np.array(got).reshape(n, model.n_outputs))
    return CheckReport(
        title=f"{program.name.snake} ({model.source}, {model.input.dtype}) on {port.name}",
        n_rows=len(rows),
        n_answered=n,
        costs=np.array(costs if board.hertz else [], float),
        unit="" if not board.hertz else "us" if board.hertz == 1_000_000 else "cycles",
        retries=link.retries,
        resets=link.resets,
        spoilt=link.decoder.spoilt,
        error=error,
        **counts,
    )


def _same_model(board: Hello, program: Program, port: str) -> None:
    inputs = program.model.input
    shape = (inputs.n_features, np.dtype(inputs.dtype).itemsize, program.model.n_outputs)
    if board.identity != identity(program.header) or board[1:4] != shape:
        raise SerialError(
            f"{port} runs the check sketch of another model, or of the same with other options: make it anew "
            "with `micromlgen new SKETCH MODEL --check` and upload it"
        )


def _compared(program: Program, rows: NDArray[np.float32], Q: Array, got: Array) -> dict[str, Any]:
    """How many of the board's answers are the twin's and the estimator's, and some that are not."""
    if not len(got):
        return {"n_twin": 0, "n_estimator": 0}
    model = program.model
    twin = twin_calls(model, program.header, program.name, Q)[0]
    differs = np.flatnonzero(twin.differs(got.astype(twin.y.dtype)))
    right = agreeing(model, program.estimator, rows, got)
    return {
        "n_twin": len(got) - len(differs),
        "n_estimator": int(right.sum()),
        "differs": [(Q[i], got[i], twin.y[i]) for i in differs[:_SHOWN]],
    }
