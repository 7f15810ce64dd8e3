"""Makes studies by hand, without a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablate.analysis import Study
from ablate.records import CellRecord, Compare, Result, Status


def cell(
    axes: Mapping[str, Any], seed: int, score: float | None, *, replicate: int = 0, arm: str = "", **others: float
) -> CellRecord:
    """Returns a cell that is done with a PSNR and other metrics, or diverged where the score is None."""
    name = arm or " ".join(f"{key}={value}" for key, value in axes.items()) or "base"
    metrics = {} if score is None else {"ema": {"psnr": score, **others}, "raw": {"psnr": score - 1, **others}}
    status = Status.diverged if score is None else Status.done
    identity = f"{name}/{seed}/{replicate}"
    return CellRecord(
        id=identity,
        label=f"{name} seed={seed}",
        arm=name,
        grid="made-up",
        axes=axes,
        seed=seed,
        replicate=replicate,
        config={},
        warmup=None,
        status=status,
        result=Result(id=identity, status=status, step=9, seconds=1.0, metrics=metrics),
        step=9,
    )


def study(
    cells: Sequence[CellRecord], varied: Mapping[str, Sequence[Any]], baseline: Mapping[str, Any] = {}, **compare: Any
) -> Study:
    """Returns a study of cells; `compare` is what its grid file would say under [compare], whatever bits are spent."""
    declared = Compare.model_validate({"baseline": baseline, "rate_match": "off", **compare})
    planned = {key: tuple(values) for key, values in varied.items()}
    return Study("made-up", "", None, declared, planned, (), tuple(cells))
