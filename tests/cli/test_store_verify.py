"""`ablate store verify`, and the commands that read a store in which a file was altered."""

import json
import os
import shutil
from pathlib import Path

import pytest

from ablate.store import Store
from tests.store.sealed_store import cut, flip, make_store, swap


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = make_store(tmp_path / "made")
    shutil.move(made.root, tmp_path / "runs")
    return Store(Path("runs"), made.grid)


def test_everything_as_it_was_sealed_is_said_so(ablate_in, store: Store):
    done = ablate_in("store", "verify")
    assert done.exit_code == 0, done.output
    assert "all as sealed" in done.output
    content = json.loads(ablate_in("store", "verify", "sealed", "--json").output)
    assert (content["damages"], content["unsealed"]) == ([], [])
    assert content["bytes"] > 6000


def test_each_damage_is_named_with_its_kind_and_its_remedy(ablate_in, store: Store):
    first, second = store.cells()
    cut(first.weights, first.weights)
    flip(first.recon("ema", "wave-1.png"), first.path)
    swap(first.path / "metrics.jsonl", second.path / "metrics.jsonl")
    (second.path / "events.jsonl").unlink()
    done = ablate_in("store", "verify", "--json")
    assert done.exit_code == 3
    found = {Path(each["path"]).name: each for each in json.loads(done.output)["damages"]}
    assert {name: each["kind"] for name, each in found.items()} == {
        "weights.pt": "cut",
        "wave-1.png.png": "edited",
        "metrics.jsonl": "of another cell",
        "events.jsonl": "missing",
    }
    assert found["metrics.jsonl"]["detail"] == f"it is that of {second.id}, metrics.jsonl"
    assert found["wave-1.png.png"]["remedy"] == "`ablate measure` makes it anew from the weights"
    assert "run the grid again" in found["weights.pt"]["remedy"]
    told = ablate_in("store", "verify").output
    assert f"cut: {first.weights}" in told
    assert "4 files not as sealed" in told


def test_a_file_that_rotted_without_a_trace_is_found_by_looking_at_everything(ablate_in, store: Store):
    path = store.cells()[0].weights
    before = path.stat()
    flip(path, path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ablate_in("status", "sealed").exit_code == 0, "nobody hashes weights for a status"
    assert ablate_in("store", "verify").exit_code == 3


def test_an_altered_cell_is_counted_named_and_in_no_table(ablate_in, store: Store):
    first = store.cells()[0]
    path = first.path / "result.json"
    path.write_text(path.read_text().replace('"psnr": 2', '"psnr": 3'))
    for words in (("status",), ("show", "sealed"), ("show", "sealed", first.id), ("diff", first.id, "000000000001")):
        said = ablate_in(*words)
        assert said.exit_code in (2, 3), words
        assert f"{path} is edited" in said.output, words
    counts = json.loads(ablate_in("status", "--json").output)
    assert (counts["done"], counts["altered"]) == (1, 1)
    done = ablate_in("report", "sealed")
    assert done.exit_code == 3, done.output
    assert "1 cell or warm-up altered since they were finished" in done.output
    assert f"{path} is edited" in Path("reports/sealed/report.md").read_text()
    numbers = json.loads(Path("reports/sealed/report.json").read_text())
    assert numbers["completeness"]["altered"] == 1
    assert ablate_in("export", "sealed").exit_code == 0
    rows = Path("exports/sealed/cells.csv").read_text().splitlines()
    assert [line for line in rows if first.id in line and ",altered," in line]
