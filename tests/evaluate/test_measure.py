"""What an evaluation writes of a codec, trained or not."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ablate import metrics
from ablate.atomic import write_with
from ablate.codecs.build import build_codec
from ablate.codecs.codec import Symbols
from ablate.codecs.trained import TrainedCodec
from ablate.config import Cell, Evaluation, Taught, Term
from ablate.data import Images, prepare, prepare_folder, resolve
from ablate.evaluate.distances import Distances, distances, refusal
from ablate.evaluate.measure import Measurement, _Sent, measure
from ablate.execute.cell import run_cell
from ablate.records import CellSettings, Result
from ablate.store import Entry
from ablate.store.weights import load
from tests.train.conftest import gradient_image

SIZES = ((176, 192), (200, 168), (190, 250), (130, 140))


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Cell:
    """A cell with four test images, one of which is too small for MS-SSIM."""
    root = tmp_path_factory.mktemp("images")
    for split, first in (("train", 10), ("test", 0)):
        (root / split).mkdir()
        for number, size in enumerate(SIZES):
            Image.fromarray(gradient_image(first + number, *size)).save(root / split / f"{split}{number}.png")
    settings = {
        "data": {"source": "folder", "train": "train", "test": "test", "crop": 32, "batch_size": 2},
        "model": {
            "width": 4,
            "downsamplings": 2,
            "residual_blocks": 0,
            "norm": "none",
            "channels": 2,
            "latent_norm": "none",
        },
        "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": 2},
        "evaluation": {"patch": 32},
    }
    made = Cell.model_validate(settings)
    return made.model_copy(update={"data": resolve(made.data, root)})


@pytest.fixture(scope="module")
def measured(cell: Cell, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Entry]:
    """What is measured of two codecs as they were drawn, and where it was written."""
    root = tmp_path_factory.mktemp("evaluation")
    entry = Entry(root / "entry")
    codecs = {name: drawn(cell, seed) for seed, name in enumerate(("raw", "ema"))}
    images = prepare(cell.data, "test", root)
    return dataclasses.asdict(measure(codecs, cell.evaluation, images, entry, cache=root, device="cpu")), entry


def drawn(cell: Cell, seed: int = 0, kind: type[TrainedCodec] = TrainedCodec) -> TrainedCodec:
    """Returns a codec with the weights that a seed draws, twice as large, so that it uses all levels."""
    codec = build_codec(cell.model, seed)
    with torch.no_grad():
        for parameter in codec.parameters():
            parameter.mul_(2)
    return kind.of(codec, cell.model, cell.seed)


def measured_alone(cell: Cell, images: Images, entry: Entry, cache: Path) -> Measurement:
    """Measures one codec as it was drawn."""
    taught = Taught.by(cell)
    return measure({"ema": drawn(cell)}, cell.evaluation, images, entry, cache=cache, device="cpu", taught=taught)


def rows(path: Path, weights: str) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["weights"] == weights]


def test_the_record_is_json_and_says_how_each_figure_was_made(measured: tuple[dict, Entry], cell: Cell) -> None:
    result, _ = measured
    json.dumps(result, allow_nan=False)
    distance = result["protocol"]["fd_lite0_112"]
    assert distance["patches"] == sum((h // 32) * (w // 32) + ((h - 16) // 32) * ((w - 16) // 32) for h, w in SIZES)
    assert distance["patches_needed"] == 224
    assert distance["enough"] is (distance["patches"] >= 224)
    assert result["protocol"]["kid_paired_lite0_112"]["weights_sha256"].startswith("57934424")
    assert result["protocol"]["ms_ssim"] | {"pictures": ""} == {
        "rounding": "uint8", "pictures": "", "images": 3, "undefined": ["test3.png"],
        "undefined_as": "a side is below 161 pixels",
    }  # fmt: skip
    assert result["protocol"]["psnr"]["pictures"] == cell.data.test_digest


def test_small_images_bring_three_scales_under_their_own_name(measured: tuple[dict, Entry]) -> None:
    result, entry = measured
    assert result["protocol"]["ms_ssim_3"]["images"] == 4
    three = [float(row["ms_ssim_3"]) for row in rows(entry.images_csv, "ema")]
    assert result["metrics"]["ema"]["ms_ssim_3"] == pytest.approx(np.mean(three), rel=1e-12)
    assert [row["ms_ssim"] == "" for row in rows(entry.images_csv, "ema")] == [False, False, False, True]


def test_pooled_error_and_decibels_stand_beside_their_means(measured: tuple[dict, Entry]) -> None:
    result, entry = measured
    table, scores = rows(entry.images_csv, "raw"), result["metrics"]["raw"]
    pixels = sum(h * w for h, w in SIZES)
    assert scores["mse_pooled"] == pytest.approx(sum(int(row["sse"]) for row in table) / (3 * pixels), rel=1e-12)
    assert 10 * math.log10(255**2 / scores["mse_pooled"]) < scores["psnr"]
    assert scores["identical"] == 0
    decibels = [-10 * math.log10(1 - float(row["ms_ssim"])) for row in table[:3]]
    assert scores["ms_ssim_db"] == pytest.approx(np.mean(decibels), rel=1e-9)


def test_every_figure_has_an_interval_over_images(measured: tuple[dict, Entry]) -> None:
    result, _ = measured
    for weights in ("raw", "ema"):
        found = result["uncertainty"][weights]
        assert {"psnr", "ms_ssim", "ms_ssim_3", "bpp_actual", "fd_lite0_112", "kid_paired_lite0_112"} <= set(found)
        for name, each in found.items():
            assert each["low"] <= result["metrics"][weights][name] <= each["high"], name
        for name in ("ms_ssim", "bpp_actual", "fd_lite0_112"):
            low, high = metrics.bounds_of(name)
            assert low <= found[name]["low"] < found[name]["high"] < high
        assert found["bpp_actual"]["method"].endswith("on the scale of log x")
        for name in ("psnr", "kid_paired_lite0_112", "ms_ssim_db"):
            assert found[name]["method"] == "jackknife over images, t interval of 95 %"
        assert found["psnr"]["images"] == 4
        assert found["ms_ssim"]["images"] == 3


def test_a_later_reader_finds_the_figures_again_in_what_was_kept(
    measured: tuple[dict, Entry], cell: Cell, tmp_path: Path
) -> None:
    result, entry = measured
    network = metrics.extractor("lite0")
    images = [torch.from_numpy(each.copy()) for each in prepare(cell.data, "test", tmp_path)]
    originals = [network(metrics.patches(each, 32, 16)) for each in images]
    kept = np.load(entry.features("ema"))
    assert kept.dtype == np.float32
    value = metrics.frechet_distance(torch.cat(originals), kept)
    assert value == pytest.approx(result["metrics"]["ema"]["fd_lite0_112"], rel=1e-9)
    images = np.repeat(np.arange(4), [len(each) for each in originals])
    assert [int(row["patches"]) for row in rows(entry.images_csv, "ema")] == [len(each) for each in originals]
    kernel = metrics.kid_paired(torch.cat(originals), kept, images)
    assert kernel == pytest.approx(result["metrics"]["ema"]["kid_paired_lite0_112"], rel=1e-9)
    # and without each image in turn, as the jackknife left it out
    for index, row in enumerate(rows(entry.jackknife_csv, "ema")):
        left = images != index
        a, b = torch.cat(originals)[left], kept[left]
        assert float(row["fd_lite0_112"]) == pytest.approx(metrics.frechet_distance(a, b), rel=1e-8)
        assert float(row["kid_paired_lite0_112"]) == pytest.approx(metrics.kid_paired(a, b, images[left]), rel=1e-8)
    value, without = result["metrics"]["ema"]["fd_lite0_112"], rows(entry.jackknife_csv, "ema")
    again = metrics.of_replicates(value, [float(row["fd_lite0_112"]) for row in without])
    assert again.standard_error == pytest.approx(result["uncertainty"]["ema"]["fd_lite0_112"]["standard_error"])


def test_the_measured_bits_are_those_of_the_files_that_compress_writes(cell: Cell, tmp_path: Path) -> None:
    entry, images = Entry(tmp_path / "entry"), prepare(cell.data, "test", tmp_path)
    written: list[bytes] = []

    class Watched(TrainedCodec):
        def encode(self, image: torch.Tensor) -> bytes:
            written.append(super().encode(image))
            return written[-1]

    codec = drawn(cell, kind=Watched)
    parts = dict.fromkeys(("codec", "average"), codec.networks.state_dict())
    write_with(entry.weights, lambda file: torch.save(parts, file))
    entry.write_settings(CellSettings(id=cell.id, cell=cell.model_dump(mode="json")))
    hashes = {"weights.pt": hashlib.sha256(entry.weights.read_bytes()).hexdigest()}
    figures = {"ema": {"psnr": 20.0}}  # a cell that is done has some
    entry.commit(Result(schema=1, id=cell.id, status="done", step=1, seconds=1.0, metrics=figures, artefacts=hashes))
    measure({"ema": codec}, cell.evaluation, images, entry, cache=tmp_path, device="cpu")
    loaded = load(entry, "ema")
    for name, image, file, row in zip(images.names, images, written, rows(entry.images_csv, "ema"), strict=True):
        assert file == loaded.encode(torch.from_numpy(image.copy()))
        assert int(row["bytes_actual"]) == len(file)
        assert float(row["bpp_actual"]) == 8 * len(file) / (image.shape[1] * image.shape[2])
        with Image.open(entry.recon("ema", name)) as shown:
            assert np.array_equal(np.asarray(shown).transpose(2, 0, 1), loaded.decode(file).numpy())


def test_what_a_file_lost_is_measured(cell: Cell, tmp_path: Path) -> None:
    images = prepare(cell.data, "test", tmp_path)

    class Losing(TrainedCodec):
        def encode(self, image: torch.Tensor) -> bytes:
            return super().encode(255 - image)

    measured = [
        measure({"ema": codec}, cell.evaluation, images, Entry(tmp_path / name), cache=tmp_path, device="cpu")
        for name, codec in (("whole", drawn(cell)), ("losing", drawn(cell, kind=Losing)))
    ]
    whole, losing = (each.metrics["ema"] for each in measured)
    names = ("psnr", "ms_ssim", "bpp_entropy", "bpp_actual", "fd_lite0_112")
    assert {name for name in names if losing[name] != whole[name]} == set(names)


def test_a_metric_that_gives_no_number_is_an_error(cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = dataclasses.replace(metrics.metrics["ssim"], function=lambda *_: torch.tensor([math.nan]))
    monkeypatch.setitem(metrics.metrics._entries, "ssim", broken)
    with pytest.raises(ValueError, match="the metric ssim gave nan"):
        measured_alone(cell, prepare(cell.data, "test", tmp_path), Entry(tmp_path), tmp_path)


def test_an_identical_reconstruction_has_no_psnr_and_is_counted(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = prepare(cell.data, "test", tmp_path)
    unchanged = iter([torch.from_numpy(each.copy()) for each in images])
    monkeypatch.setattr(TrainedCodec, "decode", lambda *_: next(unchanged))
    result = dataclasses.asdict(measured_alone(cell, images, Entry(tmp_path), tmp_path))
    scores = result["metrics"]["ema"]
    assert (scores["psnr"], scores["ms_ssim_db"], scores["identical"], scores["mse_pooled"]) == (None, None, 4, 0)
    assert scores["fd_lite0_112"] == scores["kid_paired_lite0_112"] == 0
    assert scores["ms_ssim"] == pytest.approx(1)
    assert "psnr" not in result["uncertainty"]["ema"]
    assert [row["psnr"] for row in rows(Entry(tmp_path).images_csv, "ema")] == [""] * 4
    json.dumps(result, allow_nan=False)


def test_a_perceptual_distance_is_one_more_figure_of_each_image(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def darkness(originals: torch.Tensor, reconstructions: torch.Tensor) -> torch.Tensor:
        return (originals.double() - reconstructions.double()).mean((1, 2, 3))

    name = "lpips_vgg"
    metric = dataclasses.replace(metrics.metrics[name], function=darkness)  # its own network is not here
    monkeypatch.setitem(metrics.metrics._entries, name, metric)
    settings = {
        "evaluation": cell.evaluation.model_copy(update={"perceptual": name}),
        "loss": cell.loss.model_copy(update={"perceptual": Term(name="lpips", options={"network": "vgg"})}),
    }
    images, there = prepare(cell.data, "test", tmp_path), Entry(tmp_path / "entry")
    result = dataclasses.asdict(measured_alone(cell.model_copy(update=settings), images, there, tmp_path))
    expected = [
        each.mean() - np.asarray(Image.open(there.recon("ema", image))).mean()
        for each, image in zip(images, images.names, strict=True)
    ]
    assert [float(row[name]) for row in rows(there.images_csv, "ema")] == pytest.approx(expected, rel=1e-9)
    assert result["metrics"]["ema"][name] == pytest.approx(np.mean(expected), rel=1e-9)
    assert result["uncertainty"]["ema"][name]["images"] == 4
    assert result["protocol"][name]["trained_against"] is True
    assert result["protocol"][name]["heads_sha256"]
    assert result["protocol"][name]["pictures"] == cell.data.test_digest


@pytest.mark.parametrize(
    ("loss", "taught"),
    [
        ({}, {"lpips_vgg": False, "lpips_alex": False, "dists": False}),
        ({"perceptual": "lpips"}, {"lpips_vgg": True, "lpips_alex": False, "dists": False}),
        ({"distortion": {"name": "lpips", "network": "alex"}}, {"lpips_vgg": False, "lpips_alex": True}),
    ],
)
def test_a_figure_says_whether_the_cell_was_trained_to_lower_it(loss: dict, taught: dict[str, bool]) -> None:
    trained = Cell.model_validate({"data": {"crop": 256}, "loss": loss})
    own = Taught.by(trained)
    assert {name: own.through(metrics.metrics[name]) for name in taught} == taught
    kept = {name: own.through(metrics.metrics[f"{name}@kept"]) for name in taught if metrics.metrics[name].regional}
    assert kept == {name: value for name, value in taught.items() if name != "dists"}


def test_a_channel_is_dead_where_it_is_the_same_in_all_images() -> None:
    small = torch.tensor([[[1, 1]], [[2, 2]], [[3, 4]], [[0, 0]]], dtype=torch.uint8)
    large = torch.tensor([[[1] * 3] * 2, [[3] * 3] * 2, [[3] * 3] * 2, [[0] * 3] * 2], dtype=torch.uint8)
    sent = _Sent([], torch.empty(0), [Symbols(each, 5) for each in (small, large)])
    assert sent.levels() == {"levels_used": 5, "dead_channels": 2}


def features(patches: int, width: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(patches, width)))


def scored(
    evaluation: Evaluation, originals: torch.Tensor, reconstructions: torch.Tensor, counts: list[int]
) -> Distances:
    chosen = [metrics.metrics[name] for name in evaluation.chosen]
    return distances(chosen, metrics.PairedFeatures.of(originals, reconstructions, counts), evaluation.patch)


@pytest.mark.parametrize(("patches", "there"), [(223, False), (224, True)])
def test_the_extrapolation_needs_twice_as_many_patches_as_dimensions(patches: int, there: bool) -> None:
    originals, counts = features(patches, 112, 0), [100, patches - 100]
    scores = scored(Evaluation(), originals, originals + features(patches, 112, 1) / 10, counts)
    assert ("fd_lite0_112_infinity" in scores.values) is there


def test_a_wide_tap_leaves_out_groups_of_images() -> None:
    originals = features(90, 1280, 0)
    noisy = originals + features(90, 1280, 1) / 10
    scores = scored(Evaluation(tap=1280), originals, noisy, [2] * 45)
    assert scores.groups == [index * 20 // 45 for index in range(45)]
    left = np.repeat(np.array(scores.groups), 2) != 3
    expected = metrics.frechet_distance(originals[left], noisy[left])
    members = [index for index, group in enumerate(scores.groups) if group == 3]
    without = scores.scores["fd_lite0_1280"].without
    assert [without[index] for index in members] == [pytest.approx(expected, rel=1e-9)] * 2
    assert {name: each.groups for name, each in scores.estimates()} == dict.fromkeys(scores.values, 20)


def test_the_tap_that_is_asked_for_is_looked_through_and_a_side_of_161_pixels_is_not_small(
    cell: Cell, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    Image.fromarray(gradient_image(5, 161, 170)).save(tmp_path / "images" / "a.png")
    images = prepare_folder(tmp_path / "images", tmp_path / "cache")
    wide = cell.model_copy(update={"evaluation": cell.evaluation.model_copy(update={"tap": 1280})})
    result = dataclasses.asdict(measured_alone(wide, images, Entry(tmp_path / "entry"), tmp_path / "cache"))
    assert np.load(Entry(tmp_path / "entry").features("ema")).shape == (41, 1280)
    assert "fd_lite0_1280" in result["metrics"]["ema"]
    assert (result["protocol"]["ms_ssim"]["undefined"], "ms_ssim_3" in result["protocol"]) == ([], False)


def test_a_narrow_tap_leaves_out_each_image_by_itself() -> None:
    originals = features(90, 112, 0)
    scores = scored(Evaluation(), originals, originals + features(90, 112, 1) / 10, [2] * 45)
    assert scores.groups == list(range(45))
    assert {each.groups for _, each in scores.estimates()} == {45}


def test_a_distance_that_is_not_there_without_some_image_has_no_interval() -> None:
    originals = features(3, 112, 0)
    scores = scored(Evaluation(), originals, originals + 0.1, [2, 1])
    assert None not in (scores.values["fd_lite0_112"], scores.values["kid_paired_lite0_112"])
    assert [value is None for value in scores.scores["fd_lite0_112"].without] == [True, False]
    assert list(scores.estimates()) == []


def test_without_two_patches_there_is_no_distance_and_a_reason() -> None:
    scores = scored(Evaluation(), features(1, 112, 0), features(1, 112, 1), [1, 0])
    assert set(scores.values.values()) == {None}
    assert list(scores.estimates()) == []
    assert refusal(metrics.metrics["fd_lite0_112"], [1, 0], 64) == "1 patch of 64 px; a distance needs 2"


def test_patches_of_one_image_give_no_kernel_distance_and_a_reason() -> None:
    originals = features(4, 112, 0)
    scores = scored(Evaluation(), originals, originals + 0.1, [0, 4])
    assert scores.values["fd_lite0_112"] is not None
    assert scores.values["kid_paired_lite0_112"] is None
    said = "4 patches of 64 px of one image; KID-Lite0-112 needs those of 2"
    assert refusal(metrics.metrics["kid_paired_lite0_112"], [0, 4], 64) == said


def test_a_fid_of_too_few_patches_is_refused_and_the_kernel_distance_is_not() -> None:
    settings = Evaluation(extractor="inception", tap=2048, patch=256)
    originals = features(192, 2048, 0)
    scores = scored(settings, originals, originals + features(192, 2048, 1) / 10, [8] * 24)
    assert scores.values["fid"] is None
    assert scores.values["kid_paired"] is not None
    assert [name for name, _ in scores.estimates()] == ["kid_paired"]
    said = refusal(metrics.metrics["fid"], [8] * 24, 256)
    assert said is not None
    for part in ("192 patches of 256 px", "4096 patches are needed", "kid_paired holds for fewer"):
        assert part in said
    assert refusal(metrics.metrics["fid"], [2049], 256) is None


@pytest.mark.parametrize(
    ("wanted", "absent"),
    [
        ({"perceptual": "lpips_alex"}, r"alexnet-owt-7be5be79\.pth"),
        ({"extractor": "dinov2", "tap": 1024, "patch": 224}, r"dinov2_vitl14"),
    ],
)
def test_absent_weights_are_missed_before_a_training(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: dict, absent: str
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("ABLATE_DINOV2", raising=False)
    settings = cell.evaluation.model_copy(update=wanted)
    entry = Entry(tmp_path / "entry")
    with pytest.raises(ValueError, match=f"the weights {absent}.* are absent"):
        run_cell(
            cell.model_copy(update={"evaluation": settings}), entry,
            warmup=None, data_cache=tmp_path, device="cpu", attempt=1, stop=lambda: False,
        )  # fmt: skip
    assert not entry.path.exists()
