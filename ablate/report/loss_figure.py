"""The curves of one adversarial loss: value and gradient of both players over the logit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".svg", ".png", ".pdf")


def draw(name: str, path: Path) -> None:
    """Draws the curves of an adversarial loss with its default options into a file.

    Raises:
        ValueError: for a file name that ends in no known format.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: the figure can be {', '.join(FORMATS)}, not {path.suffix or 'without an ending'}")
    from ablate.report.svg import drawing

    with drawing(name):
        _curves(name).savefig(path, dpi=160, facecolor="white")


def svg(name: str) -> str:
    """Returns the curves of an adversarial loss as an SVG file that follows the reader's light or dark."""
    from ablate.report.svg import drawing, standalone, to_svg

    with drawing(name):
        return standalone(to_svg(_curves(name)))


def _curves(name: str) -> Figure:
    from matplotlib.figure import Figure

    from ablate.losses.card import curves
    from ablate.report.svg import SERIES

    shown = curves(name)
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    for axes, columns, title in zip(
        figure.subplots(1, 2), (shown.values, shown.gradients), ("loss", "gradient"), strict=True
    ):
        for (player, values), (colour, _), style in zip(columns.items(), SERIES, ("-", "--", "-"), strict=False):
            width = 2.2 if player == "generator" else 1.4
            axes.plot(shown.logit, values, style, color=colour, linewidth=width, label=player)
        axes.set(title=f"{name}: {title}", xlabel="logit, the other one at 0")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
