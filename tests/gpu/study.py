"""A study of the source's questions at a size that a GPU trains in minutes: grids/seed.toml's shape, preset small."""

from __future__ import annotations

import json
from pathlib import Path

from ablate.atomic import write_bytes

FILE = "gpu_study.toml"
SEEDS = 8
GRID = """\
# The shape of grids/seed.toml, whose full size takes days: vanilla against least squares, one scale against three,
# lambda_x around 12, on the photographs that come with scikit-image. Cells are run seed by seed, as many as there is
# time for.
schema = 1
name = "gpu_study"

[base]
preset = "{preset}"
train.steps = {steps}
train.warmup_steps = {warmup}
train.channels_last = true
{crop}
[axes]
"loss.adversarial" = ["vanilla", "lsgan"]
"discriminator.scales" = {scales}
"loss.lambda_x" = {lambdas}

[seeds]
values = {seeds}

[compare]
baseline = {{ "loss.adversarial" = "lsgan", "discriminator.scales" = 3, "loss.lambda_x" = 12.0 }}
axes = ["loss.adversarial"]
primary = ["psnr"]
margin = {{ psnr = 0.1 }}

[execution]
cells_per_gpu = {at_once}
"""


def write(place: Path, *, dry: bool, at_once: int) -> Path:
    """Writes the grid, unless it is there from an earlier run, whose cells go on; returns its file."""
    file = place / FILE
    if not file.exists():
        whole = {"preset": "small", "steps": 600, "warmup": 300, "crop": "", "scales": [1, 3]}
        whole["lambdas"] = [6.0, 12.0, 24.0]
        small = {"preset": "tiny", "steps": 2, "warmup": 0, "scales": [3], "lambdas": [12.0]}
        small["crop"] = "data = { crop = 32, batch_size = 2 }\n"
        seeds = [0] if dry else list(range(SEEDS))
        write_bytes(file, GRID.format(**(small if dry else whole), seeds=seeds, at_once=at_once).encode())
    return file


def best(together: Path) -> int:
    """Returns with how many processes at once the most steps were taken; 1 where nobody knows."""
    rows = json.loads(together.read_text("utf-8"))["rows"] if together.exists() else []
    measured = [row for row in rows if row["status"] == "measured" and row["way"] == "processes"]
    return max(measured, key=lambda row: row["steps_a_second"])["cells"] if measured else 1


def missing(grid: Path, runs: Path) -> str:
    """Says how many cells are not finished; empty where all are."""
    from ablate.grid import read_grid
    from ablate.store import Store

    read = read_grid(grid)
    wanted, done = len(read.points()), sum(entry.status().finished for entry in Store(runs, read.name).cells())
    return "" if done == wanted else f"{done} of {wanted} cells are done"
