"""Other codecs that a grid sets beside its arms: [[reference]] file, command or codec."""

from __future__ import annotations

from ablate.grid.sections import Reference
from ablate.grid.sheet import Sheet


def read_references(sheet: Sheet) -> tuple[Reference, ...]:
    """Reads every reference; what is wrong with one is noted."""
    found: dict[str, Reference] = {}
    for where, table in sheet.tables("reference"):
        before = len(sheet.mistakes)
        reference = sheet.settings(where, "reference", table, Reference)
        if reference is None or len(sheet.mistakes) > before:
            continue
        if reference.label in found:
            sheet.report(where, "reference.name", "given twice", found=reference.label)
        elif reference.file and not (path := sheet.path.parent / reference.file).is_file():
            sheet.report((*where, "file"), "reference.file", f"there is no file {path}", found=reference.file)
        found[reference.label] = reference
    return tuple(found.values())
