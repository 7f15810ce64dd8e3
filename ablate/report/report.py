"""From a store to a report on disk: one HTML file, one Markdown file with its figures, and every number as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablate.report.document import Document
    from ablate.store import Store

SCHEMA = 1
"""Raised when a program that reads report.json would have to change."""


@dataclass(frozen=True)
class Report:
    """Where a report lies."""

    html: Path
    markdown: Path
    json: Path


def write_report(store: Store, out: Path) -> Report:
    """Writes the report of a grid under `out`, replacing an earlier one; each file appears whole.

    Raises:
        ValueError: if the grid has no plan yet.
    """
    from ablate.report.html import to_html
    from ablate.report.markdown import figure_path, picture_path, to_markdown
    from ablate.report.numbers import plain_data
    from ablate.report.sheet import contact_sheet
    from ablate.report.svg import standalone
    from ablate.store.atomic import write_bytes, write_json

    document = build(store)
    report = Report(out / "report.html", out / "report.md", out / "report.json")
    for figure in document.figures:
        write_bytes(out / figure_path(figure), standalone(figure.svg).encode())
    for gallery in document.galleries:
        for number, picture in enumerate(gallery.pictures, start=1):
            write_bytes(out / picture_path(gallery, number), contact_sheet(picture))
    write_bytes(report.markdown, to_markdown(document).encode())
    write_bytes(report.html, to_html(document).encode())
    # Last, so that a program which finds new numbers finds the pages that belong to them.
    write_json(report.json, plain_data(_numbers(document)))
    return report


def build(store: Store) -> Document:
    """Reads a grid's results and returns the report as data."""
    from ablate.analysis import read_study
    from ablate.report.document import Document
    from ablate.report.evidence import Evidence
    from ablate.report.sections import SECTIONS

    evidence = Evidence(read_study(store), store)
    sections = tuple(section(evidence) for section in SECTIONS)
    return Document(evidence.study.name, _subtitle(evidence), sections)


def _numbers(document: Document) -> dict[str, Any]:
    sections = {section.id: dict(section.numbers) for section in document.sections}
    return {"schema": SCHEMA, "name": document.title, **sections}


def _subtitle(evidence: Any) -> str:
    from ablate.report.numbers import plural

    study = evidence.study
    done = sum(cell.status == "done" for cell in study.cells)
    axes = " × ".join(f"{axis.name} ({len(axis.levels)})" for axis in study.axes) or "no axis varies"
    source = ", ".join(sorted({str(cell.config.get("data", {}).get("source", "")) for cell in study.cells} - {""}))
    parts = [axes, plural(len(study.arms), "arm"), plural(len(study.seeds), "seed")]
    parts += [f"{done} of {plural(len(study.cells), 'cell')} done"] + ([f"data: {source}"] if source else [])
    return " · ".join(parts)
