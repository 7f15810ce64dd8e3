"""Writes what the simulation found: a page for readers, its figures, and the numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.report.svg import CARD, MUTED, SERIES, drawing, standalone, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tests.analysis.simulation import Procedure, Rate

Coverage = Mapping[str, Mapping[int, "Rate"]]
Counted = Mapping[tuple[str | float, int], Mapping[str, "Rate"]]
"""(how differences scatter or the margin, seeds) -> how often a claim was made, by which conditions."""
Procedures = Mapping[tuple[str, str, str, int], "Procedure"]


@dataclass(frozen=True)
class Claims:
    """How often a claim was made where it is false, and where it is true."""

    wrong: Counted
    power: Counted


INTRODUCTION = """# Do the statistics of a report hold what they promise?

Experiments whose truth is known are drawn at random, judged by the functions that `ablate report` uses, and counted.
`python -m tests.analysis.simulation` draws them again (fixed random streams, about twelve minutes on one core) and
rewrites this page, its figures and `numbers.json`; `tests/analysis/test_simulation.py` holds the main claims in CI with
fewer draws.

"""

READ_COVERAGE = """## Intervals
A 95 % interval should hold the true mean 95 times in 100. Student's interval over seeds does so at any number of seeds
where differences scatter normally, and also where each seed's difference is itself a mean over images. Where they are
strongly skewed it holds less at few seeds; but what a report judges are differences of two arms, and the difference of
two scores that are skewed alike is not skewed: its intervals hold. So do those with heavy tails. The percentile
bootstrap is not used: at three seeds it holds the truth three times in four.

![Coverage of intervals](figures/coverage.svg)

"""

READ_POOLED = """## Images are not seeds
Two arms that do not differ: seeds move a score by {seed:g} dB, images of one seed by {image:g} dB, {images} images.
A t-test that takes every image for an independent measurement finds a difference most of the time; tests over seeds
hold their level. With fewer than six seeds the exact test cannot reach 0.05 and never errs.

![False positives](figures/false_positives.svg)

"""

READ_PROCEDURE = """## The whole procedure
Grids of a baseline and {arms} arms on {metrics} correlated metrics (all arms are compared with the same baseline),
judged end to end: margin, Student's interval and exact test at the margin, Holm, bits that match. A verdict is false
where it names the wrong side of the margin; an arm exactly at the margin makes every verdict false, which is the
hardest case. "On one metric" is what Holm promises to keep at 5 %. "On any metric" is kept there by
`correction = "holm-all"` alone, which costs seeds: {family_all} comparisons take {seeds_all} of them, {arms} take
{seeds_one}. "Found" is the share of comparisons with a true verdict on the first metric.

"""


READ_EQUIVALENCE = """## Equivalence, and seeds that fall to one side
A mean difference that lies exactly at the margin on the bad side must not be called equivalent in more than 2.5 % of
cases. Student's interval and the exact test alone let that happen up to four times as often where few seeds fall far
behind the others: such seeds are seldom among six or twelve, and without them the mean seems better and surer than it
is. So equivalence takes a third condition: Student's statistic must be as far out as its distribution for exponential
differences asks, not only for normal ones. Johnson's and Hall's modified statistics and the studentised bootstrap were
tried in its place; they correct by the skewness of the sample, which lacks just those seeds, and left 4 to 5.5 %.
Better and worse do not take it: with them as before nothing changes.

"""

READ_POWER = """### What that costs
Differences that are normal with a true mean of 0: how often they are called equivalent. At six seeds the margin must be
three deviations wide to be found as often as two were before; at one and a half deviations it takes some thirteen seeds
where eight did. With five arms under Holm the price is higher, as small p-values are asked for: above, at ten seeds and
a margin of 1.25 deviations, 1.6 % are found where 64.5 % were.

"""


READ_GATE = """## The gate, and seeds that fall to one side
`ablate check` on a baseline of seeds passes what is not worse by the margin, at one side and 5 %. A change after which
a few seeds nearly diverge is what it is there for, and such seeds are seldom among few: by Student's interval and the
exact test alone, a mean difference exactly at the margin passed up to three and a half times as often as is meant. So
the gate takes the third condition of equivalence, too; what it no longer passes it calls inconclusive. *Regressed* and
*improved* do not take it. A cell that diverges altogether is regressed without any test.

