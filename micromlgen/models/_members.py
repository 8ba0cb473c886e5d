"""Models inside models: each is rendered by its own family, in a layout that is chosen together."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from math import log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline

from micromlgen.ir import Layout, Model
from micromlgen.samples import takes_samples

_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Where a member's best layout is looked for: on which cores, and what flash and cycles count there.
_ASKED = [(cores, *weights) for cores in (("avr",), _CORES[1:]) for weights in ((1, 0), (0, 1), (1.5, 1))]


class Member(NamedTuple):
    """A model inside another, whose functions begin with `<name>_<suffix>_`."""

    suffix: str
    model: Model


class Part(NamedTuple):
    """What a template renders with ``member(part.model, part.layout, part.suffix)``."""

    suffix: str
    model: Model
    layout: Layout


def together(members: Sequence[Member], code: Sequence[float], cycles: float = 30.0) -> list[Layout]:
    """Layouts of a model with members: for each that asks for size, speed or both, the best of each member.

    Parameters
    ----------
    members : sequence of Member
        In the numbers of the C.
    code : sequence of float
        Bytes of what calls them, on AVR, Cortex-M0+, Cortex-M4F and RV32.
    cycles : float
        Of what calls them.

    Returns
    -------
    list of Layout
        Whose `build` gives `members`, a list of `Part`.
    """
    offered = [list(member.model.layouts()) for member in members]
    chosen = dict.fromkeys(
        tuple(_best(layouts, cores, flash, time) for layouts in offered) for cores, flash, time in _ASKED
    )
    out = []
    for numbers in chosen:
        parts = [
            Part(member.suffix, member.model, layouts[k])
            for member, layouts, k in zip(members, offered, numbers, strict=True)
        ]

        def build(parts: list[Part] = parts) -> dict[str, Any]:
            return {"members": parts}

        names = list(dict.fromkeys(part.layout.name for part in parts))
        out.append(
            Layout(
                name=" + ".join(names),
                flash={c: code[k] + sum(p.layout.flash[c] for p in parts) for k, c in enumerate(_CORES)},
                cycles={c: cycles + sum(p.layout.cycles[c] for p in parts) for c in _CORES},
                build=build,
                tables=[size for p in parts for size in p.layout.tables],
            )
        )
    return out


def _best(layouts: Sequence[Layout], cores: Sequence[str], flash: float, cycles: float) -> int:
    def cost(k: int) -> float:
        x = layouts[k]
        return sum(flash * log(max(x.flash[c], 1)) + cycles * log(max(x.cycles[c], 1)) for c in cores)

    return min(range(len(layouts)), key=cost)


def of_samples_first(estimator: Any) -> tuple[list[Any], Pipeline | None]:
    """The first steps of a Pipeline that take samples, and the others, or None where there are none.

    Pipelines inside it that begin with samples are taken apart.
    """
    steps = _flat(estimator)
    n = next((i for i, (_, step) in enumerate(steps) if not takes_samples(step)), len(steps))
    return [step for _, step in steps[:n]], Pipeline(steps[n:]) if n < len(steps) else None


def _flat(pipeline: Any) -> list[tuple[str, Any]]:
    out = []
    for name, step in pipeline.steps:
        if hasattr(step, "steps") and takes_samples(step):
            out += [(f"{name}__{inner}", each) for inner, each in _flat(step)]
        elif step is not None and not (isinstance(step, str) and step == "passthrough"):
            out.append((name, step))
    return out


def behind_samples(estimator: Any, X: Any) -> tuple[Any, NDArray[np.float64]]:
    """What is behind a pipeline's feature extractors, inside searches, and what it is given for windows X."""
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    leading, behind = of_samples_first(estimator)
    for step in leading:
        X = step.transform(X)
    return behind, np.asarray(X, np.float64)


def fitted_inside(estimator: Any) -> Any:
    """What a SelfTrainingClassifier has fitted, by the name of its version of scikit-learn."""
    return estimator.estimator_ if hasattr(estimator, "estimator_") else estimator.base_estimator_


def steps_of(estimator: Any) -> list[Any]:
    """The step that predicts, inside pipelines and searches, behind the transformers before it."""
    before: list[Any] = []
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            *inner, (_, estimator) = estimator.steps
            before += [step for _, step in inner if step is not None and not isinstance(step, str)]
        elif hasattr(estimator, "support_") and hasattr(estimator, "estimator_"):
            before.append(estimator)
            estimator = estimator.estimator_
        elif hasattr(estimator, "termination_condition_"):
            estimator = fitted_inside(estimator)
        else:
            return [*before, estimator]


def last_step(estimator: Any, X: Any, n_before: int = 0) -> tuple[Any, NDArray[np.float64]]:
    """The last of `steps_of`, with so many before it, and what that is given for rows X."""
    steps = steps_of(estimator)
    first = len(steps) - 1 - n_before
    for transformer in steps[:first]:
        X = transformer.transform(X)
    last = make_pipeline(*steps[first:]) if n_before else steps[-1]
    return last, np.asarray(X.toarray() if hasattr(X, "toarray") else X, np.float64)


def in_last_step(estimator: Any, own: Any) -> Any:
    """An estimator of its own inside the last step, behind the steps before that."""
    if hasattr(estimator, "best_estimator_"):
        return in_last_step(estimator.best_estimator_, own)
    if hasattr(estimator, "steps"):
        behind = copy.copy(estimator)
        name, last = estimator.steps[-1]
        behind.steps = [*estimator.steps[:-1], (name, in_last_step(last, own))]
        return behind
    return own
