"""Every arm and every cell with its values; a cell without any is a row that says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablate.analysis import Arm, Interval, t_interval
from ablate.metrics import Metric
from ablate.records import WEIGHTS, CellRecord, Status
from ablate.report.document import Table, Tone, Value, text
from ablate.report.evidence import LOST, Evidence
from ablate.report.numbers import NONE, fixed
from ablate.report.sections.section import Content, section
from ablate.report.tables import arm_fields, code, number, numbers, part, scores, table, words


@section("results", "Results")
def results(evidence: Evidence) -> Content:
    """Returns the table of arms and the table of cells."""
    if not evidence.study.cells:
        return [text("The grid has no cells.")], {"arms": [], "cells": []}
    means = {arm.name: _means(evidence, arm) for arm in evidence.study.arms}
    found = {
        "weights": list(WEIGHTS),
        "arms": [_arm_numbers(arm, means[arm.name]) for arm in evidence.study.arms],
        "cells": [_cell_numbers(cell) for cell in evidence.study.cells],
    }
    blocks = (_arms_table(evidence, means), _cells_table(evidence))
    return blocks, found


def _means(evidence: Evidence, arm: Arm) -> dict[str, dict[str, Interval | None]]:
    return {
        weights: {
            name: t_interval(list(found.values())) if (found := arm.scores(name, weights)) else None
            for name in evidence.metrics
        }
        for weights in WEIGHTS
    }  # fmt: skip


def _arms_table(evidence: Evidence, means: Mapping[str, dict[str, dict[str, Interval | None]]]) -> Table:
    best = _best(evidence, means)

    def seeds(arm: Arm) -> Value:
        done, planned = len(arm.done), len(arm.cells)
        return part(done, planned, tone="bad" if done < planned else "plain")

    def mean(arm: Arm, metric: Metric) -> Value:
        own, raw = (means[arm.name][weights][metric.name] for weights in WEIGHTS)
        return _mean_value(metric, own, raw, best.get(metric.name))

    return table(
        "arms", "Arms", evidence.study.arms,
        *arm_fields(evidence, lambda arm: (arm.name, arm.axes)),
        numbers("seeds", seeds),
        *scores(evidence.metrics.values(), mean),
        caption="Mean over finished seeds ± their standard deviation, unless it rounds to zero or there is one seed; "
        "averaged weights, below them the raw ones. "
        "Bold: best mean in its column among the arms with all their seeds. Click a heading to sort.",
    )  # fmt: skip


def _best(evidence: Evidence, means: Mapping[str, dict[str, dict[str, Interval | None]]]) -> dict[str, tuple[str, int]]:
    """Returns the best mean of each metric as it is written, among the arms with the most finished seeds."""
    best = {}
    for metric in evidence.varying:
        found = [own for each in means.values() if (own := each[WEIGHTS[0]][metric.name])]
        most = max((own.n for own in found), default=0)
        values = [own.mean for own in found if own.n == most]
        if not values or metric.direction is None:
            continue
        written = fixed(metric.best(values), metric.decimals)
        # Where many share the best value as it is written, it singles nobody out.
        if sum(fixed(own.mean, metric.decimals) == written for own in found) <= max(1, len(found) // 3):
            best[metric.name] = (written, most)
    return best


def _mean_value(metric: Metric, own: Interval | None, raw: Interval | None, best: tuple[str, int] | None) -> Value:
    if own is None:
        return number(None)
    written = fixed(own.mean, metric.decimals)
    tone: Tone = "best" if (written, own.n) == best else "plain"
    deviation = fixed(own.standard_deviation, metric.decimals)
    if own.standard_deviation is not None and deviation.strip("0."):
        written += f" ± {deviation}"
    below = f"raw {fixed(raw.mean, metric.decimals)}" if raw else ""
    return Value(written, below, sort=own.mean, tone=tone)


def _cells_table(evidence: Evidence) -> Table:
    return table(
        "cells", "Cells", evidence.study.cells,
        *arm_fields(evidence, lambda cell: (cell.arm, cell.axes)),
        numbers("seed", lambda cell: Value(f"{cell.seed} again" if cell.replicate else str(cell.seed), sort=cell.seed)),
        words("status", _status),
        *scores(evidence.metrics.values(), _score),
        numbers("training", _seconds, "s", "wall clock of all attempts", decimals=1),
        words("cell", lambda cell: code(cell.id)),
        caption="One row a cell, averaged weights with the raw ones below. A cell that diverged, failed or has not run "
        "stays in the table. Click a heading to sort.",
        filterable=True,
        folded=True,
    )  # fmt: skip


def _status(cell: CellRecord) -> Value:
    if cell.status not in LOST:
        return Value(cell.status, cell.cause or "", cell.status)
    step = "" if cell.step is None else f" at step {cell.step:,}"
    return Value(f"{cell.status}{step}", cell.cause or "", cell.status, "bad")


def _score(cell: CellRecord, metric: Metric) -> Value:
    own, raw = (cell.score(metric.name, weights) for weights in WEIGHTS)
    if own is None:
        return Value("undefined" if cell.status is Status.done else NONE, tone="muted")
    return number(own, metric.decimals, f"raw {fixed(raw, metric.decimals)}")


def _seconds(cell: CellRecord) -> float | None:
    return cell.result.train_seconds if cell.result else None


def _arm_numbers(arm: Arm, means: dict[str, dict[str, Interval | None]]) -> dict[str, Any]:
    return {
        "arm": arm.name,
        "axes": dict(arm.axes),
        "cells": [cell.id for cell in arm.cells],
        "done": len(arm.done),
        "metrics": {
            weights: {
                name: own and {"mean": own.mean, "standard_deviation": own.standard_deviation, "seeds": own.n}
                for name, own in found.items()
            }
            for weights, found in means.items()
        },
    }


def _cell_numbers(cell: CellRecord) -> dict[str, Any]:
    result = cell.result
    cost = ("seconds", "train_seconds", "eval_seconds", "images_per_second", "peak_memory_bytes")
    return {
        "id": cell.id, "arm": cell.arm, "axes": dict(cell.axes), "seed": cell.seed, "replicate": cell.replicate,
        "status": cell.status, "step": cell.step, "cause": cell.cause,
        "metrics": (result.metrics or None) if result else None,
        **{name: getattr(result, name, None) for name in cost},
    }  # fmt: skip
