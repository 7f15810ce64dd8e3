"""Simulates experiments whose truth is known, and counts how often what `ablate.analysis` says is right.

Run by hand, about ten minutes on one core; it rewrites reports/statistics/:

    python -m tests.analysis.simulation [--quick] [--out reports/statistics]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from ablate.analysis import contrasts, judge, non_inferior_p, t_interval
from ablate.analysis.significance import sign_flip_p
from ablate.analysis.verdicts import beyond_zero_p
from tests.analysis.studies import cell, study

SPREADS: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "normal": lambda draw, shape: draw.normal(0, 1, shape),
    "skewed (exponential)": lambda draw, shape: draw.exponential(1, shape) - 1,
    "difference of two skewed scores": lambda draw, shape: draw.exponential(1, shape) - draw.exponential(1, shape),
    "heavy tails (t, 3 degrees)": lambda draw, shape: draw.standard_t(3, shape),
}
"""How differences between seeds may scatter about their mean of zero."""


def _fallen(draw: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    """Returns normal differences of which a share lies five deviations low: seeds that have nearly diverged."""
    return draw.normal(0, 1, shape) - 5 * (draw.random(shape) < share) + 5 * share


LOPSIDED: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "normal": SPREADS["normal"],
    "heavy tails (t, 3 degrees)": SPREADS["heavy tails (t, 3 degrees)"],
    "contaminated (1 in 10 scatters five times as far)": lambda draw, shape: (
        draw.normal(0, 1, shape) * np.where(draw.random(shape) < 0.1, 5, 1)
    ),
    "skewed (gamma, shape 2)": lambda draw, shape: (2 - draw.gamma(2, 1, shape)) / np.sqrt(2),
    "skewed (exponential)": lambda draw, shape: 1 - draw.exponential(1, shape),
    "diverging (1 seed in 10 falls five deviations)": lambda draw, shape: _fallen(draw, shape, 0.1),
    "diverging (1 seed in 5 falls five deviations)": lambda draw, shape: _fallen(draw, shape, 0.2),
}
"""How differences may scatter where seeds fall far to one side, the bad one, that few seeds seldom look at."""

SEED_SD, IMAGE_SD, IMAGES = 0.10, 0.05, 24
"""dB between seeds and between the images of one seed, and how many images: the study's own example."""

ARMS, METRICS, MARGIN = 5, ("psnr", "second", "third"), 0.1
SPREAD = 0.08
"""dB by which the paired difference of an arm to the baseline scatters over seeds."""

FAR = 10.0
"""A margin in deviations whose other side no seed comes near, so that a verdict is wrong on one side alone."""


@dataclass(frozen=True)
class Rate:
    """How often something happened in so many simulated experiments."""

    count: int
    of: int

    @property
    def share(self) -> float:
        return self.count / self.of

    @property
    def error(self) -> float:
        """The standard error of the share."""
        return float(np.sqrt(max(self.share * (1 - self.share), 1 / self.of) / self.of))

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} %"


def coverage(seeds: int, spread: str, repeats: int) -> Rate:
    """Returns how often the 95 % interval over seeds holds the true mean."""
    draws = SPREADS[spread](np.random.default_rng([seeds, len(spread)]), (repeats, seeds))
    intervals = [t_interval(row) for row in draws.tolist()]
    return Rate(
        sum(own.low <= 0 <= own.high for own in intervals if own.low is not None and own.high is not None), repeats
    )


def nested_coverage(seeds: int, repeats: int) -> Rate:
    """Returns the same where each seed's difference is itself a mean over images: images nested inside seeds."""
    draw = np.random.default_rng([seeds, 7])
    means = draw.normal(0, SEED_SD, (repeats, seeds)) + draw.normal(0, IMAGE_SD, (repeats, seeds, IMAGES)).mean(2)
    intervals = [t_interval(row) for row in means.tolist()]
    return Rate(sum(not own.excludes_zero for own in intervals), repeats)


def bootstrap_coverage(seeds: int, repeats: int, resamples: int = 1000) -> Rate:
    """Returns how often a percentile bootstrap interval holds the true mean of normal differences."""
    draw = np.random.default_rng([seeds, 11])
    held = 0
    for values in draw.normal(0, 1, (repeats, seeds)):
        means = values[draw.integers(0, seeds, (resamples, seeds))].mean(1)
        low, high = np.quantile(means, (0.025, 0.975))
        held += int(low <= 0 <= high)
    return Rate(held, repeats)


