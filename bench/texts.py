"""C text of a model from every tool: ours here, the peers' from their environments."""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
from pathlib import Path

import joblib

import micromlgen
from bench import environments, store
from bench.worker import reason
from bench.zoo import Fitted
from micromlgen.errors import UnsupportedError

OURS = "micromlgen"
OPTIMIZATIONS = ("size", "balanced", "speed")

_ENTRY = "\nstatic {kind} entry(const float *x)\n{{\n    return model_predict(x);\n}}\n"
#: Seconds for a peer to write its text: m2cgen needs tens for an SVC.
_PATIENCE = 300

#: Configuration -> {"text", "language"} or {"error"}.
Texts = dict[str, dict[str, str]]


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
    entry = _ENTRY.format(kind="float" if fitted.is_regressor else "int")
    for optimize in OPTIMIZATIONS:
        try:
            header = micromlgen.port(fitted.estimator, name="model", optimize=optimize)
            out[optimize] = {"text": header + entry, "language": "c"}
        except UnsupportedError as error:
            out[optimize] = {"error": f"refuses: {reason(error)}"}
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
