from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ablate.analysis import Study, pool, read_study
from tests.fabricated_store import Fabrication, drawn_images, fabricate

LOSSES = {"loss.adversarial": ["lsgan", "hinge"]}


def two(root: Path, first: dict[str, Any], second: dict[str, Any]) -> list[Study]:
    common: dict[str, Any] = {"recon": False, "log_points": 2}
    grids = [Fabrication("one", **common | first), Fabrication("two", **common | {"first": 1000} | second)]
    return [read_study(fabricate(root, grid)) for grid in grids]


def test_one_grid_stays_what_it_is(tmp_path: Path) -> None:
    study = two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES})[0]
    assert pool([study]) is study


def test_an_axis_of_one_grid_is_filled_in_for_the_other_from_its_settings(tmp_path: Path) -> None:
    scales = {"loss.adversarial": ["vanilla"], "discriminator.scales": [3, 1]}
    pooled = pool(two(tmp_path, {"axes": LOSSES, "seeds": [0]}, {"axes": scales, "seeds": [0]}))
    assert [axis.name for axis in pooled.axes] == ["adversarial", "scales"]
    assert {axis.name: axis.levels for axis in pooled.axes}["adversarial"] == ("lsgan", "hinge", "vanilla")
    assert [arm.name for arm in pooled.arms] == [
        "adversarial=lsgan scales=1",
        "adversarial=hinge scales=1",
        "adversarial=vanilla scales=3",
        "adversarial=vanilla scales=1",
    ]
    assert all(pooled.on_axes(arm) for arm in pooled.arms)
    assert pooled.baseline is not None
    assert pooled.baseline.name == "adversarial=lsgan scales=1"
    assert [cell.grid for cell in pooled.cells] == ["one", "one", "two", "two"]


def test_seeds_of_one_arm_in_two_grids_are_seeds_of_that_arm(tmp_path: Path) -> None:
    pooled = pool(two(tmp_path, {"axes": LOSSES, "seeds": [0, 1]}, {"axes": LOSSES, "seeds": [2, 3]}))
    assert pooled.seeds == (0, 1, 2, 3)
    assert [len(arm.done) for arm in pooled.arms] == [4, 4]


def test_where_the_images_lie_makes_no_arm_of_its_own(tmp_path: Path) -> None:
    studies = two(tmp_path, {"axes": LOSSES, "seeds": [0, 1]}, {"axes": LOSSES, "seeds": [2, 3]})
    for cell in studies[1].cells:
        cell.config["data"]["train"] = "/elsewhere/train"
    assert [len(arm.done) for arm in pool(studies).arms] == [4, 4]


def test_a_cell_that_lies_in_both_grids_counts_once(tmp_path: Path) -> None:
    pooled = pool(two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES, "first": 0}))
    assert len(pooled.cells) == 4


def test_a_setting_in_which_whole_grids_differ_becomes_an_axis(tmp_path: Path) -> None:
    pooled = pool(two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES, "settings": {"train.steps": 2000}}))
    assert [axis.name for axis in pooled.axes] == ["adversarial", "steps"]
    assert pooled.axes[1].levels == ("1000", "2000")


def test_a_batch_size_in_which_whole_grids_differ_becomes_an_axis_too(tmp_path: Path) -> None:
    pooled = pool(two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES, "settings": {"data.batch_size": 4}}))
    assert [axis.name for axis in pooled.axes] == ["adversarial", "batch_size"]
    assert len(pooled.slots["adversarial"]) == len(pooled.cells) == 8


def test_no_cell_hides_another_that_differs_in_nothing_that_is_told(tmp_path: Path) -> None:
    pooled = pool(two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES}))
    assert [axis.name for axis in pooled.axes] == ["adversarial", "grid"]
    assert len(pooled.slots["adversarial"]) == len(pooled.cells) == 8


def test_grids_that_differ_in_many_settings_are_told_apart_by_name(tmp_path: Path) -> None:
    many = {"train.steps": 2000, "model.channels": 4, "discriminator.scales": 2, "loss.lambda_x": 3.0}
    pooled = pool(two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES, "settings": many}))
    assert [axis.name for axis in pooled.axes] == ["adversarial", "grid"]
    assert pooled.axes[1].levels == ("one", "two")


def test_other_images_other_protocols_and_other_code_are_refused_all_at_once(tmp_path: Path) -> None:
    one, _ = two(tmp_path / "a", {"axes": LOSSES}, {"axes": LOSSES})
    other = Fabrication(
        "two", axes=LOSSES, recon=False, first=1000, images=drawn_images(count=2),
        environments={index: {"fingerprint": "other"} for index in range(4)},
    )  # fmt: skip
    two_study = read_study(fabricate(tmp_path / "b", other))
    for cell in two_study.cells:
        assert cell.result is not None
        cell.result.protocol["fd_lite0_112"]["patches"] = 99
    with pytest.raises(ValueError, match="cannot be compared") as refusal:
        pool([one, two_study])
    lines = str(refusal.value).splitlines()[1:]
    assert [line.strip() for line in lines if "images: sha256" in line] != []
    assert any("other protocols of fd_lite0_112: patches: 412 and 99" in line for line in lines)
    assert any("other code: f00df00df00d and other (--allow-mixed-code" in line for line in lines)


def test_two_grids_that_differ_in_what_the_first_does_not_state_are_refused(tmp_path: Path) -> None:
    studies = two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES})
    third = Fabrication("three", axes=LOSSES, recon=False, log_points=2, first=2000)
    studies.append(read_study(fabricate(tmp_path, third)))
    for study, patches in zip(studies, (None, 412, 99), strict=True):
        for cell in study.cells:
            assert cell.result is not None
            cell.result.protocol.pop("fd_lite0_112")
            if patches is not None:
                cell.result.protocol["fd_lite0_112"] = {"patches": patches}
    with pytest.raises(ValueError, match="two and three were measured by other protocols of fd_lite0_112"):
        pool(studies)


def test_mixed_code_is_compared_where_it_is_allowed(tmp_path: Path) -> None:
    environments = {index: {"fingerprint": "other"} for index in range(4)}
    studies = two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES, "environments": environments, "seeds": [2, 3]})
    with pytest.raises(ValueError, match="other code"):
        pool(studies)
    assert len(pool(studies, allow_mixed_code=True).cells) == 8


def test_cells_that_kept_no_fingerprint_are_not_taken_for_other_code(tmp_path: Path) -> None:
    studies = two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES, "seeds": [2, 3]})
    for each in studies[1].cells:
        assert each.result is not None
        without = each.result.environment.model_copy(update={"fingerprint": None})
        each.result.__dict__["environment"] = without
    for order in (studies, studies[::-1]):
        assert len(pool(order).cells) == 8


def test_a_grid_named_twice_is_refused(tmp_path: Path) -> None:
    study = two(tmp_path, {"axes": LOSSES}, {"axes": LOSSES})[0]
    with pytest.raises(ValueError, match="once"):
        pool([study, study])
