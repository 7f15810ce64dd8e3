"""Attempts at a training as trackers see them, without the training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from ablate.cli.track import tracker_terms
from ablate.records import CellSettings, Environment, MetricRow, Status
from ablate.store import Entry, Store
from ablate.trackers.tracker import Figures
from ablate.trackers.tracking import Tracking

CELL = {
    "train": {"steps": 12},
    "loss": {"adversarial": {"name": "hinge", "options": {}}, "lambda_x": 12.0, "penalties": []},
}
PARAMETERS = {"train.steps": 12, "loss.adversarial.name": "hinge", "loss.lambda_x": 12.0}


def made_entry(root: Path, cell_id: str = "0123456789ab") -> Entry:
    """Returns the entry of a cell that is about to be trained."""
    entry = Store(root / "runs", "losses").cell(cell_id)
    entry.path.mkdir(parents=True)
    entry.write_settings(CellSettings(id=cell_id, label="hinge seed=0", cell=CELL))
    return entry


def attempt(
    entry: Entry,
    trackers: Sequence[str],
    begins: int,
    steps: Sequence[int],
    status: Status | None = None,
    figures: Figures | None = None,
) -> None:
    """Is an attempt that begins at a step, logs some, and ends; without a status it is killed and closes nothing."""
    number = entry.begin_attempt(Environment()).number
    tracking = Tracking(entry, number, tracker_terms(trackers))
    tracking.begin(begins)
    for step in steps:
        row = {"loss": {"generator": 1 / step}, "scales": [{"accuracy_real": 0.5}], "gradient_norm": {"encoder": 2.0}}
        tracking.scalars(MetricRow.model_validate({"step": step, "t": 0.5 * step, "attempt": number, **row}))
        images = {"image": torch.zeros(5, 3, 8, 8), "reconstruction": torch.ones(5, 3, 8, 8)}
        tracking.images(step, images)
    if status is Status.done:
        file = entry.recon("ema", "lena")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 4)).save(file)
    if status is not None:
        tracking.ends(status, figures or {})
        tracking.__exit__()


def killed_then_done(entry: Entry, *trackers: str) -> None:
    """Is a training that is killed after step 8, goes on from its state at step 4, and is done and measured."""
    attempt(entry, trackers, 0, [1, 4, 8])
    attempt(entry, trackers, 4, [8, 12], Status.done, {"ema": {"psnr": 30.5, "ms_ssim": None}})
    assert [event.kind for event in entry.events()] == [], "no tracker failed"
