"""One visual language for all drawings: theme, colours and markers, and SVG that follows the page's light or dark."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette without black and yellow, which vanish on dark and light; the purple and sky are darkened
# until each has 3:1 against white. The second of each pair is for dark backgrounds.
SERIES = (
    ("#0072b2", "#56b0ea"),
    ("#d55e00", "#ff914d"),
    ("#009e73", "#35c79c"),
    ("#b3559c", "#e79fd2"),
    ("#c08a00", "#edbb45"),
    ("#3c93c8", "#9bd3f7"),
    ("#7d5a3c", "#c79f7e"),
    ("#6e7781", "#a4adb7"),
)
# seaborn's crest, from 3:1 against white on, for levels that have an order; on dark backgrounds its mako.
RAMP = (
    ("#54a08c", "#3483a5"),
    ("#46968f", "#3492a8"),
    ("#38898e", "#36a2ab"),
    ("#297b8c", "#3cb2ad"),
    ("#1e6e8a", "#4bc2ad"),
    ("#1d6087", "#65d0ad"),
    ("#235082", "#8edbb3"),
    ("#29417a", "#b2e4c2"),
    ("#2c3172", "#d0efd9"),
)
INK, MUTED, RULE, CARD = "#1f2328", "#59636e", "#d5dbe1", "#fffffe"
DARK = {INK: "#e6e9ed", MUTED: "#9aa4b0", RULE: "#343b44", CARD: "#14181e"}
HUES = len(SERIES) - 1
"""Hues that stand for names; the last of the series is grey."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINE_STYLES = ("-", "--", ":", "-.")
"""In the order of levels, beside colours."""
Fill = Literal["full", "none", "left", "top"]
FILLS: tuple[Fill, ...] = get_args(Fill)
"""How markers are filled each time that the hues begin again."""

VARIABLES = {
    **{light: f"--series-{index}" for index, (light, _) in enumerate(SERIES)},
    **{light: f"--ramp-{index}" for index, (light, _) in enumerate(RAMP)},
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    CARD: "--card",
}
"""Colours written by matplotlib -> the custom property of the page that takes their place."""

RC = {
    "axes.edgecolor": RULE, "axes.labelcolor": MUTED, "axes.titlecolor": INK, "axes.facecolor": "none",
    "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 9.5, "axes.titley": 1.0, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "figure.facecolor": "none", "font.family": "DejaVu Sans", "font.size": 9, "grid.color": RULE,
    "grid.linewidth": 0.6, "legend.frameon": False, "legend.fontsize": 8.5, "legend.title_fontsize": 8.5,
    "lines.linewidth": 1.4, "savefig.facecolor": "none", "svg.fonttype": "none", "text.color": INK,
    "text.parse_math": False, "xtick.color": RULE, "xtick.labelcolor": MUTED, "xtick.labelsize": 8.5,
    "ytick.color": RULE, "ytick.labelcolor": MUTED, "ytick.labelsize": 8.5,
}  # fmt: skip


@contextmanager
def drawing(name: str, letters: float = 1.0, options: Mapping[str, Any] = MappingProxyType({})) -> Iterator[None]:
    """Sets the theme for the block.

    Args:
        name: keeps the ids of one drawing apart from another's on the same page.
        letters: scales all sizes of text.
        options: further settings of matplotlib.
    """
    import matplotlib
    import seaborn

    with warnings.catch_warnings(), matplotlib.rc_context():
        # The text stays text, and the reader's own fonts draw what DejaVu lacks.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        sizes = {
            key: letters * value for key, value in RC.items() if key.endswith("size") and isinstance(value, float | int)
        }
        seaborn.set_theme(style="whitegrid", rc={**RC, **sizes, "svg.hashsalt": name, **options})
        yield


def arrange(canvas: Figure, left: float, right: float, top: float, bottom: float, across: float, down: float) -> None:
    """Sets the margins of a grid of panels and the gaps between them, in inches.

    A layout that measures every label takes as long as the drawing itself where panels are many.
    """
    width, height = canvas.get_size_inches()
    grid = canvas.axes[0].get_gridspec()
    assert grid is not None, "panels come from canvas.subplots"
    panel_width = (width - left - right - across * (grid.ncols - 1)) / grid.ncols
    panel_height = (height - top - bottom - down * (grid.nrows - 1)) / grid.nrows
    canvas.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        top=1 - top / height,
        bottom=bottom / height,
        wspace=across / panel_width,
        hspace=down / panel_height,
    )


def colours(levels: Sequence[str], ordered: bool) -> dict[str, str]:
    """Returns a colour for each level: hues for names, and one ramp for numbers.

    Hues begin again where names are many; fills, markers or line styles tell such levels apart (`rounds`).
    """
    if not ordered:
        return {level: SERIES[index % HUES][0] for index, level in enumerate(levels)}
    last = len(RAMP) - 1
    return {level: RAMP[round(index * last / max(1, len(levels) - 1))][0] for index, level in enumerate(levels)}


def rounds(levels: Sequence[str], ordered: bool) -> dict[str, int]:
    """Returns for each level how often `colours` has gone through the hues before it; the ramp has no rounds."""
    return {level: 0 if ordered else index // HUES for index, level in enumerate(levels)}


def markers(levels: Sequence[str]) -> dict[str, str]:
    """Returns a marker for each level; they repeat when there are more levels than shapes."""
    return {level: MARKERS[index % len(MARKERS)] for index, level in enumerate(levels)}


def to_svg(figure: Figure, titles: Mapping[str, str] | None = None) -> str:
    """Returns the drawing as an SVG element whose colours are custom properties.

    Args:
        figure: a matplotlib figure.
        titles: group id -> words that show when the pointer rests on the group.
    """
    # As matplotlib writes it, without what says when and by what it was written, and without a size of its own.
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    # The page chooses between light and dark.
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    # Two drawings on one page must not share ids; those that nothing refers to go.
    kept = set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', svg))
    titles = titles or {}

    def identify(match: re.Match[str]) -> str:
        name = match[1]
        if name in titles:
            return f'<g class="point"><title>{escape(titles[name])}</title>'
        return match[0] if name in kept else "<g>"

    svg = re.sub(r'<g id="([^"]+)">', identify, svg)
    # The page chooses the font.
    svg = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"font: (?:bold|700) ([0-9.]+)px [^;\"]*", r"font-weight: 600; font-size: \1px", svg)
    return re.sub(r"\n\s*", "\n", svg).strip()


def properties(dark: bool) -> str:
    """Returns the custom properties that drawings refer to, as CSS declarations for a light or a dark page."""
    values = {VARIABLES[light]: (DARK[light] if dark else light) for light in DARK}
    values |= {f"--series-{index}": pair[dark] for index, pair in enumerate(SERIES)}
    values |= {f"--ramp-{index}": pair[dark] for index, pair in enumerate(RAMP)}
    return "".join(f"{variable}:{colour};" for variable, colour in values.items())


def standalone(svg: str) -> str:
    """Returns a drawing as a file of its own: with its own colours for light and dark, on a card of its own."""
    style = (
        f"<style>svg{{{properties(dark=False)}font-family:system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}}"
        f"@media (prefers-color-scheme:dark){{svg{{{properties(dark=True)}}}}}</style>"
        '<rect width="100%" height="100%" style="fill:var(--card)"/>'
    )
    end = svg.index(">") + 1
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg[:end]}{style}{svg[end:]}\n'
