"""Seeds, comparison, budget and execution: defaults and what they are read as."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ablate.grid import Budget, Compare, Design, Execution, Grid, GridError, Seeds

ReadGrid = Callable[[str], Grid]


def test_every_section_may_be_left_out(grid: ReadGrid) -> None:
    read = grid("")
    assert read.design == Design(kind="full")
    assert read.seeds == Seeds(values=(0,), aa=False)
    assert read.compare == Compare(
        primary=(), axes=(), rate_match="within:1%", margin={}, alpha=0.05, correction="holm"
    )
    assert read.budget == Budget(max_hours=None, cell_timeout=None, max_consecutive_failures=3)
    assert read.execution == Execution(workers="auto", threads="auto", device="auto", cells_per_gpu=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [('"2h"', 7200), ('"90m"', 5400), ('"30s"', 30), ('"1h30m"', 5400), ('"1.5h"', 5400), ("45", 45), ("0.5", 0.5)],
)
def test_a_time_is_read_as_seconds(grid: ReadGrid, text: str, seconds: float) -> None:
    assert grid(f"[budget]\ncell_timeout = {text}").budget.cell_timeout == seconds


def test_margins_are_numbers_or_percentages(grid: ReadGrid) -> None:
    compare = grid('[compare]\nmargin = { psnr = 0.1, ms_ssim = 1, bpp_actual = "1.5%" }').compare
    assert compare.margin == {"psnr": 0.1, "ms_ssim": 1, "bpp_actual": "1.5%"}


@pytest.mark.parametrize("way", ["off", "bd", "within:1%", "within:0.5%"])
def test_rates_are_matched_in_a_known_way(grid: ReadGrid, way: str) -> None:
    axes = "[axes]\nloss.lambda_x = [1.0, 2.0, 4.0, 8.0]\n"
    assert grid(f'{axes}[compare]\nrate_match = "{way}"').compare.rate_match == way


def test_the_axes_that_are_claimed_may_be_fewer_than_those_that_vary(grid: ReadGrid) -> None:
    axes = '[axes]\nloss.lambda_x = [1.0, 2.0]\nloss.adversarial = ["lsgan", "hinge"]\n'
    assert grid(f'{axes}[compare]\naxes = ["loss.adversarial"]').compare.axes == ("loss.adversarial",)


def test_a_correction_over_all_metrics_takes_metrics_that_are_named(grid: ReadGrid) -> None:
    assert grid('[compare]\ncorrection = "holm-all"\nprimary = ["psnr"]').compare.correction == "holm-all"
    with pytest.raises(GridError, match=r'compare\.correction.*"holm-all".*compare\.primary'):
        grid('[compare]\ncorrection = "holm-all"')


def test_a_distance_is_primary_where_the_cells_measure_it(grid: ReadGrid) -> None:
    read = grid('[base]\npreset = "tiny"\nevaluation.tap = 1280\n[compare]\nprimary = ["fd_lite0_1280", "psnr"]')
    assert read.compare.primary == ("fd_lite0_1280", "psnr")


def test_a_figure_of_the_kept_region_is_primary_where_cells_have_one(grid: ReadGrid) -> None:
    names = '["psnr@kept", "ms_ssim@kept", "fd_lite0_112@kept"]'
    read = grid(f'[base]\npreset = "tiny"\nevaluation.kept = "random_box"\n[compare]\nprimary = {names}')
    assert read.compare.primary == ("psnr@kept", "ms_ssim@kept", "fd_lite0_112@kept")


def test_execution_takes_numbers_or_auto(grid: ReadGrid) -> None:
    execution = grid('[execution]\nworkers = 4\nthreads = "auto"\ndevice = "cuda"\ncells_per_gpu = 2').execution
    assert execution == Execution(workers=4, threads="auto", device="cuda", cells_per_gpu=2)


def test_execution_says_what_a_cluster_is_asked_for(grid: ReadGrid) -> None:
    text = 'executor = "slurm"\ntime = "4h"\npartition = "gpu"\ngpus_per_task = 1\nsbatch = { account = "lab" }'
    given = {"time": 14400.0, "partition": "gpu", "gpus_per_task": 1, "sbatch": {"account": "lab"}}
    assert grid(f"[execution]\n{text}").execution == Execution(executor="slurm", **given)
    of_ray = grid('[execution]\nexecutor = "ray"\naddress = "head:6379"\nretries = 5').execution
    assert (of_ray.executor, of_ray.address, of_ray.retries) == ("ray", "head:6379", 5)


def test_trackers_are_names_or_tables_with_their_options():
    from ablate.grid.sections import Execution

    found = Execution.model_validate({"trackers": ["csv", {"name": "mlflow", "experiment": "mine"}]})
    assert [(each.name, each.options.get("experiment")) for each in found.trackers] == [
        ("csv", None),
        ("mlflow", "mine"),
    ]
    for wrong in (["cvs"], [{"name": "mlflow", "experimant": "x"}], ["mlflow", {"name": "mlflow", "images": 1}]):
        with pytest.raises(ValueError, match=r"did you mean|listed twice"):
            Execution.model_validate({"trackers": wrong})
