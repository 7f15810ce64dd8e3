"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

RUNS, REPORTS = Path("runs"), Path("reports")

GridFile = Annotated[
    Path, typer.Argument(metavar="GRID", dir_okay=False, help="A grid file, as `ablate init` writes one.")
]
GridName = Annotated[
    str | None,
    typer.Argument(metavar="GRID", help="A grid file, or the name of a grid that was run. Default: the last run."),
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", "-C", metavar="DIR", help="Where results are kept.")]
ReportsDir = Annotated[Path, typer.Option("--reports-dir", metavar="DIR", help="Where reports are written.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Select = Annotated[
    str | None,
    typer.Option(
        "--select", "--only", "-k", metavar="EXPR", help="Only cells whose label matches: 'hinge and not seed=0'."
    ),
]
Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="K/N", help="Only the K-th of N parts of the cells, the same on every machine."),
]
Workers = Annotated[
    int | None, typer.Option("--workers", "-j", min=1, metavar="N", help="Cells at once. Default: one a core.")
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, metavar="N", help="Threads a cell; results depend on them. Default: one, more on a GPU."
    ),
]
Kernels = Annotated[
    str | None,
    typer.Option("--kernels", metavar="auto|eager", help="Losses by the fastest equal code, or as defined."),
]
Track = Annotated[
    list[str],
    typer.Option(
        "--track",
        metavar="NAME",
        help="Also report to this tracker, beside those of the grid: tensorboard, mlflow, wandb, trackio or csv; "
        "with options 'mlflow uri=http://localhost:5000'. Repeatable.",
    ),
]
Device = Annotated[str | None, typer.Option("--device", metavar="auto|cpu|cuda", help="Where the networks run.")]
CLUSTER = "On a cluster (docs/cluster.md)"
Executor = Annotated[
    str | None,
    typer.Option(
        "--executor", metavar="NAME", help="Who runs the cells: local, ray, slurm, or one of your own. Default: local.",
        rich_help_panel=CLUSTER,
    ),
]  # fmt: skip
Address = Annotated[
    str | None,
    typer.Option("--address", metavar="auto|HOST:PORT", help="Where Ray is found.", rich_help_panel=CLUSTER),
]
Retries = Annotated[
    int | None,
    typer.Option(
        "--retries", min=0, metavar="N", help="How often a cell that lost its process or machine is tried again.",
        rich_help_panel=CLUSTER,
    ),
]  # fmt: skip
Partition = Annotated[
    str | None, typer.Option("--partition", metavar="NAME", help="Slurm's partition.", rich_help_panel=CLUSTER)
]
Time = Annotated[
    str | None,
    typer.Option(
        "--time", metavar="TIME",
        help="Slurm's limit of a task, like 4h, or in seconds; cells that take longer go on in another one.",
        rich_help_panel=CLUSTER,
    ),
]  # fmt: skip
GpusPerTask = Annotated[
    int | None,
    typer.Option("--gpus-per-task", min=0, max=1, metavar="0|1", help="For Slurm.", rich_help_panel=CLUSTER),
]
Sbatch = Annotated[
    list[str],
    typer.Option(
        "--sbatch", metavar="NAME=VALUE", help="A further option of sbatch, like account=lab. Repeatable.",
        rich_help_panel=CLUSTER,
    ),
]  # fmt: skip
TrainedCell = Annotated[
    str,
    typer.Option("--cell", metavar="CELL", help="A label, the beginning of an id, or a cell's directory."),
]
OfGrid = Annotated[
    str | None, typer.Option("--grid", metavar="NAME", help="The grid to look for the cell in. Default: all.")
]
WhichWeights = Annotated[
    Literal["ema", "raw"], typer.Option("--weights", help="Averaged weights, or those of the last step.")
]
Plugins = Annotated[
    list[Path],
    typer.Option(
        "--plugin", metavar="FILE", dir_okay=False, help="Code of your own, or a grid that names some. Repeatable."
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where to write; made where it is missing.")]
GivenMaps = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE|DIR",
        help="Label map of the image, or a directory of maps named like the images, for a codec that is given maps.",
    ),
]
Masks = Annotated[
    Path | None,
    typer.Option(
        "--mask",
        metavar="FILE|DIR",
        help="What a selective codec keeps of the image: the pixels of a grey or palette image of its size that are "
        "not 0; or a directory of masks named like the images.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write over files that are there.")]
ComputeOn = Annotated[Literal["cpu", "cuda"], typer.Option("--device", help="Where the networks run.")]
