"""Results of two models and three tools, small enough to check by hand."""

from __future__ import annotations

from typing import Any

from bench.results import Results


def figures(flash: int, cycles: float, *, ram: int = 0, agreement: float = 1.0) -> dict[str, Any]:
    return {
        "flash": flash,
        "ram": ram,
        "stack": 8,
        "cycles_mean": cycles,
        "cycles_max": cycles + 1,
        "agreement": agreement,
    }


def entry(tool: str, configuration: str, cores: dict[str, Any], **shares: Any) -> dict[str, Any]:
    shares = {"agreement": 1.0, "thresholds": 1.0, **shares}
    return {"model": "dt_digits", "tool": tool, "configuration": configuration, "cores": cores, **shares}


def small() -> Results:
    return Results(
        versions={"tools": {"m2cgen": "m2cgen==0.10.0"}, "cores": {"avr": ["avr-gcc 5.4.0", "1.6"]}},
        models={
            "dt_digits": {
                "title": "tree, digits",
                "family": "trees",
                "not_yet": None,
                "rows": 450,
                "threshold_rows": 900,
            },
            "mlp_cancer": {
                "title": "MLP, cancer",
                "family": "mlp",
                "not_yet": "MLPClassifier is not supported",
                "rows": 143,
                "threshold_rows": 0,
            },
        },
        entries=[
            entry("micromlgen", "size", {"avr": figures(700, 600)}),
            entry("micromlgen", "speed", {"avr": figures(3000, 100)}),
            entry("micromlgen", "balanced", {"avr": figures(1000, 200)}),
            entry("m2cgen", "", {"avr": figures(4000, 400, ram=16), "cortex-m4f": {"error": "does not fit"}}),
            entry("emlearn", "inline float", {"avr": figures(2000, 900)}, thresholds=0.9),
            entry("emlearn", "inline int16", {"avr": figures(100, 10, agreement=0.5)}),
            entry("embml", "fxp16 Q7.8", {"avr": figures(50, 5)}, agreement=0.99),
            entry("sklearn_porter", "", {}, error="cannot be imported: no module", agreement=None),
        ],
    )
