"""Protocol of the measurements, and commands that repeat them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.analysis.axes import value_text
from ablate.metrics import Metric
from ablate.metrics.naming import infinity_of
from ablate.report.document import Block, Code, Items, Table, Value, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import fixed, joined, plural
from ablate.report.sections.checklist import checklist
from ablate.report.sections.section import Content, section
from ablate.report.tables import code, count, numbers, table, words
from ablate.settings import flat
from ablate.sources.protocol import SPLITS
from ablate.store.plugins import told

FEW = 6
"""So many values, or images, are listed by name; more are counted."""


@section(
    "protocol",
    "Protocol and reproducibility",
    "Protocol",
    summary="Settings, images, versions, hashes, checklist",
)
def protocol(evidence: Evidence) -> Content:
    """Returns what each metric is, the environment, the grid file and every cell's id."""
    study = evidence.study
    blocks: list[Block] = []
    protocols = [result.protocol for result in evidence.results if result.protocol]
    if evidence.metrics:
        blocks.append(_metrics_table(evidence, protocols))
        blocks += [text(note, kind="note") for note in _undefined(evidence, protocols)]
    # Images, machine and code.
    data = _data(evidence)
    blocks.append(_data_table(data))
    environment = _environment(evidence)
    if environment:
        blocks.append(_environment_table(environment))
    own_code = _own_code(evidence)
    if own_code:
        title = "Code that is not the package's own, by the hash that is part of the cells' ids"
        blocks.append(Items(title, tuple(map(text, own_code))))
    blocks.append(Items("For a paper's checklist", checklist(evidence, environment)))
    # The commands that do it again.
    commands = again(evidence)
    grids = list(dict.fromkeys(cell.grid for cell in study.cells)) or [study.name]
    files = [shlex.quote(f"{grid}.toml") for grid in grids]
    title = f"Run it again: save the grid below as {joined(files)}; finished cells are not run twice"
    run = "\n".join(f"ablate run {file}" for file in files)
    blocks.append(Code(title, f"{run}\nablate report {' '.join(files)}"))
    blocks.append(Code("Grid file", study.grid_text or "grid.toml is not in the store; `ablate run` writes it"))
    listed = "\n".join(f"{cell}  {command}" for cell, command in commands.items())
    title = f"One cell again, in a store of its own: the command of each of {plural(len(commands), 'cell')}, by id"
    title += "; tuned cells take their trials, and so the whole grid" if len(commands) < len(study.cells) else ""
    blocks.append(Code(title, listed, folded=True))
    content = {
        "metrics": {
            name: {"unit": m.unit, "direction": m.direction, "meaning": m.formula}
            for name, m in evidence.metrics.items()
        },
        "protocol": protocols[0] if protocols else None,
        "environment": environment,
        "plugins": own_code,
        "data": data,
        "commands": commands,
        "fingerprint": study.fingerprint,
        "grid": study.grid_text,
    }
    return blocks, content


def _metrics_table(evidence: Evidence, protocols: Sequence[Mapping[str, Any]]) -> Table:
    facts = protocols[0] if protocols else {}
    return table(
        "metrics", "Metrics", evidence.metrics.values(),
        words("metric", lambda metric: Value(metric.label, metric.name)),
        words("unit", lambda metric: metric.unit or "none"),
        words("better", lambda metric: metric.direction or "neither"),
        words("what it is", lambda metric: metric.formula or "not described"),
        words("measured with", lambda metric: _facts(facts.get(metric.name, {}))),
        caption="Reconstructions are rounded to 8 bit before any metric.",
    )  # fmt: skip


def _facts(facts: Mapping[str, Any]) -> str:
    """Writes a metric's protocol in words; a hash is cut to what tells it apart."""
    if "extractor" in facts:
        return (
            f"{facts['extractor']}, tap {facts.get('tap')}, weights sha256 {str(facts.get('weights_sha256'))[:12]}…; "
            f"{facts.get('patches'):,} patches of {facts.get('patch')} px (second pass: shifted {facts.get('shift')}), "
            f"originals and reconstructions paired; images {str(facts.get('pictures'))[:12]}…"
        )
    return f"{plural(facts['images'], 'image')}" if "images" in facts else "every image, then the mean"


def _undefined(evidence: Evidence, protocols: Sequence[Mapping[str, Any]]) -> list[str]:
    import numpy as np

    notes = [*_left_out(evidence, protocols), *_thin(evidence, protocols)]
    done = [cell for cell in evidence.done if not cell.replicate]
    rows = {
        arm: dict(zip(evidence.per_image.seeds, values, strict=True))
        for arm, values in evidence.per_image.values.items()
    }
    infinite = sum(int(np.isnan(rows[cell.arm][cell.seed]).sum()) for cell in done)
    if infinite:
        notes.append(
            f"PSNR is infinite for {plural(infinite, 'reconstruction')} equal to the original; means leave them out."
        )
    return notes


