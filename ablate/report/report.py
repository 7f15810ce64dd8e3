"""From stores to a report on disk: one HTML file, one Markdown file with its figures, and every number as JSON."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Where a report lies; `tables` are the files that were asked for beside it."""

    html: Path
    markdown: Path
    json: Path
    tables: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that a reader would open."""
        return (self.html, self.markdown, self.json, *self.tables)


def write_report(store: Store, out: Path, formats: Sequence[str] = ()) -> Report:
    """Writes the report of a grid under `out`, replacing an earlier one; each file appears whole.

    Args:
        store: the grid's results.
        out: a directory, made where there is none.
        formats: endings of `tables.FORMATS`: each table is written in each of these, too.

    Raises:
        ValueError: if the grid has no plan yet.
    """
    return write_document(build(store), out, formats)


def write_document(document: Document, out: Path, formats: Sequence[str] = ()) -> Report:
    """Writes a report that was built, as `write_report` does."""
    from ablate.report.html import to_html
    from ablate.report.markdown import figure_path, picture_path, to_markdown
    from ablate.report.numbers import plain_data
    from ablate.report.sheet import contact_sheet
    from ablate.report.svg import standalone
    from ablate.report.tables import FORMATS
    from ablate.store.atomic import write_bytes, write_json

    tables = {out / "tables" / f"{table.name}.{ending}": FORMATS[ending](table)
              for ending in formats for table in document.tables}  # fmt: skip
    report = Report(out / "report.html", out / "report.md", out / "report.json", tuple(tables))
    for figure in document.figures:
        write_bytes(out / figure_path(figure), standalone(figure.svg).encode())
    for gallery in document.galleries:
        for number, picture in enumerate(gallery.pictures, start=1):
            write_bytes(out / picture_path(gallery, number), contact_sheet(picture))
    for path, content in tables.items():
        write_bytes(path, content.encode())
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
