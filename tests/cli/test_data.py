"""Rows from files: the right columns as float32, or one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from micromlgen.cli.data import read_rows
from micromlgen.errors import UnsupportedError

ROWS = np.float32([[1, 2.5], [-3, np.nan]])


@pytest.mark.parametrize(
    "text",
    [
        "1,2.5\n-3,nan\n",
        "1,2.5\r\n-3,\r\n",
        "a,b\n1,2.5\n-3,\n",
        "1\t2.5\n-3\t\n",
        "1;2.5\n\n-3;nan",
        "\ufeffa,b\n1,2.5\n-3,nan\n",
        '"a","b"\n"1","2.5"\n-3,nan\n',
    ],
)
def test_csv(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text, encoding="utf-8", newline="")
    rows = read_rows(tmp_path / "x.csv", 2, None, ())
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, ROWS)


def test_columns_are_found_by_name_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("label,b,a,time\nstill,2.5,1,9\nwalk,,-3,10\n")
    np.testing.assert_array_equal(read_rows(tmp_path / "x.csv", 2, ["a", "b"], ()), ROWS)
    np.testing.assert_array_equal(read_rows(tmp_path / "x.csv", 2, None, ["label", "time"]), ROWS[:, ::-1])
    np.testing.assert_array_equal(
        read_rows(tmp_path / "x.csv", 2, ["p", "q"], ["label", "time"]), ROWS[:, ::-1]
    )
    with pytest.raises(UnsupportedError, match=r"x\.csv has no column 'none' to drop"):
        read_rows(tmp_path / "x.csv", 2, None, ["none"])


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "both.npz", X=ROWS.astype(np.float64), y=[1, 2])
    np.savez(tmp_path / "one.npz", rows=ROWS)
    for name in ("both.npz", "one.npz"):
        np.testing.assert_array_equal(read_rows(tmp_path / name, 2, None, ()), ROWS)


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", exc_type=ImportError)  # today's refuses the oldest NumPy
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"a": [1, -3], "label": ["x", "y"], "b": [2.5, None]})
    parquet.write_table(table, tmp_path / "x.parquet")
    np.testing.assert_array_equal(read_rows(tmp_path / "x.parquet", 2, ["a", "b"], ()), ROWS)
    np.testing.assert_array_equal(read_rows(tmp_path / "x.parquet", 2, None, ["label"]), ROWS)


def test_spoilt_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError)
    (tmp_path / "x.parquet").write_bytes(b"PAR1nonsense")
    with pytest.raises(UnsupportedError, match=r"x\.parquet cannot be read as Parquet"):
        read_rows(tmp_path / "x.parquet", 2, None, ())


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.parquet").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UnsupportedError, match=r"x\.parquet: Parquet needs pyarrow: pip install pyarrow"):
        read_rows(tmp_path / "x.parquet", 2, None, ())


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.csv", b"", r"x\.csv is empty"),
        ("x.csv", b"\n\n", r"x\.csv is empty"),
        ("x.csv", b"a,b\n", r"x\.csv has no rows"),
        ("x.csv", b"a,b\n1,2\n3,walk\n", r"x\.csv, row 2, column b: 'walk' is no number"),
        ("x.csv", b"1,2\n3,0x1G\n", r"x\.csv, row 2, column 2: '0x1G' is no number"),
        ("x.csv", b"1,2,3\n4,5,6\n", r"x\.csv has 3 columns, the model takes 2 features$"),
        (
            "x.csv",
            b"a,b,c\n4,5,6\n",
            r"3 columns \(a, b, c\), the model .*; leave others out with --drop",
        ),
        ("x.csv", b"a\n4\n", r"x\.csv has 1 columns \(a\), the model takes 2 features$"),
        ("x.csv", b"1,2\n3\n", r"x\.csv, row 2 has 1 columns, the first line 2"),
        ("x.csv", b"1,2\n\xff\xfe", r"x\.csv is no text of numbers"),
        ("x.csv", b'1,2\n"' + b"9" * 200_000, r"x\.csv is no text of numbers: field larger"),
        ("x.csv", b"1,2\n" + b"9" * 5_000 + b",w" + b"w" * 900, r"'w{40}' is no number"),
        ("x.npz", b"", r"x\.npz cannot be read as arrays of NumPy"),
        ("x.npz", b"PK\3\4nonsense", r"x\.npz cannot be read as arrays of NumPy"),
        ("x.xlsx", b"", r"x\.xlsx: rows are read from \.csv, \.npz and \.parquet"),
    ],
)
def test_what_is_no_rows(name: str, text: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(UnsupportedError, match=told):
        read_rows(tmp_path / name, 2, None, ())


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"a": ROWS, "b": ROWS}, r"x\.npz has no array X, but a, b"),
        ({"X": ROWS[0]}, r"x\.npz: X is float32 of shape \(2,\); numbers in rows are needed"),
        ({"X": np.array([["a", "b"]])}, r"X is <U1 of shape \(1, 2\); numbers"),
        ({"X": np.array([[object(), 1]])}, r"x\.npz cannot be read as arrays of NumPy: Object arrays"),
    ],
)
def test_arrays_that_are_no_rows(arrays: dict[str, np.ndarray], told: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(UnsupportedError, match=told):
        read_rows(tmp_path / "x.npz", 2, None, ())


def test_spoilt_bytes_end_in_one_error(tmp_path: Path) -> None:
    draw, path = np.random.default_rng(0), tmp_path / "x.npz"
    np.savez(path, X=ROWS)
    whole, refused = path.read_bytes(), 0
    for _ in range(200):
        spoilt = bytearray(whole)
        spoilt[int(draw.integers(len(whole)))] ^= 1 << int(draw.integers(8))
        path.write_bytes(spoilt)
        try:
            read_rows(path, 2, None, ())
        except UnsupportedError:
            refused += 1
    assert refused > 50


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"none\.csv: no such file"):
        read_rows(tmp_path / "none.csv", 2, None, ())
