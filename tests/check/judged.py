"""Fabricated grids and their records, as gates get them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablate.check import Baseline, Finding, GateResult, GridRecord, record
from ablate.check.update import updated
from ablate.execute import stored_plan
from ablate.records import PlanRecord
from ablate.store import Store
from tests.fabricated_store import ENVIRONMENT, Fabrication, drawn_images, fabricate
from tests.made import reseal

CODE = ENVIRONMENT["fingerprint"]
PROBE = {"psnr": 21.5, "fd_lite0_112": 2500.0}
SMALL = Fabrication(
    name="made-up",
    axes={"loss.adversarial": ["lsgan", "hinge"]},
    seeds=(0,),
    images=drawn_images(count=2),
    recon=False,
    log_points=2,
)


def made(root: Path, **changes: Any) -> Store:
    return fabricate(root, replace(SMALL, **changes))


def recorded(store: Store, code: str | None = CODE, **changes: Any) -> GridRecord:
    plan = stored_plan(store)
    assert plan is not None
    return record(plan, store, code=code, probe=PROBE | changes)


def taken(now: GridRecord, mode: str = "exact", **options: Any) -> Baseline:
    defaults: dict[str, Any] = {"previous": None, "alike": (), "declared": {}, "alpha": 0.05}
    return updated(now, mode=mode, **({"reason": "first"} | defaults | options))  # type: ignore[arg-type]


def edit(store: Store, index: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the committed result of the cell with that number in the plan."""
    reseal(store.cell(f"{index:012x}"), change)


def move(store: Store, index: int, metric: str, by: float) -> None:
    def change(result: dict[str, Any]) -> None:
        result["metrics"]["ema"][metric] += by

    edit(store, index, change)


def replan(store: Store, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the plan, as another grid file would."""
    plan = json.loads((store.path / "plan.json").read_text())
    assert plan is not None
    change(plan)
    store.write_plan(PlanRecord.model_validate(plan))


def found(verdict: GateResult, arm: str, metric: str) -> Finding:
    return next(each for each in verdict.findings if (each.arm, each.metric) == (arm, metric))


def outcomes(verdict: GateResult, arm: str) -> dict[str, str]:
    return {each.metric: each.outcome.value for each in verdict.findings if each.arm == arm}
