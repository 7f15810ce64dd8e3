"""What each design runs, what is excluded and what is added."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ablate.grid import Grid

ReadGrid = Callable[[str], Grid]

AXES = """
[axes]
"loss.adversarial" = ["vanilla", "lsgan", "hinge"]
"discriminator.scales" = [1, 3]
"loss.lambda_x" = [6, 12]
"""


def arms(grid: Grid) -> list[tuple[object, ...]]:
    return [tuple(point.axes.values()) for point in grid.points()]


def test_a_full_design_runs_every_combination_with_the_last_axis_fastest(grid: ReadGrid) -> None:
    expected = [(a, s, x) for a in ("vanilla", "lsgan", "hinge") for s in (1, 3) for x in (6.0, 12.0)]
    assert arms(grid(AXES)) == expected


def test_a_star_changes_one_axis_at_a_time_from_the_baseline(grid: ReadGrid) -> None:
    read = grid(
        AXES + '[design]\nkind = "star"\n[compare]\nbaseline = { "loss.adversarial" = "lsgan", "loss.lambda_x" = 12 }'
    )
    assert arms(read) == [
        ("lsgan", 1, 12.0),
        ("vanilla", 1, 12.0),
        ("hinge", 1, 12.0),
        ("lsgan", 3, 12.0),
        ("lsgan", 1, 6.0),
    ]


def test_a_leave_one_out_takes_one_axis_at_a_time_back_to_the_base(grid: ReadGrid) -> None:
    read = grid("""
        [base]
        preset = "tiny"
        loss.adversarial = "none"
        loss.feature_matching = "none"
        loss.lambda_x = 12
        discriminator.scales = 1
        [axes]
        "loss.adversarial" = ["hinge"]
        "discriminator.scales" = [3]
        "loss.lambda_x" = [24]
        [design]
        kind = "leave-one-out"
        """)
    assert arms(read) == [("hinge", 3, 24.0), ("none", 3, 24.0), ("hinge", 1, 24.0), ("hinge", 3, 12.0)]
    assert read.axes["loss.adversarial"] == ("hinge", "none")
    assert read.notes == ()


def test_a_leave_one_out_tells_what_it_does_not_run(grid: ReadGrid) -> None:
    read = grid("""
        [base]
        preset = "tiny"
        loss.lambda_x = 12
        discriminator.scales = 1
        [axes]
        "loss.lambda_x" = [6, 12, 24]
        "discriminator.scales" = [1]
        [design]
        kind = "leave-one-out"
        """)
    assert arms(read) == [(6.0, 1), (12.0, 1)]
    assert read.axes == {"loss.lambda_x": (6.0, 12.0), "discriminator.scales": (1,)}
    assert len(read.notes) == 2
    assert read.notes[0].startswith("loss.lambda_x = 24.0 is not run")
    assert read.notes[1].startswith("discriminator.scales: the baseline has the value of [base] already")


def test_an_option_of_a_loss_goes_back_to_the_value_that_the_base_resolves_to(grid: ReadGrid) -> None:
    read = grid("""
        [base]
        preset = "tiny"
        loss.adversarial = "lsgan"
        [axes]
        "loss.adversarial.real_target" = [0.9]
        [design]
        kind = "leave-one-out"
        """)
    assert arms(read) == [(0.9,), (1.0,)]
    assert [point.cell.loss.adversarial.options["real_target"] for point in read.points()] == [0.9, 1.0]


def test_keys_of_a_zip_change_together(grid: ReadGrid) -> None:
    read = grid("""
        [axes]
        "loss.lambda_x" = [6, 12]
        [[zip]]
        "model.width" = [8, 16]
        "discriminator.width" = [16, 32]
        """)
    assert arms(read) == [(6.0, 8, 16), (6.0, 16, 32), (12.0, 8, 16), (12.0, 16, 32)]
    assert list(read.axes) == ["loss.lambda_x", "model.width", "discriminator.width"]


def test_an_exclude_takes_away_what_agrees_with_all_of_it_and_is_counted(grid: ReadGrid) -> None:
    read = grid(
        AXES
        + """
        [[exclude]]
        where = { "loss.adversarial" = "hinge", "discriminator.scales" = 1 }
        reason = "one"
        [[exclude]]
        where = { "discriminator.scales" = 1 }
        reason = "two"
        [seeds]
        count = 2
        """
    )
    assert all(point.axes["discriminator.scales"] == 3 for point in read.points())
    assert [(dict(e.where), e.reason, e.count) for e in read.excluded] == [
        ({"loss.adversarial": "hinge", "discriminator.scales": 1}, "one", 2),
        ({"discriminator.scales": 1}, "two", 4),
    ]
    assert read.axes["discriminator.scales"] == (3,)


def test_a_name_excludes_a_loss_with_options_where_no_value_is_the_bare_name(grid: ReadGrid) -> None:
    axis = '[axes]\n"loss.adversarial" = [{}"hinge", {{ name = "lsgan", real_target = 0.9 }}]\n'
    exclude = '[[exclude]]\nwhere = { "loss.adversarial" = "lsgan" }\nreason = "a"\n'
    assert arms(grid(axis.format("") + exclude)) == [("hinge",)]
    assert arms(grid(axis.format('"lsgan", ') + exclude)) == [("hinge",), ("lsgan(real_target=0.9)",)]


def test_an_include_adds_a_whole_cell_on_the_base(grid: ReadGrid) -> None:
    read = grid("""
        [base]
        preset = "tiny"
        loss.lambda_x = 3
        [axes]
        "loss.lambda_x" = [6, 12]
        [[include]]
        set = { "loss.adversarial" = "none", "loss.feature_matching" = "none" }
        label = "no GAN"
        """)
    *design, control = read.points()
    assert [point.included for point in read.points()] == [False, False, True]
    assert control.label == "no GAN seed=0"
    assert control.cell.loss.lambda_x == 3
    assert control.cell.loss.adversarial.name == "none"
    assert control.axes == {"loss.lambda_x": 3.0, "loss.adversarial": "none", "loss.feature_matching": "none"}
    assert all(set(point.axes) == {"loss.lambda_x"} for point in design)
    assert "loss.adversarial" not in read.axes


def test_an_exclude_does_not_touch_what_is_included(grid: ReadGrid) -> None:
    read = grid("""
        [axes]
        "loss.lambda_x" = [6, 12]
        [[exclude]]
        where = { "loss.lambda_x" = 6 }
        reason = "a"
        [[include]]
        set = { "loss.lambda_x" = 6 }
        label = "kept"
        """)
    assert [point.axes for point in read.points()] == [{"loss.lambda_x": 12.0}, {"loss.lambda_x": 6.0}]
    assert [point.included for point in read.points()] == [False, True]


def test_every_key_that_varies_has_a_baseline_and_the_first_value_where_none_is_declared(grid: ReadGrid) -> None:
    read = grid(AXES + '[compare]\nbaseline = { "base.loss.adversarial" = "hinge" }')
    assert read.compare.baseline == {"loss.adversarial": "hinge", "discriminator.scales": 1, "loss.lambda_x": 6.0}


@pytest.mark.parametrize("kind", ["full", "star", "leave-one-out"])
def test_a_grid_without_axes_is_one_cell(grid: ReadGrid, kind: str) -> None:
    (point,) = grid(f'[design]\nkind = "{kind}"').points()
    assert point.label == "base seed=0"
    assert point.axes == {}
