"""The results of a grid as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from ablate.analysis import Contrast
    from ablate.records import CellRecord
    from ablate.report import Report
    from ablate.report.evidence import Evidence


def open(study: str | Path | None = None, *, runs_dir: str | Path = "runs") -> OpenStudy:  # noqa: A001 - ablate.open
    """Reads the results of a grid that was run.

    Args:
        study: the directory of its results ("runs/quickstart"), its grid file, or its name; the last run if not given.
        runs_dir: where results are kept, unless `study` is a directory.

    Raises:
        ValueError: where no such grid was run.
    """
    from ablate.cli.locate import find_grid
    from ablate.report.report import gather
    from ablate.store import Store

    if study is not None and (Path(study) / "plan.json").is_file():
        store = Store(Path(study).resolve().parent, Path(study).resolve().name)
    else:
        _, store = find_grid(None if study is None else str(study), Path(runs_dir))
    return OpenStudy(gather([store]))


@dataclass(frozen=True, eq=False, repr=False)
class OpenStudy:
    """A grid with what became of its cells, as it was when it was opened. Tables are pandas DataFrames."""

    evidence: Evidence

    @property
    def name(self) -> str:
        """The name of the grid."""
        return self.evidence.study.name

    @cached_property
    def cells(self) -> pd.DataFrame:
        """A row for each cell: arm, seed, status, a column for each axis, each figure under the averaged weights."""
        from ablate.export.tables import cell_rows
        from ablate.records import WEIGHTS

        rows = [row for row in cell_rows(self.evidence.study) if row["weights"] in ("", WEIGHTS[0])]
        return _table(rows).drop(columns="weights").set_index("cell")

    @cached_property
    def measurements(self) -> pd.DataFrame:
        """A row for each figure of each cell, weights and set of images, with its interval over the images."""
        rows = [row for cell in self.evidence.study.cells for row in _figures(cell)]
        columns = ("cell", "arm", "seed", "weights", "set", "metric", "value", "low", "high", "unit", "direction")
        return _table(rows, columns)

    @cached_property
    def images(self) -> pd.DataFrame:
        """A row for each cell, weights and image, with the figures of that image."""
        from ablate.export.tables import image_rows

        return _table(list(image_rows(self.evidence.study, self.evidence.store)))

    @cached_property
    def arms(self) -> pd.DataFrame:
        """A row for each arm: how many of its cells are done, and the mean of each figure over its seeds."""
        return _table(
            [
                {"arm": arm.name, "done": len(arm.done), "cells": len(arm.cells)}
                | {name: arm.mean(name) for name in self.evidence.metrics}
                for arm in self.evidence.study.arms
            ]
        ).set_index("arm")

    def contrasts(self, metric: str | None = None) -> pd.DataFrame:
        """Returns every comparison with the baseline, of one metric or of all, with its verdict.

        `difference` is the mean over seeds of paired differences and `low` to `high` its interval at 1 - alpha of the
        grid's `[compare]`, not corrected. `p` is of no difference and `claim_p` of the verdict's own claim, both
        corrected for their family. `reason` says why a verdict is inconclusive.

        Raises:
            ValueError: for a metric that was not compared.
        """
        found = self.evidence.contrasts
        if metric is not None and metric not in found:
            raise ValueError(f"{metric!r} was not compared (there is: {', '.join(found) or 'nothing yet'})")
        chosen = found if metric is None else {metric: found[metric]}
        return _table([_row(each) for group in chosen.values() for each in group], ROW)

    def report(
        self,
        out: str | Path | None = None,
        *,
        figures: Literal["pdf", "svg", "png"] | None = None,
        judgements: Sequence[str | Path] = (),
        compare_by_eye: bool = False,
    ) -> Report:
        """Writes the report as HTML, Markdown and JSON; returns its files.

        Args:
            out: the directory; reports/<name> if not given.
            figures: each figure is written for a paper, too: as wide as a page and as a column.
            judgements: files that the page for comparing by eye has saved, to be taken up.
            compare_by_eye: whether that page is written.
        """
        from ablate.report import write_report

        directory = Path(out) if out is not None else Path("reports", self.name)
        files = [Path(path) for path in judgements]
        return write_report(
            [self.evidence.store], directory, figures=figures, judgements=files, compare_by_eye=compare_by_eye
        )

    def __repr__(self) -> str:
        study = self.evidence.study
        return f"<{self.name}: {len(study.arms)} arms, {len(self.evidence.done)} of {len(study.cells)} cells done>"

    def _repr_html_(self) -> str:
        return self.arms.to_html(float_format="{:.4g}".format, na_rep="")


ROW = (
    "metric", "axis", "level", "baseline", "difference", "low", "high", "pairs", "seeds", "margin", "p", "claim_p",
    "verdict", "reason", "declared", "at_equal_bits",
)  # fmt: skip


def _row(each: Contrast) -> dict[str, Any]:
    effect = each.effect
    seen = each.judgement and each.judgement.interval
    values = (
        effect.metric, effect.axis, effect.level, effect.baseline, seen and seen.mean, seen and seen.low,
        seen and seen.high, effect.pairs, len(effect.by_seed), each.margin, each.adjusted_p, each.adjusted_claim_p,
        each.verdict, each.reason.value, each.declared, each.curve is not None,
    )  # fmt: skip
    return dict(zip(ROW, values, strict=True))


def _figures(cell: CellRecord) -> list[dict[str, Any]]:
    from ablate.metrics.catalogue import metrics
    from ablate.metrics.naming import split_name

    rows = []
    for weights, figures in (cell.measured.metrics if cell.measured else {}).items():
        known = cell.measured.uncertainty.get(weights, {}) if cell.measured else {}
        for name, value in figures.items():
            (plain, images), spread = split_name(name), known.get(name)
            metric = metrics[plain] if plain in metrics else None  # noqa: SIM401 - no dict; some figures only stand beside a metric
            rows.append(
                {
                    "cell": cell.id, "arm": cell.arm, "seed": cell.seed, "weights": weights, "set": images,
                    "metric": plain, "value": value, "low": spread and spread.low, "high": spread and spread.high,
                    "unit": metric and metric.unit, "direction": metric and metric.direction,
                }
            )  # fmt: skip
    return rows


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...] | None = None) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=columns and list(columns))
