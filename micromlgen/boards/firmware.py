"""The generated translation unit, and the files that carry rows to it and results back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from micromlgen.boards.call import Array, Call
from micromlgen.cformat import ctype

EMPTY_CALL = 0
"""Index of the wrapper without a statement, which stands in front of every firmware's calls."""

_COST = np.dtype([("count", "<u4"), ("stack", "<u4")])

_WRAPPER = """\
static void call_{i}(void)
{{
    const {x} *x = (const {x} *)input;
    {y} *y = ({y} *)output;
    __asm__ volatile("/* {i} */" : : : "memory");
    (void)x;
    (void)y;
    {statement}
}}
"""


def source(calls: Sequence[Call], harness: str, buffers: str) -> dict[str, str]:
    """Write the firmware that can execute `calls`.

    Parameters
    ----------
    calls : sequence of Call
        Calls of one header share one file, so that their code is shared as in a sketch.
    harness : str
        File under ``c/`` that feeds the rows.
    buffers : str
        Definition of `input` and `output`, with places for `x_bytes` and `y_bytes`.

    Returns
    -------
    dict of str to str
        Text of each file; the translation unit is ``firmware.c``.
    """
    headers = {text: f"header_{i}.h" for i, text in enumerate(dict.fromkeys(call.header for call in calls))}
    # Multiples of any alignment leave no gap in which a header's variables would cost nothing.
    sizes = {
        "x_bytes": 16 * max([1, *(-(-call.x_bytes // 16) for call in calls)]),
        "y_bytes": 16 * max([1, *(-(-call.y_bytes // 16) for call in calls)]),
    }
    # The headers come first: each must include what it needs. `x` and `y` are globals, as a sketch's are
    # to its loop(): a pointer passed to the wrapper would cost registers that the sketch does not need.
    # The comment in the wrapper's asm makes each unique: the compiler would merge equal ones, at the
    # price of a jump. Its clobber makes every call read `x` anew.
    parts = [f'#include "{name}"\n' for name in headers.values()]
    parts += ["#include <stdint.h>\n", buffers.format(**sizes) + "\n"]
    for i, (x, y, statement) in enumerate([("uint8_t", "uint8_t", ""), *map(_types, calls)]):
        parts.append(_WRAPPER.format(i=i, x=x, y=y, statement=statement))
    names = ", ".join(f"call_{i}" for i in range(len(calls) + 1))
    parts.append(f"static void (*const calls[])(void) = {{{names}}};\n")
    parts.append(f'#include "{harness}"\n')
    return {"firmware.c": "\n".join(parts), **{name: text for text, name in headers.items()}}


def _types(call: Call) -> tuple[str, str, str]:
    return ctype(call.rows.dtype), ctype(np.dtype(call.y_dtype)), call.statement


def write_rows(folder: Path, calls: Sequence[Call]) -> None:
    """Write rows.bin: the empty call once, then every row of every call."""
    with open(folder / "rows.bin", "wb") as file:
        file.write(np.array([EMPTY_CALL, 1, 0, 0], "<u4").tobytes())
        for i, call in enumerate(calls, EMPTY_CALL + 1):
            file.write(np.array([i, len(call.rows), call.x_bytes, call.y_bytes], "<u4").tobytes())
            file.write(call.rows.astype(call.rows.dtype.newbyteorder("<"), copy=False).tobytes())


def read_results(folder: Path, calls: Sequence[Call]) -> list[Array]:
    """Read what the statements wrote: for each call an array of shape (n_rows, n_y)."""
    data = (folder / "results.bin").read_bytes()
    results, offset = [], 0
    for call in calls:
        dtype = np.dtype(call.y_dtype)
        y = np.frombuffer(data, dtype.newbyteorder("<"), len(call.rows) * call.n_y, offset)
        results.append(y.astype(dtype).reshape(len(call.rows), call.n_y))
        offset += y.nbytes
    return results


def read_costs(folder: Path, calls: Sequence[Call]) -> list[tuple[Array, int]]:
    """Read what was measured: for each call counts beyond the empty call's, and the worst stack."""
    empty, *costs = np.split(
        np.fromfile(folder / "costs.bin", _COST), np.cumsum([1, *(len(call.rows) for call in calls)])[:-1]
    )
    return [(cost["count"] - float(empty["count"][0]), int(cost["stack"].max(initial=0))) for cost in costs]
