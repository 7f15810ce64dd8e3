"""`ablate bench`: loss kernels measured against their definition."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, Plugins, RunsDir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ablate.bench.ceilings import Ceilings
    from ablate.bench.selection import Request
    from ablate.bench.session import Session

REGRESSED, REFUSED, INTERRUPTED = 1, 3, 130
UNITS = {"": 1, "s": 1, "min": 60, "h": 3600}


def bench(
    kernel: Annotated[
        list[str] | None, typer.Option("--kernel", "-k", metavar="NAME", help="Only this kernel; may be given again.")
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option("--shape", metavar="NxCxHxW", help="Images to measure at, 8x3x256x256; may be given again."),
    ] = None,
    dtype: Annotated[
        list[str] | None, typer.Option("--dtype", metavar="TYPE", help="float32 or bfloat16; may be given again.")
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", metavar="NAME", help="Only this one beside eager; may be given again."),
    ] = None,
    device: Annotated[str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to measure.")] = "auto",
    threads: Annotated[int, typer.Option("--threads", min=1, metavar="N", help="Threads of the CPU.")] = 1,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Compare ratios with an earlier run; exit code 1 if any fell."),
    ] = None,
    budget: Annotated[str, typer.Option("--budget", metavar="TIME", help="When to end: 60s, 10min, 1h.")] = "60s",
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every sample as JSON; - prints it.")
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", metavar="FILE", help="Write JSON without samples, to be committed, and a .md of it."),
    ] = None,
    plugin: Plugins = [],  # noqa: B006 - typer copies it
    runs_dir: RunsDir = RUNS,
) -> None:
    """Measures how fast the losses are computed.

    Each loss kernel is told as so many times as fast as eager, and how far from what the machine can do. Nobody is
    timed who disagrees with float64, in the value or in any gradient. Rounds take all backends in random order, so that
    ratios are paired; a difference counts where it lies beyond that of eager to itself. Compiling takes long: give
    --backend and --budget to see what is skipped.

    With --plugin the losses of your own are measured, eager and compiled, unless --kernel names others.

    Example: ablate bench --kernel ms_ssim --budget 3min

    Example: ablate bench --plugin my_loss.py
    """
    began = time.monotonic()
    seconds = _seconds(budget)
    from ablate.bench.cases import add_own
    from ablate.bench.record import read
    from ablate.bench.selection import Request
    from ablate.cli.own_code import load_plugins

    own = [name for source in load_plugins(plugin) for name in add_own(source)]
    if plugin and not (own or kernel):
        raise ValueError(f"{plugin[0]} defines no loss or distortion that could be measured")
    request = Request.parse(device, threads, kernels=kernel or own, shapes=shape, dtypes=dtype, backends=backend)
    reference = read(against) if against else None
    printing = str(as_json) == "-"
    session = _session(request, seconds, runs_dir, began)

    def show(title: str, rows: Sequence[Mapping[str, Any]], ceilings: Ceilings) -> None:
        from ablate.cli.bench_table import lines

        typer.echo("\n".join([*lines(title, rows, ceilings), ""]), err=printing)

    session.run(show)
    document = session.journal.document()
    if as_json is not None:
        _write_json(document, as_json)
    if summary is not None:
        _write_summary(document, summary)
    for line in _ending(session, document, as_json):
        typer.echo(line, err=printing)
    regressed = reference is not None and _regressed(document, reference, printing)
    raise typer.Exit(_exit_code(session, document, regressed))


def _session(request: Request, seconds: float, runs_dir: Path, began: float) -> Session:
    from ablate.bench.record import Journal
    from ablate.bench.session import Session
    from ablate.execute.environment import provenance
    from ablate.execute.work import keep_freed_memory
    from ablate.store import Store

    keep_freed_memory()
    journal = Journal.under(runs_dir, request.device)
    cache = Store(runs_dir, "bench").data_cache
    machine = provenance(request.device, request.threads).plain()
    return Session(request, seconds, journal, cache, machine, time.time_ns() >> 10, began)


def _seconds(text: str) -> float:
    if not (match := re.fullmatch(r"([0-9.]+)\s*([a-z]*)", text.strip())) or match[2] not in UNITS:
        raise ValueError(f"--budget is a time such as 60s, 10min or 1h, not {text!r}")
    seconds = float(match[1]) * UNITS[match[2]]
    if not seconds:
        raise ValueError("--budget of no time measures nothing")
    return seconds


def _ending(session: Session, document: Mapping[str, Any], as_json: Path | None) -> Iterator[str]:
    """Yields how to read the tables, what is missing in them, and where the results are."""
    primary = "call" if document.get("judged") == "call" else "work"
    yield (
        f"work: {document.get('device_time', 'time of the device')}; call: wall clock; inputs cold unless warm. Ratios "
        f"and verdicts are of {primary}, with 95 % intervals of the rounds' median; "
        "at most: eager's time over the floor"
    )
    if document.get("left_out"):
        yield f"not reached: {', '.join(document['left_out'])}"
    if session.ended != "complete":
        yield f"ended by {'the budget' if session.ended == 'budget' else 'an interruption'}; what was measured is kept"
    if document["rows"]:
        yield f"wrote {session.journal.path}" + (f" and {as_json}" if as_json and str(as_json) != "-" else "")


def _write_json(document: Mapping[str, Any], path: Path) -> None:
    import json

    from ablate.atomic import write_json

    if str(path) == "-":
        typer.echo(json.dumps(document, indent=1))
    else:
        write_json(path, document)


def _write_summary(document: Mapping[str, Any], path: Path) -> None:
    import shlex
    import sys

    from ablate.atomic import write_bytes, write_json
    from ablate.bench.record import compact
    from ablate.bench.summary import markdown

    if "environment" not in document:
        raise ValueError(f"nothing was measured for {path}: the budget ended before; give a longer --budget")
    command = shlex.join(["ablate", *sys.argv[1:]])
    small = compact(document)
    write_json(path, {**small, "command": command})
    write_bytes(path.with_suffix(".md"), markdown(small, command).encode())


def _regressed(document: Mapping[str, Any], reference: Mapping[str, Any], printing: bool) -> bool:
    """Prints how the ratios compare with a reference's; says whether any fell."""
    from ablate.bench.comparison import compare

    compared = compare(document, reference)
    typer.echo("\nagainst the reference, by ratios to eager:", err=printing)
    for one in compared:
        typer.echo(f"  {one}", err=printing)
    return any(one.regressed for one in compared)


def _exit_code(session: Session, document: Mapping[str, Any], regressed: bool) -> int:
    from ablate.bench.names import is_own

    if session.ended == "interrupted":
        return INTERRUPTED
    broken = any(is_own(row) and row["status"] in ("failed", "error") for row in document["rows"])
    return REGRESSED if regressed else REFUSED if broken else 0
