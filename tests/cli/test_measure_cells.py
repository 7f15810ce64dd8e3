"""A finished grid gains metrics and sets of images: measured from its weights, without a training step."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from ablate.cli.app import app
from ablate.execute import RunContext, executors, repair, worker
from ablate.execute.jobs import Job
from ablate.execute.local import LocalExecutor, Worker
from ablate.execute.planning import stored_plan
from ablate.metrics import metrics
from ablate.metrics.catalogue import register_metric
from ablate.store import Entry, Store
from tests.train.conftest import gradient_image

GRID = """
schema = 1
name = "measured"
[base]
preset = "tiny"
model.width = 4
discriminator.width = 4
train.steps = 3
train.warmup_steps = 2
data.source = "folder"
data.train = "train"
data.test = "test"
[axes]
"loss.adversarial" = ["vanilla", "hinge"]
[compare]
baseline = { "loss.adversarial" = "vanilla" }
primary = ["psnr"]
[execution]
executor = "forked"
workers = 1
"""
MORE = """
[base.evaluation]
metrics = ["fd_lite0_1280"]
[base.evaluation.sets]
kodak = "kodak"
[axes]
"""
WITH_MORE = GRID.replace("[axes]\n", MORE.lstrip()).replace('["psnr"]', '["psnr", "psnr@kodak", "darkening"]')
GAINED = ("fd_lite0_1280", "kid_paired_lite0_1280", "darkening")


class Forked(LocalExecutor):
    """The executor of this machine, but workers are copies of this process and know what it has registered."""

    def start(self, job: Job) -> None:
        given = (self._context.work.function, job, self._context.store, self._conditions(0))
        process: Any = multiprocessing.get_context("fork").Process(target=worker.main, args=given)
        process.start()
        self._slots[0] = Worker(job, process, time.monotonic())


@pytest.fixture(scope="module", autouse=True)
def forked() -> Iterator[None]:
    with executors.temporarily():

        @executors.register()
        def forked(context: RunContext) -> Forked:
            return Forked(context)

        yield


@pytest.fixture
def darkening() -> Iterator[None]:
    """A metric that came after the grid was run."""
    with metrics.temporarily():

        @register_metric(label="Darkening", unit="levels", direction="lower", formula="mean of x - y", source="here")
        def darkening(originals: torch.Tensor, reconstructions: torch.Tensor) -> torch.Tensor:
            return (originals.double() - reconstructions.double()).mean((1, 2, 3))

        yield


Call = Callable[..., Result]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a grid that was run, and images that it does not know."""
    root = tmp_path_factory.mktemp("finished")
    for number, name in enumerate(("train/a.png", "test/b.png", "test/c.png", "kodak/d.png", "kodak/e.png")):
        (root / name).parent.mkdir(exist_ok=True)
        Image.fromarray(gradient_image(number, 176, 192)).save(root / name)
    (root / "grid.toml").write_text(GRID)
    done = CliRunner().invoke(app, ["run", str(root / "grid.toml"), "-C", str(root / "runs"), "--no-references"])
    assert done.exit_code == 0, done.output
    return root


