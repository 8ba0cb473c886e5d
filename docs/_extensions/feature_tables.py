"""Tables of what feature extractors cost, from docs/measured.json."""

from __future__ import annotations

from bench.measure import CORES
from cost_tables import measured
from markdown_tables import table


def costs() -> str:
    """Flash, stack and cycles on each core."""
    rows = []
    for found in measured()["features"]:
        cores = [found["cores"][name]["-Os"] for name in CORES]
        figures = [f"{c['flash']} / {c['stack']} / {c['cycles']:.0f}" for c in cores]
        rows.append((found["title"], str(found["n"]), str(found["n_features"]), *figures))
    return table(("extractor", "samples", "features", *CORES.values()), rows)


def errors() -> str:
    """How far the integers are from the definition in float64."""
    rows = [
        (found["title"], f"{found['rms_error']:g}", f"{found['error']:g}") for found in measured()["features"]
    ]
    return table(("extractor", "rms error", "largest error"), rows)
