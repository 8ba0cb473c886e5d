"""From model and layout to the text of the header."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from micromlgen import cformat, fixedpoint
from micromlgen.errors import NotFiniteError, UnsupportedError
from micromlgen.ir import Classifier, Layout, Model
from micromlgen.tables import index_for, narrow

#: Longest string that C99 promises to compile.
_MOST_LABEL_BYTES = 4095


@dataclass(frozen=True, eq=False)
class Labels:
    """One output's classes as C needs them."""

    #: One C string literal with all labels, a NUL between two of them.
    text: str
    #: Where each label starts in it.
    start: NDArray[Any]
    #: The labels where they are integers that fit int32.
    integers: NDArray[np.int32] | None
    #: Whether they are a, a + 1, a + 2, …
    consecutive: bool


def check_classmap(classmap: Any, n_classes: int) -> Mapping[int, str]:
    """A usable mapping from class indices to texts.

    Raises
    ------
    UnsupportedError
        If it is no mapping, or has an index that no class has.
    """
    if not isinstance(classmap, Mapping):
        raise UnsupportedError(
            f"classmap is a {type(classmap).__name__}; a dict from class index to text is needed"
        )
    for index in classmap:
        if isinstance(index, bool) or index not in range(n_classes):
            raise UnsupportedError(f"classmap has the index {index!r}; the classes are 0 to {n_classes - 1}")
    return classmap


def _labels(classes: NDArray[Any], classmap: Mapping[int, str]) -> Labels:
    texts = [cformat.label(classmap.get(i, c)) for i, c in enumerate(classes.tolist())]
    start = np.cumsum([0, *[len(cformat.utf8(t)) + 1 for t in texts[:-1]]])
    total = int(start[-1]) + len(cformat.utf8(texts[-1]))
    if total > _MOST_LABEL_BYTES:
        raise UnsupportedError(
            f"the class labels have {total} bytes, C promises strings of {_MOST_LABEL_BYTES}; fit on shorter "
            "labels, or pass classmap={index: text}"
        )
    # "\0" ends the literal so that a digit that follows does not lengthen the octal escape.
    text = ' "\\0" '.join(cformat.string(t) for t in texts)
    integers, consecutive = None, False
    values = classes.tolist()
    info = np.iinfo(np.int32)
    if all(type(c) is int and info.min <= c <= info.max for c in values):
        integers = np.array(values, np.int32)
        consecutive = values == list(range(values[0], values[0] + len(values)))
    return Labels(text, narrow(start), integers, consecutive)


def _folder(name: str) -> Path:
    """A folder of C, templates or dsp: inside the installed package, else at the top of the checkout."""
    inside = Path(str(resources.files("micromlgen"))) / name
    return inside if inside.is_dir() else inside.parents[1] / name


def source(stem: str) -> str:
    """Text of a C header in dsp/, and before it of those that it includes but for `flash`, each once.

    Every generated header has `flash` already.
    """
    return "\n".join(_sources(stem, {"flash"} - {stem}))


def _sources(stem: str, seen: set[str]) -> list[str]:
    seen.add(stem)
    out, own = [], []
    for line in (_folder("dsp") / f"{stem}.h").read_text(encoding="ascii").splitlines():
        included = re.fullmatch(r'#include "(\w+)\.h"', line)
        if included is None:
            own.append(line)
        elif included[1] not in seen:
            out += _sources(included[1], seen)
    return [*out, "\n".join(own)]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_folder("templates"), _folder("dsp")]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["fixedpoint"] = fixedpoint  # whose constants the C repeats
    environment.globals["index_for"] = index_for
    environment.globals["source"] = source
    environment.filters.update(
        zip=zip,
        ctype=cformat.ctype,
        float32=cformat.float32,
        table=cformat.table,
        literal=cformat.literal,
        narrow=narrow,
        highest=lambda dtype: int(np.iinfo(dtype).max),
        lowest=lambda dtype: int(np.iinfo(dtype).min),
        lowest_above=lambda x: cformat.float32(float(-fixedpoint.float32_floor(-x))),
        highest_below=lambda x: cformat.float32(float(fixedpoint.float32_floor(x))),
        float_bits=lambda key: int(fixedpoint.unordered(key).view(np.uint32)),
    )
    return environment


def render(
    model: Model,
    layouts: Sequence[tuple[str, Layout]],
    name: cformat.Name,
    banner: Sequence[str],
    classmap: Mapping[int, str],
) -> str:
    """The header.

    Parameters
    ----------
    model : Model
        Quantised.
    layouts : sequence of (condition, Layout)
        From `plan`.
    name : Name
    banner : sequence of str
        Lines of the comment at the top; made safe here.
    classmap : mapping
        Texts instead of the labels of these class indices.

    Raises
    ------
    UnsupportedError
        If the model has a number that is not finite, or labels that C cannot hold.
    """
    labels = [_labels(c, classmap) for c in model.classes] if isinstance(model, Classifier) else []
    context: dict[str, Any] = {
        "model": model,
        "name": name,
        "banner": [cformat.comment(line) for line in banner],
        "model_labels": labels,
    }
    try:
        bodies = [(when, _body(x, alone=True, **context)) for when, x in layouts]
    except NotFiniteError as error:
        raise UnsupportedError(
            f"{model.source} has a number that C cannot hold: {error}; fit it again on finite numbers"
        ) from error
    return render_text("header", **context, bodies=bodies)


def _body(layout: Layout, *, model: Model, name: cformat.Name, alone: bool, **context: Any) -> str:
    """The family's own template, which may call ``member(model, layout, suffix)`` for models inside.

    A model that is `alone` may have a kernel for itself; beside others it takes those that all share.
    """

    def member(inner: Model, chosen: Layout, suffix: str, apart: bool = False) -> str:
        inside = cformat.member_name(name, suffix)
        declared = _environment().get_template("member.h.j2").render(model=inner, name=inside)
        given = {**context, "model": inner, "name": inside, "alone": alone and apart}
        return declared + _body(chosen, **given)

    stem = type(model).__module__.rpartition(".")[2]
    family = _environment().get_template(f"{stem}.h.j2")
    return family.render(
        **context,
        model=model,
        name=name,
        layout=layout.name,
        parts=layout.build(),
        alone=alone,
        member=member,
    )


def template_files(folder: str) -> list[str]:
    """Paths of the templates in a folder of templates, relative to it, in order."""
    root = _folder("templates") / folder
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.j2"))


def render_file(template: str, context: Mapping[str, Any]) -> str:
    """Text of a template whose blank lines are all meant."""
    return _environment().get_template(template).render(context)


def render_text(template: str, **context: Any) -> str:
    """Text of a template, without the blank lines that pile up where it leaves something out."""
    lines = _environment().get_template(f"{template}.h.j2").render(**context).split("\n")
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    return "\n".join(kept).rstrip("\n") + "\n"
