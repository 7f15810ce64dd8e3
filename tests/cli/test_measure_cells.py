"""A finished grid gains metrics and sets of images: measured from its weights, without a training step."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from typer.testing import CliRunner, Result

from ablate.cli.app import app
from ablate.execute import RunContext, executors, repair, worker
from ablate.execute.jobs import Job
from ablate.execute.local import LocalExecutor, Worker
from ablate.execute.plan import stored_plan
from ablate.metrics import metrics
from ablate.networks import dists as dists_network
from ablate.networks import imagenet, lpips_heads
from ablate.plugins import metric
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

        @metric(label="Darkening", unit="levels", direction="lower", formula="mean of x - y", source="here")
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


def test_a_measurement_that_was_lost_is_made_again_and_the_others_are_not(here: Call) -> None:
    Path("grid.toml").write_text(WITH_MORE.replace(', "darkening"', ""))
    here("measure", "grid.toml", "--set", "kodak")
    first = made()
    lost, kept = sorted(map(Path, first))
    before = json.loads(lost.read_bytes())
    shutil.rmtree(lost.parent)
    assert [one["id"] for one in plain(here("measure", "grid.toml", "--set", "kodak", "--json"))["measurements"]] == [
        lost.parent.name
    ]
    here("measure", "grid.toml", "--set", "kodak")
    after = json.loads(lost.read_bytes())
    assert {part: before[part] for part in ("metrics", "uncertainty", "protocol")} == {
        part: after[part] for part in ("metrics", "uncertainty", "protocol")
    }
    assert made()[str(kept)] == first[str(kept)]


def test_a_measuring_that_is_killed_goes_on_with_what_is_missing(here: Call) -> None:
    for seed, name in enumerate("pqr", start=20):
        Path(name).mkdir()
        Image.fromarray(gradient_image(seed, 176, 192)).save(f"{name}/{name}.png")
    shutil.copytree("p", "same")  # equal images are measured once, whatever their sets are called
    sets = "".join(f'{name} = "{name}"\n' for name in ("p", "q", "r", "same"))
    text = GRID.replace("[axes]", f"[base.evaluation.sets]\n{sets}[axes]").replace('executor = "forked"\n', "")
    Path("grid.toml").write_text(text)
    wanted = {one["id"] for one in plain(here("measure", "grid.toml", "--json"))["measurements"]}
    assert len(wanted) == 6

    command = [sys.executable, "-m", "ablate", "measure", "grid.toml", "--no-progress"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not made():
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    first = made()
    assert {Path(path).parent.name for path in first} < wanted
    left = {one["id"] for one in plain(here("measure", "grid.toml", "--json"))["measurements"]}
    assert left == wanted - {Path(path).parent.name for path in first}

    Path("grid.toml").write_text(text.replace("[execution]", '[execution]\nexecutor = "forked"'))
    here("measure", "grid.toml")
    assert first.items() <= made().items(), "none is made twice"
    assert {Path(path).parent.name for path in made()} == wanted


def test_a_plan_tells_what_sets_and_other_codecs_will_take(here: Call) -> None:
    before = plain(here("plan", "grid.toml", "--json"))
    assert before["references"] == {"points": 0, "images": 0, "estimated_seconds": 0}
    assert before["estimate"]["seconds"] == 0
    codec = '[[reference]]\ncodec = "jpeg"\nqualities = [20, 60]\n'
    Path("grid.toml").write_text(WITH_MORE.replace(', "darkening"', "") + codec)
    planned = plain(here("plan", "grid.toml", "--json"))
    # Two qualities, of two test images and of two of the set.
    assert (planned["references"]["points"], planned["references"]["images"]) == (4, 8)
    assert planned["references"]["estimated_seconds"] > 0
    assert planned["estimate"]["seconds"] == planned["references"]["estimated_seconds"]
    assert "4 points of other codecs to be measured at the end, about" in here("plan", "grid.toml").output

    # A cell that is still to be trained will be measured on the set, too: two images by two sets of weights.
    Path("grid.toml").write_text(Path("grid.toml").read_text().replace('"hinge"]', '"hinge", "lsgan"]'))
    more = plain(here("plan", "grid.toml", "--json"))
    pace = planned["references"]["estimated_seconds"] / 8
    trained = max(cell["estimated_seconds"] for cell in more["cells"])
    assert more["estimate"]["seconds"] == pytest.approx(trained + 12 * pace)


@pytest.fixture
def drawn_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Weights of LPIPS and DISTS drawn at random, in files that are loaded and checked as published ones are."""
    random = torch.Generator().manual_seed(0)

    def features(backbone: imagenet.Backbone) -> dict[str, torch.Tensor]:
        with torch.device("meta"):
            shapes = torchvision.models.get_model(backbone.name, weights=None).features.state_dict()
        drawn = {name: torch.randn(each.shape, generator=random) for name, each in shapes.items()}
        return {f"features.{name}": each * (2 / each[0].numel()) ** 0.5 for name, each in drawn.items()}

    heads = {f"lin{n}.model.1.weight": torch.rand(1, c, 1, 1, generator=random) for n, c in enumerate(ALEXNET_WIDTHS)}
    shares = {name: torch.rand(1, 1475, 1, 1, generator=random) for name in ("alpha", "beta")}
    contents = (
        (imagenet.ALEXNET.weights, features(imagenet.ALEXNET)),
        (imagenet.VGG16.weights, features(imagenet.VGG16)),
        (lpips_heads.HEADS["alex"].weights, heads),
        (dists_network.WEIGHTS, shares),
    )
    published = {file: file.sha256 for file, _ in contents}
    caches = (imagenet.pretrained, lpips_heads.pretrained, dists_network.weights)
    for file, content in contents:
        path = tmp_path / file.name
        torch.save(content, path)
        monkeypatch.setenv(file.variable, str(path))
    sums = {}
    try:
        for file in list(published):
            sums[file.name] = hashlib.sha256((tmp_path / file.name).read_bytes()).hexdigest()
            object.__setattr__(file, "sha256", sums[file.name])
        yield sums
    finally:
        for (file, _), sha256 in zip(contents, list(published.values()), strict=True):
            object.__setattr__(file, "sha256", sha256)
        for cached in caches:
            cached.cache_clear()


