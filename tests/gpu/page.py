"""The page of a campaign: how far each part is, and its figures as they are known by now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.gpu import goals, study

GIB = 1 << 30


def markdown(place: Path, machine: Mapping[str, Any], state: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the page as Markdown."""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "torch", "triton", "cuda") if machine[name])
    parts = [(name, found["status"], f"{found['seconds']:.0f} s", found["said"]) for name, found in state.items()]
    sections = {
        "Parts": _table(("part", "", "took", ""), parts),
        "Tests that are marked gpu": _tests(place / "tests.xml"),
        "Loss kernels against their goals": _goals(place / "goals.json"),
        "The training step": _steps(place / "steps.json"),
        "Cells at once": _together(place / "together.json"),
        "The study": _study(place),
    }
    page = [f"# A campaign on {machine['gpu']}", "", "    python -m tests.gpu.campaign", "", f"{versions}.", ""]
    for title, content in sections.items():
        if lines := list(content):
            page += [f"## {title}", "", *lines, ""]
    return "\n".join(page)


def _tests(file: Path) -> Iterator[str]:
    if not file.exists():
        return
    cases = list(ElementTree.parse(file).iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    yield f"{len(cases) - len(bad) - skipped} passed, {len(bad)} failed, {skipped} skipped."
    for case in bad:
        problem = next(each for each in case if each.tag in ("failure", "error"))
        said = (problem.get("message") or "").splitlines()[:1]
        yield f"- {case.get('classname')}.{case.get('name')}: {''.join(said)[:200]}"


def _goals(file: Path) -> Iterator[str]:
    if file.exists():
        yield from goals.table([goals.Goal(**each) for each in json.loads(file.read_text("utf-8"))])


def _steps(file: Path) -> Iterator[str]:
    found = _read(file)
    rows = [row for row in found.get("rows", ()) if row["status"] == "measured"]
    eager = {row["preset"]: row["seconds"] for row in rows if row["variant"] == "eager"}
    header = ("preset", "variant", "batch", "a step", "times as fast", "images a second", "of the peak", "memory")
    if rows:
        rates = ", ".join(f"{name} {rate / 1e12:.1f}" for name, rate in found["rates"].items())
        yield f"Peak is what products of large matrices reach here, in TFLOP/s: {rates}."
        yield ""
        yield from _table(header, [_step(row, eager.get(row["preset"])) for row in rows])
    yield from _failures(found, "preset", "variant")


def _step(row: Mapping[str, Any], eager: float | None) -> Sequence[str]:
    return (
        row["preset"],
        row["variant"],
        row["batch"],
        f"{1e3 * row['seconds']:.2f} ms ({1e3 * min(row['samples']):.2f} to {1e3 * max(row['samples']):.2f})",
        f"{eager / row['seconds']:.2f}" if eager else "",
        f"{row['images_a_second']:.1f}",
        f"{100 * row['share_of_peak']:.1f} %",
        f"{row['peak_bytes'] / GIB:.2f} GiB" if row["peak_bytes"] else "",
    )


def _together(file: Path) -> Iterator[str]:
    found = _read(file)
    rows = [row for row in found.get("rows", ()) if row["status"] == "measured"]
    if rows:
        alone = next((row["steps_a_second"] for row in rows if row["cells"] == 1), None)
        lines = [
            (
                row["way"],
                str(row["cells"]),
                f"{row['steps_a_second']:.1f}",
                f"{row['images_a_second']:.0f}",
                f"{row['steps_a_second'] / alone:.2f}" if alone else "",
            )
            for row in rows
        ]
        yield from _table(("way", "cells", "steps a second", "images a second", "times one alone"), lines)
    yield from _failures(found, "way", "cells")


def _failures(found: Mapping[str, Any], *names: str) -> Iterator[str]:
    failed = [row for row in found.get("rows", ()) if row["status"] == "failed"]
    if failed:
        yield ""
    for row in failed:
        yield f"- {', '.join(str(row[name]) for name in names)}: not measured, {row['reason']}"


def _study(place: Path) -> Iterator[str]:
    name = Path(study.FILE).stem
    if (place / name / "report.md").exists():
        yield f"[{name}/report.md]({name}/report.md), of the grid [{study.FILE}]({study.FILE})."


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(row)} |"


def _read(file: Path) -> Mapping[str, Any]:
    return json.loads(file.read_text("utf-8")) if file.exists() else {}
