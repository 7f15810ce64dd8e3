"""Writes a report as Markdown that reads well on a code host, its drawings and images beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ablate.report.document import (
    Cards,
    Code,
    Column,
    Document,
    Figure,
    Gallery,
    Items,
    Section,
    Table,
    Text,
    Value,
)
from ablate.report.numbers import plural

FOLDED = 40
"""Rows from which a table is folded away."""


def to_markdown(document: Document) -> str:
    """Returns the text; it refers to the files that `figure_path` and `image_path` name."""
    lines = [f"# {escaped(document.title)}", "", escaped(document.subtitle), ""]
    for section in document.sections:
        lines += _section(section)
    return "\n".join(lines).rstrip() + "\n"


def figure_path(figure: Figure) -> str:
    """Returns where a drawing lies, seen from the Markdown file."""
    return f"figures/{figure.name}.svg"


def image_path(gallery: Gallery, number: int) -> str:
    """Returns where the contact sheet of a gallery's image lies, counted from 1."""
    return f"figures/{gallery.name}-{number}.webp"


def escaped(words: str) -> str:
    """Returns words that no Markdown reader takes for markup or for HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$!]|&(?=#?\w+;))", r"\\\1", words.replace("\n", " "))


def _section(section: Section) -> Iterator[str]:
    if section.summary:
        yield from (f"<details><summary><b>{_html(section.title)}</b>: {_html(section.summary)}</summary>", "")
    yield from (f"## {section.title}", "")
    for block in section.blocks:
        match block:
            case Text():
                yield from (("> " if block.kind in ("warning", "note") else "") + _words(block), "")
            case Items():
                yield from (f"### {block.title}", "", *(f"- {_words(item)}" for item in block.items), "")
            case Cards():
                yield from _cards(block)
            case Table():
                yield from _table(block)
            case Figure():
                yield from (
                    f"![{escaped(block.alternative)}]({figure_path(block)})",
                    "",
                    f"*{escaped(block.caption)}*",
                    "",
                )
            case Code():
                yield from _code(block)
            case Gallery():
                yield from _gallery(block)
    if section.summary:
        yield from ("</details>", "")


def _words(text: Text) -> str:
    marks = {"plain": "", "strong": "**", "code": "`"}
    # Inside a code span nothing is markup but the backtick.
    return "".join(
        f"`` {span.text} ``" if span.style == "code" and "`" in span.text
        else f"`{span.text}`" if span.style == "code"
        else f"{marks[span.style]}{_edges(escaped(span.text), marks[span.style])}"
        for span in text.spans
    )  # fmt: skip


def _edges(words: str, mark: str) -> str:
    """Closes an emphasis before trailing space, where Markdown would not see its end."""
    bare = words.rstrip()
    return f"{bare}{mark}{words[len(bare) :]}"


def _cards(cards: Cards) -> Iterator[str]:
    plain = [card for card in cards.cards if not card.lines]
    if plain:
        yield from _grid(
            [Column(card.title) for card in plain], [[Value(f"{c.value} {c.unit}".strip(), c.name) for c in plain]]
        )
        yield ""
    for card in cards.cards:
        if card.lines:
            value = escaped(f"{card.value} {card.unit}".strip())
            yield f"**{escaped(card.title)}: {value}**, {escaped(card.name)}  "
            yield from (f"{escaped(line)}  " for line in card.lines)
            yield ""


def _table(table: Table) -> Iterator[str]:
    folded = table.folded or len(table.rows) > FOLDED
    if folded:
        yield from (f"<details><summary>{_html(table.title)} ({plural(len(table.rows), 'row')})</summary>", "")
    else:
        yield from (f"### {escaped(table.title)}", "")
    yield from _grid(table.columns, table.rows)
    yield ""
    if table.caption:
        yield from (f"*{escaped(table.caption)}*".replace(" Click a heading to sort.", ""), "")
    if folded:
        yield from ("</details>", "")


def _grid(columns: Sequence[Column], rows: Sequence[Sequence[Value]]) -> Iterator[str]:
    yield f"| {' | '.join(escaped(column.heading) for column in columns)} |"
    yield f"|{'|'.join(' ---: ' if column.numeric else ' :--- ' for column in columns)}|"
    for row in rows:
        yield f"| {' | '.join(_value(value) for value in row)} |"


def _value(value: Value) -> str:
    if value.code:
        return f"`{value.text}`"
    written = escaped(value.text)
    if value.tone == "best":
        written = f"**{written}**"
    return f"{written}<br>{escaped(value.below)}" if value.below else written


def _code(code: Code) -> Iterator[str]:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code.text)), default=0))
    block = (fence, code.text.rstrip("\n"), fence, "")
    if code.folded:
        yield from (f"<details><summary>{_html(code.title)}</summary>", "", *block, "</details>", "")
    else:
        yield from (f"### {escaped(code.title)}", "", *block)


def _gallery(gallery: Gallery) -> Iterator[str]:
    for number, image in enumerate(gallery.images, start=1):
        yield from (f"### {escaped(image.image)}", "", f"{escaped(image.rule)}", "")
        yield from (f"![{escaped(image.image)}: original and every arm]({image_path(gallery, number)})", "")


def _html(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
