"""Us against the best peer that is right: ratios, their geometric means, and what they should be."""

from __future__ import annotations

from dataclasses import dataclass

from bench.results import (
    NEARLY,
    Cell,
    Judge,
    Results,
    Standard,
    cycles,
    exact,
    flash,
    geometric_mean,
    nearly,
    product,
    right,
)

#: Cores that the targets are about; the others are measured as well.
CORES = ("avr", "cortex-m0plus", "cortex-m4f")
#: Family that `TARGETS` are about; of others the means alone are told.
_AIMED = "trees"


@dataclass(frozen=True)
class Target:
    """What one optimisation is for.

    Parameters
    ----------
    optimize : str
    judge : callable
        What it minimises.
    unit : str
        Name of that.
    mean : float
        Most that the geometric mean of the ratios to the best right peer may be.
    worst : float, optional
        Most that any ratio may be.
    """

    optimize: str
    judge: Judge
    unit: str
    mean: float
    worst: float | None = None


TARGETS = (
    Target("speed", cycles, "cycles", 0.33, 1.0),
    Target("size", flash, "flash", 0.45),
    Target("balanced", product, "flash × cycles", 0.4),
)


@dataclass(frozen=True)
class Ratio:
    """One of our cells and the best right peer on the same model and core."""

    ours: Cell
    peer: Cell
    value: float


def ratios(results: Results, target: Target, family: str, accepted: Standard = right) -> list[Ratio]:
    """Of all models of a family on all cores, where both we and an accepted peer have figures."""
    out = []
    for model in results.ported():
        if results.models[model]["family"] != family:
            continue
        for core in CORES:
            # Nobody is asked more than we are; less only where we are right.
            standard = exact if accepted is exact else right
            ours = results.our_best(model, core, target.optimize, target.judge, standard)
            peer = results.best_peer(model, core, target.judge, accepted)
            if ours and peer:
                out.append(Ratio(ours, peer, target.judge(ours) / target.judge(peer)))
    return out


def families(results: Results) -> list[str]:
    """Families of which some model is ported."""
    return list(dict.fromkeys(results.models[model]["family"] for model in results.ported()))


def summary(results: Results) -> list[str]:
    """Lines of Markdown: for each family and target the geometric means, and every cell above 1."""
    lines = []
    for family in families(results):
        for target in TARGETS:
            if found := ratios(results, target, family):
                lines += [_verdict(results, target, family, found)]
                lines += [f"  - above 1: {_cell(ratio)}" for ratio in found if ratio.value > 1]
                others = ratios(results, target, family, nearly)
                lines += [
                    f"  - above 1, against a peer with {ratio.peer.agreement:.1%} of the rows: {_cell(ratio)}"
                    for ratio in others
                    if ratio.value > 1 and not right(ratio.peer)
                ]
    return lines


def _verdict(results: Results, target: Target, family: str, found: list[Ratio]) -> str:
    mean, worst = _mean(found), max(ratio.value for ratio in found)
    met = mean <= target.mean and (target.worst is None or worst <= target.worst)
    aim = f"target {target.mean:g}" + (f", none above {target.worst:g}" if target.worst else "")
    aimed = f"{aim}: {'met' if met else '**missed**'}; " if family == _AIMED else ""
    return (
        f"- {family}, `{target.optimize}`: {target.unit}, {mean:.2f} of the best right peer's "
        f"({aimed}{len(found)} cells, worst {worst:.2f}); "
        f"{_mean(ratios(results, target, family, exact)):.2f} of the best that is right at thresholds too; "
        f"{_mean(ratios(results, target, family, nearly)):.2f} of the best with {NEARLY:.0%} of the rows"
    )


def _mean(found: list[Ratio]) -> float:
    return geometric_mean([ratio.value for ratio in found])


def _cell(ratio: Ratio) -> str:
    ours, peer = (f"{c.flash} B, {c.cycles:.0f}" for c in (ratio.ours, ratio.peer))
    where = f"{ratio.ours.model} on {ratio.ours.core}"
    return f"{where}: {ours} against {peer} ({ratio.peer.label}): {ratio.value:.2f}"
