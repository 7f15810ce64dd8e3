"""A tuned grid through the command line: killed in the middle, run again, and the same winner as undisturbed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from ablate.store import Store
from tests.execute.processes import PythonProcess
from tests.made import computed
from tests.train.conftest import gradient_image

GRID = """
schema = 1
name = "tuned"
[base]
preset = "tiny"
model.width = 4
discriminator = { width = 4, scales = 1 }
train = { steps = 6, warmup_steps = 2, checkpoint_every = 2 }
[base.data]
source = "folder"
train = "train"
test = "test"
validation = "validation"
crop = 32
batch_size = 2
[axes]
"loss.adversarial" = ["vanilla", "hinge"]
[compare]
baseline = { "loss.adversarial" = "hinge" }
primary = ["psnr"]
[tune]
trials = 2
over = ["loss.lambda_x", "optimizers.generator.learning_rate"]
rungs = [0.5, 1.0]
"""


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tuned")
    for split, seeds in (("train", (1, 2)), ("validation", (4,)), ("test", (3,))):
        (root / split).mkdir()
        for seed in seeds:
            Image.fromarray(gradient_image(seed, 96, 104)).save(root / split / f"{split}{seed}.png")
    (root / "grid.toml").write_text(GRID)
    return root / "grid.toml"


@pytest.fixture(scope="module")
def undisturbed(grid: Path) -> Path:
    """The directory of a run that nothing happened to."""
    with_processes = started(grid, grid.parent / "undisturbed", "2")
    assert with_processes.code(240) == 0, with_processes.lines
    return grid.parent / "undisturbed"


def started(grid: Path, runs: Path, workers: str) -> PythonProcess:
    arguments = ("run", str(grid), "-C", str(runs), "--no-progress", "--no-references", "-j", workers)
    return PythonProcess("-m", "ablate", *arguments)


@pytest.fixture
def process(grid: Path, tmp_path: Path) -> Iterator[list[PythonProcess]]:
    processes: list[PythonProcess] = []
    yield processes
    for each in processes:
        each.end()


def results(runs: Path) -> dict[str, dict]:
    """What every cell came to, by label: weights, reconstructions and figures."""
    store = Store(runs, "tuned")
    records = store.cell_records(store.plan())
    return {
        cell.label: {"metrics": cell.result.metrics, "files": computed(cell.result)} for cell in records if cell.result
    }


def killed(runner: PythonProcess, *texts: str) -> None:
    """Ends a runner and its workers by SIGKILL once it says one of the texts."""
    runner.wait_for(*texts)
    os.killpg(runner.process.pid, signal.SIGKILL)
    runner.process.wait()


def test_killed_in_the_middle_and_run_again_it_chooses_the_same_winners_with_the_same_weights(
    grid: Path, undisturbed: Path, tmp_path: Path, process: list[PythonProcess]
):
    process.append(started(grid, tmp_path, "2"))
    killed(process[-1], "steps=6 seed=1")
    process.append(started(grid, tmp_path, "2"))
    assert process[-1].code(240) == 0, process[-1].lines
    assert results(tmp_path) == results(undisturbed)
    assert Store(tmp_path, "tuned").tuning() == Store(undisturbed, "tuned").tuning()


@pytest.mark.torture
def test_two_runners_on_one_store_share_the_trials_and_come_to_the_same_winners(
    grid: Path, undisturbed: Path, tmp_path: Path, process: list[PythonProcess]
):
    process += [started(grid, tmp_path, "1"), started(grid, tmp_path, "1")]
    assert [each.code(240) for each in process] == [0, 0], [each.lines for each in process]
    starts = [sum("start     adversarial" in line for line in each.lines) for each in process]
    assert all(starts), "both worked"
    assert results(tmp_path) == results(undisturbed)
    assert all(len(entry.attempts()) == 1 for entry in Store(tmp_path, "tuned").cells()), "no trial was trained twice"


def test_plan_status_show_and_report_tell_trials_from_what_is_judged(grid: Path, undisturbed: Path, ablate_in):
    runs = ("-C", undisturbed)
    fresh = ablate_in("plan", grid).output
    assert "tuning: 2 trials for each of 2 arms on seed 1" in fresh
    assert "loss.lambda_x                       1 to 100 (log)        all" in fresh
    assert "  2 of each train to step 3, compared by the highest psnr@validation" in fresh
    assert "  1 of each goes on to step 6" in fresh
    assert "  trials take 43% of 42 training steps" in fresh
    assert "untuned 2/2 · trials 6/6 · tuned 2/2" in ablate_in("status", "tuned", *runs).output
    plain = json.loads(ablate_in("status", "tuned", "--json", *runs).output)
    assert plain["parts"]["trial"] == {"finished": 6, "most": 6}
    assert {cell["part"] for cell in plain["cells"]} == {"design", "trial", "final"}
    shown = ablate_in("show", "tuned", *runs).output
    assert "the highest psnr@validation (" in shown
    assert ") among 1 of 2 trials that came to step 6" in shown
    assert ablate_in("report", "tuned", *runs).exit_code == 0
    page = Path("reports/tuned/report.md").read_text()
    assert "Tuned with equal budgets" in page
    assert "trial=" not in page, "trials are no arms of the comparison"
    assert "adversarial=hinge untuned" in page


def test_run_again_a_tuned_grid_has_nothing_left_to_do(undisturbed: Path, grid: Path, ablate_in):
    before = results(undisturbed)
    again = ablate_in("run", grid, "-C", undisturbed, "--no-progress", "--no-references")
    assert again.exit_code == 0
    assert "nothing to do: every cell is finished" in again.output
    assert results(undisturbed) == before


def test_states_of_trials_are_gone_when_nothing_goes_on_from_them(undisturbed: Path):
    assert not list(undisturbed.rglob("checkpoint.pt"))


def test_choices_never_look_at_the_test_images(undisturbed: Path):
    store = Store(undisturbed, "tuned")
    tuning, cells = store.tuning(), {cell.id: cell for cell in store.cell_records(store.plan())}
    assert tuning.figure == "psnr@validation"
    for trial in tuning.arms[0].trials:
        for (cell,), score in zip(trial.cells, trial.scores, strict=True):
            assert score == cells[cell].score("psnr@validation")
            assert score != cells[cell].score("psnr")
