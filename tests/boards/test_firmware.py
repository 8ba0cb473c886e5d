from pathlib import Path

import numpy as np

from micromlgen.boards import firmware
from micromlgen.boards.call import Call

FLOATS = Call("float f;", np.float32([[1, 2], [3, 4]]), "y[0] = x[1];", "float32")
BYTES = Call("char c;", np.int8([[5]]), "y[0] = y[1] = x[0];", "int16", 9)


def test_one_file_for_each_header_and_one_wrapper_for_each_call() -> None:
    files = firmware.source([FLOATS, BYTES, FLOATS], "host.c", "char in[{x_bytes}], out[{y_bytes}];")
    assert {name: files[name] for name in files if name != "firmware.c"} == {
        "header_0.h": "float f;",
        "header_1.h": "char c;",
    }
    text = files["firmware.c"]
    assert text.startswith('#include "header_0.h"\n')
    assert "char in[16], out[32];" in text
    assert "const int8_t *x = (const int8_t *)input;\n    int16_t *y = (int16_t *)output;" in text
    assert "calls[])(void) = {call_0, call_1, call_2, call_3};" in text


def test_rows_go_in_blocks_and_results_come_back(tmp_path: Path) -> None:
    firmware.write_rows(tmp_path, [FLOATS, BYTES])
    written = (tmp_path / "rows.bin").read_bytes()
    header = np.dtype("<u4")
    assert np.frombuffer(written, header, 8).tolist() == [0, 1, 0, 0, 1, 2, 8, 4]
    assert np.frombuffer(written, "<f4", 4, 32).tolist() == [1, 2, 3, 4]
    assert np.frombuffer(written, header, 4, 48).tolist() == [2, 1, 1, 18]
    assert written[64:] == b"\5"

    (tmp_path / "results.bin").write_bytes(
        np.array([2, 4], "<f4").tobytes() + np.arange(9, dtype="<i2").tobytes()
    )
    floats, shorts = firmware.read_results(tmp_path, [FLOATS, BYTES])
    assert (floats.dtype, floats.tolist()) == (np.float32, [[2], [4]])
    assert (shorts.dtype, shorts.tolist()) == (np.int16, [[*range(9)]])


def test_costs_are_what_the_empty_call_does_not_cost(tmp_path: Path) -> None:
    counts_and_stacks = [10, 2, 15, 2, 40, 9, 11, 3]
    (tmp_path / "costs.bin").write_bytes(np.array(counts_and_stacks, "<u4").tobytes())
    (first, first_stack), (second, second_stack) = firmware.read_costs(tmp_path, [FLOATS, BYTES])
    assert (first.tolist(), first_stack) == ([5, 30], 9)
    assert (second.tolist(), second_stack) == ([1], 3)