"""

READ_GATE_POWER = """### What that costs the gate
Differences that are normal with a true mean of 0: how often they pass. Margins that `ablate baseline update` takes from
seeds are those that pass in 80 % of cases by all three conditions, so that they are wider than they were by two (at six
seeds by a factor of {factor_6:.2f}, at twelve of {factor_12:.2f}); margins that a grid declares stay as they are, and
take more seeds.

"""


def write_page(
    out: Path, covered: Coverage, bootstrap: Mapping[int, Rate], pooled: Mapping[int, Mapping[str, Rate]],
    procedure: Procedures, equivalent: Claims, passed: Claims,
) -> None:  # fmt: skip
    """Writes README.md, figures/ and numbers.json under `out`."""
    from ablate.analysis import seeds_for
    from tests.analysis import simulation as made

    (out / "figures").mkdir(parents=True, exist_ok=True)
    every = {
        **{f"t-interval, {name}": rates for name, rates in covered.items()},
        "percentile bootstrap, normal": bootstrap,
    }
    (out / "figures" / "coverage.svg").write_text(_coverage_figure(every), encoding="utf-8")
    (out / "figures" / "false_positives.svg").write_text(_pooled_figure(pooled), encoding="utf-8")
    arms, metrics = made.ARMS, len(made.METRICS)
    counts = {"arms": arms, "metrics": metrics, "family_all": arms * metrics}
    counts |= {"seeds_all": seeds_for(0.05, arms * metrics), "seeds_one": seeds_for(0.05, arms)}
    text = INTRODUCTION + READ_COVERAGE + _coverage_table(every)
    text += READ_POOLED.format(seed=made.SEED_SD, image=made.IMAGE_SD, images=made.IMAGES) + _pooled_table(pooled)
    text += READ_PROCEDURE.format(**counts) + _procedure_table(procedure)
    for claims, called, read, cost in (
        (equivalent, "called equivalent by", READ_EQUIVALENCE, READ_POWER),
        (passed, "passed by", READ_GATE, READ_GATE_POWER.format(factor_6=_widened(6), factor_12=_widened(12))),
    ):
        text += read + _claim_table("differences", called, claims.wrong)
        text += cost + _claim_table("margin, in deviations of the differences", called, claims.power)
    (out / "README.md").write_text(text.rstrip() + "\n", encoding="utf-8")
    numbers = {
        "coverage": {name: {n: asdict(rate) for n, rate in rates.items()} for name, rates in every.items()},
        "false_positives": {
            n: {name: asdict(rate) for name, rate in rates.items()} for n, rates in pooled.items()
        },
        "procedure": [
            {"truth": truth, "spread": spread, "correction": correction, "seeds": n, **asdict(found)}
            for (truth, spread, correction, n), found in procedure.items()
        ],
        "equivalence": _claim_numbers(equivalent),
        "gate": _claim_numbers(passed),
    }  # fmt: skip
    (out / "numbers.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


def _widened(seeds: int) -> float:
    """Returns by which factor the third condition widens the margin that seeds can show to be kept."""
    from ablate.analysis import detectable, excludable

    before, now = detectable(seeds, 1.0, 0.1), excludable(seeds, 1.0)
    assert before is not None
    assert now is not None
    return now / before


def _claim_numbers(claims: Claims) -> dict[str, list[dict[str, object]]]:
    return {
        name: [
            {case: first, "seeds": n, **{by: asdict(rate) for by, rate in rates.items()}}
            for (first, n), rates in table.items()
        ]
        for name, case, table in (("false", "spread", claims.wrong), ("found", "margin", claims.power))
    }


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _repeats(rates: Sequence[Rate]) -> str:
    """Says how many draws stand behind numbers and how far those scatter."""
    fewest, error = min(rate.of for rate in rates), 100 * max(rate.error for rate in rates)
    return f"{fewest:,} draws each or more; standard error {error:.1f} points at most.\n\n"


def _coverage_table(every: Coverage) -> str:
    counts = list(next(iter(every.values())))
    rows = [[name, *(str(rates[n]) for n in counts)] for name, rates in every.items()]
    table = _table(["interval, how differences scatter", *(f"{n} seeds" for n in counts)], rows)
    return table + _repeats([rate for rates in every.values() for rate in rates.values()])


def _pooled_table(pooled: Mapping[int, Mapping[str, Rate]]) -> str:
    names = dict.fromkeys(name for rates in pooled.values() for name in rates)
    rows = [[name, *(str(rates.get(name, "–")) for rates in pooled.values())] for name in names]
    table = _table(["test at 0.05", *("1 seed" if n == 1 else f"{n} seeds" for n in pooled)], rows)
    return table + _repeats([rate for rates in pooled.values() for rate in rates.values()])


def _procedure_table(procedure: Procedures) -> str:
    rows = [
        [truth, spread, correction, str(n), str(found.on_one_metric), str(found.on_any_metric), str(found.found)]
        for (truth, spread, correction, n), found in procedure.items()
    ]
    columns = ["truth", "differences", "correction", "seeds", "false, on one metric", "false, on any metric", "found"]
    return _table(columns, rows) + _repeats([found.on_one_metric for found in procedure.values()])


def _claim_table(name: str, called: str, table: Counted) -> str:
    counts = list(dict.fromkeys(n for _, n in table))
    ways = list(next(iter(table.values())))
    rows = [
        [str(first), way, *(str(table[first, n][way]) for n in counts)]
        for first in dict.fromkeys(first for first, _ in table)
        for way in ways
    ]
    rates = [rate for each in table.values() for rate in each.values()]
    return _table([name, called, *(f"{n} seeds" for n in counts)], rows) + _repeats(rates)


def _coverage_figure(every: Coverage) -> str:
    with drawing("coverage"):
        from matplotlib.figure import Figure

        canvas = Figure(figsize=(8, 4.2), layout="constrained")
        panel = canvas.subplots()
        counts = list(next(iter(every.values())))
        panel.axhspan(93, 97, color=MUTED, alpha=0.16, linewidth=0)
        panel.axhline(95, color=MUTED, linewidth=1)
        for (name, rates), (colour, _), marker in zip(every.items(), SERIES, "os^DvP", strict=False):
            _line(panel, range(len(counts)), rates.values(), name, colour, marker)
        panel.set_xticks(range(len(counts)), [str(n) for n in counts])
        panel.set(xlabel="seeds", ylabel="intervals that hold the truth (%)")
        panel.legend(loc="lower right")
        return standalone(to_svg(canvas))


def _pooled_figure(pooled: Mapping[int, Mapping[str, Rate]]) -> str:
    with drawing("false_positives"):
        from matplotlib.figure import Figure

        canvas = Figure(figsize=(8, 3.6), layout="constrained")
        panel = canvas.subplots()
        counts = list(pooled)
        panel.axhline(5, color=MUTED, linewidth=1)
        panel.annotate("5 %", (0, 5), (2, 4), textcoords="offset points", color=MUTED, fontsize=8.5)
        names = dict.fromkeys(name for rates in pooled.values() for name in rates)
        for name, (colour, _), marker in zip(names, (SERIES[1], SERIES[0], SERIES[2]), "Dos", strict=False):
            places = [place for place, n in enumerate(counts) if name in pooled[n]]
            _line(panel, places, [pooled[counts[place]][name] for place in places], name, colour, marker)
        panel.set_xticks(range(len(counts)), [str(n) for n in counts])
        panel.set(xlabel="seeds", ylabel="false positives (%)", ylim=(-3, 100))
        panel.legend(loc="center right")
        return standalone(to_svg(canvas))


def _line(panel: Axes, places: Sequence[int], rates: Sequence[Rate], name: str, colour: str, marker: str) -> None:
    look = {"color": colour, "markeredgecolor": CARD, "markersize": 7, "capsize": 3, "label": name}
    shares, errors = [100 * rate.share for rate in rates], [196 * rate.error for rate in rates]
    panel.errorbar(list(places), shares, yerr=errors, fmt=f"{marker}-", **look)
