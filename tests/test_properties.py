"""Laws that hold for all inputs, tried on generated ones.

The examples are the same in every run. ``EXAMPLES=2000 pytest tests/test_properties.py`` tries new ones,
twenty times as many.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import floor, lcm
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

import micromlgen as mm
from micromlgen import cformat, fixedpoint, tables
from micromlgen.boards import STRICT, core
from micromlgen.calls import Expected, predict_call, quantize_call, twin_calls
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Input
from micromlgen.models._code import steps
from micromlgen.models._nodes import Nodes, preorder
from micromlgen.models._trees import Trees
from micromlgen.program import Program
from micromlgen.verify import boundary_rows
from tests.test_fixedpoint import encode
from tests.test_tables import read

EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
NOT_SHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def examples(n: int, **more: Any) -> settings:
    """So many examples, or in a hunt a multiple of them that `EXAMPLES` tells."""
    hunting = EXAMPLES > 0
    count = max(1, n * EXAMPLES // 100) if hunting else n
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=not hunting,
        suppress_health_check=SLOW,
        print_blob=hunting,
        **more,
    )


BIG, TINY = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
SPECIAL = np.float32(
    [0, -0.0, TINY, -TINY, 1e-40, -1e-38, 1, -1, 0.1, 1 / 3, 127, 128, 32767, 1e30, BIG, -BIG]
)
#: Infinities, then NaN of both signs, quiet and signalling, with payloads.
UNUSUAL = np.array(
    [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF],
    np.uint32,
).view(np.float32)
float32s = st.floats(width=32, allow_nan=False) | st.sampled_from(SPECIAL.tolist())
finite32s = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from(SPECIAL.tolist())
integers = st.sampled_from(["int8", "int16"])


# ---------------------------------------------------------------------------------------------- arithmetic


@given(float32s, float32s)
@examples(300)
def test_keys_order_as_floats_do(a: float, b: float) -> None:
    ka, kb = fixedpoint.ordered([a, b]).tolist()
    assert (ka < kb) == (a < b)
    assert (ka == kb) == (a == b)


@given(float32s)
@examples(200)
def test_keys_can_be_turned_back(a: float) -> None:
    key = fixedpoint.ordered(a)
    assert fixedpoint.unordered(key) == np.float32(a)
    assert fixedpoint.ordered(fixedpoint.unordered(key)) == key


@given(st.floats(allow_nan=False), float32s)
@examples(300)
def test_float32_floor_keeps_every_comparison(t: float, x: float) -> None:
    down = fixedpoint.float32_floor(t)
    assert down.dtype == np.float32
    assert (x <= t) == (x <= float(down))
    with np.errstate(over="ignore"):
        around = [down, np.nextafter(down, np.float32(np.inf)), np.nextafter(down, np.float32(-np.inf))]
    for near in around:
        assert (float(near) <= t) == (near <= down)


def rounded(x: float, exponent: int, top: int) -> int:
    """x * 2**exponent to the nearest integer, halves up, saturated: in fractions."""
    if np.isinf(x):
        return top if x > 0 else -top
    nearest = floor(Fraction(x) * Fraction(2) ** exponent + Fraction(1, 2))
    return max(-top, min(top, nearest))


@given(st.lists(float32s, min_size=1, max_size=8), st.integers(-100, 100), integers)
@examples(300)
def test_encode_is_exact(values: list[float], exponent: int, dtype: str) -> None:
    X = np.array(values, np.float32)[:, None]
    got = encode(X, np.array([exponent], np.int32), np.dtype(dtype))[:, 0]
    assert got.tolist() == [rounded(x, exponent, np.iinfo(dtype).max) for x in values]


@given(st.integers(-40, 40), st.integers(-(2**16), 2**16), st.integers(-2, 2), integers)
@examples(300)
def test_encode_is_exact_around_halves(exponent: int, halves: int, steps_off: int, dtype: str) -> None:
    x = np.ldexp(np.float32(halves), -exponent - 1)
    for _ in range(abs(steps_off)):
        x = np.nextafter(x, np.float32(np.inf if steps_off > 0 else -np.inf))
    got = encode(np.array([[x]]), np.array([exponent], np.int32), np.dtype(dtype))
    assert got.item() == rounded(float(x), exponent, np.iinfo(dtype).max)


@given(finite32s, finite32s, st.integers(-100, 100), integers)
@examples(200)
def test_encode_never_changes_an_order(a: float, b: float, exponent: int, dtype: str) -> None:
    low, high = sorted((a, b))
    X = np.float32([[low], [high]])
    q = encode(X, np.array([exponent], np.int32), np.dtype(dtype)).ravel()
    assert q[0] <= q[1]


@given(st.floats(1e-25, 1e30), integers)
@examples(300)
def test_exponent_is_the_largest_that_stays_in_range(limit: float, dtype: str) -> None:
    e = int(fixedpoint.exponent_for(limit, int(np.iinfo(dtype).max)))
    top = int(np.iinfo(dtype).max)
    scaled = Fraction(limit) * Fraction(2) ** e
    assert scaled < top
    assert 2 * scaled > (top - 1) * (1 - Fraction(1, 10**9))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=1, max_size=5))
@examples(200)
def test_shares_have_their_common_denominator(pairs: list[tuple[int, int]]) -> None:
    shares = [Fraction(min(a, b), b) for a, b in pairs]
    common = lcm(*(share.denominator for share in shares))
    got = fixedpoint.share_denominator([float(share) for share in shares])
    assert got == (common if common <= 65535 else 1 << 20)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@examples(300)
def test_votes_are_shares(shares: list[float]) -> None:
    denominator = fixedpoint.share_denominator(shares)
    assert denominator <= 1 << 20
    worst = max(abs(share - round(share * denominator) / denominator) for share in shares)
    assert worst <= (2**-21 if denominator == 1 << 20 else 1e-15)


@given(st.lists(st.floats(0, 1e30), min_size=1, max_size=12))
@examples(300)
def test_sums_stay_inside_int32(largest: list[float]) -> None:
    e = fixedpoint.sum_exponent(np.array(largest), len(largest))
    scale = Fraction(2) ** e
    worst = sum(floor(Fraction(v) * scale + Fraction(1, 2)) for v in largest)
    assert worst <= 2**31 - 1
    if -100 < e < 100 and any(largest):
        assert sum(map(Fraction, largest)) * scale * 2 > 2**31 - 2 - 2 * len(largest)


@given(st.lists(st.integers(-(2**31), 2**32 - 1), min_size=1, max_size=300), st.integers(1, 20))
@examples(100)
def test_tables_keep_every_number(values: list[int], repeats: int) -> None:
    array = np.array(values * repeats, np.int64)
    np.testing.assert_array_equal(tables.narrow(array), array)
    column = tables.column(array)
    np.testing.assert_array_equal(read(column), array)
    assert sum(t.nbytes for t in column.tables) <= tables.narrow(array).nbytes


# -------------------------------------------------------------------------------------------------- C text


@given(st.text(st.characters(exclude_categories=()), max_size=60))
@examples(300)
def test_a_string_literal_has_the_bytes_of_the_text(text: str) -> None:
    """Its escapes mean the same in Python."""
    literal = cformat.string(text)
    assert re.fullmatch(r'"[ !#-~"]*"', literal)
    assert ast.literal_eval(f"b{literal}") == text.encode("utf-8", "surrogatepass")


@given(st.text(st.sampled_from("*/\\?\n\"' éX\0"), max_size=12) | st.text(max_size=20))
@examples(500)
def test_no_text_leaves_a_comment(text: str) -> None:
    safe = cformat.comment(text)
    assert re.fullmatch(r"[ -~]*", safe)
    assert not re.search(r"\*/|/\*|\?\?|\\", f"{safe}")


@given(finite32s)
@examples(200)
def test_a_float_literal_reads_back(value: float) -> None:
    literal = cformat.float32(value)
    assert literal.endswith("f")
    assert np.float32(literal[:-1]).tobytes() == np.float32(value).tobytes()


@given(st.text(st.sampled_from("aZb_0X9é-"), max_size=70) | st.text(max_size=10))
@examples(300)
def test_a_name_is_refused_or_spelled_in_identifiers(name: str) -> None:
    try:
        spelled = cformat.make_name(name)
    except UnsupportedError:
        return
    assert re.fullmatch(r"[a-z][a-z0-9_]*", spelled.snake)
    assert re.fullmatch(r"[A-Z][A-Z0-9_]*", spelled.macro)
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]*", spelled.cls)
    assert "__" not in f"{spelled.snake}_predict {spelled.macro}_H {spelled.cls}", "reserved in C++"


# --------------------------------------------------------------------------------------------------- trees


class Leaf(NamedTuple):
    row: int


class Inner(NamedTuple):
    feature: int
    threshold: int
    missing_left: bool
    left: Any
    right: Any


def nodes_of(n_features: int = 3) -> st.SearchStrategy[Any]:
    leaf = st.builds(Leaf, st.integers(0, 3))

    def grow(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        keys = st.integers(-5, 5)
        return st.builds(Inner, st.integers(0, n_features - 1), keys, st.booleans(), children, children)

    return st.recursive(leaf, grow, max_leaves=25)


forests = st.lists(nodes_of(), min_size=1, max_size=5)


def inner_of(node: Any) -> list[Inner]:
    """In preorder."""
    return [] if isinstance(node, Leaf) else [node, *inner_of(node.left), *inner_of(node.right)]


def rows_of(node: Any) -> list[int]:
    """From left to right."""
    return [node.row] if isinstance(node, Leaf) else rows_of(node.left) + rows_of(node.right)


def as_trees(roots: list[Any]) -> Trees:
    inner = [node for root in roots for node in inner_of(root)]
    return Trees(
        feature=np.array([node.feature for node in inner], np.int32),
        threshold=np.array([node.threshold for node in inner], np.int32),
        skip=np.array([len(inner_of(node.left)) for node in inner], np.int32),
        missing_left=np.array([node.missing_left for node in inner], bool),
        size=np.array([len(inner_of(root)) for root in roots], np.int64),
        leaf=np.array([row for root in roots for row in rows_of(root)], np.int32),
    )


def same(a: Trees, b: Trees) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in Trees.__dataclass_fields__)


def reached(node: Any, x: list[int], missing: int | None) -> int:
    while isinstance(node, Inner):
        value = x[node.feature]
        left = node.missing_left if value == missing else value <= node.threshold
        node = node.left if left else node.right
    return node.row


def collapsed(node: Any, answer: list[int]) -> Any:
    """Without tests between equal answers."""
    if isinstance(node, Inner):
        node = node._replace(left=collapsed(node.left, answer), right=collapsed(node.right, answer))
        if len({answer[row] for row in rows_of(node)}) == 1:
            return Leaf(rows_of(node)[0])
    return node


@given(forests, st.randoms(use_true_random=False))
@examples(200)
def test_preorder_of_nodes_in_any_order(roots: list[Any], random: Any) -> None:
    everything: list[Any] = []

    def collect(node: Any) -> None:
        everything.append(node)
        if isinstance(node, Inner):
            collect(node.left)
            collect(node.right)

    for root in roots:
        collect(root)
    ids = list(range(len(everything)))
    random.shuffle(ids)
    left, right = np.full(len(ids), -1), np.full(len(ids), -1)
    next_id = iter(ids)
    inner, leaves, starts = [], [], []

    def number(node: Any) -> int:
        me = next(next_id)
        if isinstance(node, Inner):
            inner.append(me)
            left[me] = number(node.left)
            right[me] = number(node.right)
        else:
            leaves.append(me)
        return me

    starts = [number(root) for root in roots]
    got = preorder(Nodes(left, right, np.array(starts)))
    expected = as_trees(roots)
    for a, b in zip(got, (inner, leaves, expected.skip, expected.size), strict=True):
        np.testing.assert_array_equal(a, b)


@given(forests)
@examples(100)
def test_extents(roots: list[Any]) -> None:
    size, leaf = as_trees(roots).extents
    inner = [node for root in roots for node in inner_of(root)]
    assert size.tolist() == [len(inner_of(node)) for node in inner]
    before, at = 0, []
    for root in roots:
        all_rows = rows_of(root)

        def leftmost(node: Any, first: int) -> Iterator[int]:
            if isinstance(node, Inner):
                yield first
                yield from leftmost(node.left, first)
                yield from leftmost(node.right, first + len(rows_of(node.left)))

        at += [before + first for first in leftmost(root, 0)]
        before += len(all_rows)
    assert leaf.tolist() == at


@given(forests, st.lists(st.integers(0, 1), min_size=4, max_size=4))
@examples(300)
def test_merged_trees_are_those_without_tests_between_equal_answers(
    roots: list[Any], answer: list[int]
) -> None:
    got = as_trees(roots).merged(np.array(answer))
    assert same(got, as_trees([collapsed(root, answer) for root in roots]))


@given(forests, st.lists(st.lists(st.integers(-6, 6), min_size=3, max_size=3), min_size=1, max_size=6))
@examples(200)
def test_apply_walks_as_a_pointer_would(roots: list[Any], rows: list[list[int]]) -> None:
    trees = as_trees(roots)
    for missing in (None, 6, -6):
        got = trees.apply(np.array(rows, np.int32), missing)
        assert got.tolist() == [[reached(root, x, missing) for root in roots] for x in rows]


@given(forests, st.lists(st.integers(-6, 6), min_size=3, max_size=3))
@examples(200)
def test_straight_code_leads_where_the_walk_does(roots: list[Any], x: list[int]) -> None:
    trees = as_trees(roots)
    inputs = Input(3, "int8", np.zeros(3, np.int32))
    for t, root in enumerate(roots):
        code = list(steps(trees, inputs, t))
        labels = {step.label: i for i, step in enumerate(code) if step.label is not None}
        at = 0
        while code[at].feature >= 0:
            at = labels[code[at].right] if x[code[at].feature] > code[at].threshold else at + 1
        assert code[at].row == reached(root, x, None)
        jumped_to = {step.right for step in code if step.feature >= 0}
        assert jumped_to == set(labels), "no label is unused, which a compiler would warn of"


# ------------------------------------------------------------------------------------------------- models


class Fitted(NamedTuple):
    estimator: Any
    X: np.ndarray
    missing: bool


KINDS: dict[str, Callable[..., Any]] = {
    "dt": DecisionTreeClassifier,
    "dtr": DecisionTreeRegressor,
    "et": ExtraTreeClassifier,
    "etr": ExtraTreeRegressor,
    "rf": RandomForestClassifier,
    "rfr": RandomForestRegressor,
    "ets": ExtraTreesClassifier,
    "etsr": ExtraTreesRegressor,
}


def matrix(rng: np.random.Generator, n: int, whole: bool) -> np.ndarray:
    """Few different values a feature, of any magnitude, some one float step apart; or small integers."""
    columns = []
    for _ in range(rng.integers(1, 5)):
        size = rng.integers(2, 9)
        if whole:
            pool = rng.integers(-126, 127, size).astype(np.float32)
        else:
            pool = rng.choice([-1, 1], size) * 2.0 ** rng.uniform(*rng.choice([(-149, 127), (-3, 3)]), size)
            pool = np.where(rng.random(size) < 0.3, rng.choice(SPECIAL, size), pool).astype(np.float32)
            with np.errstate(over="ignore"):
                near = np.nextafter(pool, np.float32(np.inf))
            pool = np.concatenate([pool, near[np.isfinite(near)]])
        columns.append(rng.choice(pool, n))
    return np.stack(columns, axis=1)


def targets(
    draw: st.DrawFn, rng: np.random.Generator, n: int, regressor: bool, criterion: str | None
) -> np.ndarray:
    n_outputs = draw(st.sampled_from([1, 1, 1, 2, 3]))
    if regressor:
        scale = draw(st.sampled_from([1e-12, 1e-3, 1.0, 1e6, 1e30]))
        y = np.round(rng.normal(size=(n, n_outputs)), draw(st.integers(0, 6))) * scale
        y += draw(st.sampled_from([0.0, 0.0, 3.5, -1e4, 1e7])) * scale
        if draw(st.integers(0, 3)) == 0:
            y = -np.abs(y) * (rng.random(y.shape) < 0.5)
        if criterion == "poisson":
            y = np.abs(y) + scale
    else:
        y = rng.integers(0, draw(st.integers(1, 6)), (n, n_outputs))
    return y[:, 0] if n_outputs == 1 else y


@st.composite
def fitted(
    draw: st.DrawFn, kinds: tuple[str, ...] = tuple(KINDS), whole: bool = False, pure: bool = False
) -> Fitted:
    """An estimator with random options on random data: `whole` numbers, or leaves as `pure` as can be.

    Numbers come from one seed: Hypothesis would make most of them zero.
    """
    kind = draw(st.sampled_from(kinds))
    regressor, several = kind.endswith("r"), kind.startswith(("rf", "ets"))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = matrix(rng, draw(st.integers(2, 40)), whole)
    options: dict[str, Any] = {"random_state": int(rng.integers(100))}
    missing = kind in ("dt", "dtr", "rf", "rfr") and not whole and draw(st.integers(0, 3)) == 0
    if missing:
        X = np.where(rng.random(X.shape) < 0.3, np.float32(np.nan), X)
    elif regressor:
        options["criterion"] = draw(st.sampled_from(["squared_error", "absolute_error", "poisson"]))
    if not regressor:
        options["criterion"] = draw(st.sampled_from(["gini", "entropy", "log_loss"]))
        options["class_weight"] = draw(st.sampled_from([None, None, "balanced"]))
    y = targets(draw, rng, len(X), regressor, options.get("criterion"))

    if not pure:
        options["max_leaf_nodes"] = draw(st.sampled_from([None, None, 2, 5, 9]))  # best first, another order
        options["max_depth"] = draw(st.sampled_from([None, None, 1, 3]))
        options["min_impurity_decrease"] = draw(st.sampled_from([0.0, 0.0, 0.01]))
        options["ccp_alpha"] = draw(st.sampled_from([0.0, 0.0, 0.02]))
    options["max_features"] = draw(st.sampled_from([None, 1]))
    monotone = y.ndim == 1 and not missing and (regressor or len(np.unique(y)) <= 2)
    if monotone and options.get("criterion") != "absolute_error" and draw(st.integers(0, 4)) == 0:
        options["monotonic_cst"] = rng.integers(-1, 2, X.shape[1]).tolist()
    if kind in ("dt", "dtr") and not missing:
        options["splitter"] = draw(st.sampled_from(["best", "random"]))
    weight = None
    if draw(st.integers(0, 2)) == 0:
        low, high = draw(st.sampled_from([(0.5, 2.0), (1e-9, 1.0)]))
        weight = np.exp(rng.uniform(np.log(low), np.log(high), len(X)))
    warm = False
    if several:
        options["n_estimators"] = draw(st.sampled_from([1, 2, 3, 7, 20]))
        options["bootstrap"] = draw(st.booleans())
        if options["bootstrap"]:
            options["max_samples"] = draw(st.sampled_from([None, len(X) // 2 + 1]))
        warm = options["warm_start"] = draw(st.booleans()) and options.get("class_weight") is None
    estimator = KINDS[kind](**options)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            estimator.fit(X, y, sample_weight=weight)
            if warm:
                estimator.set_params(n_estimators=options["n_estimators"] + 2)
                estimator.fit(X, y, sample_weight=weight)
    except ValueError:  # what scikit-learn itself does not fit
        assume(False)
    trees = getattr(estimator, "estimators_", [estimator])
    assume(all(np.isfinite(tree.tree_.value).all() for tree in trees))
    assume(not any(np.isnan(tree.tree_.threshold).any() for tree in trees))  # scikit-learn 1.4 had such
    event(kind)
    return Fitted(estimator, X, missing)


def transpiled(model: Fitted, **options: Any) -> Program:
    """As a user would: none of these may be refused."""
    return mm.transpile(model.estimator, missing="exact" if model.missing else None, **options)


def check_promise(estimator: Any, rows: np.ndarray, program: Program) -> None:
    """The contract, in scikit-learn's own numbers."""
    X = rows.astype(np.float64)
    got = program.predict(rows)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = estimator.predict(X)
        proba = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
    got, expected = got.reshape(len(X), -1), expected.reshape(len(X), -1)
    if proba is None:
        leaves = np.concatenate([tree.tree_.value for tree in getattr(estimator, "estimators_", [estimator])])
        low, high = leaves[:, :, 0].min(axis=0), leaves[:, :, 0].max(axis=0)
        allowed = np.maximum(abs(low), abs(high)) * 2.0**-24 + float(TINY)
        if hasattr(estimator, "estimators_"):
            allowed += 2e-6 * (high - low)
        assert (abs(got - expected) <= allowed).all()
        return
    several = isinstance(proba, list)
    ours = program.predict_proba(rows)
    for o, (p, q) in enumerate(zip(proba, ours, strict=True) if several else [(proba, ours)]):
        np.testing.assert_allclose(q, p, atol=2e-6)
        best = np.sort(np.column_stack([np.full(len(p), -1.0), p]), axis=1)
        clear = best[:, -1] - best[:, -2] > 1e-6
        if not hasattr(estimator, "estimators_"):
            clear[:] = True
        np.testing.assert_array_equal(got[clear, o], expected[clear, o])


