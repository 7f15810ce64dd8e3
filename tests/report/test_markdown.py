from __future__ import annotations

import re
from xml.etree import ElementTree

from PIL import Image

from ablate.report.document import Code, Column, Document, Section, Span, Table, Text, Value
from ablate.report.markdown import FOLDED, escaped, to_markdown
from tests.report.conftest import HOSTILE, Written


def document(*blocks: object) -> Document:
    return Document("title", "subtitle", (Section("a", "A", blocks),))  # type: ignore[arg-type]


def test_every_file_it_shows_exists_and_can_be_opened(written: Written) -> None:
    links = re.findall(r"!\[[^\n]*?\]\(([^)]+)\)", written.markdown)
    figures = written.report.markdown.parent / "figures"
    assert sorted(links) == sorted(f"figures/{path.name}" for path in figures.iterdir())
    for link in links:
        path = written.report.markdown.parent / link
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
        else:
            with Image.open(path) as image:
                image.verify()


def test_names_from_a_grid_are_text(written: Written) -> None:
    # In a code span or a fence a tag is text as it stands.
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", written.markdown, flags=re.DOTALL | re.MULTILINE)
    assert HOSTILE not in prose
    assert r"\<script\>alert" in written.markdown


def test_every_row_of_a_table_has_as_many_fields_as_its_head(written: Written) -> None:
    widths = None
    for line in written.markdown.splitlines():
        if not line.startswith("|"):
            widths = None
            continue
        fields = len(re.findall(r"(?<!\\)\|", line))
        assert widths in (None, fields), line
        widths = fields


def test_markup_in_words_is_escaped() -> None:
    assert escaped("a|b *c* _d_ <e> `f`") == r"a\|b \*c\* \_d\_ \<e\> \`f\`"


def test_what_html_would_take_for_a_letter_is_escaped() -> None:
    assert escaped("&amp; &#38; R&D & more") == r"\&amp; \&\#38; R&D & more"


def test_one_row_is_no_rows() -> None:
    table = Table("t", "T", (Column("n"),), ((Value("1"),),), folded=True)
    assert "T (1 row)</summary>" in to_markdown(document(table))


def test_emphasis_ends_before_a_space() -> None:
    assert "**Few seeds:** cannot" in to_markdown(document(Text((Span("Few seeds: ", "strong"), Span("cannot")))))


def test_a_long_table_is_folded_away() -> None:
    rows = tuple((Value(str(number)),) for number in range(FOLDED + 1))
    assert "<details>" in to_markdown(document(Table("t", "T", (Column("n"),), rows)))
    assert "<details>" not in to_markdown(document(Table("t", "T", (Column("n"),), rows[:FOLDED])))


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    assert "````\n```\n````" in to_markdown(document(Code("grid", "```")))
