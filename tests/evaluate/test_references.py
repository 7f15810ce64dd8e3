"""JPEG and WebP at no more bits than given ones, against encoding by hand."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ablate import metrics
from ablate.codecs.standard import STANDARD
from ablate.config import Evaluation
from ablate.data import Images, prepare_folder
from ablate.evaluate import reference_measurer
from ablate.evaluate.features import as_tensor, image_features
from ablate.evaluate.references import References

PROTOCOL = Evaluation()


@pytest.fixture(scope="module")
def shown(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Images:
    return prepare_folder(images / "train", tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anchors")


LIMITS = (2500, 3100)


def anchors(
    images: Images, evaluation: Evaluation, wanted: Any, cache: Path, say: Any = lambda _what, _images: None
) -> Any:
    references = References(images, evaluation, wanted, cache)
    references.measure(say)
    return references.known()


@pytest.fixture(scope="module")
def records(shown: Images, cache: Path) -> dict[str, Any]:
    wanted = {"smallest": None, "some": LIMITS, "none": (3000, 90), "any": (10**7, 10**7)}
    return anchors(shown, PROTOCOL, wanted, cache)


@pytest.mark.parametrize("codec", STANDARD, ids=lambda codec: codec.label)
def test_each_image_has_the_best_file_that_is_no_larger(codec, records, shown: Images) -> None:
    record = records["some"][codec.label]
    files = []
    for image, limit in zip(shown, LIMITS, strict=True):
        within = [
            q for q in range(codec.lowest, codec.highest + 1) if len(codec.at(q).encode(as_tensor(image))) <= limit
        ]
        # Sizes rise with quality here but for a byte or two, so that bisection finds the last one or its neighbour.
        files.append(codec.at(max(within)).encode(as_tensor(image)))
    pixels = [height * width for height, width in shown.shapes]
    sizes = np.array([len(file) for file in files])
    assert record["bpp_actual"] == pytest.approx(np.mean(8 * sizes / pixels), rel=0.02)
    assert record["bpp_actual"] <= np.mean(8 * np.array(LIMITS) / pixels)
    pairs = [
        (torch.from_numpy(image.copy())[None], codec.at(0).decode(file)[None])
        for image, file in zip(shown, files, strict=True)
    ]
    assert record["psnr"] == pytest.approx(np.mean([float(metrics.psnr(*pair)) for pair in pairs]), abs=0.15)
    assert record["missing"] == []
    assert (record["pictures"], record["identical"]) == (2, 0)


@pytest.mark.parametrize("codec", STANDARD, ids=lambda codec: codec.label)
def test_the_smallest_files_are_measured_as_the_cells_are(codec, records, shown: Images) -> None:
    record = records["smallest"][codec.label]
    extractor = metrics.extractor("lite0", tap=112)
    originals, decoded, scores = [], [], []
    for image in shown:
        smallest = codec.at(codec.lowest).encode(as_tensor(image))
        better = codec.at(codec.lowest + 1).encode(as_tensor(image))  # JPEG's two lowest qualities can be equally large
        file = better if len(better) == len(smallest) else smallest
        pair = torch.from_numpy(image.copy()), codec.at(0).decode(file)
        for kept, each in zip((originals, decoded), pair, strict=True):
            kept.append(extractor(metrics.patches(each, 64, 32)))
        scores.append(float(metrics.ms_ssim(pair[0][None], pair[1][None])))
    expected = metrics.frechet_distance(torch.cat(originals), torch.cat(decoded))
    assert record["fd_lite0_112"] == pytest.approx(expected, rel=1e-6)
    assert record["ms_ssim"] == pytest.approx(np.mean(scores), rel=1e-9)
    assert record["bpp_actual"] == record["smallest"]
    assert record["kid_paired_lite0_112"] > 0


def test_one_image_without_so_small_a_file_leaves_no_figure(records, shown: Images) -> None:
    for record in records["none"].values():
        assert record["missing"] == [shown.names[1]]
        assert record["psnr"] is record["bpp_actual"] is record["fd_lite0_112"] is None
        assert record["smallest"] > 0


@pytest.mark.parametrize("codec", STANDARD, ids=lambda codec: codec.label)
def test_a_file_as_large_as_the_limit_is_within_it(codec, shown: Images, cache: Path) -> None:
    sizes = tuple(len(codec.at(30).encode(as_tensor(image))) for image in shown)
    record = anchors(shown, PROTOCOL, {"exactly": sizes}, cache)["exactly"][codec.label]
    assert record["quality"][0] >= 30
    pixels = [height * width for height, width in shown.shapes]
    assert record["bpp_actual"] == pytest.approx(np.mean(8 * np.array(sizes) / pixels), rel=1e-12)


def test_no_limit_is_best_quality(records) -> None:
    for codec in STANDARD:
        assert records["any"][codec.label]["quality"] == [codec.highest, codec.highest]


def test_what_was_measured_is_read_and_not_measured_again(records, shown: Images, cache: Path, monkeypatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(reference_measurer, "Measurer", refuse)
    said: list[str] = []
    again = anchors(shown, PROTOCOL, {"x": LIMITS, "smallest": None}, cache, lambda what, _: said.append(what))
    assert again == {"x": records["some"], "smallest": records["smallest"]}
    assert said == []
    assert References(shown, PROTOCOL, {"x": (2500, 3102)}, cache).known() is None
    for protocol, limits in ((PROTOCOL, (2500, 3101)), (Evaluation(patch=32), LIMITS)):
        with pytest.raises(AssertionError, match="measured again"):
            anchors(shown, protocol, {"x": limits}, cache)


def test_damaged_figures_are_named_by_who_reads_them_and_measured_anew(shown: Images, tmp_path: Path) -> None:
    wanted = {"x": LIMITS}
    expected = anchors(shown, PROTOCOL, wanted, tmp_path)
    path = next(tmp_path.glob("anchors-jpeg-*.json"))
    for damaged in (path.read_bytes()[:200], b"{}\n", b"null\n", b"[]\n", b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=path.name):
            References(shown, PROTOCOL, wanted, tmp_path).known()
        assert anchors(shown, PROTOCOL, wanted, tmp_path) == expected, damaged


def test_a_format_that_cannot_hold_an_image_has_no_figure(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "wide").mkdir()
    Image.new("RGB", (16400, 2)).save(tmp_path / "wide" / "a.png")
    wide = prepare_folder(tmp_path / "wide", tmp_path / "cache")
    record = anchors(wide, PROTOCOL, {"any": (10**6,)}, tmp_path / "cache")["any"]
    assert record["WebP"]["smallest"] is None
    assert record["WebP"]["missing"] == ["a.png"]
    # every black pixel is kept
    assert (record["JPEG"]["psnr"], record["JPEG"]["quality"]) == (None, [95, 95])
    assert (record["JPEG"]["identical"], record["WebP"]["identical"]) == (1, None)


def test_networks_run_in_one_thread_since_what_they_switch_off_is_off_for_the_process(
    shown: Images, tmp_path: Path, monkeypatch
) -> None:
    looked: list[tuple[bool, bool]] = []

    def features(*given: Any) -> torch.Tensor:
        looked.append((threading.current_thread() is threading.main_thread(), torch.backends.cudnn.allow_tf32))
        return image_features(*given)

    monkeypatch.setattr(reference_measurer, "image_features", features)
    before = torch.backends.cudnn.allow_tf32
    anchors(shown, PROTOCOL, {"some": LIMITS}, tmp_path)
    assert looked == [(True, before)] * 2 * len(STANDARD)
