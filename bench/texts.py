"""C text of a model from every tool: ours here, the peers' from their environments."""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import joblib

import micromlgen
from bench import environments, store
from bench.worker import reason
from bench.zoo import Fitted
from micromlgen.errors import UnsupportedError

OURS = "micromlgen"
OPTIMIZATIONS = ("size", "balanced", "speed")

#: Integer modes are calibrated on the rows of the training. They take integers, or floats that they convert.
INTEGERS = ("int16", "int8")

_ENTRY = "\nstatic {kind} entry(const {x} *x)\n{{\n{convert}    return model_predict({q}){scale};\n}}\n"
_CONVERT = "    model_input_t q[MODEL_N_FEATURES];\n    model_quantize(x, q);\n"
#: Seconds for a peer to write its text: m2cgen needs tens for an SVC.
_PATIENCE = 300

#: Configuration -> {"text", "language"} or {"error"}; with "encode" where the rows are to be encoded.
Texts = dict[str, dict[str, Any]]


def tools() -> list[str]:
    """Ours first, then the peers."""
    return [OURS, *environments.peers()]


def not_yet(fitted: Fitted) -> str | None:
    """Why `port` refuses the model; None if it takes it."""
    try:
        micromlgen.port(fitted.estimator, name="model")
    except UnsupportedError as error:
        return str(error).split(";")[0]  # then comes a list of what can be ported
    return None


def texts(tool: str, fitted: Fitted) -> Texts:
    """Everything that a tool writes for a model, or why it does not."""
    return _ours(fitted) if tool == OURS else _peer(tool, fitted)


def _ours(fitted: Fitted) -> Texts:
    out: Texts = {}
    kind = "float" if fitted.is_regressor else "int"
    entry = _ENTRY.format(kind=kind, x="float", convert="", q="x", scale="")
    for optimize in OPTIMIZATIONS:
        try:
            header = micromlgen.port(fitted.estimator, name="model", optimize=optimize)
            out[optimize] = {"text": header + entry, "language": "c"}
        except UnsupportedError as error:
            out[optimize] = {"error": f"refuses: {reason(error)}"}
    scale = " * MODEL_OUTPUT_SCALE" if fitted.is_regressor else ""
    for dtype in INTEGERS:
        try:
            program = micromlgen.transpile(
                fitted.estimator, name="model", dtype=dtype, calibration=fitted.training, min_agreement=0
            )
        except UnsupportedError as error:
            out[dtype] = {"error": f"refuses: {reason(error)}"}
            continue
        direct = _ENTRY.format(kind=kind, x="model_input_t", convert="", q="x", scale=scale)
        converting = _ENTRY.format(kind=kind, x="float", convert=_CONVERT, q="q", scale=scale)
        out[dtype] = {"text": program.header + direct, "language": "c", "encode": program.quantize}
        out[f"{dtype} from float"] = {"text": program.header + converting, "language": "c"}
    return out


def _peer(tool: str, fitted: Fitted) -> Texts:
    try:
        program = environments.python(tool)
    except environments.InstallError as error:
        return {"": {"error": f"cannot be installed: {error}"}}
    pickled = io.BytesIO()
    joblib.dump(fitted.estimator, pickled)
    sources = [environments.HERE / name for name in ("worker.py", "peers/__init__.py", f"peers/{tool}.py")]
    ingredients = [
        pickled.getvalue(),
        (program.parents[1] / "pins").read_bytes(),
        *(p.read_bytes() for p in sources),
    ]
    name = store.key(*ingredients)
    made = store.recall("texts", name)
    if made is None:
        made = _work(tool, program, pickled.getvalue())
        store.keep("texts", name, made)
    return made


def _work(tool: str, program: Path, pickled: bytes) -> Texts:
    with tempfile.TemporaryDirectory() as name:
        model, out = Path(name, "model.joblib"), Path(name, "texts.json")
        model.write_bytes(pickled)
        command = [program, "-P", environments.HERE / "worker.py", tool, model, out]
        try:
            done = subprocess.run(command, cwd=name, capture_output=True, text=True, timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            return {"": {"error": f"wrote nothing within {_PATIENCE} s"}}
        if done.returncode:
            return {"": {"error": f"crashes: {(done.stderr.splitlines() or ['without a word'])[-1]}"}}
        return json.loads(out.read_text())
