"""Breaks a copy of the package on purpose, trains grids/ci.toml with it, and looks whether the gate goes red.

    python -m tests.check.broken_on_purpose [--reruns 10] [--only NAME]

Each loss, metric, cell or data set that is broken has to shut the gate with its exit code and reason; the unbroken copy
has to open it, `--reruns` times from nothing. Some 20 real trainings of five cells: ten minutes on two cores. Exits
with 1 where the gate says anything else.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from tests.fabricated_store import drawn_images

Done = subprocess.CompletedProcess[str]
ROOT = Path(__file__).parents[2]
GRID, BASELINE = ROOT / "grids" / "ci.toml", ROOT / "reports" / "baselines" / "ci.json"


@dataclass(frozen=True)
class Break:
    """A line of the package replaced by a wrong one, and what the gate has to say to it."""

    name: str
    file: str
    right: str
    wrong: str
    code: int
    said: str


ITSELF = "the metric itself changed"
BREAKS = (
    Break("hinge margin", "losses/classic.py", "relu(1 - real)", "relu(0.5 - real)", 1, "adversarial=hinge"),
    Break("lsgan default", "losses/classic.py", "real_target: float = 1.0, g", "real_target: float = 0.9, g", 3, "0.9"),
    Break("lsgan formula", "losses/classic.py", "(real - b)", "(real - 0.9 * b)", 1, "adversarial=lsgan"),
    Break("sum for mean", "losses/classic.py", "softplus(-fake).mean(),", "softplus(-fake).sum(),", 1, "vanilla"),
    Break("matching halved", "losses/matching.py", "4.0 / (scales", "2.0 / (scales", 1, "adversarial=lsgan"),
    Break("l1 times 1.2", "losses/pixel.py", ": l1_loss(", ": 1.2 * l1_loss(", 1, "no GAN, l1"),
    Break("psnr of 256", "metrics/images/pixel.py", "10 * (255**2", "10 * (256**2", 3, ITSELF),
    Break("n for n - 1", "metrics/distance.py", "np.sqrt(len(matrix) - 1)", "np.sqrt(len(matrix))", 3, ITSELF),
    Break("NaN", "losses/classic.py", "relu(1 - real).mean()", 'relu(1 - real).mean() * float("nan")', 1, "diverged"),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reruns", type=int, default=10)
    parser.add_argument("--only", help="one of the scenes, by name")
    given = parser.parse_args(arguments)
    scenes: list[tuple[str, Callable[[Path], Done], int, str]] = [
        *((one.name, partial(_broken, one), one.code, one.said) for one in BREAKS),
        ("a cell missing", _missing, 3, "seed 0 is pending"),
        ("other images", _other_images, 3, "other data"),
        *((f"unchanged, run {n + 1}", partial(_gated, ROOT), 0, "ci: passed") for n in range(given.reruns)),
    ]
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, play, code, said) in enumerate(scenes):
            if given.only in (None, name):
                wrong += _told(name, play(Path(scratch) / str(number)), code, said)
    return 1 if wrong else 0


def _told(name: str, done: Done, code: int, said: str) -> bool:
    as_wanted = done.returncode == code and said in done.stdout
    last = done.stdout.splitlines()[-1] if done.stdout else done.stderr
    print(
        f"{'as it should' if as_wanted else 'NOT AS IT SHOULD'}: {name}: exit code {done.returncode}: {last}",
        flush=True,
    )
    if not as_wanted:
        print(done.stdout, done.stderr, sep="\n", flush=True)
    return not as_wanted


def _broken(one: Break, scratch: Path) -> Done:
    shutil.copytree(ROOT / "ablate", scratch / "ablate", ignore=shutil.ignore_patterns("__pycache__"))
    path = scratch / "ablate" / one.file
    text = path.read_text()
    assert text.count(one.right) == 1, f"{one.file} no longer holds {one.right!r} once"
    path.write_text(text.replace(one.right, one.wrong))
    return _gated(scratch, scratch)


def _gated(package: Path, scratch: Path, *run: str) -> Done:
    _ablate(package, "run", str(GRID), "-C", str(scratch / "runs"), "--no-progress", *run)
    return _ablate(package, "check", str(GRID), "-C", str(scratch / "runs"), "-b", str(BASELINE))


def _missing(scratch: Path) -> Done:
    return _gated(ROOT, scratch, "--select", "not adversarial=hinge")


def _other_images(scratch: Path) -> Done:
    for part in ("train", "test"):
        (scratch / part).mkdir(parents=True)
        for name, pixels in drawn_images((192, 200)).items():
            Image.fromarray(pixels if part == "train" else 255 - pixels).save(scratch / part / name)
    data = '[base.data]\nsource = "folder"\ntrain = "train"\ntest = "test"\ncrop = 32\n'
    text = GRID.read_text().replace("data.crop = 32\n", "").replace("[axes]", f"{data}\n[axes]")
    (scratch / "ci.toml").write_text(text)
    _ablate(ROOT, "run", str(scratch / "ci.toml"), "-C", str(scratch / "runs"), "--no-progress")
    return _ablate(ROOT, "check", str(scratch / "ci.toml"), "-C", str(scratch / "runs"), "-b", str(BASELINE))


def _ablate(package: Path, *arguments: str) -> Done:
    environment = os.environ | {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "ablate", *arguments],
        cwd=package, env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
