"""Takes images through `ablate eval`, `compress` and `decompress`, each in processes of their own, and compares.

    python -m tests.cli.round_trip CELL DIR [--runs-dir runs]

Of each image: the file has as many bytes as the evaluation recorded, and decompressing it gives the recorded
reconstruction, bit for bit. Prints a line for each that does not, and how many do.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ablate.sources.folder import list_folder
from ablate.store import Entry


def measure(cell: str, images: Path, runs: Path, scratch: Path, weights: str = "ema") -> None:
    """Leaves the records of an evaluation under scratch/records."""
    _ablate("eval", "--cell", cell, "--weights", weights, "--images", str(images), "-o", str(scratch / "records"),
            "--runs-dir", str(runs))  # fmt: skip


def there_and_back(cell: str, images: Path, runs: Path, scratch: Path, weights: str = "ema") -> None:
    """Leaves the files under scratch/files, made with one thread, and the images under scratch/images, with two."""
    where = ("--runs-dir", str(runs))
    files, made = str(scratch / "files"), str(scratch / "images")
    _ablate("compress", str(images), "--cell", cell, "--weights", weights, "-o", files, *where)
    _ablate("decompress", files, "-o", made, *where, threads=2)


def compare(images: Path, records: Entry, scratch: Path, weights: str = "ema") -> list[str]:
    """Returns what differs between files and images under `scratch` and the records of the evaluation."""
    with records.images_csv.open(newline="") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    wrong = []
    for name, _ in list_folder(images):
        made = scratch / "files" / Path(name).with_suffix(".ablt")
        recorded = int(rows[name]["bytes_actual"])
        if made.stat().st_size != recorded:
            wrong.append(f"{name}: {made.stat().st_size} bytes, and {recorded} were recorded")
        pixels = _read(scratch / "images" / Path(name).with_suffix(".png"))
        differ = int((pixels != _read(records.recon(weights, name))).sum())
        if differ:
            wrong.append(f"{name}: {differ} of {pixels.size} values differ from the recorded reconstruction")
    result = json.loads((records.path / "result.json").read_text())
    mean = sum(8 * (scratch / "files" / Path(n).with_suffix(".ablt")).stat().st_size / _pixels(rows[n]) for n in rows)
    if abs(mean / len(rows) - result["metrics"][weights]["bpp_actual"]) > 1e-12:
        wrong.append(f"mean {mean / len(rows)} bit/pixel, and {result['metrics'][weights]['bpp_actual']} were recorded")
    return wrong


def _pixels(row: dict[str, str]) -> int:
    return int(row["height"]) * int(row["width"])


def _read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def _ablate(*arguments: str, threads: int = 1) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-W", "error", "-m", "ablate", *arguments]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def main(arguments: Sequence[str]) -> int:
    """Returns 0 where every image came back."""
    cell, images, *rest = arguments
    runs = Path(rest[1]) if rest[:1] == ["--runs-dir"] else Path("runs")
    with tempfile.TemporaryDirectory() as scratch:
        measure(cell, Path(images), runs, Path(scratch))
        there_and_back(cell, Path(images), runs, Path(scratch))
        wrong = compare(Path(images), Entry(Path(scratch) / "records"), Path(scratch))
    for sentence in wrong:
        print(sentence)
    count = len(list_folder(Path(images)))
    print(f"{count} images, {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
