import numpy as np
import pytest

from micromlgen.boards import STRICT, Call, core
from micromlgen.errors import ToolchainError

pytestmark = pytest.mark.boards

HOST = core("host")
ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)
SANITIZE = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("optimise", ["-O0", "-Os"])
def test_compilers(compiler: str, language: str, optimise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", compiler)
    call = Call("#include <math.h>\n", ROWS, "y[0] = sqrtf(x[0]);", "float32")
    [result] = HOST.run([call], language=language, flags=(optimise, *STRICT))
    assert np.array_equal(result.y, np.sqrt(ROWS[:, :1]))


def test_sanitizers_see_the_ends_of_row_and_result() -> None:
    small = Call("", ROWS, "y[0] = (int32_t)x[1];")
    large = Call("", np.zeros((1, 50), np.float32), "y[8] = 1;", n_y=9)
    assert HOST.run([small, large], flags=SANITIZE)[0].y.ravel().tolist() == [1, 3, 5]
    for beyond in ("y[0] = (int32_t)x[2];", "y[1] = 0;"):
        with pytest.raises(ToolchainError, match="heap-buffer-overflow"):
            HOST.run([Call("", ROWS, beyond), large], flags=SANITIZE)


def test_sanitizers_see_undefined_behaviour() -> None:
    with pytest.raises(ToolchainError, match="runtime error: signed integer overflow"):
        HOST.run([Call("", np.full((1, 1), 9, np.int16), "y[0] = 0x7FFFFFF8 + x[0];")], flags=SANITIZE)


def test_many_rows() -> None:
    rows = np.arange(100_000, dtype=np.float32).reshape(-1, 2)
    [result] = HOST.run([Call("", rows, "y[0] = (int32_t)(x[0] + x[1]);")])
    assert np.array_equal(result.y[:, 0], rows.sum(axis=1).astype(np.int32))