@pytest.fixture
def here(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls the command line in a copy of that directory."""
    import shutil

    shutil.copytree(finished, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")

    def call(*arguments: str, exit_code: int = 0) -> Result:
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == exit_code, done.output
        return done

    return call


def plain(done: Result) -> Any:
    return json.loads(done.stdout)


def cells() -> list[Entry]:
    return list(Store(Path("runs"), "measured").cells())


def bytes_of_trainings() -> dict[str, bytes]:
    """All that trainings have left: files of the cells beside their measurements."""
    found = [path for entry in cells() for path in entry.path.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in found if "measurements" not in path.parts and path.name != "lock"}


def made() -> dict[str, int]:
    """Measurement records by their path, with the time they were written."""
    found = Path("runs").glob("measured/cells/*/measurements/*/result.json")
    return {str(path): path.stat().st_mtime_ns for path in found}


def test_a_finished_grid_gains_metrics_and_a_set_of_images_in_one_command(here: Call, darkening: None) -> None:
    before, ids = bytes_of_trainings(), [entry.id for entry in cells()]
    Path("grid.toml").write_text(WITH_MORE)
    planned = plain(here("plan", "grid.toml", "--json"))
    assert [cell["id"] for cell in planned["cells"] if cell["status"] == "done"] == [
        cell["id"] for cell in planned["cells"]
    ]
    assert {(one["set"], *one["metrics"]) for one in planned["measurements"] if one["set"] == "test"} == {
        ("test", *sorted(GAINED, key=list(metrics).index)),
    }
    assert "2 finished cells without" in here("plan", "grid.toml").output

    here("measure", "grid.toml")
    assert bytes_of_trainings() == before
    assert [entry.id for entry in cells()] == ids
    assert len(made()) == 4
    assert plain(here("plan", "grid.toml", "--json"))["measurements"] == []

    # The figures are where a reader looks for them.
    for cell in plain(here("show", "grid.toml", "--json"))["cells"]:
        for weights in ("ema", "raw"):
            figures = cell["result"]["metrics"][weights]
            assert {*GAINED, "psnr", "psnr@kodak", "fd_lite0_112@kodak", "darkening@kodak"} <= set(figures)
            assert figures["psnr@kodak"] != figures["psnr"]
        assert cell["result"]["protocol"]["psnr@kodak"]["images"] == 2
    here("report", "grid.toml")
    written = Path("reports", "measured", "report.json").read_text()
    for name in (*GAINED, "psnr@kodak"):
        assert f'"{name}"' in written, name
    here("baseline", "update", "grid.toml", "--baseline", "baseline.json", "--reason", "first")
    gate = plain(here("check", "grid.toml", "--baseline", "baseline.json", "--json"))
    assert {"psnr", "psnr@kodak", *GAINED} <= {row["metric"] for row in gate["findings"]}


def test_a_finished_grid_gains_a_validation_split_that_no_claim_is_made_on(here: Call) -> None:
    before, ids = bytes_of_trainings(), [entry.id for entry in cells()]
    Path("chosen").mkdir()
    for number in (7, 8):
        Image.fromarray(gradient_image(number, 176, 192)).save(f"chosen/{number}.png")
    text = GRID.replace('data.test = "test"\n', 'data.test = "test"\ndata.validation = "chosen"\n')
    Path("grid.toml").write_text(text)
    assert {one["set"] for one in plain(here("plan", "grid.toml", "--json"))["measurements"]} == {"validation"}
    here("run", "grid.toml", "--no-references")
    assert [entry.id for entry in cells()] == ids
    assert bytes_of_trainings() == before
    for cell in plain(here("show", "grid.toml", "--json"))["cells"]:
        figures, protocol = cell["result"]["metrics"]["ema"], cell["result"]["protocol"]
        assert figures["psnr@validation"] != figures["psnr"]
        assert protocol["psnr@validation"]["images"] == 2
    here("report", "grid.toml")
    assert '"psnr@validation"' in Path("reports", "measured", "report.json").read_text()

    Path("grid.toml").write_text(text.replace('["psnr"]', '["psnr", "psnr@validation"]'))
    assert "psnr@validation is what choices are made by" in here("plan", "grid.toml", exit_code=2).output


def test_what_is_there_is_not_made_again(here: Call) -> None:
    Path("grid.toml").write_text(WITH_MORE.replace(', "darkening"', ""))
    here("measure", "grid.toml", "--set", "kodak")
    first = made()
    assert len(first) == 2
    assert "nothing to do" in here("measure", "grid.toml", "--set", "kodak").output
    here("measure", "grid.toml")
    assert len(made()) == 4
    assert first.items() <= made().items()


def test_a_metric_may_be_named_that_the_grid_does_not_have(here: Call) -> None:
    here("measure", "grid.toml", "--metric", "kid_paired_lite0_1280")
    plan = stored_plan(Store(Path("runs"), "measured"))
    assert plan is not None
    for cell in Store(Path("runs"), "measured").cell_records(plan.record):
        assert cell.score("kid_paired_lite0_1280") is not None
        assert cell.score("fd_lite0_1280") is None
    assert "there is: test" in here("measure", "grid.toml", "--set", "tset", exit_code=2).output


def test_reconstructions_that_are_the_same_are_kept_once(here: Call) -> None:
    Path("grid.toml").write_text(WITH_MORE.replace(', "darkening"', ""))
    here("measure", "grid.toml")
    for entry in cells():
        written = {record.images: len(list(place.path.rglob("*.png"))) for place, record in entry.measurements()}
        assert written == {"test": 0, "kodak": 4}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_altered_and_lost_derived_files_are_made_anew_from_the_weights_as_they_were_sealed(here: Call) -> None:
    before, first = bytes_of_trainings(), cells()[0]
    flip(first.images_csv)
    flip(first.recon("ema", "b.png"))
    first.recon("raw", "c.png").unlink()
    assert plain(here("status", "grid.toml", "--json", exit_code=3))["altered"] == 1
    listed = plain(here("measure", "grid.toml", "--json"))["repairs"]
    assert [len(each["files"]) for each in listed] == [3]
    said = here("measure", "grid.toml").output
    assert "eval/images.csv is again what was sealed" in said
    assert bytes_of_trainings() == before
    here("store", "verify")


def test_where_another_machine_gives_other_bytes_the_record_has_them_and_says_so(
    here: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, measured = cells()[0], repair._measured
    before = first.result()
    assert before is not None

    def elsewhere(entry: Entry, result: Any, place: Entry, *rest: Any) -> Any:
        found = measured(entry, result, place, *rest)
        place.images_csv.write_text(place.images_csv.read_text().replace("ema,", "ema,", 1) + "\n")
        found.metrics["ema"]["psnr"] += 0.5
        return found

    monkeypatch.setattr(repair, "_measured", elsewhere)
    flip(first.images_csv)
    flip(first.path / "metrics.jsonl")
    here("measure", "grid.toml", exit_code=3)
    after = first.result()
    assert after is not None
    assert after.remade is not None
    assert after.score("psnr") == before.score("psnr") + 0.5
    kept = {name: digest for name, digest in before.artefacts.items() if not name.startswith("eval/")}
    assert {name: after.artefacts[name] for name in kept} == kept
    damages = plain(here("store", "verify", "--json", exit_code=3))["damages"]
    assert [Path(each["path"]).name for each in damages] == ["metrics.jsonl"], (
        "what cannot be made anew is never sealed"
    )


def test_telemetry_cannot_be_made_anew_and_that_is_said_with_the_remedy(here: Call) -> None:
    path = cells()[1].path / "metrics.jsonl"
    flip(path)
    said = here("measure", "grid.toml", exit_code=3).output
    assert f"{path} is edited" in said
    assert "no measurement makes it anew: copy it back" in said


@pytest.mark.parametrize("file", ["result.json", "measurement.json"])
def test_a_damaged_measurement_is_made_anew_as_it_was(here: Call, file: str) -> None:
    here("measure", "grid.toml", "--metric", "psnr_hvs_m")
    place = cells()[0].measured_places()[0]
    figures = cells()[0].measurements()[0][1].metrics
    flip(place.path / file)
    assert plain(here("status", "grid.toml", "--json", exit_code=3))["altered"] == 1
    here("measure", "grid.toml")
    assert [each.id for each in cells()[0].measured_places()] == [place.id]
    assert cells()[0].measurements()[0][1].metrics == figures
    assert [event.kind for event in place.events()] == ["made_anew"]
    here("store", "verify")
