"""Drawings of what the bench measured: ratios to eager beside the roofline, and throughput over size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.bench.names import BASELINE, FORWARD, primary_ratio, times_as_fast
from ablate.report.document import Figure
from ablate.report.svg import MUTED, SERIES, drawing, markers, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas

Row = Mapping[str, Any]
SIZES = 2
"""Shapes of a kernel from which on its throughput is drawn over size."""

PANELS = 4
"""Kernels side by side in the drawing over size."""


def standing(rows: Sequence[Row], backends: Sequence[str]) -> Figure:
    """Draws each kernel's backends by ratio and by share of the roofline, at one shape a kernel."""
    cases = list(dict.fromkeys((row["kernel"], row["shape"], row["device"]) for row in rows))
    looks = _looks(backends)
    with drawing("throughput"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 1.3 + 0.36 * len(cases)), layout="constrained")
        ratios, roofs = canvas.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        titles: dict[str, str] = {}
        for place, case in enumerate(cases):
            of_case = [row for row in rows if (row["kernel"], row["shape"], row["device"]) == case]
            titles |= _case(ratios, roofs, place, of_case, looks)
        _dress(ratios, roofs, [f"{kernel}  {shape}" for kernel, shape, _ in cases])
        drawn = {row["backend"] for row in rows}
        _legend(canvas, {backend: looks[backend] for backend in backends if backend in drawn})
        svg = to_svg(canvas, titles)
    caption = (
        "Left: how many times as fast as eager, with the 95 % interval of the rounds' median; shaded, by how much "
        "eager differs from itself; the grey bar is the most that any form could reach. Right: the share of the "
        "roofline. Rest the pointer on a point for its numbers."
    )
    return Figure("throughput", svg, "Ratio to eager and share of the roofline of each kernel and backend", caption)


def _case(
    ratios: Axes, roofs: Axes, place: int, rows: Sequence[Row], looks: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """Draws a kernel's line in both panels; returns what each point is called."""
    titles = {}
    noise, most = rows[0]["noise"], rows[0]["max_possible"]
    if noise is not None:
        ratios.fill_betweenx(
            [place - 0.4, place + 0.4], 1 / (1 + noise), 1 + noise, color=MUTED, alpha=0.16, linewidth=0
        )
    ratios.plot([most, most], [place - 0.28, place + 0.28], color=MUTED, linewidth=2.5, solid_capstyle="butt")
    for number, row in enumerate(rows):
        colour, marker = looks[row["backend"]]
        median, low, high = primary_ratio(row)
        above = place + 0.5 * ((number + 0.5) / len(rows) - 0.5)
        if low is not None and row["backend"] != BASELINE:
            ratios.hlines(above, low, high, color=colour, linewidth=1.4)
        for panel, x, part in ((ratios, median, "ratio"), (roofs, 100 * row["roofline"], "roofline")):
            (artist,) = panel.plot(x, above, marker, color=colour, markersize=5.5, markeredgewidth=0, zorder=4)
            group = f"{part}-{place}-{number}"
            artist.set_gid(group)
            titles[group] = (
                f"{row['kernel']}, {row['backend']}: {times_as_fast(primary_ratio(row))}, {row['verdict']}, "
                f"{100 * row['roofline']:.0f} % of the roofline"
            )
    return titles


def _dress(ratios: Axes, roofs: Axes, names: Sequence[str]) -> None:
    ratios.axvline(1, color=MUTED, linewidth=1)
    ratios.set_xscale("log", base=2)
    _plain_numbers(ratios.xaxis, base=2)
    ratios.set(title="times as fast as eager", xlabel="right is faster")
    roofs.set(title="share of the roofline (%)", xlabel="right is nearer to what the machine can do", xlim=(0, 105))
    ratios.set_yticks(range(len(names)), names)
    ratios.set_ylim(len(names) - 0.4, -0.6)
    for panel in (ratios, roofs):
        panel.grid(False, axis="y")


def _plain_numbers(axis: Axis, base: int) -> None:
    """Labels a few powers of a logarithmic axis as they are spoken."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=base, numticks=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def sized(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Returns the rows of kernels that were measured at several shapes, the largest number of shapes first."""
    kernels: dict[str, list[Row]] = {}
    for row in rows:
        if row["direction"] != FORWARD and row["dtype"] == "float32":
            kernels.setdefault(row["kernel"], []).append(row)
    sized = {name: of for name, of in kernels.items() if len({row["shape"] for row in of}) >= SIZES}
    ranked = sorted(sized, key=lambda name: -len({row["shape"] for row in sized[name]}))[:PANELS]
    return {name: sized[name] for name in ranked}


def over_size(kernels: Mapping[str, Sequence[Row]], backends: Sequence[str]) -> Figure:
    """Draws bytes a second of each kernel's backends over the least traffic."""
    looks = _looks(backends)
    with drawing("throughput-size"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 3.6), layout="constrained")
        panels = canvas.subplots(1, len(kernels), squeeze=False, sharey=True)[0]
        for panel, (name, rows) in zip(panels, kernels.items(), strict=True):
            for backend in dict.fromkeys(row["backend"] for row in rows):
                line = sorted((row["least_bytes"], row["bytes_a_second"]) for row in rows if row["backend"] == backend)
                colour, marker = looks[backend]
                panel.plot([x / 1e6 for x, _ in line], [y / 1e9 for _, y in line], marker=marker, color=colour,
                           markersize=5, markeredgewidth=0)  # fmt: skip
            ceiling = max(row["ceilings"]["copy"] for row in rows) / 1e9
            panel.axhline(ceiling, color=MUTED, linewidth=1, linestyle="--")
            panel.set(title=name, xlabel="least traffic (MB)", xscale="log", yscale="log")
            for axis in (panel.xaxis, panel.yaxis):
                _plain_numbers(axis, base=10)
        panels[0].set_ylabel("GB/s")
        drawn = {row["backend"] for rows in kernels.values() for row in rows}
        _legend(canvas, {backend: looks[backend] for backend in backends if backend in drawn})
        svg = to_svg(canvas)
    caption = "The least traffic of a kernel over its time, by size; dashed, a copy of a large tensor in the same run."
    return Figure("throughput-size", svg, "Throughput of the kernels over the size of their inputs", caption)


def _looks(backends: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Returns colour and marker of each backend; eager is grey."""
    others = [backend for backend in backends if backend != BASELINE]
    shapes = markers(others)
    palette = {name: SERIES[index % (len(SERIES) - 1)][0] for index, name in enumerate(others)}
    return {BASELINE: (SERIES[7][0], "o"), **{name: (palette[name], shapes[name]) for name in others}}


def _legend(canvas: Canvas, looks: Mapping[str, tuple[str, str]]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=6, markeredgewidth=0, label=backend)
        for backend, (colour, marker) in looks.items()
    ]
    canvas.legend(handles=handles, loc="outside lower left", ncols=min(len(handles), 6), alignment="left")
