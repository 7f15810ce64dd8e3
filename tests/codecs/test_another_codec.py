"""A codec that is defined here goes the way of the one that ships: trained, measured by its files, used as a tool."""

from __future__ import annotations

import csv
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad
from typer.testing import CliRunner, Result

from ablate.cli.app import app
from ablate.codecs.build import build_codec, count_parameters
from ablate.codecs.catalogue import codecs
from ablate.codecs.codec import Reconstruction, TrainableCodec
from ablate.codecs.container import opened
from ablate.config import Cell
from ablate.data import prepare, resolve
from ablate.execute.jobs import Job, jobs
from ablate.execute.planning import load_plan
from ablate.execute.work import TRAINING, Assignment, train
from ablate.records import CellSettings, Environment
from ablate.store import Entry, Store
from ablate.store.weights import load
from tests.train.conftest import gradient_image

SIDE = 8


class BlockTransform(TrainableCodec):
    """The cosine transform of 8 x 8 blocks, a learned step for each frequency, and zlib."""

    def __init__(self, step: float) -> None:
        super().__init__()
        k, n = torch.arange(SIDE)[:, None], torch.arange(SIDE)
        basis = torch.cos(torch.pi * (2 * n + 1) * k / (2 * SIDE)) * torch.where(k == 0, 1, 2**0.5) / SIDE**0.5
        self.register_buffer("basis", torch.einsum("ux,vy->uvxy", basis, basis).reshape(-1, 1, SIDE, SIDE))
        self.steps = nn.Parameter(torch.full((1, SIDE * SIDE, 1, 1), step))

    def forward(self, image: Tensor, random: torch.Generator) -> Reconstruction:
        scaled = self._analysed(image)
        noise = torch.rand(scaled.shape, generator=random) - 0.5
        rate = (scaled.abs() + 1).log2().sum() / image[:, 0].numel()
        return Reconstruction(self._synthesised(scaled + noise, image.shape[0]), rate=rate)

    def encode(self, image: Tensor) -> bytes:
        height, width = image.shape[1:]
        padded = pad(image[None].float() / 127.5 - 1, (0, -width % SIDE, 0, -height % SIDE), mode="replicate")
        symbols = self._analysed(padded).round().clamp(-999, 999).to(torch.int16)
        return struct.pack("<HH", height, width) + zlib.compress(symbols.numpy().tobytes())

    def decode(self, content: bytes, _random: torch.Generator) -> Tensor:
        height, width = struct.unpack_from("<HH", content)
        shape = (3, SIDE * SIDE, -(-height // SIDE), -(-width // SIDE))
        symbols = np.frombuffer(zlib.decompress(content[4:]), np.int16).reshape(shape)
        image = self._synthesised(torch.from_numpy(symbols.astype(np.float32)), 1)[0, :, :height, :width]
        return ((image.clamp(-1, 1) + 1) * 127.5).round().byte()

    def _analysed(self, image: Tensor) -> Tensor:
        return conv2d(image.reshape(-1, 1, *image.shape[2:]), self.basis, stride=SIDE) / self.steps

    def _synthesised(self, scaled: Tensor, count: int) -> Tensor:
        planes = conv_transpose2d(scaled * self.steps, self.basis, stride=SIDE)
        return planes.reshape(count, 3, *planes.shape[2:])


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers the codec for one test: all that a user writes beside the class."""
    list(codecs)  # those that ship
    monkeypatch.setattr(codecs, "_entries", dict(codecs._entries))

    @codecs.register(stride=SIDE, rate=True)
    def block_transform(_model: object, *, step: float = 0.05) -> TrainableCodec:
        return BlockTransform(step)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    for split, seeds in (("train", (1, 2)), ("test", (3, 4))):
        (root / split).mkdir()
        for seed in seeds:
            Image.fromarray(gradient_image(seed, 90 + seed, 101)).save(root / split / f"{split}{seed}.png")
    return root


def cell_of(images: Path, **sections: dict) -> Cell:
    settings: dict = {
        "data": {"source": "folder", "train": "train", "test": "test", "crop": 32, "batch_size": 2},
        "model": {"codec": {"name": "block_transform", "step": 0.1}},
        "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": 1},
        "loss": {"lambda_r": 0.01},
        "train": {"steps": 6, "log_every": 2, "warmup_steps": 0},
    }
    for name, section in sections.items():
        settings[name] = settings[name] | section
    cell = Cell.model_validate(settings)
    return cell.model_copy(update={"data": resolve(cell.data, images)})


def trained(cell: Cell, store: Store) -> Entry:
    """Trains and measures a cell as a worker does."""
    for split in ("train", "test"):
        prepare(cell.data, split, store.data_cache)
    entry = store.cell(cell.id)
    settings = CellSettings(id=cell.id, label="blocks", seed=cell.seed, cell=cell.model_dump(mode="json"))
    entry.write_settings(settings)
    entry.begin_attempt(Environment(device="cpu"))
    job = Job("cell", cell.id, "blocks", settings, cell.train.steps)
    assert train(job, store, Assignment("cpu", 1, 1), lambda: False).status == "done"
    return entry


@pytest.fixture(scope="module")
def ablate_in() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def rows(entry: Entry, weights: str) -> Iterator[dict[str, str]]:
    with entry.images_csv.open(newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["weights"] == weights)


def test_it_is_trained_measured_by_its_own_files_and_compresses(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ablate_in: Callable[..., Result]
) -> None:
    monkeypatch.chdir(tmp_path)
    entry = trained(cell_of(images), Store(Path("runs"), "grid"))
    result = entry.result()
    assert result.codec.parameters["codec"] == SIDE * SIDE

    # Compressed by the command line, each image takes the bytes that were recorded and comes back as was measured.
    said = ablate_in("compress", images / "test", "--cell", "blocks", "-o", "files")
    assert said.exit_code == 0, said.output
    said = ablate_in("decompress", "files", "-o", "back")
    assert said.exit_code == 0, said.output
    for row in rows(entry, "ema"):
        file = Path("files", row["image"]).with_suffix(".ablt").read_bytes()
        assert opened(file).model.hex() == result.codec.models["ema"]
        assert int(row["bytes_actual"]) == len(file)
        assert float(row["bpp_actual"]) == 8 * len(file) / (int(row["height"]) * int(row["width"]))
        assert not any(row.get(name) for name in ("bpp_bound", "bpp_entropy")), "it sends no symbols of a few levels"
        back = np.asarray(Image.open(Path("back", row["image"]).with_suffix(".png")))
        assert np.array_equal(back, np.asarray(Image.open(entry.recon("ema", row["image"]))))
    assert 0 < result.score("bpp_actual") < 8
    assert result.score("psnr") > 20
    assert result.score("levels_used") is result.score("bpp_bound") is None

    # Measured on other images, it gives a record as any cell does.
    said = ablate_in("eval", "--cell", "blocks", "--images", images / "train", "--json")
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["codec"] == result.plain()["codec"]


GRID = """
schema = 1
name = "codecs"
[base]
preset = "tiny"
data = { source = "folder", train = "train", test = "test", crop = 32, batch_size = 2 }
train = { steps = 2, warmup_steps = 0 }
[axes]
"model.codec" = ["agustsson", { name = "block_transform", step = 0.1 }]
"""


def test_a_grid_has_codecs_as_an_axis_and_its_report_both(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ablate_in: Callable[..., Result]
) -> None:
    monkeypatch.chdir(tmp_path)
    grid, store = images / "grid.toml", Store(Path("runs"), "codecs")
    grid.write_text(GRID)
    plan = load_plan(grid, Path("runs"))
    plan.write(store)
    TRAINING.prepare(jobs(plan, store), store, lambda _: None)
    for job in jobs(plan, store):
        store.cell(job.id).begin_attempt(Environment(device="cpu"))
        assert train(job, store, Assignment("cpu", 1, 1), lambda: False).status == "done"
    said = ablate_in("report", grid)
    assert said.exit_code == 0, said.output
    report = Path("reports/codecs/report.md").read_text()
    assert "block_transform(step=0.1)" in report


def test_a_file_of_other_weights_or_an_altered_one_is_refused(images: Path, tmp_path: Path) -> None:
    store = Store(tmp_path, "grid")
    one, other = (load(trained(cell_of(images, train={"steps": steps}), store), "ema") for steps in (2, 4))
    file = one.encode(torch.from_numpy(gradient_image(5, 40, 50).transpose(2, 0, 1).copy()))
    with pytest.raises(ValueError, match="was written by the model"):
        other.decode(file)
    with pytest.raises(ValueError, match="truncated or altered"):
        one.decode(file[:-1])


def test_its_rate_is_a_term_that_training_lowers(images: Path, tmp_path: Path) -> None:
    rates = []
    for weight in (0.0, 10.0):
        entry = trained(cell_of(images, loss={"lambda_r": weight}, train={"steps": 20}), Store(tmp_path, "grid"))
        logged = entry.metrics()
        assert all(row.loss["rate"] > 0 and row.weights["rate"] == weight for row in logged)
        rates.append(entry.result().score("bpp_actual", "raw"))
    assert rates[1] < rates[0]
    with pytest.raises(ValueError, match=r"lambda_r weighs .* model\.codec = \"agustsson\" .* estimates none"):
        cell_of(images, model={"codec": "agustsson", "downsamplings": 3})


def test_its_name_and_options_are_identity_and_settings_that_it_never_looks_at_are_not(images: Path) -> None:
    cell = cell_of(images)
    assert cell_of(images, model={"codec": {"name": "block_transform", "step": 0.2}}).id != cell.id
    assert cell_of(images, model={"codec": {"name": "block_transform", "step": 0.1}, "width": 8}).id == cell.id
    assert Cell.model_validate(cell.model_dump(mode="json")).id == cell.id
    assert cell_of(images, loss={"lambda_r": 0.02}).id != cell.id
    plain = {"model": {"downsamplings": 3}, "loss": {"lambda_r": 0.0}}
    assert cell_of(images, **plain, data={"crop": 32}).id != cell.id


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"model": {"codec": "block_transforms"}}, "did you mean 'block_transform'"),
        ({"model": {"codec": {"name": "block_transform", "stepp": 1.0}}}, "unknown option of block_transform 'stepp'"),
        ({"data": {"crop": 36}}, "data.crop = 36 must be a multiple of 8"),
        ({"loss": {"adversarial": "oasis", "feature_matching": "none"}}, "does not say what that is"),
    ],
)
def test_what_does_not_fit_it_is_refused(images: Path, sections: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cell_of(images, **sections)


def test_it_is_built_and_counted_by_its_settings(images: Path) -> None:
    cell = cell_of(images)
    before = torch.random.get_rng_state()
    assert float(build_codec(cell.model, 0).get_parameter("steps").detach().mean()) == pytest.approx(0.1)
    assert count_parameters(cell.model) == {"codec": 64}
    assert torch.equal(torch.random.get_rng_state(), before)
