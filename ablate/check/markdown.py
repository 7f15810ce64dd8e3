"""The gate as a Markdown table, for a comment on a change or the summary of a CI job."""

from __future__ import annotations

from collections.abc import Sequence

from ablate.check.gate import GateResult
from ablate.check.terminal import HEADER, rows
from ablate.check.wording import headline

COMMENT_BYTES = 60_000
"""A comment on GitHub holds 65,536 characters."""


def markdown(result: GateResult, strict: bool, advice: Sequence[str], limit: int = COMMENT_BYTES) -> str:
    """Returns the headline, the table with the worst first, notes and advice in at most `limit` bytes.

    Rows that do not fit are counted.
    """
    first = f"### {_cell(headline(result, strict))}\n\n| {' | '.join(HEADER)} |\n|{' --- |' * len(HEADER)}\n"
    last = "".join(f"\n- {_cell(line)}" for line in (*result.notes, *advice))
    lines = [f"| {' | '.join(map(_cell, row))} |\n" for row in rows(result, show_all=True)]
    kept, room = [], limit - len((first + last).encode()) - 100
    for line in lines:
        room -= len(line.encode())
        if room < 0:
            break
        kept.append(line)
    more = f"\n{len(lines) - len(kept)} more rows do not fit here.\n" if len(kept) < len(lines) else ""
    return first + "".join(kept) + more + last + "\n"


def _cell(text: str) -> str:
    """Escapes what would be markup or would break the table."""
    text = " ".join(text.split())
    for special in "\\`*_{}[]|#":
        text = text.replace(special, "\\" + special)
    return text.replace("<", "&lt;").replace(">", "&gt;")
