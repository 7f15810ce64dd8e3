"""Kept regions are measured apart: the same figures, of the pixels, windows and patches that lie in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ablate.config import Evaluation
from ablate.data import Images, prepare_folder
from ablate.evaluate import part
from ablate.evaluate.given import Given
from ablate.evaluate.measure import Measurement, measure
from ablate.metrics import (
    extractor,
    frechet_distance,
    kid_paired,
    metrics,
    ms_ssim,
    ms_ssim_3,
    of_replicates,
    patches,
    psnr,
    ssim,
)
from ablate.plugins import metric
from ablate.store import Entry
from tests.metrics.pairs import blur
from tests.train.conftest import gradient_image

SIZES = ((176, 192), (200, 168), (190, 250), (130, 140))
PATCH = 32
BOXES = Evaluation(kept="random_box", patch=PATCH, metrics=("psnr_hvs_m", "bpp_side"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    root = tmp_path_factory.mktemp("images")
    (root / "test").mkdir()
    for number, size in enumerate(SIZES):
        Image.fromarray(gradient_image(number, *size)).save(root / "test" / f"test{number}.png")
    return prepare_folder(root / "test", root / "cache")


@pytest.fixture
def measured(images: Images, tmp_path: Path) -> Callable[..., Measurement]:
    """Returns a function that measures blurred images, whose files have 1,000 bytes and more."""

    def by(evaluation: Evaluation = BOXES) -> Measurement:
        given = Given(lambda name: blurred(images, name), {name: 1000 + n for n, name in enumerate(images.names)})
        return measure({"given": given}, evaluation, images, Entry(tmp_path / "entry"), cache=tmp_path, device="cpu")

    return by


def blurred(images: Images, name: str) -> Tensor:
    return blur(original(images, images.names.index(name)), 1.0)


def original(images: Images, index: int) -> Tensor:
    return torch.from_numpy(images[index].copy())


def pairs(images: Images) -> list[tuple[Tensor, Tensor]]:
    return [(original(images, n)[None], blurred(images, name)[None]) for n, name in enumerate(images.names)]


def regions(images: Images) -> list[Tensor]:
    found = part.KeptRegions.of(BOXES, images)
    assert found is not None
    return [found[index] for index in range(len(images))]


def rows(tmp_path: Path) -> list[dict[str, str]]:
    with Entry(tmp_path / "entry").images_csv.open(newline="") as file:
        return list(csv.DictReader(file))


def kept(monkeypatch: pytest.MonkeyPatch, height: float = 1.0, width: float = 1.0) -> None:
    """Keeps the upper left of every image instead: so many pixels, or of 1.0 and less that share."""

    def drawn(_kind: Any, size: tuple[int, int], *_: Any) -> Tensor:
        region = torch.zeros(size, dtype=torch.bool)
        rows, columns = (int(n * side) if n <= 1 else int(n) for n, side in zip((height, width), size, strict=True))
        region[:rows, :columns] = True
        return region

    monkeypatch.setattr(part, "draw", drawn)


def test_a_region_of_everything_has_the_figures_of_the_images_to_the_last_bit(
    measured: Callable[..., Measurement], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(monkeypatch)
    found = measured()
    figures, uncertainty = found.metrics["given"], found.uncertainty["given"]
    names = [name for name in figures if name.endswith("@kept")]
    assert {"psnr@kept", "ms_ssim@kept", "ms_ssim_db@kept", "ms_ssim_3@kept", "ssim@kept", "psnr_hvs_m@kept",
            "bpp_actual@kept", "fd_lite0_112@kept", "kid_paired_lite0_112@kept"} <= set(names)  # fmt: skip
    for name in names:
        plain = name.removesuffix("@kept")
        assert figures[name] == figures[plain], name
        assert uncertainty[name] == uncertainty[plain], name
    for name in (each for each in found.protocol if each.endswith("@kept")):
        assert found.protocol[name] == found.protocol[name.removesuffix("@kept")], name


def test_each_figure_is_that_of_the_region_and_the_others_stay_as_they_were(
    measured: Callable[..., Measurement], monkeypatch: pytest.MonkeyPatch, images: Images, tmp_path: Path
) -> None:
    kept(monkeypatch, 1.0, 0.95)
    found, table = measured(), rows(tmp_path)
    without = measured(BOXES.model_copy(update={"kept": "all"}))
    assert without.metrics["given"].items() <= found.metrics["given"].items()
    for (x, y), region, row in zip(pairs(images), regions(images), table, strict=True):
        for function in (psnr, ssim, ms_ssim_3):
            assert float(row[f"{function.__name__}@kept"]) == float(function(x, y, region))
        assert float(row["bpp_actual@kept"]) == 8 * int(row["bytes_actual"]) / int(region.sum())
        if row["ms_ssim@kept"]:
            assert float(row["ms_ssim@kept"]) == float(ms_ssim(x, y, region))
    assert [bool(row["ms_ssim@kept"]) for row in table] == [True, False, True, False]
    assert [bool(row["ms_ssim_db@kept"]) for row in table] == [True, False, True, False]
    assert found.protocol["ms_ssim@kept"]["undefined"] == ["test1.png", "test3.png"]
    for name, count in (("ssim@kept", 4), ("ms_ssim@kept", 2)):
        values = [float(row[name]) for row in table if row[name]]
        assert found.metrics["given"][name] == pytest.approx(np.mean(values), rel=1e-12)
        assert found.uncertainty["given"][name]["images"] == len(values) == count


def test_distances_are_of_the_patches_that_lie_in_the_region_as_a_whole(
    measured: Callable[..., Measurement], monkeypatch: pytest.MonkeyPatch, images: Images, tmp_path: Path
) -> None:
    kept(monkeypatch, 0.9, 0.7)
    found, network = measured(), extractor("lite0")
    features: list[list[Tensor]] = [[], []]
    owners: list[int] = []
    for index, (pair, region) in enumerate(zip(pairs(images), regions(images), strict=True)):
        corners = [
            (top, left)
            for offset in (0, PATCH // 2)
            for top in range(offset, region.shape[0] - PATCH + 1, PATCH)
            for left in range(offset, region.shape[1] - PATCH + 1, PATCH)
        ]
        inside = [bool(region[top : top + PATCH, left : left + PATCH].all()) for top, left in corners]
        owners += [index] * sum(inside)
        for side, image in zip(features, pair, strict=True):
            side.append(network(patches(image[0], PATCH, PATCH // 2))[torch.tensor(inside)])
    x, y = map(torch.cat, features)
    figures, facts = found.metrics["given"], found.protocol["fd_lite0_112@kept"]
    assert len(owners) < found.protocol["fd_lite0_112"]["patches"]
    assert figures["fd_lite0_112@kept"] == pytest.approx(frechet_distance(x, y), rel=1e-9)
    assert figures["kid_paired_lite0_112@kept"] == pytest.approx(kid_paired(x, y, owners), rel=1e-9)
    assert (facts["patches"], facts["enough"], facts["region"]) == (len(owners), False, "random_box")
    with Entry(tmp_path / "entry").jackknife_csv.open(newline="") as file:
        without = [float(row["fd_lite0_112@kept"]) for row in csv.DictReader(file)]
    left = np.array(owners) != 2
    assert without[2] == pytest.approx(frechet_distance(x[left], y[left]), rel=1e-8)


def test_an_image_without_a_patch_in_its_region_is_no_evidence(
    measured: Callable[..., Measurement], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept(monkeypatch, 0.17)  # strips of 29, 34, 32 and 22 rows
    found = measured()
    uncertain = found.uncertainty["given"]["fd_lite0_112@kept"]
    with Entry(tmp_path / "entry").jackknife_csv.open(newline="") as file:
        table = list(csv.DictReader(file))
    without = [row["fd_lite0_112@kept"] for row in table]
    assert [bool(value) for value in without] == [False, True, True, False]
    assert [row["group fd_lite0_112@kept"] for row in table] == ["", "1", "2", ""]
    assert (uncertain["images"], uncertain["groups"]) == (2, 2)
    expected = of_replicates(found.metrics["given"]["fd_lite0_112@kept"], [float(value) for value in without if value])
    assert uncertain["standard_error"] == pytest.approx(expected.standard_error)


def test_what_does_not_fit_into_a_region_has_no_figure_and_a_sentence(
    measured: Callable[..., Measurement], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept(monkeypatch, 10, 100)
    found = measured()
    json.dumps(found.metrics, allow_nan=False)
    figures, protocol = found.metrics["given"], found.protocol
    assert (figures["psnr@kept"] is None, figures["psnr_hvs_m@kept"] is None) == (False, False)
    for name in ("ssim@kept", "ms_ssim@kept", "ms_ssim_db@kept", "fd_lite0_112@kept", "kid_paired_lite0_112@kept"):
        assert figures[name] is None, name
        assert name not in found.uncertainty["given"]
    assert protocol["ssim@kept"]["images"] == 0
    assert protocol["ssim@kept"]["undefined"] == [f"test{number}.png" for number in range(4)]
    assert (
        protocol["ssim@kept"]["undefined_as"] == "no window of 11 pixels at the scale 1/1 lies in the region as a whole"
    )
    assert protocol["fd_lite0_112@kept"]["refused"] == "0 patches of 32 px; a distance needs 2"
    assert {row["ssim@kept"] for row in rows(tmp_path)} == {""}
    assert "undefined_as" not in protocol["psnr@kept"]


def test_patches_of_one_image_give_a_frechet_distance_and_say_why_no_other(
    measured: Callable[..., Measurement], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(monkeypatch, 180, 64)  # the only region of three images that holds patches
    monkeypatch.setattr(part, "draw", one_of(part.draw))
    found = measured()
    assert found.metrics["given"]["fd_lite0_112@kept"] > 0
    assert found.metrics["given"]["kid_paired_lite0_112@kept"] is None
    assert "of one image" in found.protocol["kid_paired_lite0_112@kept"]["refused"]
    assert "fd_lite0_112@kept" not in found.uncertainty["given"]  # nothing is left without that image


def one_of(draw: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Keeps a pixel of all images but the widest."""

    def drawn(kind: Any, size: tuple[int, int], *rest: Any) -> Tensor:
        region = draw(kind, size, *rest)
        if size[1] != 250:
            region[1:] = region[:, 1:] = False
        return region

    return drawn


