"""Drawings of what the bench measured: ratios to eager beside the roofline, and throughput over size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.bench.names import BASELINE, FORWARD, primary_ratio, times_as_fast
from ablate.report.document import Figure
from ablate.report.figures import Drawing, Style, band, draw, key, name_rows, plain_numbers
from ablate.report.svg import MUTED, SERIES, colours, markers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]
SIZES = 2
"""Shapes of a kernel from which on its throughput is drawn over size."""

PANELS = 4
"""Kernels side by side in the drawing over size."""


def standing(rows: Sequence[Row], backends: Sequence[str]) -> Figure:
    """Draws each kernel's backends by ratio and by share of the roofline, at one shape a kernel."""
    cases = list(dict.fromkeys((row["kernel"], row["shape"], row["device"]) for row in rows))
    styles = _styles(backends, rows)
    with draw("throughput", 1.3 + 0.36 * len(cases)) as drawn:
        ratios, roofs = drawn.panels(2, sharey=True, width_ratios=(3, 2))
        for place, case in enumerate(cases):
            of_case = [row for row in rows if (row["kernel"], row["shape"], row["device"]) == case]
            _case(drawn, (ratios, roofs), place, of_case, styles)
        ratios.axvline(1, color=MUTED, linewidth=1)
        ratios.set_xscale("log", base=2)
        plain_numbers(ratios.xaxis, base=2)
        ratios.set(title="times as fast as eager", xlabel="right is faster")
        roofs.set(title="share of the roofline (%)", xlabel="right is nearer to what the machine can do", xlim=(0, 105))
        for panel in (roofs, ratios):
            name_rows(panel, [f"{kernel}  {shape}" for kernel, shape, _ in cases])
        key(drawn.canvas, styles, most=6)
        return drawn.figure(
            "Ratio to eager and share of the roofline of each kernel and backend",
            "Left: how many times as fast as eager, with the 95 % interval of the rounds' median; shaded, by how much "
            "eager differs from itself; the grey bar is the most that any form could reach. Right: the share of the "
            "roofline. Rest the pointer on a point for its numbers.",
        )


def _case(
    drawn: Drawing, panels: tuple[Axes, Axes], place: int, rows: Sequence[Row], styles: Mapping[str, Style]
) -> None:
    """Draws a kernel's line in the panels of ratios and of the roofline."""
    ratios, roofs = panels
    noise, most = rows[0]["noise"], rows[0]["max_possible"]
    if noise is not None:
        band(ratios, place, 1 / (1 + noise), 1 + noise, half=0.4)
    ratios.plot([most, most], [place - 0.28, place + 0.28], color=MUTED, linewidth=2.5, solid_capstyle="butt")
    for number, row in enumerate(rows):
        style = styles[row["backend"]]
        median, low, high = primary_ratio(row)
        above = place + 0.5 * ((number + 0.5) / len(rows) - 0.5)
        if low is not None and row["backend"] != BASELINE:
            ratios.hlines(above, low, high, color=style.colour, linewidth=1.4)
        title = (
            f"{row['kernel']}, {row['backend']}: {times_as_fast(primary_ratio(row))}, {row['verdict']}, "
            f"{100 * row['roofline']:.0f} % of the roofline"
        )
        for panel, x in ((ratios, median), (roofs, 100 * row["roofline"])):
            drawn.point(panel, x, above, title, zorder=4, **style.drawn(5.5))


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
    styles = _styles(backends, [row for rows in kernels.values() for row in rows])
    with draw("throughput-size", 3.6) as drawn:
        panels = drawn.panels(len(kernels), sharey=True)
        for panel, (name, rows) in zip(panels, kernels.items(), strict=True):
            for backend in dict.fromkeys(row["backend"] for row in rows):
                line = sorted((row["least_bytes"], row["bytes_a_second"]) for row in rows if row["backend"] == backend)
                style = {**styles[backend].drawn(5), "linestyle": "-"}
                panel.plot(
                    [x / 1e6 for x, _ in line], [y / 1e9 for _, y in line], color=styles[backend].colour, **style
                )
            ceiling = max(row["ceilings"]["copy"] for row in rows) / 1e9
            panel.axhline(ceiling, color=MUTED, linewidth=1, linestyle="--")
            panel.set(title=name, xlabel="least traffic (MB)", xscale="log", yscale="log")
            for axis in (panel.xaxis, panel.yaxis):
                plain_numbers(axis)
        panels[0].set_ylabel("GB/s")
        key(drawn.canvas, styles, most=6)
        return drawn.figure(
            "Throughput of the kernels over the size of their inputs",
            "The least traffic of a kernel over its time, by size; dashed, a copy of a large tensor in the same run.",
        )


def _styles(backends: Sequence[str], rows: Sequence[Row]) -> dict[str, Style]:
    """Returns the style of each backend that is drawn, the same in every figure; eager is grey."""
    others = [backend for backend in backends if backend != BASELINE]
    palette, shapes = colours(others, ordered=False), markers(others)
    styles = {name: Style(palette[name], shapes[name]) for name in others} | {BASELINE: Style(SERIES[7][0])}
    drawn = {row["backend"] for row in rows}
    return {backend: styles[backend] for backend in backends if backend in drawn}
