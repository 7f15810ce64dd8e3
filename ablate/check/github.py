"""The gate as annotations and step summary of GitHub Actions, within what GitHub shows."""

from __future__ import annotations

import json
from pathlib import Path

from ablate.check.finding import Finding
from ablate.check.gate import GateResult
from ablate.check.markdown import markdown
from ablate.check.wording import headline, merged, ordered, sentence

ANNOTATIONS = 9
"""GitHub shows ten annotations of a kind a step; the last is for what the others leave out."""
SUMMARY_BYTES = 1 << 20
"""A step's summary above 1 MiB is refused as a whole."""


def commands(result: GateResult, strict: bool, baseline: Path) -> list[str]:
    """Returns workflow commands: errors for the worst findings, at their arms' lines of the baseline file."""
    failing = [each for each in ordered(merged(result.findings)) if each.fails(strict)]
    lines = _lines(baseline)
    shown = failing[:ANNOTATIONS]
    errors = [_error(each, baseline, lines.get(each.arm, 1)) for each in shown]
    code = result.exit_code(strict)
    rest = f"; {len(failing) - len(shown)} more in the step's summary" if len(failing) > len(shown) else ""
    kind = "error" if code else "notice"
    return [*errors, f"::{kind} title=ablate check::{_data(headline(result, strict) + rest)}"]


def append_summary(path: Path, result: GateResult, strict: bool, advice: tuple[str, ...]) -> None:
    """Adds the table to a step's summary, which other commands may have written to; the file stays within its limit."""
    there = path.stat().st_size if path.exists() else 0
    room = SUMMARY_BYTES - there - 1
    if room < 2_000:
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(markdown(result, strict, advice, limit=room))


def _error(finding: Finding, baseline: Path, line: int) -> str:
    title = f"{finding.arm}: {finding.metric} {finding.outcome}"
    properties = f"file={_property(baseline.as_posix())},line={line},title={_property(title)}"
    return f"::error {properties}::{_data(sentence(finding))}"


def _lines(baseline: Path) -> dict[str, int]:
    """Returns the line on which each arm begins: the keys one level inside "arms"."""
    found: dict[str, int] = {}
    inside = False
    for number, line in enumerate(baseline.read_text(encoding="utf-8").splitlines(), 1):
        inside = inside or line.startswith(' "arms"')
        if inside and line.startswith('  "') and line.endswith("{"):
            found[json.loads(line.strip().removesuffix("{").rstrip().removesuffix(":"))] = number
    return found


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
