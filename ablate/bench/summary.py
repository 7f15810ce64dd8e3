"""A run of the bench as a page of Markdown tables, to be read beside the numbers that are committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ablate.bench.names import CONTROL, TRAINING_STEP, Row, primary_ratio, times_as_fast

HEADER = ("kernel", "backend", "work", "call", "times as fast as eager", "bytes", "at most", "roofline", "verdict")
PEERS = ("kernel", "backend", "fastest peer", "times as fast")


def markdown(document: Mapping[str, Any], command: str) -> str:
    """Returns the page: the machine, its ceilings, tables of kernels and of the training step, those not timed."""
    rows = document["rows"]
    measured = [row for row in rows if row["status"] == "measured"]
    steps = [row for row in measured if row["kernel"] == TRAINING_STEP and row["backend"] != CONTROL]
    kernels = [row for row in measured if row["kernel"] != TRAINING_STEP]
    compared = [row for row in kernels if row.get("over_fastest_peer")]
    refused = dict.fromkeys(map(_reason, (row for row in rows if row["status"] != "measured")))
    sections: dict[str, Iterable[str]] = {
        direction: _table(HEADER, (_fields(row) for row in kernels if row["direction"] == direction))
        for direction in dict.fromkeys(row["direction"] for row in kernels)
    }
    sections["Beside the fastest peer"] = _table(PEERS, map(_over_peer, compared)) if compared else ()
    sections["The whole training step"] = _steps(steps) if steps else ()
    sections["Not timed"] = refused
    page = [f"# Loss kernels on {_name(document)}", "", f"    {command}", "", *_machine(document), ""]
    for title, content in sections.items():
        if lines := list(content):
            page += [f"## {title}", "", *lines, ""]
    return "\n".join(page)


def _name(document: Mapping[str, Any]) -> str:
    environment = document["environment"]
    return str(environment.get("gpu") or f"{environment.get('cpu')}, {document['threads']} thread(s)")


def _machine(document: Mapping[str, Any]) -> Iterator[str]:
    environment, ceilings = document["environment"], document["ceilings"]
    versions = ("python", "torch", "triton", "pytorch-msssim", "piq", "torchmetrics")
    yield ", ".join(f"{name} {environment[name]}" for name in versions if environment.get(name)) + "."
    yield (
        f"Ceilings of the same run: copy {ceilings['copy'] / 1e9:.1f} GB/s, triad {ceilings['triad'] / 1e9:.1f}, read "
        f"{ceilings['read'] / 1e9:.1f}; products {ceilings['flops'] / 1e9:.0f} GFLOP/s; cache "
        f"{ceilings['cache'] / (1 << 20):.0f} MiB."
    )
    yield (
        f"Work is {document['device_time']}, call the wall clock; inputs are cold. Ratios are paired in rounds, with "
        "the 95 % interval of their median; *eager again* is eager against itself. Bytes: how many times "
        "the least bytes eager moves. At most: eager's time over the floor of the roofline, which no form can exceed."
    )


def _fields(row: Row) -> Sequence[str]:
    cold = row["median"]["cold"]
    return (
        f"{row['kernel']} {row['shape']}" + ("" if row["dtype"] == "float32" else f" {row['dtype']}"),
        f"*{row['backend']}*" if row["backend"] == CONTROL else row["backend"],
        f"{1e3 * cold['device']:.3g} ms",
        f"{1e3 * cold['call']:.3g} ms",
        times_as_fast(primary_ratio(row)),
        f"{row['bytes_over_least']:.1f}",
        f"{row['max_possible']:.1f}",
        f"{100 * row['roofline']:.0f} %",
        row["verdict"],
    )


def _over_peer(row: Row) -> Sequence[str]:
    named = f"{row['kernel']} {row['shape']}, {row['direction']}"
    return named, row["backend"], row["fastest_peer"], times_as_fast(row["over_fastest_peer"])


def _steps(rows: Sequence[Row]) -> Iterator[str]:
    parts = [f"{part} %" for part in rows[0]["split"]]
    fields = (
        (
            row["backend"],
            row["shape"],
            f"{row['images_a_second']['device']:.1f}",
            times_as_fast(primary_ratio(row)),
            *(f"{100 * seconds / sum(row['split'].values()):.0f}" for seconds in row["split"].values()),
        )
        for row in rows
    )
    yield from _table(("variant", "batch", "images a second (work)", "times as fast", *parts), fields)


def _reason(row: Row) -> str:
    return f"- {row['kernel']} {row['shape']}, {row['direction']}, {row['backend']}: {row['status']}, {row['reason']}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
