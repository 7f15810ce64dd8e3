"""Takes a new baseline from what a grid came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablate.analysis import seeds_for
from ablate.check.baseline import Baseline, Mode, dated
from ablate.check.kernels import kernel_ratios
from ablate.check.margins import Margin, exact_margins, measured, stat_margins
from ablate.check.record import GridRecord
from ablate.settings import RESULTS_VERSION

NAMED = 3


def updated(
    record: GridRecord,
    *,
    reason: str,
    mode: Mode | None,
    previous: Baseline | None,
    alike: Sequence[GridRecord],
    declared: Mapping[str, float | str],
    alpha: float,
    bench: Mapping[str, Any] | None = None,
) -> Baseline:
    """Returns the baseline that the record makes; the history of the previous one goes on.

    Args:
        record: of a grid whose every cell has ended, by one code.
        reason: why, for a reader of the history.
        mode: None for that of the previous baseline, and without one for "exact" on a CPU and "stat" elsewhere.
        previous: the baseline that is replaced; its exact margins stay where no `alike` measures others.
        alike: records of the same cells under other conditions, which exact margins are measured from.
        declared: margins of the grid file, for "stat".
        alpha: the error that each claim of "stat" is allowed.
        bench: a run of `ablate bench` to keep ratios of; without one those of the previous baseline stay.

    Raises:
        ValueError: where cells are unfinished, of several codes or of another grid, or nothing can be judged.
    """
    for one in (record, *alike):
        _require_finished(one)
    for one in alike:
        _require_same_cells(record, one)
    if not measured(record):
        raise ValueError(f"no cell of {record.grid} has a measured value; a gate on it would judge nothing")
    if previous is not None and previous.record.grid != record.grid:
        raise ValueError(f"the baseline is of the grid {previous.record.grid}, not of {record.grid}")
    mode = mode or (previous.mode if previous else "exact" if record.made.get("device", "cpu") == "cpu" else "stat")
    if mode == "exact":
        kept = previous.metrics if previous and previous.mode == "exact" and not alike else {}
        margins = exact_margins(record, alike) | {name: kept[name] for name in measured(record) if name in kept}
    else:
        margins = _stat(record, declared, alpha)
    return Baseline(
        mode=mode,
        results_version=RESULTS_VERSION,
        alpha=alpha,
        history=(*(previous.history if previous else ()), dated(record, reason)),
        metrics=margins,
        record=record,
        kernels=kernel_ratios(bench) if bench is not None else previous.kernels if previous else None,
    )


def _stat(record: GridRecord, declared: Mapping[str, float | str], alpha: float) -> dict[str, Margin]:
    margins = stat_margins(record, declared, alpha)
    if not any(each.margin for each in margins.values()):
        raise ValueError(
            f"so few seeds have no margin that they could hold: run the grid with {seeds_for(2 * alpha)} or more, or "
            "declare [compare] margin"
        )
    return margins


def _require_finished(record: GridRecord) -> None:
    left = [f"{name} seed={seed} ({cell.trouble})" for (name, seed), cell in record.cells().items() if cell.trouble]
    if left:
        more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
        raise ValueError(f"{record.grid} has cells that no baseline can hold: {', '.join(left[:NAMED])}{more}")


def _require_same_cells(record: GridRecord, other: GridRecord) -> None:
    own, others = ({cell.id for cell in one.cells().values()} for one in (record, other))
    if own != others:
        raise ValueError(f"--alike has other cells of {other.grid} than the grid file means now")
