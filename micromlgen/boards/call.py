"""What a core is asked to execute, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.cformat import ctype

Array = NDArray[Any]

ROW_TYPES = ("float32", "int16", "int8")


@dataclass(frozen=True, eq=False)
class Call:
    """One C statement of one header, executed for each row of inputs.

    Parameters
    ----------
    header : str
        Text of the generated header: self-contained, C99 and C++11.
    rows : ndarray of shape (n_rows, n_features)
        What `x` holds: float32, int16 or int8.
    statement : str
        C that reads `x` (const, of the type of `rows`) and writes `y`, such as
        ``y[0] = gesture_predict(x);``. It is executed once for each row, in order.
    y_dtype : str
        NumPy dtype of `y`.
    n_y : int
        Length of `y`.
    """

    header: str
    rows: Array
    statement: str
    y_dtype: str = "int32"
    n_y: int = 1

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or self.rows.dtype.name not in ROW_TYPES:
            raise ValueError(
                f"rows must be a matrix of {', '.join(ROW_TYPES)}, "
                f"not {self.rows.dtype.name} with {self.rows.ndim} dimensions"
            )
        ctype(np.dtype(self.y_dtype))

    @property
    def x_bytes(self) -> int:
        """Size of one row."""
        return int(self.rows.shape[1]) * self.rows.itemsize

    @property
    def y_bytes(self) -> int:
        """Size of what the statement writes for one row."""
        return self.n_y * np.dtype(self.y_dtype).itemsize


@dataclass(frozen=True, eq=False)
class Result:
    """What one call did.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_y)
        Bit for bit what the C wrote.
    cost : ndarray of shape (n_rows,)
        Cycles or instructions (the core's `unit`) of the statement with the call and return of the
        function around it; NaN where nothing was measured.
    stack : int
        Most bytes of stack that a row needed inside that call; 0 where nothing was measured.
    """

    y: Array
    cost: NDArray[np.float64]
    stack: int


@dataclass(frozen=True)
class Size:
    """Bytes that a statement adds to a firmware, with all that its header pulls in.

    Parameters
    ----------
    flash : int
        Code, constants and the initial values of variables.
    ram : int
        Variables; the stack is in `Result.stack`.
    """

    flash: int
    ram: int
