"""Four shards, trained into four stores and merged, against one run: real trainings of a few steps."""

import shutil
from pathlib import Path

from ablate.store import Store
from tests.execute.outcomes import differences, outcome
from tests.execute.processes import PythonProcess

GRID = """
schema = 1
name = "sharded"
[base]
preset = "tiny"
model.width = 4
discriminator.width = 4
data.crop = 32
train.steps = 3
train.warmup_steps = 2
[axes]
"loss.adversarial" = ["lsgan", "hinge", "vanilla"]
"loss.lambda_x" = [3.0, 12.0]
"""
PATIENCE = 280


def test_four_shards_in_four_stores_merged_equal_one_run(tmp_path: Path):
    (tmp_path / "grid.toml").write_text(GRID)
    grid, runs = str(tmp_path / "grid.toml"), [str(tmp_path / name) for name in ("whole", "1", "2", "3", "4")]
    shards = [(), *(("--shard", f"{number}/4") for number in range(1, 5))]
    processes = [
        PythonProcess("-m", "ablate", "run", grid, "--no-progress", "--no-references", "-j", "1", "-C", place, *shard)
        for place, shard in zip(runs, shards, strict=True)
    ]
    assert [process.code(PATIENCE) for process in processes] == [0] * 5
    counts = [len(Store(Path(place), "sharded").cells()) for place in runs]
    assert counts[0] == sum(counts[1:]) == 6
    assert max(counts[1:]) < 6
    sources = [place for place, count in zip(runs[1:], counts[1:], strict=True) if count]
    merged = PythonProcess("-m", "ablate", "store", "merge", *sources, "-C", str(tmp_path / "merged"))
    assert merged.code(PATIENCE) == 0, merged.lines
    expected = outcome(tmp_path / "whole")
    assert len(expected) == 7, "six cells and a warm-up"
    assert differences(expected, outcome(tmp_path / "merged")) == []
    shutil.rmtree(tmp_path)
