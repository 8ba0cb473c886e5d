"""Nets from .tflite files: every operator gives the runtimes' bytes, damaged files clear errors."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import micromlgen as mm
from micromlgen.boards import STRICT, Call, core
from micromlgen.errors import UnsupportedError
from micromlgen.nn import load_tflite
from micromlgen.split import split
from tests.nn import graphs, oracles
from tests.nn.flat import Flat, options
from tests.nn.graphs import Builder

NETS = {"words": graphs.words(), "residual": graphs.residual(), "dense": graphs.dense()}
RUNTIMES = {"single": ("ai_edge_litert", oracles.litert), "double": ("tflite_micro", oracles.micro)}


def rows(net: Any, n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Encoded rows: random, and all at an extreme or at zero."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-128, 128, (n, net.n_features_in_)).astype(np.int8)
    X[:4] = np.array([-128, 127, 0, net.graph.values[net.graph.input].zero])[:, None]
    X[4:8] = np.where(X[4:8] > 0, 127, -128)
    return X


def twin(net: Any, X: Any) -> Any:
    return mm.transpile(net, name="net").model.numbers(X)


@pytest.mark.parametrize("rounding", RUNTIMES)
@pytest.mark.parametrize("name", graphs.OPERATORS)
def test_operators_give_the_bytes_of_the_runtimes(name: str, rounding: str) -> None:
    module, oracle = RUNTIMES[rounding]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    for seed, (scale, zero) in enumerate([(0.05, 3), (0.0117, -128), (0.31, 127)]):
        contents = graphs.operator(name, scale, zero, seed)
        net = load_tflite(contents, rounding=rounding)
        X = rows(net, 60, seed)
        np.testing.assert_array_equal(twin(net, X), oracle(contents, X))


@pytest.mark.parametrize("rounding", RUNTIMES)
@pytest.mark.parametrize("name", NETS)
def test_nets_give_the_bytes_of_the_runtimes(name: str, rounding: str) -> None:
    module, oracle = RUNTIMES[rounding]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    net = load_tflite(NETS[name], rounding=rounding)
    X = rows(net, 200)
    np.testing.assert_array_equal(twin(net, X), oracle(NETS[name], X))


def test_the_c_gives_the_bytes_of_the_twin() -> None:
    """Every operator in one program, with sanitizers."""
    calls, expected = [], []
    for number, name in enumerate(graphs.OPERATORS):
        for rounding in ("single", "double"):
            net = load_tflite(graphs.operator(name, 0.03, 5), rounding=rounding)
            n = f"net{number}{rounding}"
            program = mm.transpile(net, name=n)
            X = rows(net, 24)
            run = f"uint32_t arena[{n.upper()}_ARENA_BYTES / 4 + 1]; {n}_run(x, arena, y);"
            calls.append(Call(program.header, X, run, "int8", program.model.n_numbers))
            expected.append(program.model.numbers(X))
    flags = ("-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all", *STRICT)
    for call, result, y in zip(calls, core("host").run(calls, flags=flags), expected, strict=True):
        np.testing.assert_array_equal(result.y, y, err_msg=call.statement)


def heavy(n_in: int, lowest: int) -> bytes:
    """A dense layer whose weights reach `lowest`, and whose sums are large."""
    rng = np.random.default_rng(0)
    f = Flat()
    x = f.tensor((1, n_in), 0.05, -128)
    w = f.const(np.where(rng.random((6, n_in)) < 0.7, lowest, 127).astype(np.int8), scale=0.004)
    y = f.tensor((1, 6), 4.0, 5)
    return f.bytes([x], [f.op("FULLY_CONNECTED", [x, w], y, options("FullyConnected"))])


@pytest.mark.parametrize(
    "name",
    ["host", *(pytest.param(n, marks=pytest.mark.boards) for n in ("avr", "cortex-m0plus", "cortex-m4f"))],
)
def test_kernels_of_cores_give_the_bytes_of_the_twin(name: str) -> None:
    """What is asm there, at several levels of optimisation: weights of -128, and sums beyond 24 bits too."""
    made = [
        graphs.dense(sizes=(24, 12, 4), by_channel=True),
        graphs.dense(sizes=(640, 20, 3)),
        graphs.dense(sizes=(5, 1), by_channel=True),
        heavy(300, -128),
        heavy(1200, -127),
    ]
    calls, expected = [], []
    for number, contents in enumerate(made):
        program = mm.transpile(load_tflite(contents), name=f"net{number}")
        X = rows(program.estimator, 8)[:, : program.model.input.n_features]
        run = f"uint32_t arena[NET{number}_ARENA_BYTES / 4 + 1]; net{number}_run(x, arena, y);"
        calls.append(Call(program.header, X, run, "int8", program.model.n_numbers))
        expected.append(program.model.numbers(X))
    for level in ("-O2", "-Os", "-O0"):
        results = core(name).run(calls, flags=(level, *STRICT), measure=False)
        for result, y in zip(results, expected, strict=True):
            np.testing.assert_array_equal(result.y, y)


def test_a_net_of_numbers_is_a_regressor() -> None:
    program = mm.transpile(load_tflite(NETS["dense"]), name="net")
    value = program.model.graph.values[program.model.graph.output]
    X = np.random.default_rng(0).normal(0, 8, (50, 20)).astype(np.float32)
    y = program.predict(X)
    assert y.shape == (50, 20)
    np.testing.assert_allclose(y, value.real(program.model.numbers(program.quantize(X))), rtol=1e-6)
    assert program.verify(X)


def test_a_net_with_softmax_is_a_classifier() -> None:
    net = load_tflite(NETS["words"], classes=["yes", "no", "up", "down"])
    program = mm.transpile(net, name="net")
    X = np.random.default_rng(0).normal(-20, 20, (50, 78)).astype(np.float32)
    shares = program.predict_proba(X)
    assert abs(shares.sum(axis=1) - 1).max() < 0.02
    named = program.predict(X)
    assert set(named) <= {"yes", "no", "up", "down"}
    # What the rounding of shares makes equal is decided before it.
    best = shares.max(axis=1)
    assert (shares[np.arange(50), [list(net.classes_).index(c) for c in named]] == best).all()
    assert program.verify(X)


def test_scores_are_decisions_where_classes_are_named() -> None:
    program = mm.transpile(load_tflite(NETS["residual"], classes=[4, 5, 6]), name="net")
    X = np.random.default_rng(0).normal(0, 1, (20, 144)).astype(np.float32)
    scores = program.decision_function(X)
    assert (program.predict(X) == 4 + scores.argmax(axis=1)).all()
    assert program.verify(X)


def test_the_arena_is_shared_by_what_lives_at_different_times() -> None:
    program = mm.transpile(load_tflite(graphs.words(size=(20, 10), channels=16)), name="net")
    plan = program.model.layouts()[0].build()["plans"][0]
    # Two images of 10 x 5 x 16 at most, beside what the depthwise convolution sees outside.
    assert plan.size <= 2 * 800 + 16


def test_the_arena_may_be_static() -> None:
    program = mm.transpile(load_tflite(NETS["words"]), name="net")
    X = rows(program.estimator, 8)
    header = "#define NET_STATIC_ARENA\n" + program.header
    call = Call(header, X, "y[0] = net_predict(x);", "int32")
    np.testing.assert_array_equal(core("host").run([call])[0].y[:, 0], program.predict_index(X))


def test_shapes_that_a_file_computes_are_those_that_it_tells() -> None:
    b = Builder((4, 3, 2))
    f, x = b.flat, b.input
    sides, batch = f.tensor((4,), dtype="int32"), f.tensor((1,), dtype="int32")
    f.op("SHAPE", [x], sides, options("Shape", OutType=2))
    steps = [f.const(np.array([n], np.int32)) for n in (0, 1, 1)]
    f.op("STRIDED_SLICE", [sides, *steps], batch, options("StridedSlice", ShrinkAxisMask=1))
    rest = f.const(np.array(24, np.int32))
    both = f.op("PACK", [batch, rest], f.tensor((2,), dtype="int32"), options("Pack", ValuesCount=2))
    y = f.op("RESHAPE", [x, both], b.like(x, (24,)), options("Reshape"))
    net = load_tflite(b.bytes(b.dense(y, 3)))
    assert [type(n.operator).__name__ for n in net.graph.nodes] == ["Reshaping", "Product"]


def test_the_arena_and_what_takes_it_are_declared_beside_a_split_header() -> None:
    program = mm.transpile(load_tflite(NETS["words"]), name="net")
    parts = split(program.header, program.name)
    assert "#define NET_ARENA_BYTES" in parts.header
    assert "void net_run(const int8_t *x, void *arena, int8_t *y);" in parts.header
    user = '#include "net.h"\n#include <stdio.h>\nstatic uint32_t arena[NET_ARENA_BYTES / 4 + 1];\n'
    user += "int main(void) { int8_t x[NET_N_FEATURES] = {0}, y[4]; net_run(x, arena, y); return 0; }\n"
    core("host").compile({"net.h": parts.header, "net.c": parts.source, "main.c": user}, flags=STRICT)


def refused(contents: bytes, **more: Any) -> str:
    with pytest.raises(UnsupportedError) as error:
        mm.transpile(load_tflite(contents, **more), name="net")
    return str(error.value)


def test_other_operators_are_refused_by_name() -> None:
    f = Flat()
    x, y = f.tensor((1, 4), 0.1), f.tensor((1, 4), 0.1)
    f.op("ABS", [x], y, options("Abs"))
    assert "the operator ABS cannot be ported; these can: ADD," in refused(f.bytes([x], [y]))


def test_what_shapes_and_types_cannot_be_is_told() -> None:
    def of(**more: Any) -> bytes:
        f = Flat()
        x = f.tensor(**{"shape": (1, 4), "scale": 0.1, **more})
        return f.bytes([x], [f.op("RELU", [x], f.tensor((1, 4), 0.1))])

    assert "of int16; int8 and float32 can be ported" in refused(of(dtype="int16"))
    assert "dynamic shape [-1, -1]" in refused(of(signature=(-1, -1)))
    assert "a batch of 1 comes first" in refused(of(shape=(3, 4)))
    assert "without one scale" in refused(of(scale=None))
    assert "one scale" in refused(of(scale=[0.1, 0.2, 0.1, 0.1], axis=1))
    f = Flat()
    x, w = f.tensor((1, 4), dtype="float32"), f.const(np.ones((2, 4), np.int8), scale=0.1)
    y = f.op("FULLY_CONNECTED", [x, w], f.tensor((1, 2), dtype="float32"), options("FullyConnected"))
    assert "FULLY_CONNECTED with int8 in its input 1; float32 can be ported" in refused(f.bytes([x], [y]))


@pytest.mark.parametrize("kinds", [("float32", "int8"), ("int8", "float32")])
def test_nets_that_are_quantised_in_part_are_refused(kinds: tuple[str, str]) -> None:
    f = Flat()
    x, y = (f.tensor((1, 4), 0.1 if kind == "int8" else None, dtype=kind) for kind in kinds)
    told = f"is of {kinds[1]}, unlike others; quantise the whole net"
    assert told in refused(f.bytes([x], [f.op("RELU", [x], y)]))


def test_options_that_cannot_be_are_told() -> None:
    contents = NETS["dense"]
    assert "rounding='up': use 'single' or 'double'" in refused(contents, rounding="up")
    assert "classes has 2 labels, the net 20 outputs" in refused(contents, classes=[0, 1])
    with pytest.raises(UnsupportedError, match="TfliteNet is in int8 already; leave out dtype"):
        mm.transpile(load_tflite(contents), dtype="int16")
    b = Builder((5, 4, 3))
    assert "fused activation number 5" in refused(b.bytes(b.conv(b.input, 2, act=5)))


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    assert "is no .tflite file" in refused(b"")
    assert "is no .tflite file" in refused(b"nothing of the kind, but long enough")
    with pytest.raises(UnsupportedError, match="cannot be read: No such file"):
        load_tflite(tmp_path / "none.tflite")
    path = tmp_path / "net.tflite"
    path.write_bytes(NETS["dense"])
    assert load_tflite(str(path)).n_features_in_ == 20


@pytest.mark.parametrize("name", NETS)
def test_damaged_files_are_refused_or_read(name: str) -> None:
    """Truncated, or with bytes that are others: a clear error or a net, soon."""
    contents = NETS[name]
    rng = np.random.default_rng(0)
    damaged = [contents[: int(n)] for n in rng.integers(0, len(contents), 40)]
    for _ in range(250):
        other = np.frombuffer(contents, np.uint8).copy()
        at = rng.integers(0, len(other), rng.integers(1, 6))
        extreme = rng.choice([0, 1, 127, 128, 255], len(at))
        other[at] = extreme if rng.random() < 0.5 else rng.integers(0, 256, len(at))
        damaged.append(other.tobytes())
    outcomes = set()
    for each in damaged:
        try:
            program = mm.transpile(load_tflite(each), name="net")
            outcomes.add(len(program.header) > 0)
        except UnsupportedError:
            outcomes.add(False)
    assert False in outcomes
