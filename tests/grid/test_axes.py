"""The values of axes: lists, spaced values, labels and losses with options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ablate.grid import Grid

ReadGrid = Callable[[str], Grid]


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("loss.lambda_x = [6, 12.5]", (6.0, 12.5)),
        ("loss.lambda_x = { log = [0.25, 4.0], num = 5 }", (0.25, 0.5, 1.0, 2.0, 4.0)),
        ("loss.lambda_x = { log = [1, 10], num = 3 }", (1.0, 3.16228, 10.0)),
        ("loss.lambda_x = { log = [4, 1], num = 3 }", (4.0, 2.0, 1.0)),
        ("loss.lambda_x = { lin = [0, 1], num = 4 }", (0.0, 0.333333, 0.666667, 1.0)),
        ("train.steps = { log = [100, 1000], num = 4 }", (100, 215, 464, 1000)),
        ("train.steps = [3e2, 600]", (300, 600)),
        ("model.channels = { log = [2, 16], num = 4 }", (2, 4, 8, 16)),
        ("loss.lambda_x = { values = [6, 12], labels = [\"low\", \"high\"] }", (6.0, 12.0)),
        ("data.flip = [true, false]", (True, False)),
        ('model.norm = ["channel", "instance"]', ("channel", "instance")),
        ('loss.adversarial = ["lsgan", { name = "hinge" }]', ("lsgan", "hinge")),
        ('loss.adversarial = [{ name = "lsgan", real_target = 0.9 }]', ("lsgan(real_target=0.9)",)),
        ('loss.adversarial = [{ name = "lsgan", real_target = 1 }]', ("lsgan",)),
    ],
)  # fmt: skip
def test_an_axis_holds_the_values_that_the_file_gives(grid: ReadGrid, axis: str, values: tuple[Any, ...]) -> None:
    (found,) = grid(f"[axes]\n{axis}").axes.values()
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    "axes",
    [
        '[axes]\n"loss.lambda_x" = [6, 12]\n"discriminator.scales" = [1]',
        '[axes]\n"base.loss.lambda_x" = [6, 12]\nbase.discriminator.scales = [1]',
        "[axes]\nloss.lambda_x = [6, 12]\ndiscriminator.scales = [1]",
        "[axes.loss]\nlambda_x = [6, 12]\n[axes.discriminator]\nscales = [1]",
        '[axes.base.loss]\nlambda_x = [6, 12]\n[axes.base]\n"discriminator.scales" = [1]',
        "axes.loss = { lambda_x = [6, 12] }\naxes.discriminator = { scales = [1] }",
    ],
)
def test_a_dotted_key_and_nested_tables_mean_the_same(grid_file: Callable[[str], Any], axes: str) -> None:
    from ablate.grid import read_grid

    head = 'schema = 1\nbase.preset = "tiny"\n'
    expected = {"loss.lambda_x": (6.0, 12.0), "discriminator.scales": (1,)}
    assert read_grid(grid_file(f"{head}{axes}\n")).axes == expected


def test_a_loss_replaced_by_an_axis_keeps_no_option_of_the_base(grid: ReadGrid) -> None:
    read = grid("""
        [base]
        preset = "tiny"
        loss.adversarial = { name = "lsgan", real_target = 0.9 }
        [axes]
        "loss.adversarial" = ["hinge", "lsgan"]
        """)
    hinge, lsgan = (point.cell.loss.adversarial for point in read.points())
    assert hinge.options == {}
    assert lsgan.options["real_target"] == 1.0


def test_an_axis_over_an_option_changes_the_loss_of_the_base_and_keeps_its_other_options(grid: ReadGrid) -> None:
    read = grid("""
        [base]
        preset = "tiny"
        loss.adversarial = { name = "lsgan", fake_target = -1.0 }
        [axes]
        "loss.adversarial.real_target" = [0.9, 1]
        """)
    options = [point.cell.loss.adversarial.options for point in read.points()]
    assert [(o["fake_target"], o["real_target"]) for o in options] == [(-1.0, 0.9), (-1.0, 1.0)]


def test_each_value_reaches_its_cell(grid: ReadGrid) -> None:
    read = grid('[axes]\n"optimizers.generator.learning_rate" = [1e-4, 2e-4]\n"model.quantizer.levels" = [5, 7]')
    cells = [point.cell for point in read.points()]
    assert [cell.optimizers.generator.learning_rate for cell in cells] == [1e-4, 1e-4, 2e-4, 2e-4]
    assert [cell.model.quantizer.levels for cell in cells] == [5, 7, 5, 7]
    assert {cell.optimizers.discriminator.learning_rate for cell in cells} == {2e-4}


def test_penalties_may_be_an_axis_and_are_written_as_their_sum(grid: ReadGrid) -> None:
    read = grid('[axes]\n"loss.penalties" = [[], ["r1"], [{ name = "r1", weight = 2.0 }, "drift"]]')
    points = read.points()
    assert [point.label for point in points] == [
        "penalties=none seed=0",
        "penalties=r1 seed=0",
        "penalties=r1(weight=2.0) + drift seed=0",
    ]
    assert [len(point.cell.loss.penalties) for point in points] == [0, 1, 2]
    assert points[1].cell.loss.penalties[0].options["weight"] == 10.0
    assert len({point.cell.id for point in points}) == 3
