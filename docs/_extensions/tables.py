"""Directives of the guide: tables made from what the code and the bench know, and what `port` refuses."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.utils import all_estimators
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import cost_tables
import dsp_peers
import estimator_tables
import feature_tables
import micromlgen
import nn_peers
from bench import results
from bench import tables as bench_tables
from markdown_tables import table
from micromlgen import features
from micromlgen.errors import MicromlgenError

#: Name of a table: what writes it, as Markdown.
TABLES: dict[str, Callable[[], str]] = {
    "boards": cost_tables.boards,
    "families": cost_tables.families,
    "digits": cost_tables.digits,
    "gaps": cost_tables.gaps,
    "sizes": cost_tables.conversion,
    "comparison": lambda: bench_tables.comparison(results.load()),
    "others": cost_tables.others,
    "versions": cost_tables.versions,
    "estimators": estimator_tables.estimators,
    "refused": estimator_tables.refused,
    "features": feature_tables.costs,
    "feature errors": feature_tables.errors,
    "dsp peers": dsp_peers.beside,
    "nn peers": nn_peers.beside,
    "commands": estimator_tables.commands,
    "examples": estimator_tables.examples,
}


class Markdown(SphinxDirective):
    """A directive that writes Markdown."""

    def parsed(self, text: str) -> list[nodes.Node]:
        """The nodes of Markdown text."""
        container = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), source=self.get_source_info()[0]), 0, container)
        return container.children


class Table(Markdown):
    """A table of `TABLES`, by its name."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Write it."""
        if self.arguments[0] not in TABLES:
            raise self.error(f"no table {self.arguments[0]!r}; there are {', '.join(TABLES)}")
        return self.parsed(TABLES[self.arguments[0]]())


class Refused(Markdown):
    """Estimators, one a line and not fitted, that `port` refuses, and what it says.

    They are fitted on the iris data; options of `transpile` may follow after a semicolon. What is not refused
    fails the build.
    """

    has_content = True
    names: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Fit them all, and have them refused."""
        rows = []
        for line in self.content:
            made, _, options = line.partition(";")
            rows.append(
                (f"`{made.strip()}`" + (f", `{options.strip()}`" if options else ""), self.told(line))
            )
        return self.parsed(table(("refused", "what `port` says"), rows))

    def told(self, line: str) -> str:
        """The message."""
        if not self.names:
            self.names.update(dict(all_estimators()), np=np, features=features, make_pipeline=make_pipeline)
        made, _, options = line.partition(";")
        X, y = load_iris(return_X_y=True)
        X = X.astype(np.float32)
        windows = np.zeros((2, 64), np.int16)
        try:
            # What is written in the guide's own pages is evaluated here, and nothing else.
            given = eval(f"dict({options})", {**self.names, "X": X})
            estimator = eval(made, self.names)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                estimator.fit(*((windows,) if hasattr(estimator, "takes_samples") else (X, y)))
            micromlgen.port(estimator, **given)
        except MicromlgenError as error:
            return str(error).replace("|", "\\|")
        except Exception as error:
            raise self.error(f"{line}: {error}") from error
        raise self.error(f"{line} is ported, not refused")


def skips(_app: Sphinx, _what: str, name: str, _object: Any, _skip: bool, _options: Any) -> bool | None:
    """Leave out of the reference what scikit-learn adds to estimators for itself."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("table-of", Table)
    app.add_directive("refused", Refused)
    app.connect("autodoc-skip-member", skips)
    return {"parallel_read_safe": True}
