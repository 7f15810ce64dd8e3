"""`ablate init`: a grid file to start from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The grid file to write.")] = Path("grid.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Writes a commented grid file to start from.

    Example: ablate init my-grid.toml
    """
    if file.is_dir():
        raise ValueError(f"{file} is a directory; a file in it would be {file / 'grid.toml'}")
    if file.exists() and not force:
        raise ValueError(f"{file} is there already; --force replaces it")
    if not file.parent.is_dir():
        raise ValueError(f"{file.parent} is not a directory")
    from ablate.atomic import write_bytes
    from ablate.cli.terminal import command

    write_bytes(file, resources.files("ablate.cli").joinpath("starter.toml").read_bytes())
    typer.echo(f"wrote {file}")
    typer.echo(f"next: {command('plan', str(file))}")
