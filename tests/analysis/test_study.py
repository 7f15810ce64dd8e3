from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ablate.analysis import collect_images, read_study
from ablate.store import Store
from tests.fabricated_store import Fabrication, fabricate

AXES = {"loss.adversarial": ["lsgan", "hinge"], "loss.lambda_x": [12.0, 48.0]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("study")
    return fabricate(root, Fabrication(axes=AXES, status={1: "diverged", 2: "failed", 3: "pending"}, recon=False))


def test_every_planned_cell_is_there_with_its_status_and_cause(store: Store) -> None:
    cells = read_study(store).cells
    assert [cell.status for cell in cells] == ["done", "diverged", "failed", "pending", *["done"] * 4]
    assert (cells[1].step, cells[1].cause) == (375, "non-finite loss at step 375")
    assert (cells[2].step, cells[2].cause) == (375, "RuntimeError: out of memory")
    assert cells[1].score("psnr") is None


def test_seeds_of_one_setting_are_one_arm_named_without_the_seed(store: Store) -> None:
    study = read_study(store)
    assert [arm.name for arm in study.arms][:2] == ["adversarial=lsgan lambda_x=12", "adversarial=lsgan lambda_x=48"]
    assert all(len(arm.cells) == 2 for arm in study.arms)


def test_settings_that_wear_the_same_label_stay_apart(store: Store) -> None:
    plan = store.plan()
    assert plan is not None
    alike = tuple(point.model_copy(update={"label": "same"}) for point in plan.points)
    other = Store(store.root, "relabelled")
    other.write_plan(plan.model_copy(update={"points": alike}))
    names = [arm.name for arm in read_study(other).arms]
    assert len(names) == len(set(names)) == 4


def test_without_a_baseline_declared_it_is_the_first_value_of_every_axis(store: Store) -> None:
    baseline = read_study(store).baseline
    assert baseline is not None
    assert baseline.name == "adversarial=lsgan lambda_x=12"


def test_a_grid_that_was_never_planned_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no plan\.json"):
        read_study(Store(tmp_path, "nothing"))


def test_scores_are_seeds_by_images_with_gaps_where_a_cell_gave_none(store: Store) -> None:
    study = read_study(store)
    scores = collect_images(study, store, "psnr")
    assert scores.images == ("wave-0.png", "wave-1.png", "wave-2.png")
    first, second = (scores.values[arm.name] for arm in study.arms[:2])
    assert first.shape == (2, 3)
    assert not np.isnan(first[0]).any()
    assert np.isnan(first[1]).all()
    assert np.isnan(second).all()


def test_the_mean_over_images_is_the_score_of_the_cell(store: Store) -> None:
    study = read_study(store)
    images = collect_images(study, store, "psnr", "raw")
    assert (images.metric, images.weights, images.seeds) == ("psnr", "raw", (0, 1))
    for arm in study.arms:
        scores = [arm.scores("psnr", "raw").get(seed, np.nan) for seed in images.seeds]
        assert images.values[arm.name].mean(axis=1) == pytest.approx(scores, nan_ok=True)
    averaged = collect_images(study, store, "psnr").values[study.arms[0].name][0]
    assert averaged.mean() == pytest.approx(study.arms[0].scores("psnr")[0])
    assert averaged.mean() != images.values[study.arms[0].name][0].mean()


def test_a_metric_that_no_image_defines_has_no_score(store: Store) -> None:
    (arm,) = (arm for arm in read_study(store).arms if arm.name == "adversarial=hinge lambda_x=48")
    assert arm.done
    assert not arm.scores("ms_ssim")


@pytest.mark.parametrize(
    ("file", "status"),
    [("result.json", "broken"), ("eval/images.csv", "altered"), ("metrics.jsonl", "altered")],
)
def test_a_cell_whose_records_are_damaged_is_left_out_and_the_others_are_there(
    tmp_path: Path, file: str, status: str
) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, recon=False))
    path = store.cell(f"{1:012x}").path / file
    path.write_text("")
    cells = read_study(store).cells
    assert [cell.status for cell in cells] == ["done", status, *["done"] * 6]
    assert cells[1].cause is not None
    assert str(path) in cells[1].cause
    assert cells[1].score("psnr") is None
