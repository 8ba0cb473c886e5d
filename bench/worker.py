"""Runs inside a peer's environment: ``python worker.py <peer> <model.joblib> <texts.json>``.

Writes ``{configuration: {"text": ..., "language": ...} or {"error": ...}}``.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib

_LONGEST_REASON = 160


def reason(error: BaseException) -> str:
    """One line that says why, the same on every machine: no paths, no addresses."""
    line = next(iter(str(error).strip().splitlines()), "")
    line = re.sub(r"0x[0-9a-f]{6,}", "0x…", re.sub(r"(/[\w.-]+)+/", "", line))
    return f"{type(error).__name__}: {line}"[:_LONGEST_REASON].rstrip(": ")


def texts(peer: str, model: Any) -> dict[str, dict[str, str]]:
    """Everything that a peer writes for a model, or why it does not."""
    try:
        module = importlib.import_module(f"peers.{peer}")
    except Exception as error:
        return {"": {"error": f"cannot be imported: {reason(error)}"}}
    out = {}
    for name, make in module.configurations(model).items():
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                out[name] = {"text": make(), "language": module.LANGUAGE}
        except SystemExit as error:  # EmbML exits, after it has printed why
            out[name] = {"error": f"refuses: {(printed.getvalue().strip() or reason(error)).splitlines()[0]}"}
        except Exception as error:
            out[name] = {"error": f"refuses: {reason(error)}"}
    return out


if __name__ == "__main__":
    # Behind everything else, so that no peer's import finds a module of ours instead of its own.
    sys.path.append(str(Path(__file__).parent))
    warnings.simplefilter("ignore")
    Path(sys.argv[3]).write_text(json.dumps(texts(sys.argv[1], joblib.load(sys.argv[2]))))
