"""Every tool on every model and core; what was measured before is not measured again."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from typing import Any

from bench import exams, store, texts, zoo
from bench.environments import BenchError, release
from bench.exams import Exam
from bench.measure import CORES, Task, limit, measure, versions
from bench.results import Results, label
from bench.texts import OURS
from bench.zoo import Fitted

#: A text of this length takes minutes to compile and more flash than any board of the bench has.
_MOST_CHARACTERS = 3_000_000

Say = Callable[[str], None]
Entry = dict[str, Any]


def sweep(results: Results, models: Iterable[str], tools: Iterable[str], jobs: int, say: Say) -> None:
    """Measure and put into `results`; what it has of other models and tools stays.

    Models that `port` does not take yet are measured only where they are named.

    Raises
    ------
    BenchError
        If a model or tool is unknown: the message lists them.
    """
    named, chosen = set(models), list(tools) or texts.tools()
    if unknown := set(chosen) - set(texts.tools()):
        raise BenchError(f"no tool {', '.join(sorted(unknown))}: use {', '.join(texts.tools())}")
    specimens = zoo.select(named)
    results.versions["tools"] |= {tool: "==".join(release(tool)) for tool in chosen if tool != OURS}
    results.versions["cores"] = {name: versions(name) for name in CORES}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.measure"])
    # A process for each task: its limits are on processor time from its start.
    with ProcessPoolExecutor(jobs, context, limit, max_tasks_per_child=1) as pool:
        for specimen in specimens:
            fitted = zoo.fit(specimen)
            split, edges = exams.test_split(fitted), exams.thresholds(fitted)
            about = _about(fitted, split, edges)
            results.models[specimen.name] = about
            if about["not_yet"] and specimen.name not in named:
                say(f"{specimen.name}: not yet ({about['not_yet']})")
            else:
                _model(fitted, split, edges, chosen, results, pool, say)
    results.models = {s.name: results.models[s.name] for s in zoo.ZOO if s.name in results.models}


def _about(fitted: Fitted, split: Exam, edges: Exam | None) -> dict[str, Any]:
    return {
        "title": fitted.specimen.title,
        "family": fitted.specimen.family,
        "not_yet": texts.not_yet(fitted),
        "rows": len(split.rows),
        "threshold_rows": len(edges.rows) if edges else 0,
    }


def _model(
    fitted: Fitted,
    split: Exam,
    edges: Exam | None,
    tools: list[str],
    results: Results,
    pool: Executor,
    say: Say,
) -> None:
    """Measure all tools on one model."""
    on_core = split.first(fitted.specimen.most_rows)
    asked = {"agreement": ("host", split), **{core: (core, on_core) for core in CORES}}
    if edges:
        asked["thresholds"] = ("host", edges)
    pending: dict[Future[Any], tuple[Entry, str, str]] = {}
    for tool in tools:
        entries = []
        for configuration, made in texts.texts(tool, fitted).items():
            entry: Entry = {
                "model": fitted.specimen.name,
                "tool": tool,
                "configuration": configuration,
                "cores": {},
            }
            entries.append(entry)
            if len(made.get("text", "")) > _MOST_CHARACTERS:
                made = {"error": f"writes {len(made['text']) / 1e6:.1f} MB of C, too much to compile here"}
            if "error" in made:
                entry["error"] = made["error"]
                say(f"{_name(entry)} {made['error']}")
                continue
            for what, (core, exam) in asked.items():
                if "encode" in made:
                    exam = exam.encoded(made["encode"])
                task = Task(made["text"], made["language"], fitted.is_regressor, core, exam)
                known = store.recall("cells", task.key)
                if known is None:
                    pending[pool.submit(measure, task)] = entry, what, task.key
                else:
                    _file(entry, what, known, say)
        results.replace(fitted.specimen.name, tool, entries)
    for done in as_completed(pending):
        entry, what, key = pending[done]
        store.keep("cells", key, done.result())
        _file(entry, what, done.result(), say)


def _file(entry: Entry, what: str, figures: dict[str, Any], say: Say) -> None:
    """Put what a task found where it belongs, and tell."""
    if what in CORES:
        entry["cores"][what] = figures
        told = figures.get("error") or f"{figures['flash']} B, {figures['cycles_mean']:.0f}"
        say(f"{_name(entry)} on {what}: {told}")
    elif "error" in figures:
        entry["error"] = f"on the host: {figures['error']}"
        say(f"{_name(entry)} {entry['error']}")
    else:
        entry[what] = figures["agreement"]
        say(f"{_name(entry)}: {what} {figures['agreement']:.4f}")


def _name(entry: Entry) -> str:
    return f"{entry['model']}: {label(entry['tool'], entry['configuration'])}"