def rows_for(model: Fitted, program: Program, most: int = 600) -> np.ndarray:
    return np.concatenate([model.X, boundary_rows(program.model, model.X, most)])


@given(fitted())
@examples(400)
def test_the_twin_is_the_estimator(model: Fitted) -> None:
    program = transpiled(model, name="model")
    check_promise(model.estimator, rows_for(model, program), program)


@given(fitted(("rf", "ets"), pure=True))
@examples(100)
def test_a_forest_of_whole_votes_is_the_estimator_in_ties_too(model: Fitted) -> None:
    program = transpiled(model, name="model")
    assume(program.model.share == 1)
    rows = rows_for(model, program)
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-learn's check for finite input sums it up
        expected = model.estimator.predict(rows.astype(np.float64))
    np.testing.assert_array_equal(program.predict(rows), expected)


@given(fitted(whole=True), integers)
@examples(120)
def test_integers_are_exact_on_integers(model: Fitted, dtype: str) -> None:
    program = transpiled(model, name="model", dtype=dtype, calibration=model.X, min_agreement=0)
    assert not program.model.input.exponents.any()
    rng = np.random.default_rng(0)
    rows = np.concatenate([model.X, rng.integers(-127, 128, (200, model.X.shape[1])).astype(np.float32)])
    Q = program.quantize(rows)
    np.testing.assert_array_equal(Q, rows)
    exact = transpiled(model, name="model")
    if exact.model.kind == "classifier":
        np.testing.assert_array_equal(program.predict(rows), exact.predict(rows))
    else:
        # Half a unit of the output scale a tree, and in the float32 twin its own rounding.
        n_trees = len(getattr(model.estimator, "estimators_", [0]))
        expected = exact.predict(rows)
        allowed = program.model.output_scale * n_trees / 2 + 2e-6 * abs(expected).max()
        np.testing.assert_allclose(program.predict(rows), expected, rtol=0, atol=allowed)


