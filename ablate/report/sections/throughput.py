"""Speed of the loss kernels: ratios to eager, shares of the roofline, throughput over size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ablate.bench.names import CONTROL, FORWARD, TRAINING_STEP, primary_ratio, times_as_fast
from ablate.bench.record import newest
from ablate.report.document import Block, Table, Tone, Value, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import plural
from ablate.report.sections.section import Content, section
from ablate.report.sections.throughput_figures import Row, over_size, sized, standing
from ablate.report.tables import Field, numbers, table, words

TONES: Mapping[str, Tone] = {"faster": "best", "slower": "bad", "ambiguous": "muted"}


@section(
    "throughput", "Throughput of the loss kernels", "Throughput", summary="How fast losses were computed, by which code"
)
def throughput(evidence: Evidence) -> Content:
    """Returns what `ablate bench` measured last of each kernel under the same results directory; else nothing."""
    rows = newest(evidence.store.root)
    measured = [row for row in rows if row["status"] == "measured"]
    if not measured:
        return (), {"rows": []}
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
    return blocks, {"rows": plain}


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

    def share(part: str) -> Field[Row]:
        return numbers(part, lambda row: 100 * row["split"][part] / sum(row["split"].values()), "%")

    return table(
        "training-step", "The whole training step", rows,
        words("variant", lambda row: str(row["backend"])),
        words("batch", lambda row: str(row["shape"])),
        numbers("images per second", lambda row: row["images_a_second"]["call"], decimals=1),
        numbers("times as fast", _ratio),
        *map(share, parts),
        caption="One step of both players; a part's share has its forward and backward pass, losses all that is "
        "between parts.",
    )  # fmt: skip


def _table(rows: Sequence[Row]) -> Table:
    def timed(of: Callable[[Row], float | Value | None]) -> Callable[[Row], float | Value | None]:
        return lambda row: of(row) if row["status"] == "measured" else None

    def milliseconds(row: Row, of: str) -> Value:
        value = 1e3 * row["median"]["cold"][of]
        return Value(f"{value:.3g}", sort=value)

    return table(
        "throughput", "Every backend", rows,
        words("kernel", lambda row: Value(row["kernel"], row["direction"])),
        words("shape", lambda row: Value(row["shape"], row["dtype"])),
        words("backend", lambda row: Value(row["backend"], row.get("peer") or "")),
        numbers("work", timed(lambda row: milliseconds(row, "device")), "ms",
                "of the device; processor time on a CPU"),
        numbers("call", timed(lambda row: milliseconds(row, "call")), "ms", "wall clock, as the caller waits"),
        numbers("times as fast", timed(_ratio)),
        numbers("at most", timed(lambda row: row["max_possible"]), decimals=1,
                hint="eager's time over the floor of the roofline, which no form can exceed"),
        numbers("roofline", timed(lambda row: 100 * row["roofline"]), "%"),
        words("verdict", _verdict),
        caption="Inputs cold: not in any cache. Who is not timed is listed with the reason.",
    )  # fmt: skip


def _ratio(row: Row) -> Value:
    ratio = primary_ratio(row)
    return Value(times_as_fast(ratio), sort=ratio[0])


def _verdict(row: Row) -> Value:
    if row["status"] != "measured":
        return Value(row["status"], row["reason"], tone="bad")
    return Value(row["verdict"], tone=TONES.get(row["verdict"], "plain"))


def _device(row: Row) -> str:
    return f"{row['device']} with {plural(row['threads'], 'thread')}" if row["device"] == "cpu" else str(row["device"])