def _left_out(evidence: Evidence, protocols: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields which images a metric is undefined on, and why."""
    for name, metric in evidence.metrics.items():
        facts = [each[name] for each in protocols if each.get(name, {}).get("undefined")]
        small = list(dict.fromkeys(image for each in facts for image in each["undefined"]))
        if small:
            listed = joined(small) if len(small) <= FEW else plural(len(small), "image")
            why = facts[0].get("undefined_as", f"a side is below {metric.needs.smallest_side} pixels")
            yield f"{metric.label} is undefined where {why}, and leaves out {listed}; with none left it has no value."


def _thin(evidence: Evidence, protocols: Sequence[Mapping[str, Any]]) -> list[str]:
    """Says how far distances are biased by their number of patches, as far as that is known, and which were refused."""
    told: dict[str, str] = {}
    for name, metric in evidence.metrics.items():
        for facts in (each[name] for each in protocols if name in each):
            if facts.get("enough") is False:
                told[name] = (
                    f"{metric.label} rests on {facts['patches']:,} patches; a covariance of its features asks for "
                    f"{facts['patches_needed']:,}: it is biased upwards, for some arms more than for others."
                )
            elif excess := _excess(evidence, metric):
                told[name] = f"{metric.label} rests on {facts['patches']:,} patches. {excess}"
            if facts.get("refused"):
                told[name] = f"{metric.label} was refused: {facts['refused']}."
    return list(told.values())


def _excess(evidence: Evidence, metric: Metric) -> str:
    """Says how much lower a distance would be with ever more patches, where that was extrapolated."""
    ever = evidence.means(infinity_of(metric.name))
    excess = [mean - ever[arm] for arm, mean in evidence.means(metric.name).items() if arm in ever]
    if not excess:
        return ""
    low, high = (fixed(each, metric.decimals) for each in (min(excess), max(excess)))
    by = low if low == high else f"{low} to {high}, depending on the arm"
    return f"With ever more of them it would be lower by {by} (extrapolated as by Chong and Forsyth 2020)."


def again(evidence: Evidence) -> dict[str, str]:
    """Returns for each cell the command that trains it again from nothing, beside what there is.

    None for tuned cells, whose settings a grid has only once its trials have run.
    """
    return {
        cell.id: f"ablate run {shlex.quote(cell.grid + '.toml')} --select {shlex.quote(cell.label)} --runs-dir again"
        for cell in evidence.study.cells
        if cell.part != "final"
    }


def _data(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns each data set with its content's hashes and how many cells use it.

    Folders go by their own names: a report goes to people whom the rest of a path on this machine tells nothing.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    for cell in evidence.study.cells:
        data = cell.config.get("data", {})
        source = str(data.get("source", ""))
        for split in SPLITS:
            digest, place = data.get(f"{split}_digest"), Path(data.get(split) or data.get("path") or "").name
            if digest or split != "validation":
                counts[split, " ".join(dict.fromkeys((source, place))).strip(), str(digest or "")] += 1
        evaluation = cell.config.get("evaluation", {})
        for name, place in evaluation.get("sets", {}).items():
            counts[name, Path(place).name, str(evaluation.get("set_digests", {}).get(name, ""))] += 1
    return [
        {"split": split, "source": source, "sha256": digest, "cells": count}
        for (split, source, digest), count in counts.items()
    ]


def _data_table(data: list[dict[str, Any]]) -> Table:
    return table(
        "data", "Data", data,
        words("split", lambda row: str(row["split"])),
        words("source", lambda row: str(row["source"])),
        words("sha256 of all images", lambda row: code(row["sha256"] or "not recorded")),
        numbers("cells", lambda row: count(row["cells"])),
        caption="The hash is of the images' names and files in their order; where they lie does not matter.",
    )  # fmt: skip


def _environment(evidence: Evidence) -> dict[str, dict[str, int]]:
    """Returns each recorded fact of the environment with its values and how many cells ran with each."""
    counts: dict[str, Counter[str]] = {}
    for cell in evidence.study.cells:
        environment = cell.result.environment.plain() if cell.result else {}
        for key, value in flat(environment, terms_apart=True).items():
            if value != {}:
                counts.setdefault(key, Counter())[value_text(value)] += 1
    return {key: dict(found.most_common()) for key, found in counts.items()}


def _own_code(evidence: Evidence) -> list[str]:
    """Returns a sentence for each plugin that defines something that a cell was trained with or measured by."""
    of_grids: dict[Path, list[Any]] = {}
    for cell in evidence.study.cells:
        grid = evidence.store.cell(cell.id).path.parent.parent
        of_grids.setdefault(grid, []).extend([dict(cell.config), cell.result.protocol if cell.result else {}])
    return list(dict.fromkeys(sentence for grid, settings in of_grids.items() for sentence in told(grid, settings)))


def _environment_table(environment: Mapping[str, Mapping[str, int]]) -> Table:
    def written(found: Mapping[str, int]) -> str:
        if len(found) == 1:
            return next(iter(found))
        if len(found) > FEW:
            return f"{len(found)} different values"
        return ", ".join(f"{value} ({plural(count, 'cell')})" for value, count in found.items())

    return table(
        "environment", "Environment", environment.items(),
        words("fact", lambda row: row[0]),
        words("value", lambda row: written(row[1])),
    )  # fmt: skip
