"""Sphinx: the user guide. `make docs` builds it, and any warning fails it."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
# The checkout, for micromlgen and bench; and what writes tables from what they know.
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_extensions")]

project = "micromlgen"
author = "The micromlgen developers"
project_copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "tables"]
exclude_patterns = ["_extensions"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "literal"  # of docstrings, which write `x` as Markdown does
autodoc_inherit_docstrings = False  # what an extractor overrides is not for its users
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings tell types, with shapes
autodoc_class_signature = "mixed"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = "micromlgen"
html_show_copyright = False
html_show_sourcelink = False
html_static_path: list[str] = ["_static"]
html_css_files = ["guide.css"]
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
}
