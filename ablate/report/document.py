"""A report as data: sections of blocks that both the HTML and the Markdown writer render, and the numbers in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Tone = Literal["plain", "best", "bad", "muted"]
"""How a field of a table is set off."""


@dataclass(frozen=True)
class Span:
    """A run of words in one style."""

    text: str
    style: Literal["plain", "strong", "code"] = "plain"


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    spans: tuple[Span, ...]
    kind: Literal["lead", "plain", "note", "warning"] = "plain"

    @property
    def plain(self) -> str:
        """The words without their style."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True)
class Items:
    """A list of sentences under a title."""

    title: str
    items: tuple[Text, ...]


@dataclass(frozen=True)
class Card:
    """One figure to take away, large, with the sentences that qualify it."""

    title: str
    value: str
    unit: str = ""
    name: str = ""
    lines: tuple[str, ...] = ()
    tone: Literal["plain", "good", "bad"] = "plain"


@dataclass(frozen=True)
class Cards:
    """Cards in a row."""

    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    unit: str = ""
    numeric: bool = True
    hint: str = ""

    @property
    def heading(self) -> str:
        """Its title with its unit, on one line."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True)
class Value:
    """One field of a table: its text, a muted second line, and what it sorts by (None sorts last).

    Where that is a number it is the text's in full, in the unit of the column: CSV has it.
    """

    text: str
    below: str = ""
    sort: float | str | None = None
    tone: Tone = "plain"
    code: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under columns; a long one is folded away in Markdown and scrolls in HTML, a `folded` one opens on demand."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    caption: str = ""
    filterable: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing with the words that stand for it and the words below it."""

    name: str
    svg: str
    alternative: str
    caption: str
    file: bytes = b""
    """Of a figure that was drawn for a paper; it has no `svg`."""


@dataclass(frozen=True)
class Code:
    """Verbatim text."""

    title: str
    text: str
    folded: bool = False


@dataclass(frozen=True)
class Tile:
    """One arm's view of an image: a PNG, or the reason why there is none."""

    name: str
    lines: tuple[str, ...]
    png: bytes | None
    missing: str = ""
    baseline: bool = False


@dataclass(frozen=True)
class ComparedImage:
    """One test image: whole views scaled down, and equal crops of the original and of every arm.

    `box` is the crop as left, top, width, height in parts of the whole image.
    """

    image: str
    rule: str
    box: tuple[float, float, float, float]
    crop: tuple[int, int]
    whole: tuple[Tile, ...]
    original: Tile
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Gallery:
    """Images side by side; the page colours errors by `error_stops`, from none to `error_reach` of 255."""

    name: str
    images: tuple[ComparedImage, ...]
    caption: str
    error_stops: tuple[tuple[int, int, int], ...]
    error_reach: int


Block = Text | Items | Cards | Table | Figure | Code | Gallery
Kind = TypeVar("Kind", Text, Items, Cards, Table, Figure, Code, Gallery)


@dataclass(frozen=True)
class Section:
    """A titled part of the report; `numbers` is everything in it that a program might read.

    One with a summary is folded: a reader sees its title and that line, and opens it.
    """

    id: str
    title: str
    blocks: tuple[Block, ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)
    short: str = ""
    summary: str = ""


@dataclass(frozen=True)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    kind: str = "Ablation report"
    refresh: int = 0
    """After how many seconds the page loads itself anew; 0 for never."""

    def blocks(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """Returns every block of a kind in order."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, kind))


def text(*spans: Span | str, kind: Literal["lead", "plain", "note", "warning"] = "plain") -> Text:
    """Returns a paragraph of spans; bare strings are plain words."""
    return Text(tuple(span if isinstance(span, Span) else Span(span) for span in spans), kind)


def strong(words: str) -> Span:
    """Returns words to stress."""
    return Span(words, "strong")


def code(words: str) -> Span:
    """Returns words set as code."""
    return Span(words, "code")
