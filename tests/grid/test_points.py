"""Points of a grid: their identity, labels, seeds and order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ablate.grid import Grid, read_grid
from ablate.sources.catalogue import data_sources
from ablate.sources.photos import Photos

ReadGrid = Callable[[str], Grid]


def labels(grid: Grid) -> list[str]:
    return [point.label for point in grid.points()]


def ids(grid: Grid) -> list[str]:
    return [point.cell.id for point in grid.points()]


def test_a_label_names_what_varies_by_the_end_of_its_key(grid: ReadGrid) -> None:
    read = grid("""
        [axes]
        "loss.adversarial" = ["hinge", { name = "lsgan", real_target = 0.9 }]
        "discriminator.scales" = [3]
        "loss.lambda_x" = [12, 0.30000001]
        "data.flip" = [true, false]
        """)
    assert labels(read)[0] == "adversarial=hinge lambda_x=12 flip=true seed=0"
    assert labels(read)[-1] == "adversarial=lsgan(real_target=0.9) lambda_x=0.3 flip=false seed=0"
    assert read.points()[0].axes["discriminator.scales"] == 3


def test_keys_with_one_ending_keep_enough_to_tell_them_apart(grid: ReadGrid) -> None:
    read = grid('[[zip]]\n"model.width" = [8, 16]\n"discriminator.width" = [16, 32]\n[axes]\n"train.steps" = [1, 2]')
    assert labels(read)[0] == "steps=1 model.width=8 discriminator.width=16 seed=0"


def test_a_value_may_be_called_by_a_label(grid: ReadGrid) -> None:
    read = grid('[axes]\nloss.lambda_x = { values = [6, 48], labels = ["low", "high"] }')
    assert labels(read) == ["lambda_x=low seed=0", "lambda_x=high seed=0"]
    assert [point.axes["loss.lambda_x"] for point in read.points()] == [6.0, 48.0]


def test_a_zip_and_its_levels_may_be_called_by_labels(grid: ReadGrid) -> None:
    zipped = '"model.width" = [8, 16]\n"discriminator.width" = [16, 32]'
    read = grid(f'[[zip]]\nlabel = "size"\nlabels = ["S", "L"]\n{zipped}\n[axes]\n"train.steps" = [1, 2]')
    assert labels(read)[:2] == ["steps=1 size=S seed=0", "steps=1 size=L seed=0"]
    (names,) = read.names
    assert (names.keys, names.label) == (("model.width", "discriminator.width"), "size")
    assert [(level.values, level.label) for level in names.levels] == [([8, 16], "S"), ([16, 32], "L")]
    assert labels(grid(f'[[zip]]\nlabel = "size"\n{zipped}')) == ["size=8+16 seed=0", "size=16+32 seed=0"]


def test_labels_are_unique(grid: ReadGrid) -> None:
    read = grid(
        '[axes]\n"loss.adversarial" = ["hinge", "lsgan"]\n"loss.lambda_x" = [6, 12]\n'
        '[seeds]\ncount = 3\naa = true\n[[include]]\nset.train.steps = 7\nlabel = "short"'
    )
    assert len(set(labels(read))) == len(labels(read)) == 3 * 5 + 1


def test_options_of_a_data_source_are_an_axis(grid: ReadGrid) -> None:
    def drawn(*, count: int = 4) -> Photos:
        assert count
        return Photos("keep", None)

    base = '[base]\npreset = "tiny"\ndata.source = "drawn"\n'
    with data_sources.temporarily():
        data_sources.register()(drawn)
        points = grid(f'{base}[axes]\n"data.options" = [{{ count = 4 }}, {{ count = 8 }}]').points()
    assert [point.label for point in points] == ["options={ count = 4 } seed=0", "options={ count = 8 } seed=0"]
    assert [point.cell.data.options for point in points] == [{"count": 4}, {"count": 8}]


def test_seeds_multiply_the_design_one_whole_seed_after_the_other(grid: ReadGrid) -> None:
    read = grid('[axes]\n"loss.lambda_x" = [6, 12]\n[seeds]\nvalues = [5, 3]')
    assert [(p.seed, p.cell.seed, p.axes["loss.lambda_x"]) for p in read.points()] == [
        (5, 5, 6.0), (5, 5, 12.0), (3, 3, 6.0), (3, 3, 12.0)
    ]  # fmt: skip


def test_a_count_of_seeds_starts_at_zero(grid: ReadGrid) -> None:
    read = grid("[seeds]\ncount = 3")
    assert read.seeds.values == (0, 1, 2)
    assert [point.seed for point in read.points()] == [0, 1, 2]


def test_aa_runs_the_baseline_again_with_the_first_seed_as_a_cell_of_its_own(grid: ReadGrid) -> None:
    read = grid(
        '[axes]\n"loss.lambda_x" = [6, 12]\n[seeds]\nvalues = [4, 5]\naa = true\n'
        '[compare]\nbaseline = { "loss.lambda_x" = 12 }'
    )
    (again,) = (point for point in read.points() if point.cell.replicate)
    first = next(p for p in read.points() if p.seed == 4 and p.axes["loss.lambda_x"] == 12 and not p.cell.replicate)
    assert again.label == "lambda_x=12 seed=4 replicate=1"
    assert again.cell == first.cell.model_copy(update={"replicate": 1})
    assert len(set(ids(read))) == len(read.points()) == 5


def test_a_whole_number_and_the_same_fraction_are_one_cell(grid: ReadGrid) -> None:
    assert ids(grid("[base]\nloss.lambda_x = 10\npreset = 'tiny'")) == ids(
        grid("[base]\nloss.lambda_x = 10.0\npreset = 'tiny'")
    )


def test_cells_that_are_the_same_are_run_once_and_counted(grid: ReadGrid) -> None:
    read = grid(
        '[axes]\n"loss.lambda_x" = [10, 12, 10.0]\n[seeds]\ncount = 2\n'
        '[[include]]\nset = { "loss.lambda_x" = 12 }\nlabel = "twelve"'
    )
    assert labels(read) == ["lambda_x=10 seed=0", "lambda_x=12 seed=0", "lambda_x=10 seed=1", "lambda_x=12 seed=1"]
    assert read.notes == (
        "2 of 4 arms are the same as one before them and are run once (lambda_x=10, twelve as lambda_x=12)",
    )
    assert read.axes == {"loss.lambda_x": (10.0, 12.0)}
    assert not grid('[axes]\n"loss.lambda_x" = [10, 12]').notes


def test_a_default_option_written_out_is_the_same_cell(grid: ReadGrid) -> None:
    read = grid('[axes]\n"loss.adversarial" = ["lsgan", { name = "lsgan", real_target = 1 }]')
    assert len(read.points()) == 1


def test_the_order_of_keys_changes_no_cell(grid: ReadGrid) -> None:
    one = grid('[base]\npreset = "tiny"\n[base.loss]\nlambda_x = 3\n[base.train]\nsteps = 9\nlog_every = 3')
    other = grid('[base]\ntrain = { log_every = 3, steps = 9 }\n"loss.lambda_x" = 3\npreset = "tiny"')
    assert ids(one) == ids(other)


def test_execution_name_and_labels_change_no_cell(grid: ReadGrid) -> None:
    plain = grid('[axes]\n"loss.lambda_x" = [6, 12]')
    dressed = grid("""
        [axes]
        "loss.lambda_x" = { values = [6, 12], labels = ["low", "high"] }
        [execution]
        workers = 3
        threads = 2
        device = "cpu"
        cells_per_gpu = 4
        [budget]
        max_hours = 1
        [compare]
        primary = ["psnr"]
        """)
    assert ids(plain) == ids(dressed)


def test_directories_stay_as_written_and_the_grid_knows_what_they_are_relative_to(
    grid_file: Callable[[str], Path],
) -> None:
    path = grid_file("""
        schema = 1
        [base]
        preset = "tiny"
        [base.data]
        source = "folder"
        train = "../images/train"
        test = "/somewhere/test"
        """)
    read = read_grid(path)
    (point,) = read.points()
    assert (point.cell.data.train, point.cell.data.test) == ("../images/train", "/somewhere/test")
    assert read.directory == path.parent


def test_two_directories_are_two_cells_as_long_as_no_image_was_looked_at(grid: ReadGrid) -> None:
    read = grid("""
        [base]
        preset = "tiny"
        [base.data]
        source = "folder"
        [[zip]]
        data.train = ["a/train", "b/train"]
        data.test = ["a/test", "b/test"]
        """)
    assert labels(read) == ["train=a/train test=a/test seed=0", "train=b/train test=b/test seed=0"]


def test_a_grid_carries_the_resolved_base(grid: ReadGrid) -> None:
    read = grid('[base]\npreset = "tiny"\nloss.lambda_x = 3\n')
    assert read.base["loss"]["lambda_x"] == 3
    assert read.base["loss"]["adversarial"] == {"name": "hinge"}
    assert read.name == "test"


def test_a_grid_without_a_name_is_called_like_its_file(grid_file: Callable[[str], Path]) -> None:
    assert read_grid(grid_file('schema = 1\nbase.preset = "tiny"\n')).name == "grid"


def test_a_thousand_points_are_as_many_different_cells(grid: ReadGrid) -> None:
    read = grid("""
        [axes]
        "loss.adversarial" = ["vanilla", "lsgan", "hinge", "minimax"]
        "discriminator.scales" = [1, 2, 3, 4, 5]
        "loss.lambda_x" = { log = [6, 24], num = 10 }
        [seeds]
        count = 5
        """)
    assert len(set(ids(read))) == 1000


def test_importing_the_grid_loads_neither_torch_nor_pandas() -> None:
    heavy = "('torch', 'numpy', 'pandas', 'matplotlib', 'seaborn')"
    check = f"import ablate.grid, sys; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
