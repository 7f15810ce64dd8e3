"""Measures how near `loss.rate_target` the files of held-out images come, in mean; within 2 % is what is promised.

    python -m tests.bench.rate_target [DIRECTORY] [--target 0.4] [--folds 6] [--set loss.rate_control=two_level]...

The images are dealt to as many folds. Each fold is held out once, by a training on all others with a seed of its own:
every image is coded by a codec that has not seen it, and what is held out is on the whole as hard to code as what was
trained on. Without a directory the images are tiles of the photographs that come with scikit-image.
Printed are the bits per pixel of each fold's files, header and all, by raw and by averaged weights, and their mean.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import ablate
from ablate.sources.photos import SHA256, list_photos

TILE = 192
BASE = {
    "preset": "tiny",
    "model.latent_norm": "none",
    "model.prior": "hyperprior",
    "model.prior_width": 8,
    "discriminator.scales": 1,
    "loss.adversarial": "lsgan",
    "loss.lambda_x": 48.0,
    "loss.lambda_r": 1.0,
    "loss.feature_matching": "none",
    "train.steps": 500,
    "train.log_every": 5,
    "optimizers.generator.learning_rate": 1e-3,
    "optimizers.generator.schedule": "cosine",
    "optimizers.discriminator.learning_rate": 4e-4,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path)
    parser.add_argument("--target", type=float, default=0.4)
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--only", type=int, help="so many of the folds")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another setting of the cell")
    options = parser.parse_args()
    settings = {**BASE, "loss.rate_target": options.target}
    for each in options.set:
        key, _, value = each.partition("=")
        settings[key] = value if value.isidentifier() and value not in ("true", "false") else json.loads(value)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "tiles") if options.directory is None else options.directory
        if options.directory is None:
            cut(whole)
        found = [fold(Path(scratch), whole, k, options.folds, settings) for k in range(options.only or options.folds)]
    for weights in ("raw", "ema"):
        mean = statistics.mean(each[weights] for each in found)
        print(f"{weights}: mean {mean:.4f} bits per pixel, {mean / options.target - 1:+.1%} of {options.target:g}")


def cut(directory: Path) -> None:
    """Cuts the photographs into tiles."""
    from PIL import Image

    directory.mkdir()
    for split in SHA256:
        for name, path in list_photos(split):
            image = Image.open(path).convert("RGB")
            for top in range(0, image.height - TILE + 1, TILE):
                for left in range(0, image.width - TILE + 1, TILE):
                    image.crop((left, top, left + TILE, top + TILE)).save(directory / f"{name}-{top:04}-{left:04}.png")


def fold(scratch: Path, images: Path, number: int, folds: int, settings: dict[str, Any]) -> dict[str, float]:
    """Trains on all folds but one, and returns the bits per pixel of its files by each kind of weights."""
    place = scratch / f"fold{number}"
    for index, path in enumerate(sorted(images.iterdir())):
        side = place / ("test" if index % folds == number else "train")
        side.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, side)
    base = {**settings, "data": {"source": "folder", "train": str(place / "train"), "test": str(place / "test")}}
    grid = ablate.Grid(f"fold{number}", base=nested(base), seeds=[number]).write(scratch / f"fold{number}.toml")
    study = ablate.run(grid, runs_dir=scratch / "runs", references=False, progress=False, workers=1)
    measured = study.measurements.query("metric == 'bpp_actual'").set_index("weights")["value"]
    logged = [json.loads(line)["loss"]["rate"] for line in next(study_rows(scratch, number)).read_text().splitlines()]
    found = {weights: float(measured[weights]) for weights in ("raw", "ema")}
    told = ", ".join(f"{weights} {value:.4f}" for weights, value in found.items())
    print(f"fold {number}: {told}; the last 200 steps of training {statistics.mean(logged[-40:]):.4f}", flush=True)
    return found


def study_rows(scratch: Path, number: int) -> Any:
    return (scratch / "runs" / f"fold{number}").glob("cells/*/metrics.jsonl")


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Turns dotted keys into tables."""
    tables: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        table = tables
        for part in path:
            table = table.setdefault(part, {})
        table[last] = value
    return tables


if __name__ == "__main__":
    main()