def pseudo_replication(seeds: int, repeats: int) -> dict[str, Rate]:
    """Returns false positives at 0.05 of three tests on two arms that do not differ.

    Pooling takes every image of every seed for a measurement of its own; the others take one value a seed.
    """
    draw = np.random.default_rng([seeds, 3])
    shape = (repeats, seeds)
    between = draw.normal(0, SEED_SD, shape) - draw.normal(0, SEED_SD, shape)
    within = draw.normal(0, IMAGE_SD, (*shape, IMAGES)) - draw.normal(0, IMAGE_SD, (*shape, IMAGES))
    images = between[..., None] + within
    pooled = stats.ttest_1samp(images.reshape(repeats, -1), 0, axis=1).pvalue
    found = {"all images pooled": Rate(int(np.sum(pooled < 0.05)), repeats)}
    means = images.mean(2).tolist()
    if seeds > 1:
        found["interval over seeds"] = Rate(sum(t_interval(row).excludes_zero for row in means), repeats)
    found["sign flips over seeds"] = Rate(sum(sign_flip_p(row) <= 0.05 for row in means), repeats)
    return found


def equivalences(seeds: int, spread: str, effect: float, margin: float, repeats: int) -> dict[str, Rate]:
    """Returns how often a true mean difference is called equivalent: by two conditions, and by the three of a verdict.

    Differences scatter by about 1; `effect` and `margin` are in that unit.
    """
    draw = np.random.default_rng([seeds, len(spread), round(10 * margin), 13])
    rows = (effect + LOPSIDED[spread](draw, (repeats, seeds))).tolist()
    sides = [([margin + value for value in row], [margin - value for value in row]) for row in rows]
    by_two = sum(max(map(beyond_zero_p, both)) <= 0.025 for both in sides)
    by_three = sum(judge(row, margin, "higher").outcome == "equivalent" for row in rows)
    return {"interval and exact test": Rate(by_two, repeats), "verdict": Rate(by_three, repeats)}


@dataclass(frozen=True)
class Truth:
    """What is true of the arms of a simulated grid: each one's difference to the baseline, and the declared margin."""

    name: str
    effects: tuple[float, ...]
    margin: float

    def wrong(self, level: int, verdict: str) -> bool:
        """Returns whether a verdict on an arm is false; at the margin itself every verdict is."""
        effect = self.effects[level]
        return {
            "better": effect <= self.margin,
            "worse": effect >= -self.margin,
            "equivalent": abs(effect) >= self.margin,
            "inconclusive": False,
        }[verdict]


TRUTHS = (
    Truth("no arm differs, no margin", (0.0,) * ARMS, 0.0),
    Truth("no arm differs, margin 0.1 dB", (0.0,) * ARMS, MARGIN),
    Truth("every arm exactly at the margin", (MARGIN,) * ARMS, MARGIN),
    Truth("0, at the margin on both sides, far on both sides", (0.0, MARGIN, -MARGIN, 0.5, -0.5), MARGIN),
)


RUNS = (
    ("normal", "holm", (6, 8, 10)),
    ("normal", "holm-all", (10,)),
    ("skewed (exponential)", "holm", (10,)),
    ("heavy tails (t, 3 degrees)", "holm", (10,)),
)
"""Spread, correction and numbers of seeds that the procedure is run with."""


@dataclass(frozen=True)
class Procedure:
    """How often the whole procedure was wrong: on one metric, on any of them; and how often a verdict was found."""

    on_one_metric: Rate
    on_any_metric: Rate
    found: Rate


def non_inferiorities(seeds: int, spread: str, effect: float, margin: float, repeats: int) -> dict[str, Rate]:
    """Returns how often the gate passes a true mean difference at 5 %: by two conditions, and by the three that it has.

    Differences scatter by about 1; `effect` and `margin` are in that unit.
    """
    draw = np.random.default_rng([seeds, len(spread), round(10 * margin), 17])
    rows = (effect + LOPSIDED[spread](draw, (repeats, seeds))).tolist()
    by_two = sum(beyond_zero_p([margin + value for value in row]) <= 0.05 for row in rows)
    by_three = sum(non_inferior_p(row, margin, "higher") <= 0.05 for row in rows)
    return {"interval and exact test": Rate(by_two, repeats), "gate": Rate(by_three, repeats)}