ALEXNET_WIDTHS = (64, 192, 384, 256, 256)
USUAL = """
[base.evaluation]
metrics = ["lpips_alex", "dists", "psnr_hvs_m"]
extractors = [{ name = "lite0", patch = 64 }, { name = "lite0", tap = 1280, patch = 96 }]
[axes]
"""


def test_the_usual_row_of_metrics_is_there_from_one_run(here: Call, drawn_weights: dict[str, str]) -> None:
    Path("grid.toml").write_text(GRID.replace("[axes]\n", USUAL.lstrip()))
    here("measure", "grid.toml", "--select", "hinge")
    (cell,) = [one for one in plain(here("show", "grid.toml", "--json"))["cells"] if "hinge" in one["label"]]
    row, protocol = cell["result"]["metrics"]["ema"], cell["result"]["protocol"]
    between = ["fd_lite0_112", "kid_paired_lite0_112", "fd_lite0_1280", "kid_paired_lite0_1280"]
    usual = ["psnr", "ssim", "ms_ssim", "bpp_actual", "lpips_alex", "dists", "psnr_hvs_m", *between]
    assert all(isinstance(row[name], float) for name in usual), row

    # Each distance looks at patches of its own side: 176 x 192 pixels hold 10 of 64 and 3 of 96.
    seen = {name: (protocol[name]["tap"], protocol[name]["patch"], protocol[name]["patches"]) for name in between}
    assert list(seen.values()) == [(112, 64, 20), (112, 64, 20), (1280, 96, 6), (1280, 96, 6)]
    assert len({row[name] for name in between}) == 4

    # Learned distances went through the files, and say so.
    assert protocol["lpips_alex"]["weights_sha256"] == drawn_weights["alexnet-owt-7be5be79.pth"]
    assert protocol["lpips_alex"]["heads_sha256"] == drawn_weights["lpips-v0.1-alex.pth"]
    assert protocol["dists"]["heads_sha256"] == drawn_weights["DISTS_weights-f5e65c96.pth"]
    (entry,) = [entry for entry in cells() if entry.id == cell["id"]]
    pairs = [
        tuple(torch.from_numpy(np.asarray(Image.open(path)).transpose(2, 0, 1).copy())[None] for path in paths)
        for paths in ((Path("test", name), entry.recon("ema", name)) for name in ("b.png", "c.png"))
    ]
    for name in ("lpips_alex", "dists"):
        expected = np.mean([metrics[name].function(*pair).item() for pair in pairs])
        assert row[name] == pytest.approx(expected, rel=1e-6), name
        assert row[name] > 0

    # Every one stands in the report's table, with an interval within its bounds; a kernel distance needs two images.
    uncertainty = cell["result"]["uncertainty"]["ema"]
    assert set(usual) - set(uncertainty) == {"kid_paired_lite0_112", "kid_paired_lite0_1280"}
    here("report", "grid.toml")
    table = Path("reports", "measured", "report.md").read_text()
    for name in usual:
        assert metrics[name].label in table, name
        if name in uncertainty:
            ends = (uncertainty[name]["low"], row[name], uncertainty[name]["high"])
            assert list(ends) == sorted(ends), name
            assert metrics[name].bounds[0] <= ends[0] <= ends[2] <= metrics[name].bounds[1], name


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
