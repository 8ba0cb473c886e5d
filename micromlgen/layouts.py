"""The folders that a header can live in: libraries for Arduino, PlatformIO, Zephyr, CMake, ESP-IDF; projects.

Every file but the model's own is a template under ``templates/layouts/<layout>/`` or
``templates/projects/<project>/``, at the place where it will stand.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from micromlgen import cformat
from micromlgen.companion import columns, has_probability
from micromlgen.errors import OverwriteError, UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.ir import Classifier, Model, NumericModel
from micromlgen.render import render_file, template_files
from micromlgen.split import split

#: Layout: folder of the model's own files in it.
LAYOUTS = {"split": "", "arduino": "src", "platformio": "src", "zephyr": "src", "cmake": "", "esp-idf": ""}
#: Project: the layout of the model within, and where.
PROJECTS = {
    "arduino": ("split", ""),
    "platformio": ("platformio", "lib/{n}"),
    "zephyr": ("zephyr", "modules/{n}"),
    "cmake": ("cmake", "{n}"),
}
#: Projects that can be checks.
CHECKS = ("arduino", "platformio")
#: Longest name of a library, by the Arduino library specification.
_MOST_ARDUINO = 63


def layout_files(
    layout: str, model: Model, header: str, name: cformat.Name, companion: str | None
) -> dict[str, str]:
    """Texts of a layout by path, the header first.

    Parameters
    ----------
    layout : str
        A key of `LAYOUTS`.
    model : Model
        Quantised.
    header : str
        What `port` returns.
    name : Name
    companion : str or None
        Text of the companion file, where there is one.

    Raises
    ------
    UnsupportedError
        If there is no such layout, or its rules forbid the name.
    """
    if layout not in LAYOUTS:
        raise UnsupportedError(f"layout={layout!r}: use 'header', {', '.join(map(repr, LAYOUTS))}")
    if layout == "arduino" and (len(name.snake) > _MOST_ARDUINO or name.snake.startswith("arduino")):
        raise UnsupportedError(
            f"layout='arduino': a library may not be called {name.snake!r}; use another name of at most "
            f"{_MOST_ARDUINO} characters that does not begin with 'arduino'"
        )
    parts = split(header, name)
    own = {f"{name.snake}.h": parts.header, f"{name.snake}.c": parts.source}
    if companion is not None:
        own[f"{name.snake}.json"] = companion
    files = {_within(LAYOUTS[layout], path): text for path, text in own.items()}
    return files | _rendered(f"layouts/{layout}", _context(model, header, name))


def project_files(
    project: str,
    sketch: str,
    model: Model,
    header: str,
    name: cformat.Name,
    companion: str | None,
    check: bool = False,
) -> dict[str, str]:
    """Texts of a project that builds and predicts, by path.

    Parameters
    ----------
    project : {"arduino", "platformio", "zephyr", "cmake"}
    sketch : str
        Its name.
    model : Model
        Quantised.
    header : str
        Its text.
    name : Name
        The model's.
    companion : str or None
        Text of the companion file.
    check : bool
        Whether it predicts what `micromlgen check` sends.

    Raises
    ------
    UnsupportedError
        If there is no such project, or the sketch may not be called so.
    """
    if project not in PROJECTS:
        raise UnsupportedError(f"project {project!r}: use one of {', '.join(PROJECTS)}")
    if check and project not in CHECKS:
        raise UnsupportedError(f"project {project!r} has no check sketch: use {' or '.join(CHECKS)}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", sketch):
        raise UnsupportedError(
            f"{sketch!r} is no name for a sketch: use up to 63 letters, digits, underscores and hyphens"
        )
    if sketch == name.snake:
        raise UnsupportedError(f"{sketch!r} is the model's own name: call the sketch otherwise, or the model")
    layout, where = PROJECTS[project]
    inside = layout_files(layout, model, header, name, companion)
    files = {_within(where.format(n=name.snake), path): text for path, text in inside.items()}
    kind = "checks" if check else "projects"
    return files | _rendered(f"{kind}/{project}", {**_context(model, header, name), "sketch": sketch})


def identity(header: str) -> int:
    """What the check sketch of a header tells that it is: the CRC-32 of the header."""
    return zlib.crc32(header.encode("ascii"))


def write(folder: Path, files: Mapping[str, str], force: bool) -> None:
    """Write texts into a folder, made if need be: all of them, or none.

    Raises
    ------
    OverwriteError
        If a file is there with another text, and not `force`.
    UnsupportedError
        If a path leads out of the folder, by a link in it.
    """
    root = folder.resolve()
    targets = {folder / path: text.encode() for path, text in files.items()}
    outside = [path for path in targets if not path.resolve().is_relative_to(root)]
    if outside:
        raise UnsupportedError(f"{outside[0]} is a link that leads out of {folder}: nothing is written there")
    changed = [path for path, text in targets.items() if path.exists() and path.read_bytes() != text]
    if changed and not force:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise OverwriteError(
            f"{changed[0]}{others}: there already, with other contents; force=True (--force) replaces"
        )
    for path, text in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def _within(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path


def _rendered(folder: str, context: Mapping[str, Any]) -> dict[str, str]:
    names = {"NAME": context["n"], "SKETCH": context.get("sketch", "")}
    out = {}
    for path in template_files(folder):
        place = path.removesuffix(".j2")
        for placeholder, text in names.items():
            place = place.replace(placeholder, text)
        out[place] = render_file(f"{folder}/{path}", context)
    return out


def _context(model: Model, header: str, name: cformat.Name) -> dict[str, Any]:
    """What the templates of layouts and projects know of a model."""
    n, kind, declared = name.snake, model.kind, split(header, name).header
    numeric, integer = isinstance(model, NumericModel), model.input.is_integer
    several = model.n_outputs > 1 or kind == "transformer"
    # Integers where units differ.
    in_units = numeric and not (isinstance(model, Extraction) and not model.one_unit)
    scale = f" * (float){name.macro}_OUTPUT_SCALE" if in_units and integer else ""
    as_double = f"(double)%s{scale.replace('float', 'double')}"
    title = cformat.comment(model.source).replace('"', "'")
    printed = columns(model)
    shown = printed if len(printed) <= 12 else [*printed[:3], "...", *printed[model.input.n_features - 1 :]]
    return {
        "n": n,
        "N": name.macro,
        "name": name,
        "title": title,
        "what": f"{title}, {model.input.n_features} features in",
        "uses_math": model.uses_math,
        "integer": integer,
        "quantizes": model.input.quantizes,
        "raw": "x" if model.input.samples else "features",
        "raw_type": f"{n}_input_t" if model.input.samples else "float",
        "several": several,
        "labels": isinstance(model, Classifier),
        "floats": numeric,
        "probability": has_probability(model),
        "function": "transform" if kind == "transformer" else "predict",
        "float_answers": numeric and model.output_dtype == np.float32,
        "identity": f"0x{identity(header):08x}",
        "answer_type": f"{n}_output_t" if numeric else "int",
        "print_as": f"{scale}, 6" if in_units else "",
        "format": "%g" if in_units else "%ld" if numeric else "%d",
        "printed": as_double if in_units else "(long)%s" if numeric else "%s",
        "columns": ",".join(shown),
        "answer_columns": ",".join(printed[model.input.n_features :]),
        "types": sorted(set(re.findall(rf"\b{n}_(?:input|output)_t\b", declared))),
        "functions": list(dict.fromkeys(re.findall(rf"\b({n}_\w+)\([^)]*\);", declared))),
        "constants": re.findall(rf"^#define ({name.macro}_(?!H\b)\w+)", declared, re.MULTILINE),
    }
