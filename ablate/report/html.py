"""Writes a report as one HTML file that asks nothing of any network."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ablate.report.document import Document
from ablate.report.svg import properties

TEMPLATES = Path(__file__).parent / "templates"


def to_html(document: Document) -> str:
    """Returns the page with its styles, script, drawings and images inside.

    Everything that comes from a grid is escaped; only this package's own drawings, style and script are not.
    """
    from markupsafe import Markup

    return page(
        "page.html",
        document=document,
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),
    )


def page(template: str, **facts: Any) -> str:
    """Returns a template filled in, with the colours of light and dark."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = lambda png: "data:image/png;base64," + base64.b64encode(png).decode()
    environment.filters["svg"] = Markup
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    colours = {"light": Markup(properties(dark=False)), "dark": Markup(properties(dark=True))}
    return environment.get_template(template).render(**colours, **facts)
