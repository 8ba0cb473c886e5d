"""What is built once per user: simulators, and the Arduino core."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def cached(name: str, ingredients: Iterable[bytes], build: Callable[[Path], Path]) -> Path:
    """Return the file that `build` makes in the folder given to it, kept until an ingredient changes."""
    import fcntl  # here, because headers are also made where there is none

    digest = hashlib.sha256()
    for ingredient in ingredients:
        digest.update(hashlib.sha256(ingredient).digest())
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "micromlgen"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{digest.hexdigest()[:16]}-{name}"
    with open(folder / "lock", "w") as lock:
        # A second archive, put in place during a link, would break that link.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                build(Path(scratch)).replace(target)  # in one step: nobody sees half of it
    return target
