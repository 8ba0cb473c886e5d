import numpy as np
import pytest

from micromlgen.boards.call import Call
from micromlgen.cformat import ctype


def test_types_of_c() -> None:
    names = ["float32", "int8", "uint16", "int32", "uint64"]
    assert [ctype(np.dtype(name)) for name in names] == ["float", "int8_t", "uint16_t", "int32_t", "uint64_t"]


def test_bytes_of_a_row_and_of_its_result() -> None:
    call = Call("", np.zeros((7, 3), np.int16), "", y_dtype="float32", n_y=2)
    assert (call.x_bytes, call.y_bytes) == (6, 8)


@pytest.mark.parametrize("rows", [np.zeros((2, 2)), np.zeros((2, 2), np.uint8), np.zeros(2, np.float32)])
def test_rows_that_no_header_takes(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match="rows must be a matrix of float32, int16, int8"):
        Call("", rows, "")


def test_results_that_c_does_not_have_everywhere() -> None:
    with pytest.raises(ValueError, match="no C type for float64"):
        Call("", np.zeros((1, 1), np.int8), "", y_dtype="float64")
