"""From stores to a report on disk: one HTML file, one Markdown file with its figures, and every number as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablate.report.document import Document
    from ablate.report.evidence import Evidence
    from ablate.store import Store

SCHEMA = 1
"""Raised when a program that reads report.json would have to change."""

BESIDE = ("figures", "tables")
"""Directories beside the pages that a report writes files into."""

JUDGEMENTS = "by-eye"
"""Directory beside a report in which judgements by eye lie."""


@dataclass(frozen=True)
class Report:
    """Where a report lies, with the tables and figures that were asked for beside it.

    `broken` and `altered` count cells that were left out, the latter also warm-ups. `by_eye` is the page that asks
    people for judgements.
    """

    html: Path
    markdown: Path
    json: Path
    tables: tuple[Path, ...] = ()
    broken: int = 0
    figures: tuple[Path, ...] = ()
    altered: int = 0
    by_eye: Path | None = None


def write_report(
    stores: Sequence[Store],
    out: Path,
    formats: Sequence[str] = (),
    *,
    figures: str | None = None,
    judgements: Sequence[Path] = (),
    compare_by_eye: bool = False,
    allow_mixed_code: bool = False,
) -> Report:
    """Writes one report of all grids under `out`, replacing an earlier one; each file appears whole.

    Judgements by eye lie under `out` in by-eye/ and are read by every later report.

    Args:
        stores: the results of each grid, all under one root.
        out: a directory, made where there is none.
        formats: endings of `table_files.FORMATS`: each table is written in each of these, too.
        figures: ending of `figures.PRINTED`: each figure is written for a paper, too, in two widths.
        judgements: files that the page for comparing by eye has saved, to be taken up.
        compare_by_eye: whether that page is written.
        allow_mixed_code: whether grids that ran with different code are compared.

    Raises:
        ValueError: if a grid has no plan yet, grids cannot be compared, or a file of judgements holds none; nothing is
            written then.
    """
    from ablate.atomic import write_bytes
    from ablate.records import read_judgements

    evidence = gather(stores, allow_mixed_code=allow_mixed_code)
    page = _by_eye_page(evidence) if compare_by_eye else None
    for path, content in [_judgements(path, out) for path in judgements]:
        write_bytes(path, content)
    evidence = replace(evidence, sessions=read_judgements(out / JUDGEMENTS))
    printed = _printed(evidence, figures) if figures else {}
    report = write_document(build(evidence), out, formats, printed)
    if page is None:
        return report
    write_bytes(out / "by-eye.html", page)
    return replace(report, by_eye=out / "by-eye.html")


def _by_eye_page(evidence: Evidence) -> bytes:
    from ablate.report.by_eye import by_eye_page

    return by_eye_page(evidence).encode()


def _judgements(path: Path, out: Path) -> tuple[Path, bytes]:
    """Returns where a file of judgements belongs, named by its content, and the content.

    Raises:
        ValueError: where it is no such file.
    """
    from ablate.records import EyeJudgements
    from ablate.records.record import parse

    content = path.read_bytes()
    parse(EyeJudgements, content, path)
    return out / JUDGEMENTS / f"{hashlib.sha256(content).hexdigest()[:16]}.json", content


def _printed(evidence: Evidence, ending: str) -> dict[str, bytes]:
    """Returns file name -> content of every figure, drawn for each place that it has in a paper."""
    from ablate.report.document import Figure
    from ablate.report.figures import PAPERS, printing

    files: dict[str, bytes] = {}
    for paper in PAPERS:
        with printing(paper, ending):
            drawn = build(evidence).blocks(Figure)
        files |= {f"{figure.name}-{paper.name}.{ending}": figure.file for figure in drawn if figure.file}
    return files


def write_document(
    document: Document, out: Path, formats: Sequence[str] = (), printed: Mapping[str, bytes] = MappingProxyType({})
) -> Report:
    """Writes a report that was built, as `write_report` does; `printed` are figures for a paper by file name."""
    from ablate.atomic import write_bytes, write_json
    from ablate.report.contact_sheet import contact_sheet
    from ablate.report.document import Figure, Gallery, Table
    from ablate.report.html import to_html
    from ablate.report.markdown import figure_path, image_path, to_markdown
    from ablate.report.numbers import plain_data
    from ablate.report.svg import standalone
    from ablate.report.table_files import FORMATS

    # What lies beside the pages: drawings, contact sheets for Markdown, and tables.
    tables = {
        out / "tables" / f"{table.name}.{ending}": FORMATS[ending](table).encode()
        for ending in formats
        for table in document.blocks(Table)
    }
    beside = {out / figure_path(figure): standalone(figure.svg).encode() for figure in document.blocks(Figure)}
    for gallery in document.blocks(Gallery):
        for number, image in enumerate(gallery.images, start=1):
            beside[out / image_path(gallery, number)] = contact_sheet(image)
    papers = {out / "figures" / name: content for name, content in printed.items()}
    beside |= tables | papers
    earlier = _written_before(out)
    for path, content in beside.items():
        write_bytes(path, content)
    _sweep(out, earlier, beside)
    # Last the pages and, after them, the numbers: a program that finds new numbers finds the pages that belong to them.
    files = sorted(path.relative_to(out).as_posix() for path in beside)
    numbers = plain_data({**_numbers(document), "files": files})
    found = numbers.get("completeness", {})
    altered = found.get("altered", 0) + len(found.get("altered_warmups", ()))
    html, markdown, data = (out / f"report.{ending}" for ending in ("html", "md", "json"))
    report = Report(html, markdown, data, tuple(tables), found.get("broken", 0), tuple(papers), altered)
    write_bytes(report.markdown, to_markdown(document).encode())
    write_bytes(report.html, to_html(document).encode())
    write_json(report.json, numbers)
    return report


def _written_before(out: Path) -> set[str]:
    """Returns the files that the earlier report lists as its own; none where there is no such list."""
    try:
        found = json.loads((out / "report.json").read_bytes())["files"]
    except (OSError, ValueError, LookupError, TypeError):
        return set()
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()


def _sweep(out: Path, earlier: Collection[str], kept: Collection[Path]) -> None:
    """Deletes what an earlier report wrote beside its pages and this one does not show; files of others stay."""
    for directory in BESIDE:
        for path in (out / directory).glob("*"):
            if path.relative_to(out).as_posix() in earlier and path not in kept:
                path.unlink()


def build(evidence: Evidence) -> Document:
    """Returns the report of grids as data."""
    from ablate.report.document import Document
    from ablate.report.sections import SECTIONS

    written = (section(evidence) for section in SECTIONS)
    sections = tuple(section for section in written if section.blocks)
    return Document(evidence.study.name, subtitle(evidence), sections)


def gather(stores: Sequence[Store], *, allow_mixed_code: bool = False) -> Evidence:
    """Reads the results of grids.

    Raises:
        ValueError: as `write_report` does.
    """
    from ablate.analysis import pool, read_study
    from ablate.report.evidence import Evidence
    from ablate.store import PooledStore

    study = pool([read_study(store) for store in stores], allow_mixed_code=allow_mixed_code)
    grids = {cell.id: cell.grid for cell in study.cells}
    store = stores[0] if len(stores) == 1 else PooledStore(stores[0].root, stores[0].grid, grids)
    return Evidence(study, store)


def _numbers(document: Document) -> dict[str, Any]:
    sections = {section.id: dict(section.numbers) for section in document.sections}
    return {"schema": SCHEMA, "name": document.title, **sections}


def subtitle(evidence: Evidence) -> str:
    """Returns the line below the title: axes, arms, seeds, and how many cells are done."""
    from ablate.report.numbers import plural

    study = evidence.study
    sources = ", ".join(sorted({str(cell.config.get("data", {}).get("source", "")) for cell in study.cells} - {""}))
    parts = [
        " × ".join(f"{axis.name} ({len(axis.levels)})" for axis in study.axes) or "no axis varies",
        plural(len(study.arms), "arm"),
        plural(len(study.seeds), "seed"),
        f"{len(evidence.done)} of {plural(len(study.cells), 'cell')} done",
        *([f"data: {sources}"] if sources else []),
    ]
    return " · ".join(parts)