@pytest.fixture
def plugins() -> Iterator[None]:
    with metrics.temporarily():

        @metric(label="Darkening", unit="levels", direction="lower")
        def darkening(originals: Tensor, reconstructions: Tensor) -> Tensor:
            return (originals.double() - reconstructions.double()).mean((1, 2, 3))

        @metric(label="Largest", unit="levels", direction="lower")
        def largest(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
            difference = (originals.double() - reconstructions.double()).abs().amax(1)
            return (difference if region is None else difference[:, region].unsqueeze(1)).amax((1, 2))

        yield


@pytest.mark.usefixtures("plugins")
def test_a_metric_of_ones_own_is_of_regions_where_it_takes_one(
    measured: Callable[..., Measurement], images: Images, tmp_path: Path
) -> None:
    found = measured()
    assert "darkening" in found.metrics["given"]
    assert "darkening@kept" not in found.metrics["given"].keys() | found.protocol.keys()
    for (x, y), region, row in zip(pairs(images), regions(images), rows(tmp_path), strict=True):
        assert float(row["largest@kept"]) == (x[0].int() - y[0].int()).abs()[:, region].max()
    assert found.protocol["largest@kept"]["images"] == 4


@pytest.mark.usefixtures("plugins")
def test_a_metric_of_ones_own_that_gives_no_number_for_a_region_is_an_error(
    measured: Callable[..., Measurement],
) -> None:
    @metric(label="Empty", direction="lower")
    def empty(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
        return torch.full((1,), 0.0 if region is None else float("nan"))

    with pytest.raises(ValueError, match="the metric empty@kept gave nan"):
        measured()


def test_only_what_is_asked_for_is_measured_in_regions_too(images: Images, tmp_path: Path) -> None:
    given = Given(lambda name: blurred(images, name), None)
    around: dict[str, Any] = {"cache": tmp_path, "device": "cpu"}
    found = measure({"given": given}, BOXES, images, Entry(tmp_path / "entry"), **around, only={"ssim", "bpp_actual"})
    assert set(found.protocol) == {"ssim", "ssim@kept", "bpp_actual", "bpp_actual@kept"}
    assert found.metrics["given"]["bpp_actual@kept"] is None
