"""Many files to as many others: which become which, and one line for each as it is done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

SOME_FAILED = 3


@dataclass(frozen=True)
class Conversion:
    """A file and what it becomes."""

    source: Path
    target: Path


def conversions(
    sources: Sequence[Path], out: Path, suffix: str, within: Callable[[Path], list[Path]], force: bool
) -> list[Conversion]:
    """Returns what becomes of files, and of the files `within` finds in directories, under the directory `out`.

    A file in a directory keeps its place below it; the suffix is replaced.

    Raises:
        ValueError: before anything is done, for a file that is not there, two that would become one, and, unless
            `force`, one that is there already.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file; a directory is expected, which is made where it is missing")
    found = [pair for source in sources for pair in _expand(source, within)]
    made = [Conversion(source, out / place.with_suffix(suffix)) for source, place in found]
    first: dict[Path, Path] = {}
    for each in made:
        if each.target in first:
            raise ValueError(f"{first[each.target]} and {each.source} would both be written to {each.target}")
        first[each.target] = each.source
    there = [str(each.target) for each in made if each.target.exists()]
    if there and not force:
        what, them = (
            (f"{there[0]} is", "it") if len(there) == 1 else (f"{there[0]} and {len(there) - 1} more are", "them")
        )
        raise ValueError(f"{what} there already; --force writes over {them}")
    return made


def _expand(source: Path, within: Callable[[Path], list[Path]]) -> Iterator[tuple[Path, Path]]:
    if os.path.isdir(source):
        for path in within(source):
            yield path, path.relative_to(source)
    elif os.path.lexists(source):  # a link that leads nowhere is a failure of its own
        yield source, Path(source.name)
    else:
        raise ValueError(f"there is no file {source}")


def convert(
    work: Sequence[Conversion],
    one: Callable[[Conversion], dict[str, Any]],
    line: Callable[[dict[str, Any]], str],
    as_json: bool,
) -> list[dict[str, Any]]:
    """Does one file after another, and tells each as it is done; a file that cannot be done stops no other.

    Returns what `one` told of those that were done. With `as_json` all is printed at the end for a program, failures
    with their `error`, and what is told meanwhile goes to the standard error.

    Raises:
        typer.Exit: with code 3 where a file could not be done.
    """
    told: list[dict[str, Any]] = []
    for number, each in enumerate(work, start=1):
        record: dict[str, Any] = {"source": str(each.source)}
        try:
            record |= {"target": str(each.target), **one(each)}
            typer.echo(f"[{number}/{len(work)}] {each.source} -> {each.target}  {line(record)}", err=as_json)
        except ValueError as error:
            record = {"source": str(each.source), "error": str(error)}
            typer.echo(f"[{number}/{len(work)}] error: {each.source}: {error}", err=True)
        told.append(record)
    if as_json:
        typer.echo(json.dumps(told, indent=1))
    failed = sum("error" in record for record in told)
    if failed:
        typer.echo(f"{failed} of {len(work)} could not be done", err=True)
        raise typer.Exit(SOME_FAILED)
    return told
