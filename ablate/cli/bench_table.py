"""The tables that `ablate bench` prints of a case: its backends, and why others were not timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ablate.bench.ceilings import Ceilings


def lines(title: str, rows: Sequence[Mapping[str, Any]], ceilings: Ceilings) -> Iterator[str]:
    """Yields the lines of a case: its least work, the backends timed, the parts of a step, the backends not timed."""
    from ablate.cli.terminal import columns, paint

    measured = [row for row in rows if row["status"] == "measured"]
    yield paint(title, "title")
    if measured:
        yield _about(measured[0], ceilings)
        header = ("backend", *(("work", "call", "warm") if _warm(measured) else ("work", "call")), "times as fast")
        shown = [_row(row, _warm(measured)) for row in measured]
        yield from columns((*header, "at most", "verdict", "roofline"), shown)
    yield from _over_peers(measured)
    if any(row.get("split") for row in measured):
        yield from _split(measured)
    for status, reason, names in _told(rows):
        yield f"{paint(status, 'failed') if status in ('failed', 'error') else status}: {', '.join(names)}: {reason}"


def _about(row: Mapping[str, Any], ceilings: Ceilings) -> str:
    from ablate.bench.case import Work

    floor = ceilings.floor(Work(row["least_bytes"], row["least_flops"]))
    noise = "unknown" if row["noise"] is None else f"{100 * row['noise']:.1f} %"
    least = f"{row['least_bytes'] / 1e6:.3g} MB" if row["least_bytes"] else f"{row['least_flops'] / 1e9:.3g} GFLOP"
    over = f", {row['bytes_over_least']:.1f} times that," if row["bytes_over_least"] else ""
    said = f"least work {least}, {_time(floor)}; eager moves {row['eager_bytes'] / 1e6:.3g} MB"
    said += f"{over} in {row['eager_launches']} operations; noise {noise}; {row['rounds']} rounds, ended by "
    return said + {"precise": "precision", "rounds": "number", "budget": "time"}.get(row["ended"], row["ended"])


def _row(row: Mapping[str, Any], warm: bool) -> tuple[str, ...]:
    from ablate.bench.names import primary_ratio, times_as_fast

    cold = row["median"]["cold"]
    times = [cold["device"], cold["call"]] + ([row["median"]["warm"][row["judged"]]] if warm else [])
    return (
        row["backend"],
        *map(_time, times),
        times_as_fast(primary_ratio(row)),
        f"{row['max_possible']:.1f}",
        row["verdict"],
        f"{100 * row['roofline']:.0f} %",
    )


def _over_peers(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields the ratio of this package's fastest backend to the fastest peer."""
    from ablate.bench.names import primary_ratio, times_as_fast

    compared = [row for row in rows if row.get("over_fastest_peer")]
    if compared:
        best = max(compared, key=lambda row: primary_ratio(row)[0])
        ratio = times_as_fast(best["over_fastest_peer"])
        yield f"{best['backend']} is {ratio} times as fast as {best['fastest_peer']}, the fastest peer"


def _split(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    from ablate.cli.terminal import columns

    split = [row for row in rows if row.get("split")]
    header = ("backend", "images/s", *split[0]["split"])
    yield from columns(
        header,
        [
            (
                row["backend"],
                f"{row['images_a_second'][row['judged']]:.1f}",
                *(f"{100 * part / sum(row['split'].values()):.0f} %" for part in row["split"].values()),
            )
            for row in split
        ],
    )


def _told(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, list[str]]]:
    """Yields status, reason and backends for each reason why some were not measured."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["status"] != "measured":
            reasons.setdefault((row["status"], row["reason"]), []).append(row["backend"])
    yield from ((status, reason, names) for (status, reason), names in reasons.items())


def _warm(rows: Sequence[Mapping[str, Any]]) -> bool:
    return all("warm" in row["median"] for row in rows)


def _time(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
