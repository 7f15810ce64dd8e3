"""What each axis does: the mean at every level, and paired differences to the baseline level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ablate.analysis import Axis, Contrast, Effect, LevelMean, effects, level_means
from ablate.report.claims import verdict
from ablate.report.document import Block, Column, Section, Table, Value, text
from ablate.report.evidence import Evidence, Measure
from ablate.report.numbers import NONE, fixed, interval
from ablate.report.sections.effect_figures import means_figure

DRAWN = ("psnr", "fd_", "bpp_actual")
"""What the figure shows beside the primary metrics: metrics whose names begin like this."""


def axis_effects(evidence: Evidence) -> Section:
    """Returns a figure of all axes and a table for each."""
    study, measures = evidence.study, evidence.varying
    title, short = "Effect of each axis", "Effects"
    if not study.axes or not evidence.finished:
        nothing = "Nothing varies in this grid but the seed" if not study.axes else "No cell has finished"
        said = text(f"{nothing}, so there is no effect to estimate.")
        return Section("effects", title, (said,), {"axes": [], "level_means": [], "effects": []}, short)
    found = {measure.name: effects(study, measure.name) for measure in measures}
    means = {
        (axis.name, measure.name): level_means(study, axis, measure.name) for axis in study.axes for measure in measures
    }
    blocks: list[Block] = [text(_how())]
    drawn = [m for m in measures if m in evidence.primary or m.name.startswith(DRAWN)]
    if drawn:
        blocks.append(means_figure(study.axes, drawn, means))
    blocks += [_table(axis, measures, means, found, evidence.contrasts) for axis in study.axes]
    numbers = {
        "axes": [asdict(axis) for axis in study.axes],
        "level_means": [asdict(mean) for each in means.values() for mean in each],
        "effects": [asdict(effect) for each in found.values() for effect in each],
    }  # fmt: skip
    return Section("effects", title, tuple(blocks), numbers, short)


def _how() -> str:
    return (
        "A difference compares cells that agree in everything but this axis, seed by seed: it is averaged over the "
        "other axes within a seed, and its 95 % t-interval is over the seeds, so n is the number of seeds and not of "
        "cells or images. A marginal mean averages the finished cells of a level and moves when some of them are "
        "missing; a difference does not. Verdicts are those of the comparisons to the baseline above."
    )


def _table(
    axis: Axis,
    measures: Sequence[Measure],
    means: dict[tuple[str, str], tuple[LevelMean, ...]],
    found: Mapping[str, tuple[Effect, ...]],
    judged: Mapping[str, tuple[Contrast, ...]],
) -> Table:
    rows = []
    for index, level in enumerate(axis.levels):
        own = [means[axis.name, measure.name][index] for measure in measures]
        is_baseline = level == axis.baseline
        row = [Value(f"{level} (baseline)" if is_baseline else level, sort=index)]
        counted = max(own, key=lambda mean: mean.cells, default=None)
        seeds = max((len(mean.by_seed) for mean in own), default=0)
        row.append(
            Value(f"{counted.cells} of {counted.planned}" if counted else NONE, sort=counted.cells if counted else None)
        )
        row.append(Value(str(seeds), sort=seeds))
        for measure, mean in zip(measures, own, strict=True):
            effect = next((e for e in found[measure.name] if (e.axis, e.level) == (axis.name, level)), None)
            contrast = next((c for c in judged.get(measure.name, ()) if c.effect.key == (axis.name, level)), None)
            row.append(_value(measure, mean, effect, contrast, seeds))
        rows.append(tuple(row))
    columns = (
        Column(axis.name, numeric=False), Column("done"), Column("n", hint="seeds"),
        *(Column(measure.label, measure.unit) for measure in measures),
    )  # fmt: skip
    pairs = [effect for each in found.values() for effect in each if effect.axis == axis.name]
    caption = f"Marginal mean; below it the paired difference to {axis.baseline} with its interval over the n seeds."
    if any(effect.pairs < effect.planned_pairs for effect in pairs):
        fewest = min(pairs, key=lambda effect: effect.pairs / max(effect.planned_pairs, 1))
        caption += (
            f" Some pairs are missing (at worst {fewest.pairs} of {fewest.planned_pairs} are there, at {fewest.level})."
        )
    return Table(f"effects-{'-'.join(axis.keys)}", axis.name, columns, tuple(rows), caption)


def _value(measure: Measure, mean: LevelMean, effect: Effect | None, contrast: Contrast | None, seeds: int) -> Value:
    if mean.interval is None:
        return Value(NONE, tone="muted")
    written = fixed(mean.interval.mean, measure.decimals)
    if effect is None:
        return Value(written, sort=mean.interval.mean)
    if effect.interval is None:
        return Value(written, "no pairs", mean.interval.mean)
    below = (
        f"{fixed(effect.interval.mean, measure.decimals, signed=True)} {interval(effect.interval, measure.decimals)}"
    )
    if not below.strip(" 0.[],"):
        return Value(written, "no difference", mean.interval.mean)
    if effect.interval.n != seeds:
        below += f", n = {effect.interval.n}"
    if contrast is not None and contrast.verdict != "inconclusive":
        below += f", {verdict(contrast)}"
    return Value(written, below, mean.interval.mean)
