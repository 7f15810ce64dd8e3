"""Parts of a combination that a grid file names: the baseline and what is excluded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.config import Settings
from ablate.grid.axes import Combination, Factor
from ablate.grid.cell_keys import is_term, keyed
from ablate.grid.locate import KeyPath
from ablate.grid.mistakes import nearest, there_is
from ablate.grid.sections import Compare, Design, Seeds
from ablate.grid.sheet import Sheet

CURVE_POINTS = 4
"""Points that a Bjøntegaard difference needs of each curve."""


@dataclass(frozen=True)
class Pattern:
    """A table of key = value: for each factor that it names, the choices that agree; and the table as plain data."""

    choices: Mapping[int, frozenset[int]]
    values: Mapping[str, Any]

    def matches(self, combination: Combination) -> bool:
        return all(combination[index] in choices for index, choices in self.choices.items())


class Excluded(Settings):
    """Combinations that a grid leaves out, and why: `count` without seeds, each at the first exclude that matches."""

    where: dict[str, Any]
    reason: str
    count: int


@dataclass(frozen=True)
class Baseline:
    """The combination that others are compared with, and the part of it that [compare] declares."""

    choice: Combination
    declared: Pattern


def read_baseline(sheet: Sheet, factors: Sequence[Factor]) -> Baseline:
    """Returns the baseline: the declared value of each axis, the first one where none is declared."""
    table, where = sheet.table("compare").get("baseline", {}), ("compare", "baseline")
    before = len(sheet.mistakes)
    pattern = _read_pattern(sheet, factors, table if isinstance(table, dict) else {}, where)
    for index, choices in pattern.choices.items():
        names = ", ".join(key.name for key in factors[index].keys)
        if not choices and len(sheet.mistakes) == before:
            sheet.report(where, "compare.baseline", f"{names} never have these values together")
        if len({_content(factors[index], choice) for choice in choices}) > 1:
            sheet.report(where, "compare.baseline", f"several values of {names} agree with it; say which one")
    choice = tuple(min(pattern.choices.get(index, {0}), default=0) for index in range(len(factors)))
    return Baseline(choice, pattern)


def check_baseline(sheet: Sheet, design: Design, seeds: Seeds, baseline: Baseline, left: Sequence[Combination]) -> None:
    """Notes where an exclude takes away what the grid compares with."""
    if not left or not all(baseline.declared.choices.values()):
        return
    where = ("compare", "baseline") if sheet.has(("compare", "baseline")) else ("exclude",)
    if not any(baseline.declared.matches(combination) for combination in left):
        sheet.report(where, "compare.baseline", "every combination that has it is excluded")
    elif baseline.choice not in left and (design.kind != "full" or seeds.aa):
        needs = "seeds.aa" if design.kind == "full" else f"the {design.kind} design"
        sheet.report(where, "compare.baseline", f"excluded, and {needs} needs it")


def check_comparison(sheet: Sheet, compare: Compare, factors: Sequence[Factor]) -> None:
    """Notes claimed axes that do not vary, curves that no axis draws, and a correction over metrics without names."""
    if compare.correction == "holm-all" and not compare.primary:
        said = "counts the comparisons on all metrics of compare.primary, and it names none"
        hint = 'name them, like primary = ["psnr"], or take "holm", which counts on each metric by itself'
        sheet.report(("compare", "correction"), "compare.correction", said, found=compare.correction, hint=hint)
    if sheet.refused_keys:
        return
    varied = [key.name for factor in factors for key in factor.keys]
    for index, name in enumerate(compare.axes):
        if name not in varied:
            where, allowed = ("compare", "axes", index), there_is(varied)
            sheet.report(
                where, "compare.axes", "does not vary", found=name, allowed=allowed, hint=nearest(name, varied)
            )
    if compare.rate_match == "bd" and not any(_draws_a_curve(factor) for factor in factors):
        needs = f"a curve needs an axis over {CURVE_POINTS} numbers or more, as loss.lambda_x can be"
        sheet.report(("compare", "rate_match"), "compare.rate_match", needs, found=compare.rate_match)


def _draws_a_curve(factor: Factor) -> bool:
    values = [choice[0].value for choice in factor.choices]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(factor.keys) == 1 and len(numbers) == len(values) >= CURVE_POINTS


def exclude(
    sheet: Sheet, factors: Sequence[Factor], planned: Sequence[Combination]
) -> tuple[list[Combination], tuple[Excluded, ...]]:
    """Returns the combinations that are left, and each exclude with what it took away."""
    left, excluded = list(planned), []
    complete = not sheet.refused_keys and not any(factor.refused for factor in factors)
    for where, table in sheet.tables("exclude"):
        for part in table:
            if part not in ("where", "reason"):
                sheet.unknown_key((*where, part), f"exclude.{part}", ["where", "reason"])
        reason, pattern = _read_reason(sheet, table, where), _read_where(sheet, factors, table, where)
        if pattern is None:
            continue
        if complete and not any(pattern.matches(combination) for combination in planned):
            problem = "matches nothing that this design runs"
            sheet.report((*where, "where"), "exclude.where", problem, found=table["where"])
        kept = [combination for combination in left if not pattern.matches(combination)]
        excluded.append(Excluded(where=dict(pattern.values), reason=reason, count=len(left) - len(kept)))
        left = kept
    return left, tuple(excluded)


def _read_reason(sheet: Sheet, table: dict[str, Any], where: KeyPath) -> str:
    reason = table.get("reason")
    if isinstance(reason, str) and reason.strip():
        return reason
    if "reason" in table:
        sheet.report((*where, "reason"), "exclude.reason", "wrong type", found=reason, allowed="allowed: a sentence")
    else:
        sheet.report(where, "exclude.reason", "missing; the report tells why cells are left out")
    return ""


def _read_where(sheet: Sheet, factors: Sequence[Factor], table: dict[str, Any], where: KeyPath) -> Pattern | None:
    allowed = 'allowed: a table like { "discriminator.scales" = 1 }'
    if "where" not in table:
        sheet.report(where, "exclude.where", "missing", allowed=allowed)
        return None
    where = (*where, "where")
    if not isinstance(table["where"], dict) or not table["where"]:
        sheet.report(where, "exclude.where", "wrong type", found=table["where"], allowed=allowed)
        return None
    before = len(sheet.mistakes)
    pattern = _read_pattern(sheet, factors, table["where"], where)
    return pattern if len(sheet.mistakes) == before else None


def _read_pattern(sheet: Sheet, factors: Sequence[Factor], table: dict[str, Any], where: KeyPath) -> Pattern:
    owners = {key.name: (index, place) for index, f in enumerate(factors) for place, key in enumerate(f.keys)}
    agreeing: dict[int, frozenset[int]] = {}
    values: dict[str, Any] = {}
    for key, raw, at in keyed(sheet, table, where, is_term):
        if key.name not in owners:
            if key.name not in sheet.refused_keys:
                hint = nearest(key.name, owners)
                sheet.report(at, key.name, "does not vary in this grid", allowed=there_is(owners), hint=hint)
            continue
        index, place = owners[key.name]
        choices = _agreeing(factors[index], place, raw)
        if choices:
            values[key.name] = key.text(key.read(raw)[0])
        elif raw not in factors[index].refused:
            _report_off_axis(sheet, factors[index], place, raw, at)
        agreeing[index] = agreeing.get(index, choices) & choices
    return Pattern(agreeing, values)


def _agreeing(factor: Factor, place: int, raw: Any) -> frozenset[int]:
    """Returns the choices with exactly this value, or else those of a term with the options that are given."""
    key = factor.keys[place]
    value, refusals = key.read(raw)
    if refusals:
        return frozenset()
    levels = [choice[place].value for choice in factor.choices]
    exact = frozenset(index for index, level in enumerate(levels) if key.same(level) == key.same(value))
    return exact or frozenset(index for index, level in enumerate(levels) if key.is_part(value, level))


def _report_off_axis(sheet: Sheet, factor: Factor, place: int, raw: Any, at: KeyPath) -> None:
    key = factor.keys[place]
    texts = list(dict.fromkeys(str(key.text(choice[place].value)) for choice in factor.choices))
    hint = nearest(raw, texts) if isinstance(raw, str) else ""
    sheet.report(at, key.name, "not on the axis", found=raw, allowed=there_is(texts), hint=hint)


def _content(factor: Factor, choice: int) -> tuple[Any, ...]:
    return tuple(key.same(level.value) for key, level in zip(factor.keys, factor.choices[choice], strict=True))