def verdicts(truth: Truth, seeds: int, repeats: int, spread: str = "normal", correction: str = "holm") -> Procedure:
    """Runs the whole procedure on simulated grids: arms, correlated metrics (0.5), correction, bits that match."""
    draw = np.random.default_rng([seeds, TRUTHS.index(truth), len(spread)])
    on_one = on_any = found = 0
    for _ in range(repeats):
        wrong, right = _one_grid(truth, seeds, SPREADS[spread], draw, correction)
        on_one += wrong[0]
        on_any += any(wrong)
        found += right
    return Procedure(Rate(on_one, repeats), Rate(on_any, repeats), Rate(found, repeats * ARMS))


def _one_grid(
    truth: Truth, seeds: int, spread: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray],
    draw: np.random.Generator, correction: str,
) -> tuple[list[bool], int]:  # fmt: skip
    """Returns for each metric whether any verdict was false, and how many verdicts on the first one were true."""
    # Every arm has its own noise, the baseline too, so that all differences share the baseline's.
    noise = SPREAD / 2 * (spread(draw, (1, ARMS + 1, seeds)) + spread(draw, (len(METRICS), ARMS + 1, seeds)))
    scores = 25 + draw.normal(0, 1, seeds) + np.array([0.0, *truth.effects])[:, None] + noise
    bits = 0.4 * (1 + draw.normal(0, 0.001, (ARMS + 1, seeds)))
    cells = []
    for arm, seed in np.ndindex(ARMS + 1, seeds):
        psnr, *others = scores[:, arm, seed].tolist()
        measured = {**dict(zip(METRICS[1:], others, strict=True)), "bpp_actual": float(bits[arm, seed])}
        cells.append(cell({"loss": str(arm)}, seed, psnr, **measured))
    margins = dict.fromkeys(METRICS, truth.margin) if truth.margin else {}
    levels = {"loss": [str(arm) for arm in range(ARMS + 1)]}
    grid = study(cells, levels, margin=margins, rate_match="within:1%", correction=correction)
    wrong, right = [], 0
    for metric, judged in contrasts(grid, dict.fromkeys(METRICS, "higher")).items():
        false = [truth.wrong(level, each.verdict) for level, each in enumerate(judged)]
        wrong.append(any(false))
        if metric == METRICS[0]:
            right = sum(each.verdict != "inconclusive" and not no for each, no in zip(judged, false, strict=True))
    return wrong, right


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs everything and writes the page."""
    from tests.analysis.simulation_page import Claims, write_page

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the repeats")
    parser.add_argument("--out", type=Path, default=Path("reports/statistics"))
    chosen = parser.parse_args(arguments)
    share = 10 if chosen.quick else 1
    covered = {spread: {n: coverage(n, spread, 40_000 // share) for n in (3, 5, 6, 10, 20)} for spread in SPREADS}
    covered["images nested in seeds"] = {n: nested_coverage(n, 40_000 // share) for n in (3, 5, 6, 10, 20)}
    bootstrap = {n: bootstrap_coverage(n, 4_000 // share) for n in (3, 5, 6, 10, 20)}
    pooled = {n: pseudo_replication(n, 40_000 // share) for n in (1, 3, 5, 6, 10)}
    procedure = {
        (truth.name, spread, correction, n): verdicts(truth, n, 4_000 // share, spread, correction)
        for truth in TRUTHS
        for spread, correction, counts in RUNS
        for n in counts
    }
    lopsided = [(spread, n) for spread in LOPSIDED for n in (6, 8, 12)]
    margins = [(margin, n) for margin in (1.0, 1.5, 2.0, 3.0) for n in (6, 8, 10, 12, 16)]
    equivalent, passed = (
        Claims(
            {(spread, n): judged(n, spread, -FAR, FAR, 20_000 // share) for spread, n in lopsided},
            {(margin, n): judged(n, "normal", 0.0, margin, 4_000 // share) for margin, n in margins},
        )
        for judged in (equivalences, non_inferiorities)
    )
    write_page(chosen.out, covered, bootstrap, pooled, procedure, equivalent, passed)
    sys.stdout.write(f"{chosen.out / 'README.md'}\n")


if __name__ == "__main__":
    main()
