"""`ablate init`: a grid file to start from, or a plugin."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

KINDS = (
    "loss", "metric", "distortion", "penalty", "discriminator", "codec", "data_source", "tracker", "executor",
)  # fmt: skip


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The grid file to write.")] = Path("grid.toml"),
    plugin: Annotated[
        bool, typer.Option("--plugin", help="Write code of your own to start from: a loss, or another --plugin-kind.")
    ] = False,
    kind: Annotated[
        str, typer.Option("--plugin-kind", metavar="KIND", help=f"What the plugin defines: {', '.join(KINDS)}.")
    ] = "loss",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Writes a commented grid file to start from, or a plugin.

    A plugin is a file that defines a loss, a metric or the like of your own, complete and ready to be changed.

    Example: ablate init my-grid.toml

    Example: ablate init --plugin my_loss.py
    """
    if kind not in KINDS:
        from ablate.registry import unknown

        raise ValueError(unknown("kind of plugin", kind, list(KINDS)))
    if plugin and file.suffix != ".py":
        raise ValueError(f"a plugin is a Python file, such as my_{kind}.py, and not {file}")
    if file.is_dir():
        raise ValueError(f"{file} is a directory; a file in it would be {file / 'grid.toml'}")
    if file.exists() and not force:
        raise ValueError(f"{file} is there already; --force replaces it")
    if not file.parent.is_dir():
        raise ValueError(f"{file.parent} is not a directory")
    from ablate.atomic import write_bytes
    from ablate.cli.terminal import command

    starter = f"starters/{kind}.txt" if plugin else "starter.toml"
    write_bytes(file, resources.files("ablate.cli").joinpath(starter).read_bytes())
    typer.echo(f"wrote {file}")
    if plugin:
        typer.echo(f'in a grid file: [plugins] files = ["{file.name}"]')
        typer.echo(f"next: {command('doctor')} --plugin {file}")
    else:
        typer.echo(f"next: {command('plan', str(file))}")
