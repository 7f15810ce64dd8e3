"""Sphinx: the documentation as pages of HTML. `tox -e docs` builds it, with warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import generate

from ablate import __version__

project, release, author = "ablate", __version__, "The authors of ablate"
project_copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
language = "en"

myst_heading_anchors = 4
smartquotes = False  # --option stays --option
default_role = "code"  # docstrings write `names` so
highlight_language = "text"
pygments_style = "friendly"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_google_docstring, napoleon_numpy_docstring = True, False

html_theme = "furo"
html_title = f"ablate {release}"
html_show_sourcelink = html_copy_source = False
html_static_path = ["static"]
html_css_files = ["pages.css"]

ELSEWHERE = {"](../CONTRIBUTING.md)": "](contributing.md)"}
"""Links out of this directory, as a reader of the files follows them -> the page that has the same."""


def _links(_app: Any, _page: str, source: list[str]) -> None:
    for link, page in ELSEWHERE.items():
        source[0] = source[0].replace(link, page)


def setup(app: Any) -> None:
    """Makes the pages that come from the code, and turns links to files outside into links to pages."""
    app.connect("builder-inited", lambda app: generate.write(Path(app.srcdir) / "generated"))
    app.connect("source-read", _links)
