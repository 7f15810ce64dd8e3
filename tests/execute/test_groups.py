"""What cells share is worked out once, and is what each would be alone."""

import tracemalloc
from pathlib import Path

import pytest

from ablate.execute.groups import Groups
from ablate.execute.planning import plan
from ablate.grid import read_grid
from ablate.records import PlanRecord

GRIDS = sorted(Path("grids").absolute().glob("*.toml"))


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_hash_plain_data_and_warmup_are_those_of_the_cell_alone(path: Path):
    groups = Groups(lambda cell: cell)
    for point in read_grid(path).points():
        cell = groups.cell(point.cell)
        assert cell == point.cell
        assert groups.sha256(cell) == point.cell.sha256
        assert groups.plain(cell) == point.cell.model_dump(mode="json")
        assert groups.warmup(cell) == point.cell.warmup


def test_equal_groups_of_a_plan_are_one_object_and_it_equals_the_plan_that_is_read_back():
    (path,) = (path for path in GRIDS if path.stem == "quickstart")
    record = plan(read_grid(path)).record
    for name in ("data", "model", "train", "optimizers"):
        assert len({id(point.cell[name]) for point in record.points}) == 1
    assert len({id(point.cell["loss"]) for point in record.points}) == 6, "three losses at two weights"
    again = PlanRecord.model_validate_json(record.model_dump_json(by_alias=True, exclude_unset=True))
    assert again == record
    assert again.arm_names == record.arm_names
    assert [point.settings.plain() for point in again.points] == [point.settings.plain() for point in record.points]


def test_a_cell_of_a_large_plan_takes_less_than_two_kilobytes(tmp_path: Path):
    few, many = (tmp_path / name for name in ("few.toml", "many.toml"))
    for path, seeds in ((few, 2), (many, 500)):
        axes = '"loss.adversarial" = ["lsgan", "hinge"]\n"discriminator.scales" = [1, 3]'
        path.write_text(
            f'schema = 1\n[base]\npreset = "tiny"\ntrain.warmup_steps = 0\n[axes]\n{axes}\n[seeds]\ncount = {seeds}\n'
        )
    plan(read_grid(few))  # imports
    tracemalloc.start()
    try:
        held = plan(read_grid(many))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(held.points) == 2000
    assert size / len(held.points) < 2000