@given(
    st.lists(
        st.tuples(
            fitted(), st.sampled_from(["size", "speed"]), st.sampled_from(["float32", "int16", "int8"])
        ),
        min_size=8,
        max_size=8,
    )
)
@pytest.mark.parametrize("language", ["c", "c++"])
@examples(15, phases=NOT_SHRUNK)  # every attempt compiles
def test_the_c_is_the_twin(language: str, models: list[tuple[Fitted, str, str]]) -> None:
    """Eight headers meet in one program."""
    expected: list[Expected] = []
    for i, (model, optimize, dtype) in enumerate(models):
        options = {} if dtype == "float32" else {"dtype": dtype, "calibration": model.X, "min_agreement": 0}
        program = transpiled(model, name=f"model{i}", optimize=optimize, **options)
        Q = program.quantize(model.X)
        rows = np.concatenate([Q, boundary_rows(program.model, Q, 300)])
        if dtype == "float32":
            rows = np.concatenate([rows, np.resize(UNUSUAL[: 8 if model.missing else 2], (9, Q.shape[1]))])
        expected += twin_calls(program.model, program.header, program.name, rows)
        if dtype != "float32":
            raw = np.concatenate([model.X, np.resize(SPECIAL, (9, model.X.shape[1]))])
            call = quantize_call(program.model, program.header, program.name, raw)
            expected.append(Expected(call, program.model.input.encode(raw)))
    results = core("host").run(
        [each.call for each in expected], language=language, flags=("-O1", *STRICT), measure=False
    )
    for each, result in zip(expected, results, strict=True):
        assert not each.differs(result.y).any(), each.call.statement


def test_nan_that_is_not_followed_still_gives_a_class() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)).astype(np.float32)
    calls = []
    for i, kind in enumerate((DecisionTreeClassifier, RandomForestClassifier)):
        estimator = kind(random_state=0).fit(X, rng.integers(0, 3, 200))
        for optimize in ("size", "speed"):
            program = mm.transpile(estimator, name=f"{optimize}{i}", optimize=optimize)
            rows = rng.choice(np.concatenate([X[0], UNUSUAL]), (300, 4))
            calls.append(predict_call(program.model, program.header, program.name, rows))
    for result in core("host").run(calls, flags=("-O1", *STRICT), measure=False):
        assert set(result.y.ravel()) <= {0, 1, 2}
