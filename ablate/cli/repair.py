"""Repairs of `ablate measure`: derived files that are altered or lost, made anew before anything else is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ablate.execute import Job
    from ablate.execute.repair import Repair
    from ablate.store import Store


def listed_repairs(found: Sequence[Repair]) -> list[dict[str, Any]]:
    """Returns repairs as plain data."""
    return [
        {
            "cell": each.entry.path.name,
            "label": each.label,
            "files": [str(damage.path) for damage in each.derived],
            "measurements": [job.id for job in each.jobs],
            "lost": [{"path": str(damage.path), "remedy": damage.remedy} for damage in each.lost],
        }
        for each in found
    ]


def told_repairs(found: Sequence[Repair]) -> list[str]:
    """Says what is to be made anew, and what cannot be."""
    from ablate.cli.process import printable

    lines = []
    for each in found:
        label = printable(each.label)
        lines += [f"to be made anew, {label}: {damage.path} is {damage.kind}" for damage in each.derived]
        lines += [f"to be made anew, {label}: the measurement {job.id}" for job in each.jobs]
        lines += [f"not to be made anew, {label}: {damage}" for damage in each.lost]
    return lines


def repair_all(found: Sequence[Repair], store: Store, device: str) -> tuple[list[Job], bool]:
    """Makes derived files anew, one cell after another, and tells of each.

    Returns the measurements that are to be made anew by workers, and whether anything cannot be.
    """
    from ablate.cli.evaluate import threads
    from ablate.execute.environment import accelerator, provenance
    from ablate.execute.repair import remake

    facts = accelerator() if device == "cuda" else {}
    for line in told_repairs(found):
        typer.echo(line)
    for number, each in enumerate((one for one in found if one.derived), start=1):
        total = sum(bool(one.derived) for one in found)
        typer.echo(f"[{number}/{total}] measuring {each.label} again")
        made = remake(
            each,
            cache=store.data_cache,
            device=device,
            environment=provenance(device, threads()).noting(**facts),
            done=lambda weights, image: typer.echo(f"  {image} ({weights})", err=True),
        )
        for name in made.restored:
            typer.echo(f"  {name} is again what was sealed")
        if made.recorded:
            typer.echo(
                "  this machine gives other bytes than the one that measured first: all derived files were replaced, "
                "and result.json has their figures and says so (remade)"
            )
    return [job for each in found for job in each.jobs], any(each.lost for each in found)
