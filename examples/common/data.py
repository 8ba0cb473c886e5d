"""Data files that installed packages contain; nothing is downloaded, and the packages are not imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray


def package_file(package: str, path: str) -> Path:
    """Find a file that a package contains.

    Raises
    ------
    SystemExit
        If the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed: pip install 'micromlgen[examples]'")
    return Path(spec.submodule_search_locations[0]) / path


def to_int16(readings: ArrayLike) -> NDArray[np.int16]:
    """Round readings to what an int16 holds, beyond which they saturate."""
    limits = np.iinfo(np.int16)
    return np.clip(np.rint(readings), limits.min, limits.max).astype(np.int16)
