"""Results that are kept between runs, so that nothing is measured twice."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from bench.environments import CACHE


def key(*ingredients: str | bytes) -> str:
    """A name for what follows from these ingredients and nothing else."""
    digest = hashlib.sha256()
    for ingredient in ingredients:
        data = ingredient.encode() if isinstance(ingredient, str) else ingredient
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()[:32]


def recall(kind: str, name: str) -> Any:
    """What was kept under this name, or None."""
    path = _path(kind, name)
    return json.loads(path.read_text()) if path.exists() else None


def keep(kind: str, name: str, value: Any) -> None:
    """Keep what JSON can express."""
    path = _path(kind, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(value))
    scratch.replace(path)  # in one step: an interrupted run leaves no half of it


def _path(kind: str, name: str) -> Path:
    return CACHE / kind / f"{name}.json"
