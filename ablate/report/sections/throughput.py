"""How fast the losses are computed: ratios to eager, shares of the roofline, throughput over size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ablate.bench.names import CONTROL, FORWARD, TRAINING_STEP, primary_ratio, times_as_fast
from ablate.bench.record import newest
from ablate.report.document import Block, Column, Section, Table, Value, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, plural
from ablate.report.sections.throughput_figures import Row, over_size, sized, standing

TONES: Mapping[str, Literal["best", "bad", "muted"]] = {"faster": "best", "slower": "bad", "ambiguous": "muted"}


def throughput(evidence: Evidence) -> Section:
    """Returns what `ablate bench` measured last of each kernel under the same results directory; else nothing."""
    rows = newest(evidence.store.root)
    measured = [row for row in rows if row["status"] == "measured"]
    if not measured:
        return Section("throughput", "Throughput of the loss kernels", (), {"rows": []}, "Throughput")
    backends = list(dict.fromkeys(row["backend"] for row in measured if row["backend"] != CONTROL))
    kernels = [row for row in measured if row["kernel"] != TRAINING_STEP and row["backend"] != CONTROL]
    shown = _largest([row for row in kernels if row["direction"] != FORWARD] or kernels)
    blocks: list[Block] = [text(_how(measured))]
    if shown:
        blocks.append(standing(shown, backends))
    if sizes := sized(kernels):
        blocks.append(over_size(sizes, backends))
    steps = [row for row in measured if row["kernel"] == TRAINING_STEP]
    if steps:
        blocks.append(_steps(steps))
    others = [row for row in rows if row["backend"] != CONTROL]
    blocks.append(_table(sorted(others, key=lambda row: row["status"] != "measured")))
    plain = [{name: value for name, value in row.items() if name not in ("samples", "ceilings")} for row in rows]
    return Section("throughput", "Throughput of the loss kernels", tuple(blocks), {"rows": plain}, "Throughput")


def _how(rows: Sequence[Row]) -> str:
    devices = sorted({_device(row) for row in rows})
    noise = [row["noise"] for row in rows if row["noise"] is not None]
    spread = f" Eager differed from itself by up to {100 * max(noise):.0f} %." if noise else ""
    return (
        f"Measured by ablate bench on {', '.join(devices)}. A backend is timed only after it has agreed with float64 "
        "in the value and in every gradient. Times are paired: each round takes all backends in random order, and a "
        f"ratio is that of the same round.{spread} The roofline is the least traffic and arithmetic of a kernel at the "
        "bandwidth and the rate that were measured in the same run."
    )


def _largest(rows: Sequence[Row]) -> list[Row]:
    """Returns each kernel at the largest shape that it was measured at."""
    most: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["kernel"], row["device"])
        most[key] = max(most.get(key, 0), row["least_bytes"])
    return [row for row in rows if row["least_bytes"] == most[row["kernel"], row["device"]]]


def _steps(rows: Sequence[Row]) -> Table:
    """Returns images a second of the whole training step and where its time goes."""
    rows = [row for row in rows if row.get("split")]
    parts = list(rows[0]["split"]) if rows else []
    fields = []
    for row in rows:
        whole = sum(row["split"].values())
        images = row["images_a_second"]["call"]
        percent = (100 * row["split"][part] / whole for part in parts)
        shares = (Value(fixed(share, 0), sort=share) for share in percent)
        fields.append((Value(row["backend"]), Value(row["shape"]), Value(fixed(images, 1), sort=images),
                       Value(times_as_fast(primary_ratio(row)), sort=primary_ratio(row)[0]), *shares))  # fmt: skip
    columns = (Column("variant", numeric=False), Column("batch", numeric=False), Column("images per second"),
               Column("times as fast"), *(Column(part, "%") for part in parts))  # fmt: skip
    caption = (
        "One step of both players; a part's share has its forward and backward pass, losses all that is between parts."
    )
    return Table("training-step", "The whole training step", columns, tuple(fields), caption)


def _table(rows: Sequence[Row]) -> Table:
    columns = (
        Column("kernel", numeric=False), Column("shape", numeric=False), Column("backend", numeric=False),
        Column("work", "ms", hint="of the device; processor time on a CPU"),
        Column("call", "ms", hint="wall clock, as the caller waits"), Column("times as fast"),
        Column("at most", hint="eager's time over the floor of the roofline, which no form can exceed"),
        Column("roofline", "%"), Column("verdict", numeric=False),
    )  # fmt: skip
    caption = "Inputs cold: not in any cache. Who is not timed is listed with the reason."
    return Table("throughput", "Every backend", columns, tuple(map(_fields, rows)), caption, filterable=len(rows) > 20)


def _fields(row: Row) -> tuple[Value, ...]:
    named = (Value(row["kernel"], row["direction"]), Value(row["shape"], row["dtype"]),
             Value(row["backend"], row.get("peer") or ""))  # fmt: skip
    if row["status"] != "measured":
        return (*named, *(Value(NONE, tone="muted"),) * 5, Value(row["status"], row["reason"], tone="bad"))
    cold, ratio = row["median"]["cold"], primary_ratio(row)
    times = (Value(f"{1e3 * cold[of]:.3g}", sort=1e3 * cold[of]) for of in ("device", "call"))
    return (
        *named, *times, Value(times_as_fast(ratio), sort=ratio[0]),
        Value(fixed(row["max_possible"], 1), sort=row["max_possible"]),
        Value(fixed(100 * row["roofline"], 0), sort=100 * row["roofline"]),
        Value(row["verdict"], tone=TONES.get(row["verdict"], "plain")),
    )  # fmt: skip


def _device(row: Row) -> str:
    return f"{row['device']} with {plural(row['threads'], 'thread')}" if row["device"] == "cpu" else str(row["device"])
