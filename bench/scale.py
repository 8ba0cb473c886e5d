"""How `port` scales: nodes of a forest against seconds and memory, and the compile time of what it writes.

``python -m bench.scale <model.joblib> <optimize> <header.h>`` is one measurement in a fresh process.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from bench.environments import HERE
from bench.measure import explain, limit
from micromlgen.boards import core
from micromlgen.errors import ToolchainError

PATH = HERE / "scale.json"

#: Trees and leaves of each: a tree of n leaves has 2 n - 1 nodes.
FORESTS = ((10, 50), (10, 500), (20, 2500), (50, 3000), (100, 5001))
#: What the biggest forest may take, and how much faster than the nodes it may grow, as an exponent.
MOST_SECONDS = 10.0
MOST_MEGABYTES = 1000.0
MOST_EXPONENT = 1.15
#: Straight code of more nodes than this is no program for a microcontroller; compiling it says nothing.
_MOST_NODES_AS_CODE = 20_000
_COMPILERS = ("host", "cortex-m4f")
_N_FEATURES, _N_CLASSES = 16, 4
_MAIN = """\
#include "big.h"
static volatile float x[BIG_N_FEATURES];
int main(void) { return big_predict((const float *)x); }
"""


def run(say: Callable[[str], None]) -> int:
    """Measure all forests into ``scale.json``; the exit status is 1 where a limit is passed."""
    found = []
    for n_trees, n_leaves in FORESTS:
        with tempfile.TemporaryDirectory() as name:
            model = Path(name, "model.joblib")
            nodes = _fit(n_trees, n_leaves, model)
            for optimize in ("size", "speed"):
                row = {
                    "nodes": nodes,
                    "trees": n_trees,
                    "optimize": optimize,
                    **_port(model, optimize, Path(name, "big.h")),
                }
                if optimize == "size" or nodes <= _MOST_NODES_AS_CODE:
                    row["compile"] = {on: _limited(on, Path(name, "big.h")) for on in _COMPILERS}
                found.append(row)
                say(f"scale: {_told(row)}")
    PATH.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    failures = passed(found)
    for failure in failures:
        say(f"scale: FAILED: {failure}")
    return 1 if failures else 0


def load() -> list[dict[str, Any]]:
    """Read what `run` wrote; empty if there is nothing yet."""
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else []


def passed(found: list[dict[str, Any]]) -> list[str]:
    """Limits that are passed, in words."""
    out = []
    for optimize in ("size", "speed"):
        rows = [row for row in found if row["optimize"] == optimize]
        biggest = max(rows, key=lambda row: row["nodes"])
        what = f"{optimize}, {biggest['nodes']} nodes"
        if biggest["seconds"] > MOST_SECONDS:
            out.append(f"{what}: {biggest['seconds']} s, {MOST_SECONDS:g} s allowed")
        if biggest["megabytes"] > MOST_MEGABYTES:
            out.append(f"{what}: {biggest['megabytes']} MB, {MOST_MEGABYTES:g} MB allowed")
        if (slope := exponent(rows, "seconds")) > MOST_EXPONENT:
            out.append(f"{optimize}: seconds grow with nodes to the power of {slope:.2f}")
    return out


def exponent(rows: list[dict[str, Any]], quantity: str) -> float:
    """Growth between the biggest forest and the one of about a tenth of its nodes; 1 is linear."""
    biggest = max(rows, key=lambda row: row["nodes"])
    tenth = min(rows, key=lambda row: abs(math.log(row["nodes"] * 10 / biggest["nodes"])))
    return math.log(biggest[quantity] / tenth[quantity]) / math.log(biggest["nodes"] / tenth["nodes"])


def table(found: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| nodes | optimize | port, s | port, MB | header, MB | host gcc -Os, s | arm-none-eabi-gcc -Os, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found:
        times = row.get("compile", {})
        compiled = [times.get(on, "–") for on in _COMPILERS]
        cells = [
            f"{row['nodes']:,}",
            row["optimize"],
            row["seconds"],
            row["megabytes"],
            row["header"],
            *compiled,
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def _told(row: dict[str, Any]) -> str:
    told = [f"{row['nodes']} nodes, {row['optimize']}: {row['seconds']} s", f"{row['megabytes']} MB"]
    told += [f"compiled for {on}: {time}" for on, time in row.get("compile", {}).items()]
    return ", ".join(told)


def _fit(n_trees: int, n_leaves: int, path: Path) -> int:
    """Fit a forest on noise, which fills every tree; returns the number of nodes."""
    from sklearn.ensemble import RandomForestClassifier

    draw = np.random.default_rng(0)
    X = draw.normal(size=(4 * n_leaves, _N_FEATURES)).astype(np.float32)
    forest = RandomForestClassifier(n_trees, max_leaf_nodes=n_leaves, random_state=0)
    joblib.dump(forest.fit(X, draw.integers(0, _N_CLASSES, len(X))), path)
    return sum(tree.tree_.node_count for tree in forest.estimators_)


def _port(model: Path, optimize: str, header: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.scale", str(model), optimize, str(header)]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _alone(model: str, optimize: str, header: str) -> None:
    """The measurement: seconds of `port`, and how far it raises the peak of this process's memory.

    The seconds are the processor's, of which other work on the machine takes none away.
    """
    import micromlgen

    estimator = joblib.load(model)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    text = micromlgen.port(estimator, name="big", optimize=optimize)
    seconds = time.process_time() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    Path(header).write_text(text)
    print(
        json.dumps(
            {
                "seconds": round(seconds, 2),
                "megabytes": round(grown / 1024),
                "header": round(len(text) / 1e6, 2),
            }
        )
    )


def _limited(on: str, header: Path) -> float | str:
    """`_compile` in a process of its own, whose compiler is given up when it takes too much."""
    with ProcessPoolExecutor(1, initializer=limit) as pool:
        return pool.submit(_compile, on, header).result()


def _compile(on: str, header: Path) -> float | str:
    """Seconds to compile and link a program that includes the header, or why it could not be."""
    files = {"main.c": _MAIN, "big.h": header.read_text()}
    start = time.perf_counter()
    try:
        core(on).compile(files, flags=("-Os", "-w"))
    except ToolchainError as error:
        return explain(str(error))
    return round(time.perf_counter() - start, 1)


if __name__ == "__main__":
    _alone(*sys.argv[1:])
