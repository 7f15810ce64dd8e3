"""The curves of one adversarial loss: value and gradient of both players over the logit."""

from __future__ import annotations

from pathlib import Path

FORMATS = (".svg", ".png", ".pdf")


def draw(name: str, path: Path) -> None:
    """Draws the curves of an adversarial loss with its default options into a file.

    Raises:
        ValueError: for a file name that ends in no known format.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: the figure can be {', '.join(FORMATS)}, not {path.suffix or 'without an ending'}")
    from matplotlib.figure import Figure

    from ablate.losses.card import curves
    from ablate.report.svg import SERIES, drawing

    shown = curves(name)
    with drawing(name):
        figure = Figure(figsize=(8.4, 3.2), layout="constrained", facecolor="white")
        for axes, columns, title in zip(
            figure.subplots(1, 2), (shown.values, shown.gradients), ("loss", "gradient"), strict=True
        ):
            for (player, values), (colour, _), style in zip(columns.items(), SERIES, ("-", "--", "-"), strict=False):
                width = 2.2 if player == "generator" else 1.4
                axes.plot(shown.logit, values, style, color=colour, linewidth=width, label=player)
            axes.set(title=f"{name}: {title}", xlabel="logit, the other one at 0")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        figure.savefig(path, dpi=160)
